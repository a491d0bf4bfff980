//! The rules of ARCHITECTURE.md that a compiler does not check.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Each crate, and the crates of ours it may use. A line here is a decision: see
/// ARCHITECTURE.md before adding to one.
const MAY_USE: &[(&str, &[&str])] = &[
    ("cli", &["des", "ec", "live", "policy", "pricing", "report", "sim", "trace", "units"]),
    ("des", &["units"]),
    ("ec", &["units"]),
    ("live", &["ec", "nodefn", "policy", "pricing", "units", "wire"]),
    ("nodefn", &["policy", "units", "wire"]),
    ("policy", &["units"]),
    ("pricing", &["units"]),
    ("report", &["pricing", "sim", "units"]),
    ("sim", &["des", "policy", "pricing", "units"]),
    ("trace", &["policy", "units"]),
    ("units", &[]),
    ("wire", &["units"]),
];

/// What would let the core touch the world.
const EDGE_ONLY: &[&str] =
    &["anyhow", "clap", "clap_complete", "fs-err", "indicatif", "rayon", "tempfile", "tokio"];

/// Crates that may.
const EDGE: &[&str] = &["cli", "live", "nodefn"];

/// Crates whose tests are to build in seconds.
const LIGHT: &[&str] = &["des", "ec", "policy", "pricing", "sim", "units", "wire"];

/// A file longer than this is two files.
const N_LINES_MAX: usize = 520;

/// All unsafe code of the workspace is in one file, which is as long as it has to be.
const UNSAFE: &str = "crates/ec/src/kernel.rs";

#[test]
fn crates_use_only_what_they_may() {
    let ours: BTreeSet<&str> = MAY_USE.iter().map(|(name, _)| *name).collect();
    for (name, may_use) in MAY_USE {
        let uses = dependencies(name);
        let uses_of_ours: BTreeSet<&str> =
            uses.iter().map(String::as_str).filter(|it| ours.contains(it)).collect();
        assert_eq!(uses_of_ours, may_use.iter().copied().collect(), "dependencies of `{name}`");
        for banned in EDGE_ONLY.iter().filter(|_| !EDGE.contains(name)) {
            assert!(!uses.contains(*banned), "`{name}` is in the core, and may not use `{banned}`");
        }
        if LIGHT.contains(name) {
            assert!(!uses.contains("polars"), "`{name}` is to build in seconds");
        }
    }
}

#[test]
fn every_crate_has_its_line_above() {
    let listed: BTreeSet<String> = MAY_USE.iter().map(|(name, _)| (*name).to_owned()).collect();
    let present: BTreeSet<String> = std::fs::read_dir(root().join("crates"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(listed, present);
}

#[test]
fn every_file_says_what_it_is_and_is_not_too_long() {
    for path in sources(&root().join("crates")) {
        let text = std::fs::read_to_string(&path).unwrap();
        let shown = path.display();
        assert!(text.starts_with("//! "), "{shown} opens without a `//!` line");
        let n_lines = text.lines().count();
        let may_be_long = path.ends_with(UNSAFE);
        assert!(
            may_be_long || n_lines <= N_LINES_MAX,
            "{shown} has {n_lines} lines; make two files of it"
        );
        let long = lines_of_code(&text).find(|it| 100 < it.chars().count());
        assert_eq!(long, None, "{shown} has a line of more than 100 columns");
    }
}

#[test]
fn unsafe_code_is_in_one_file() {
    for path in sources(&root().join("crates")) {
        let text = std::fs::read_to_string(&path).unwrap();
        let is_bench = path.components().any(|it| it.as_os_str() == "bench");
        // Spelled so that this file does not find itself.
        let word = concat!("un", "safe {");
        let is_there = path.ends_with(UNSAFE) || path.ends_with("ec/src/kernel/tests.rs");
        assert!(is_bench || is_there || !text.contains(word), "{}", path.display());
    }
}

#[test]
fn every_constant_of_the_world_has_its_row_in_the_model() {
    let model = std::fs::read_to_string(root().join("MODEL.md")).unwrap();
    let profiles = root().join("crates/sim/profiles");
    for entry in std::fs::read_dir(profiles).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        let table: toml::Table = text.parse().unwrap();
        let mut keys = BTreeSet::new();
        keys_of(&toml::Value::Table(table), &mut keys);
        for key in keys {
            assert!(model.contains(&format!("`{key}`")), "MODEL.md has no row for `{key}`");
        }
    }
}

/// The lines of a file but those of inline snapshots, which are as long as what they show.
fn lines_of_code(text: &str) -> impl Iterator<Item = &str> {
    let mut is_snapshot = false;
    text.lines().filter(move |line| {
        let was_snapshot = is_snapshot;
        let opens = ["@\"", "@r\"", "@r#\""].iter().any(|it| line.contains(it));
        let closes = line.trim_end().ends_with("\");") || line.trim_end().ends_with("\"#);");
        is_snapshot = (is_snapshot || opens) && !closes;
        !was_snapshot && !opens
    })
}

/// The names of all numbers in a file.
fn keys_of(value: &toml::Value, keys: &mut BTreeSet<String>) {
    match value {
        toml::Value::Table(table) => {
            for (key, value) in table {
                if value.is_float() || value.is_integer() {
                    keys.insert(key.clone());
                }
                keys_of(value, keys);
            }
        }
        toml::Value::Array(values) => values.iter().for_each(|it| keys_of(it, keys)),
        _ => {}
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn dependencies(name: &str) -> BTreeSet<String> {
    let path = root().join("crates").join(name).join("Cargo.toml");
    let manifest: toml::Table = std::fs::read_to_string(path).unwrap().parse().unwrap();
    match manifest.get("dependencies") {
        Some(it) => it.as_table().unwrap().keys().cloned().collect(),
        None => BTreeSet::new(),
    }
}

fn sources(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        // What `make fuzz` builds is not ours.
        if path.is_dir() && !path.ends_with("fuzz/target") {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|it| it == "rs") {
            found.push(path);
        }
    }
    found
}
