//! `infinisim figures`: what is asked for is drawn, kept, and found again.

use std::collections::BTreeMap;
use std::path::Path;

use crate::command::Workplace;

/// The files of a directory by name, those within others left out.
fn files(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = std::fs::read_dir(dir).unwrap().map(Result::unwrap);
    let files = entries.filter(|it| it.file_type().unwrap().is_file());
    files
        .map(|it| (it.file_name().into_string().unwrap(), std::fs::read(it.path()).unwrap()))
        .collect()
}

#[test]
fn what_is_kept_is_what_would_be_drawn() {
    let workplace = Workplace::new();
    let out = workplace.path().join("out");
    let drawn = workplace.run("figures --only fig17,fig9,break_even -o out").ok();
    assert_eq!(drawn.trim_end(), "Drawn into out: fig9, fig17, break_even");
    let first = files(&out);
    let names: Vec<&str> = first.keys().map(String::as_str).collect();
    let expect =
        ["break_even.png", "break_even.svg", "fig17.png", "fig17.svg", "fig9.png", "fig9.svg"];
    assert_eq!(names, expect);
    let kept = files(&out.join(".cache"));
    assert_eq!(kept.len(), 3, "one for each figure");
    // Found again, and made again where a kept file was cut short.
    for name in kept.keys().take(1) {
        std::fs::write(out.join(".cache").join(name), "{\"svg\": \"").unwrap();
    }
    workplace.run("figures --only fig17,fig9,break_even -o out --jobs 1").ok();
    assert!(first == files(&out), "the same bytes");
    assert!(kept == files(&out.join(".cache")), "the same is kept");
}

#[test]
fn a_figure_that_there_is_not() {
    let ran = Workplace::new().run("figures --only fig18 -o out");
    assert_eq!(ran.exit_code, 2);
    assert!(
        ran.stderr.contains("no figure is called `fig18`; write one of fig1, "),
        "{}",
        ran.stderr
    );
    let ran = Workplace::new().run("figures --quick --seeds 3");
    assert_eq!(ran.exit_code, 2);
}

#[test]
fn runs_of_a_trace_of_ones_own_are_kept_and_few_seeds_are_said() {
    let trace = crate::command::small_trace(60);
    let workplace = Workplace::new().file("trace.csv", trace);
    let run =
        || workplace.run("figures --only codes,fig13_large --quick --trace trace.csv -o out").ok();
    run();
    let out = workplace.path().join("out");
    let (first, kept) = (files(&out), files(&out.join(".cache")));
    // 20 systems of the one study, 5 under two seeds of the other, and two figures.
    assert_eq!(kept.len(), 20 + 2 * 5 + 2);
    let codes = String::from_utf8(first["codes.svg"].clone()).unwrap();
    assert!(codes.contains("trace.csv") && codes.contains("quick: fewer"), "{codes}");
    run();
    assert!(first == files(&out) && kept == files(&out.join(".cache")));
}
