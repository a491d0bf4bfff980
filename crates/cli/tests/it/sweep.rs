//! `infinisim sweep`: every combination, and which none beats.

use insta::assert_snapshot;

use crate::command::{Workplace, small_trace};

const SWEEP: &str = r#"
question = "Which pool?"
trace = "trace.csv"
seeds = [1, 2]
systems = ["infinicache:nodes={nodes},code=4+2,backup={backup}", "s3"]
select = { min_size = "2MB" }

[sweep]
nodes = [12, 24]
backup = ["off", "5min"]
"#;

fn workplace() -> Workplace {
    Workplace::new().file("trace.csv", small_trace(360)).file("pool.toml", SWEEP)
}

#[test]
fn every_combination_is_run_as_if_it_were_written_out() {
    let workplace = workplace();
    let swept = workplace.run("sweep pool.toml --json").json();
    let systems: Vec<&str> =
        swept.as_array().unwrap().iter().map(|it| it["system"].as_str().unwrap()).collect();
    let pool =
        |nodes: u32, backup: &str| format!("infinicache:nodes={nodes},code=4+2,backup={backup}");
    let pools = [(12, "off"), (12, "5min"), (24, "off"), (24, "5min")].map(|it| pool(it.0, it.1));
    assert_eq!(systems[..4], pools);
    assert_eq!(systems[4], "s3");
    assert_eq!(swept[2]["values"], serde_json::json!({ "nodes": "24", "backup": "off" }));
    let run = workplace.run("run pool.toml --json").json();
    for (index, point) in swept.as_array().unwrap().iter().enumerate() {
        let of_seeds = |name: [&str; 2]| {
            let of = |seed: usize| {
                let system = &run[seed]["systems"][index];
                if name[1].is_empty() { &system[name[0]] } else { &system[name[0]][name[1]] }
                    .as_f64()
                    .unwrap()
            };
            f64::midpoint(of(0), of(1))
        };
        let is_mean = |swept: &str, name: [&str; 2]| {
            let mean = point[swept]["mean"].as_f64().unwrap();
            assert!((mean - of_seeds(name)).abs() <= 1e-9 * mean, "{swept} of {point}");
        };
        is_mean("cost_usd_total", ["cost_usd", "total"]);
        is_mean("hit_ratio", ["hit_ratio", ""]);
        is_mean("latency_ms_mean", ["latency_ms", "mean"]);
    }
    // What is marked is beaten by none, and what is not is beaten by one that is.
    let place = |it: &serde_json::Value| {
        ["cost_usd_total", "latency_ms_mean"].map(|name| it[name]["mean"].as_f64().unwrap())
    };
    let beats = |a: &serde_json::Value, b: &serde_json::Value| {
        let (a, b) = (place(a), place(b));
        a[0] <= b[0] && a[1] <= b[1] && (a[0] < b[0] || a[1] < b[1])
    };
    let all = swept.as_array().unwrap();
    for it in all {
        let is_beaten = all.iter().any(|other| other["is_best"] == true && beats(other, it));
        assert_eq!(it["is_best"], !is_beaten, "{it}");
    }
}

#[test]
fn it_is_a_table_for_a_person_and_files_for_a_program() {
    let workplace = workplace();
    let printed = workplace.run("sweep pool.toml -o out -j 1").ok();
    assert!(printed.lines().all(|it| it.chars().count() <= 80), "{printed}");
    assert_snapshot!(printed, @"
    350 requests for 39 objects in 59.83min: 7.09 GB requested, 819 MB unique

       system       nodes  backup       US$  hits, %  kept, %  mean, ms  p99, ms
    *  s3           –      –       0.000164   100.00   100.00       954     1847
    *  infinicache  12     off      0.00602    88.86   100.00       171     1727
    *  infinicache  24     off      0.00731    88.86   100.00       171     1727
       infinicache  12     5min     0.00999    88.86   100.00       171     1727
       infinicache  24     5min      0.0147    88.86   100.00       171     1727

    note: *: no other is as cheap and, on average, as fast; the cheapest first
    note: means over the seeds; --csv and --json have their intervals
    note: prices aws-us-east-1-2019-12; the paper's accounting: neither the proxy's
        machine nor the store behind a cache is charged (--accounting full charges
        both)
    infinisim 0.1.0, seeds 1, 2, prices aws-us-east-1-2019-12, experiment
        380dfecb5d5068b0f7ca3798e1bcac6c, trace 99d1972e8e21600b929b21dc4043c866
    ");
    let csv = workplace.run("sweep pool.toml --csv").ok();
    let path = |name: &str| workplace.path().join("out").join(name);
    assert_eq!(csv, std::fs::read_to_string(path("sweep.csv")).unwrap());
    assert_snapshot!(csv.lines().next().unwrap().replace(',', "\n"), @"
    system
    nodes
    backup
    n_seeds
    cost_usd_total
    cost_usd_total_low
    cost_usd_total_high
    hit_ratio
    hit_ratio_low
    hit_ratio_high
    availability
    availability_low
    availability_high
    latency_ms_mean
    latency_ms_mean_low
    latency_ms_mean_high
    latency_ms_p99
    latency_ms_p99_low
    latency_ms_p99_high
    is_best
    ");
    assert_eq!(csv.lines().count(), 1 + 5);
    let page = std::fs::read_to_string(path("index.html")).unwrap();
    assert!(page.contains("Cost against latency") && page.contains("Cost against misses"));
    // What was found is what would have been made.
    let n_kept = || std::fs::read_dir(path(".cache")).unwrap().count();
    assert_eq!(n_kept(), 2 * 5);
    assert_eq!(workplace.run("sweep pool.toml -o out -j 2").ok(), printed);
    assert_eq!(n_kept(), 2 * 5);
    assert_eq!(std::fs::read_to_string(path("index.html")).unwrap(), page);
}

#[test]
fn a_sweep_that_cannot_be_is_refused_before_anything_is_run() {
    #[track_caller]
    fn check(replace: [&str; 2], expect: &str) {
        assert!(SWEEP.contains(replace[0]));
        let file = SWEEP.replace(replace[0], replace[1]);
        let refused = Workplace::new().file("pool.toml", file).run("sweep pool.toml -o out");
        assert_eq!((refused.exit_code, refused.stdout.as_str()), (2, ""));
        let expect = format!("error: cannot sweep `pool.toml`: {expect}\n");
        assert_eq!(refused.stderr, expect);
    }
    check(
        ["[sweep]\nnodes = [12, 24]\nbackup = [\"off\", \"5min\"]", ""],
        "`sweep` is missing; write a table [sweep] with the values to try, such as nodes = [200, \
         400], and {nodes} where they go in `systems`",
    );
    check(
        ["{nodes}", "{node}"],
        "`sweep.nodes` is in no system; write {nodes} where its values go in `systems`",
    );
    check(
        ["code=4+2", "code={code}"],
        "`infinicache:nodes={nodes},code={code},backup={backup}`: `sweep` has no {code}; it has \
         {backup}, {nodes}",
    );
    check(["[12, 24]", "[]"], "`sweep.nodes` is empty; write its values");
    check(
        ["nodes = [12, 24]", "nodes = [12]\nn_seeds = [1]"],
        "`sweep.n_seeds` is the name of a column of the results; call it something else",
    );
}
