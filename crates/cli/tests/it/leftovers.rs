//! A directory of results that an earlier run has written into.

use std::path::Path;

use crate::command::{Workplace, small_trace};

const COMPARISON: [&str; 5] =
    ["index.html", "results.csv", "results.json", "results.parquet", "results_hours.parquet"];
const LIVE: [&str; 6] = [
    "invocations.jsonl",
    "profile.toml",
    "reclaims.csv",
    "validation.json",
    "validation.png",
    "validation.svg",
];

fn names(dir: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(dir).unwrap().map(|it| it.unwrap().file_name());
    let mut names: Vec<String> =
        entries.map(|it| it.into_string().unwrap()).filter(|it| !it.starts_with('.')).collect();
    names.sort();
    names
}

fn put(dir: &Path, names: &[&str]) {
    std::fs::create_dir_all(dir).unwrap();
    for it in names {
        std::fs::write(dir.join(it), "time_s,function,rank\n").unwrap();
    }
}

#[test]
fn results_of_other_commands_do_not_stay_beside_those_of_this_one() {
    let experiment = "question = \"?\"\ntrace = \"trace.csv\"\nsystems = [\"s3\"]\n";
    let sweep = "question = \"?\"\ntrace = \"trace.csv\"\nsystems = [\"infinicache:nodes={n}\"]\n\
                 [sweep]\nn = [12, 20]\n";
    let workplace = Workplace::new()
        .file("trace.csv", small_trace(20))
        .file("it.toml", experiment)
        .file("sweep.toml", sweep);
    let out = workplace.path().join("out");
    let swept = [&COMPARISON[..], &["sweep.csv"]].concat();
    for (command, expect) in [
        ("compare trace.csv --system s3", &COMPARISON[..]),
        ("sweep sweep.toml", &swept),
        ("run it.toml", &COMPARISON),
    ] {
        put(&out, &LIVE);
        workplace.run(&format!("{command} -o out")).ok();
        assert_eq!(names(&out), expect, "{command}");
    }
}

#[test]
fn files_of_ones_own_stay_where_results_go() {
    let workplace = Workplace::new().file("trace.csv", small_trace(20));
    let [named_alike, is_read] = ["alike", "read"].map(|it| workplace.path().join(it));
    put(&named_alike, &["profile.toml", "reclaims.csv"]);
    put(&is_read, &["invocations.jsonl", "reclaims.csv"]);
    workplace.run("compare trace.csv --system s3 -o alike").ok();
    let stays = [&COMPARISON[..], &["profile.toml", "reclaims.csv"]].concat();
    let left = names(&named_alike);
    assert!(stays.iter().all(|it| left.iter().any(|name| name == it)), "{left:?}");
    let pool = "infinicache:nodes=12,reclaim=schedule:read/reclaims.csv";
    workplace.run(&format!("compare trace.csv --system {pool} -o read")).ok();
    let left = names(&is_read).join(" ");
    assert!(left.contains("reclaims.csv") && !left.contains("invocations.jsonl"), "{left}");
}
