//! Which files a trace consists of: one, those of a directory, or those that a pattern names.

use std::path::{Path, PathBuf};

use anyhow::Context;

/// The files called `name`: itself, what lies below it, or what it is a pattern of. Those of
/// another data centre than `dc` are left out.
pub(crate) fn files(name: &str, dc: Option<&str>) -> anyhow::Result<Vec<PathBuf>> {
    let path = Path::new(name);
    if path.is_dir() {
        let mut found = Vec::new();
        below(path, &mut found)?;
        found.retain(|it| !is_about(it));
        return chosen(found, dc, || format!("no trace file in directory `{name}`"));
    }
    let is_pattern = name.contains(['*', '?', '[']) && !path.exists();
    if is_pattern {
        let paths = glob::glob(name).with_context(|| format!("`{name}` is not a pattern"))?;
        let found: Vec<PathBuf> = paths.collect::<Result<_, _>>()?;
        let found = found.into_iter().filter(|it| it.is_file()).collect();
        return chosen(found, dc, || format!("no file is called like `{name}`"));
    }
    Ok(vec![path.to_owned()])
}

/// Every file below `dir` that is not hidden.
fn below(dir: &Path, found: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    for entry in fs_err::read_dir(dir)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with('.') {
            continue;
        }
        let path = entry.path();
        if path.is_dir() {
            below(&path, found)?;
        } else {
            found.push(path);
        }
    }
    Ok(())
}

/// The files of the data centre, in the order of their times as far as their names tell.
fn chosen(
    mut found: Vec<PathBuf>,
    dc: Option<&str>,
    nothing: impl Fn() -> String,
) -> anyhow::Result<Vec<PathBuf>> {
    if let Some(dc) = dc {
        found.retain(|it| is_of(it, dc));
    }
    if found.is_empty() {
        let of_dc = dc.map_or(String::new(), |it| format!(" of data centre `{it}`"));
        anyhow::bail!("{}{of_dc}", nothing());
    }
    found.sort_by_cached_key(|path| (date_and_number(path), path.clone()));
    Ok(found)
}

/// Whether what is there is neither a file nor a directory, but a pipe or a device, which is there
/// only once.
pub(crate) fn is_pipe(path: &Path) -> bool {
    path.metadata().is_ok_and(|it| !it.is_file() && !it.is_dir())
}

/// Whether both paths lead to one and the same file, by whatever names or links. What is no file
/// (a pipe, a device) is none.
pub(crate) fn are_one_file(one: &Path, other: &Path) -> bool {
    identity(one).is_some_and(|it| identity(other) == Some(it))
}

#[cfg(unix)]
fn identity(path: &Path) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    let found = path.metadata().ok().filter(std::fs::Metadata::is_file)?;
    Some((found.dev(), found.ino()))
}

#[cfg(not(unix))]
fn identity(path: &Path) -> Option<PathBuf> {
    path.canonicalize().ok().filter(|it| it.is_file())
}

/// Whether the file, by its name, is a page about the traces beside it, or holds their checksums.
fn is_about(path: &Path) -> bool {
    const NAMES: [&str; 8] =
        ["readme", "license", "licence", "copying", "notice", "md5sums", "sha1sums", "sha256sums"];
    const ENDINGS: [&str; 7] = [".md", ".html", ".htm", ".pdf", ".md5", ".sha1", ".sha256"];
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    let first_word = name.split('.').next().unwrap_or_default();
    NAMES.contains(&first_word) || ENDINGS.iter().any(|it| name.ends_with(it))
}

/// Whether the file lies in the data centre's directory, or is called after it.
fn is_of(path: &Path, dc: &str) -> bool {
    let is_in = path.parent().is_some_and(|it| it.iter().any(|part| part == dc));
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let before = name.split_once("-logstash-").map(|it| it.0);
    is_in || before.is_some_and(|it| it == dc || it.strip_prefix("prod-") == Some(dc))
}

/// The `YYYY.MM.DD` and `N` of `<env>-<dc>-logstash-YYYY.MM.DD-N.json`.
fn date_and_number(path: &Path) -> Option<(String, u32)> {
    let name = path.file_name()?.to_string_lossy().into_owned();
    let (_, rest) = name.split_once("-logstash-")?;
    let (date, rest) = rest.split_once('-')?;
    let n_digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    Some((date.to_owned(), rest[..n_digits].parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_the_archive_are_in_the_order_of_their_times() {
        let names = [
            "data_centers/dal09/prod-dal09-logstash-2017.06.20-10.json",
            "data_centers/dal09/prod-dal09-logstash-2017.06.21-0.json",
            "data_centers/lon02/prod-lon02-logstash-2017.06.20-9.json",
            "data_centers/stage-dal09/stage-dal09-logstash-2017.06.20-0.json",
        ];
        let check = |dc: Option<&str>, expect: &[usize]| {
            let found = names.iter().map(PathBuf::from).rev().collect();
            let found = chosen(found, dc, String::new).unwrap();
            let expect: Vec<PathBuf> = expect.iter().map(|it| PathBuf::from(names[*it])).collect();
            assert_eq!(found, expect);
        };
        check(None, &[3, 2, 0, 1]);
        check(Some("dal09"), &[0, 1]);
        check(Some("stage-dal09"), &[3]);
        assert!(chosen(Vec::new(), Some("x"), String::new).is_err());
    }

    #[test]
    fn pages_about_traces_are_known_by_name() {
        let check = |names: &[&str], expect: bool| {
            for name in names {
                assert_eq!(is_about(&Path::new("traces.md").join(name)), expect, "{name}");
            }
        };
        check(
            &["README", "readme.txt", "LICENSE.md", "index.html", "SHA256SUMS", "a.csv.md5"],
            true,
        );
        check(&["a.csv", "a.json.gz", "photo.txt", "part-0", "t.oracleGeneral", "md"], false);
    }
}
