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
    let numbers = files(&out.join("data"));
    for name in ["break_even", "fig17", "fig9"] {
        for end in ["json", "parquet"] {
            assert!(numbers.contains_key(&format!("{name}.{end}")), "{name}.{end}");
        }
    }
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
        ran.stderr.contains("no figure is called `fig18`; write one of table1, "),
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
    let only = "codes,fig13_large,fig14_large,fig15b";
    let run =
        || workplace.run(&format!("figures --only {only} --quick --trace trace.csv -o out")).ok();
    run();
    let out = workplace.path().join("out");
    let (first, kept) = (files(&out), files(&out.join(".cache")));
    // 20 systems of the one study, and four under two seeds of the others, which share one; and
    // four figures.
    assert_eq!(kept.len(), 20 + 2 * 4 + 4);
    let codes = String::from_utf8(first["codes.svg"].clone()).unwrap();
    assert!(codes.contains("trace.csv") && codes.contains("quick: fewer"), "{codes}");
    run();
    assert!(first == files(&out) && kept == files(&out.join(".cache")));
}

#[test]
fn a_trace_of_large_objects_says_what_it_has_nothing_for() {
    let mut trace = "time_s,key,size,op\n".to_owned();
    for number in 0..40_u64 {
        trace.push_str(&format!("{},key-{},{},GET\n", number * 30, number % 9, 20_000_000));
    }
    // How large an object was, a DELETE need not say.
    trace.push_str("1300,key-0,0,DELETE\n");
    let workplace = Workplace::new().file("large.csv", trace);
    let only = "table1,fig13_all,fig14_large";
    let ran = workplace.run(&format!("figures --only {only} --seeds 1 --trace large.csv -o out"));
    let expect = "left out is what is of all objects, table1 (in part), fig13_all";
    assert!(ran.stderr.contains(expect), "{}", ran.stderr);
    assert_eq!(ran.ok().trim_end(), "Drawn into out: table1, fig14_large");
    let results = files(&workplace.path().join("out"));
    assert!(results.contains_key("results_large.parquet"));
    assert!(!results.contains_key("results_all.parquet"));
}

#[test]
fn a_trace_of_small_objects_says_what_it_has_nothing_for() {
    let mut trace = "time_s,key,size,op\n".to_owned();
    for number in 0..40_u64 {
        trace.push_str(&format!("{},key-{},{},GET\n", number * 30, number % 9, 2_000_000));
    }
    let workplace = Workplace::new().file("small.csv", trace);
    let only = "table1,fig13_all,fig14_large,fig15b,fig16,codes";
    let ran = workplace.run(&format!("figures --only {only} --seeds 1 --trace small.csv -o out"));
    let expect = "note: a part of the trace is empty (40 requests of less than 10 MB dropped): \
                  left out is what is of it, table1 (in part), fig14_large, fig15b, codes";
    assert!(ran.stderr.contains(expect), "{}", ran.stderr);
    assert_eq!(ran.ok().trim_end(), "Drawn into out: table1, fig13_all, fig16");
}

#[test]
fn files_of_another_trace_do_not_stay_beside_those_of_this_one() {
    let of_size = |size: u64| {
        let row = |it: u64| format!("{},key-{},{size},GET\n", it * 30, it % 9);
        format!("time_s,key,size,op\n{}", (0..40).map(row).collect::<String>())
    };
    let experiment = include_str!("../../../../experiments/table1.toml");
    let experiment =
        experiment.replace("\"1-10\"", "[1]").replace("\"1-30\"", "[1]").replace("50h", "10min");
    let workplace = Workplace::new()
        .file("small.csv", of_size(2_000_000))
        .file("large.csv", of_size(20_000_000))
        .file("table1.toml", experiment);
    let out = workplace.path().join("out");
    let results = || -> Vec<String> {
        let names = files(&out).into_keys().filter(|it| it.starts_with("results"));
        names.collect()
    };
    let of_all = ["", "_hours"].map(|it| format!("results_all{it}.parquet"));
    workplace.run("run table1.toml --trace small.csv -o out").ok();
    assert!(of_all.iter().all(|it| results().contains(it)), "{:?}", results());
    workplace.run("run table1.toml --trace large.csv -o out").ok();
    assert!(results().iter().all(|it| it.starts_with("results_large")), "{:?}", results());
    std::fs::remove_dir_all(&out).unwrap();
    // The same of all that `figures` draws.
    let figures = |trace: &str| {
        let only = "--only table1,fig13_all,fig14_large --seeds 1";
        workplace.run(&format!("figures {only} --trace {trace} -o out")).ok()
    };
    assert_eq!(figures("small.csv").trim_end(), "Drawn into out: table1, fig13_all");
    std::fs::write(out.join("fig15b.svg"), "not of this run").unwrap();
    assert_eq!(figures("large.csv").trim_end(), "Drawn into out: table1, fig14_large");
    let names = |dir: &Path| files(dir).into_keys().collect::<Vec<_>>().join(" ");
    assert!(!names(&out).contains("_all") && names(&out).contains("fig15b.svg"), "{}", names(&out));
    assert_eq!(names(&out.join("data")), "fig14_large.json fig14_large.parquet");
}

#[test]
fn a_table_is_json_on_request() {
    let experiment = include_str!("../../../../experiments/availability.toml");
    let workplace = Workplace::new().file("it.toml", experiment);
    let json = workplace.run("run it.toml --json").json();
    assert_eq!(json[0]["reclaims of"], "2020-01-09");
    assert_eq!(json[0]["there after 1 h, equation 3 (%)"], 94.78);
    assert_eq!(json.as_array().unwrap().len(), 6);
}

#[test]
fn a_figure_is_what_its_experiment_says() {
    let experiment = include_str!("../../../../experiments/fig17.toml");
    let reference = include_str!("../../../../experiments/reference/fig17_elasticache.csv");
    let dearer = reference.replace(",10.368", ",20.368");
    assert_ne!(reference, dearer);
    let ask = "Is it dearer now?";
    let asked = experiment.lines().find(|it| it.starts_with("question")).unwrap();
    let experiment = experiment.replace(asked, &format!("question = \"{ask}\""));
    let own = experiment.replace("reference/fig17_elasticache.csv", "own.csv");
    let workplace = Workplace::new().file("it.toml", own).file("own.csv", dearer);
    let printed = workplace.run("run it.toml --csv -o out").ok();
    let rows = |origin: &str| printed.lines().filter(|it| it.starts_with(origin)).count();
    let (ours, paper) = (",ElastiCache,ours,", ",ElastiCache,paper,");
    assert!(0 < rows(ours) && rows(ours) == rows(paper), "{printed}");
    let of_paper = printed.lines().filter(|it| it.starts_with(paper));
    assert!(of_paper.clone().all(|it| it.contains("20.368")), "{printed}");
    let out = workplace.path().join("out");
    let page = std::fs::read_to_string(out.join("index.html")).unwrap();
    assert!(page.contains(ask) && page.contains("FAST'20 Fig 17, ElastiCache"));
    assert!(page.contains("it.toml: infinisim") && !page.contains("experiments/fig17.toml"));
    assert!(out.join("fig17.svg").exists() && out.join("data/fig17.parquet").exists());
}

#[test]
fn a_replayed_figure_runs_alone_on_a_trace_of_ones_own() {
    let experiment = r#"
figure = "fig15b"
question = "How fast is a small pool?"
trace = "trace.csv"
seeds = "3-4"
systems = ["elasticache:cache.r5.24xlarge", "infinicache:nodes=20"]
[[reference]]
file = "reference/fig15b_gt10MB_latency_cdf_sec.csv"
source = "FAST'20 Fig 15 (b)"
"#;
    let trace = crate::command::small_trace(60);
    let workplace = Workplace::new().file("trace.csv", trace).file("it.toml", experiment);
    let printed = workplace.run("run it.toml --json -o out").json();
    assert_eq!(printed[1]["receipt"]["seed"], 4);
    assert_eq!(printed[0]["systems"].as_array().unwrap().len(), 2);
    let data = std::fs::read_to_string(workplace.path().join("out/data/fig15b.json")).unwrap();
    assert!(data.contains("mean of 2 seeds") && data.contains("trace.csv"), "{data}");
    let out = files(&workplace.path().join("out"));
    for name in ["fig15b.png", "index.html", "results.csv", "results.json", "results.parquet"] {
        assert!(out.contains_key(name), "{name}");
    }
}

#[test]
fn every_miss_on_the_scoreboard_is_explained() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let ids = |path: &str, is_wanted: &dyn Fn(&csv::StringRecord) -> bool| -> Vec<String> {
        let rows = csv::Reader::from_path(root.join(path)).unwrap().into_records();
        let wanted = rows.map(Result::unwrap).filter(is_wanted);
        wanted.map(|it| it[0].to_owned()).collect()
    };
    let explained = ids("experiments/reference/misses.csv", &|_| true);
    let missed = ids("figures/scoreboard.csv", &|it| &it[9] == "miss");
    let silent: Vec<&String> = missed.iter().filter(|it| !explained.contains(it)).collect();
    assert_eq!(silent, Vec::<&String>::new());
}
