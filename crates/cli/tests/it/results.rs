//! What is written and printed beside `compare`: files, tables, books, generated traces.

use std::collections::BTreeMap;

use insta::assert_snapshot;
use serde_json::Value;

use crate::command::{Workplace, small_trace};

#[test]
fn an_experiment_writes_what_it_prints() {
    let experiment = r#"
question = "Does a backup pay?"
trace = "trace.csv"
seeds = [1, 2]
systems = ["infinicache:nodes=20", "infinicache:nodes=20,backup=off"]
select = { min_size = "2MB", hours = "30min" }
"#;
    let workplace =
        Workplace::new().file("trace.csv", small_trace(360)).file("backup.toml", experiment);
    let printed = workplace.run("run backup.toml -o out --json").json();
    let written = std::fs::read_to_string(workplace.path().join("out/results.json")).unwrap();
    let written: Value = serde_json::from_str(&written).unwrap();
    for (seed, run) in [(1, 0), (2, 1)] {
        assert_eq!(printed[run]["receipt"]["seed"], seed);
        assert_eq!(written[run]["receipt"], printed[run]["receipt"]);
        let hours = written[run]["systems"][0]["hours"].as_array().unwrap();
        assert_eq!(hours.len(), 1);
        assert_eq!(hours[0]["n_gets"], printed[run]["systems"][0]["n_gets"]);
    }
    let csv = std::fs::read_to_string(workplace.path().join("out/results.csv")).unwrap();
    assert_eq!(csv.lines().count(), 1 + 2 * 2);
    let entries = std::fs::read_dir(workplace.path().join("out")).unwrap();
    let mut names: Vec<String> =
        entries.map(|it| it.unwrap().file_name().into_string().unwrap()).collect();
    names.sort_unstable();
    let expect =
        ["index.html", "results.csv", "results.json", "results.parquet", "results_hours.parquet"];
    assert_eq!(names, expect, "nothing else is left behind");
    // The same as the flags of `compare` say.
    let flags = "--min-size 2MB --hours 30min --seed 2 --system infinicache:nodes=20 \
                 --system infinicache:nodes=20,backup=off";
    let compared = workplace.run(&format!("compare trace.csv --json {flags}")).json();
    assert_eq!(compared, printed[1]);
}

#[test]
fn a_generated_trace_reads_back() {
    let workplace = Workplace::new();
    workplace.run("trace generate dallas-50h -o dallas.csv").ok();
    let [made, read] = ["synthetic:dallas-50h", "dallas.csv"]
        .map(|it| workplace.run(&format!("compare {it} --json --hours 1 --system s3")).ok());
    assert_eq!(made, read);
}

#[test]
fn a_result_is_priced_again() {
    let systems = "--system elasticache:cache.r6g.large --system infinicache:nodes=20 --system s3";
    let workplace = Workplace::new().file("trace.csv", small_trace(360));
    let [old, new] = ["aws-us-east-1-2019-12", "aws-us-east-1-2026-09"];
    let compare = |flags: &str| workplace.run(&format!("compare trace.csv {systems} {flags}"));
    // Its node type is in the later book alone.
    let made = compare(&format!("--prices {new} --json -o out")).ok();
    let again = workplace.run(&format!("reprice out --prices {new} --json"));
    assert_eq!(
        again.ok(),
        std::fs::read_to_string(workplace.path().join("out/results.json")).unwrap()
    );
    let again = workplace.run_with_input(&format!("reprice - --prices {new} --json"), &made);
    assert_eq!(again.ok(), made);
    // By default as it was priced, whatever that was.
    assert_eq!(workplace.run_with_input("reprice - --json", &made).ok(), made);
    let paper = format!("--prices {new} --accounting paper --json");
    let of_paper = compare(&paper).ok();
    assert_eq!(workplace.run_with_input("reprice - --json", &of_paper).ok(), of_paper);
    let unknown = made.replace(new, "my-own");
    let refused = workplace.run_with_input("reprice -", &unknown);
    assert_eq!((refused.exit_code, refused.stdout.as_str()), (2, ""));
    assert!(refused.stderr.contains("`my-own`, which does not come with the program"));
    let costs = |json: Value| {
        let systems = json["systems"].as_array().unwrap().clone();
        systems.into_iter().map(|it| it["cost_usd"].clone()).collect::<Vec<_>>()
    };
    let again = workplace.run(&format!("reprice out {paper}")).json();
    assert_eq!(costs(again), costs(compare(&paper).json()));
    let refused = workplace.run(&format!("reprice out --prices {old}"));
    assert_eq!((refused.exit_code, refused.stdout.as_str()), (2, ""));
    assert_snapshot!(refused.stderr, @"error: cannot price `out`: price book `aws-us-east-1-2019-12` has no node type `cache.r6g.large`; the nearest it has: `cache.r5.large`, `cache.r5.xlarge`, `cache.r5.2xlarge`, `cache.r5.24xlarge`; `infinisim prices show aws-us-east-1-2019-12` lists what it has");
    // What S3 is asked does not depend on its price.
    let of = |book: &str| format!("compare trace.csv --system s3 --json --prices {book}");
    workplace.run(&format!("{} -o s3", of(new))).ok();
    let again = workplace.run(&format!("reprice s3/results.json --prices {old} --json")).json();
    let direct = workplace.run(&of(old)).json();
    assert_eq!(again["systems"][0]["cost_usd"], direct["systems"][0]["cost_usd"]);
    assert_eq!(again["receipt"]["prices"], old);
    let table = workplace.run(&format!("reprice s3 --prices {old}")).ok();
    assert!(table.contains("priced again; the result was made with aws-us-east-1-2026-09"));
}

#[test]
fn a_book_that_was_shown_is_the_book_itself() {
    let workplace = Workplace::new().file("trace.csv", small_trace(60));
    for book in ["aws-us-east-1-2019-12", "aws-us-east-1-2026-09"] {
        let text = workplace.run(&format!("prices show {book} --toml")).ok();
        std::fs::write(workplace.path().join("book.toml"), &text).unwrap();
        let of = |name: &str| {
            let systems = "--system infinicache:nodes=20 --system s3";
            workplace.run(&format!("compare trace.csv {systems} --json --prices {name}")).ok()
        };
        assert_eq!(of("book.toml"), of(book));
        assert_eq!(workplace.run("prices show book.toml --toml").ok(), text);
    }
}

#[test]
fn an_experiment_with_a_figure_shows_its_means() {
    let experiment = include_str!("../../../../experiments/fig15b.toml")
        .replace("\"1-30\"", "[1, 2]")
        .replace("synthetic:dallas-50h", "trace.csv");
    let workplace =
        Workplace::new().file("trace.csv", small_trace(360)).file("fig15b.toml", &experiment);
    let printed = workplace.run("run fig15b.toml -o out").ok();
    assert_eq!(printed.matches(" requests for ").count(), 1, "{printed}");
    assert!(printed.contains("seeds 1, 2,") && printed.contains(" ± "), "{printed}");
    assert!(printed.contains("note: prices aws-us-east-1-2019-12; the paper's accounting"));
    let page = std::fs::read_to_string(workplace.path().join("out/index.html")).unwrap();
    assert!(page.contains("<h2 id=\"side-by-side\">Side by side</h2>"), "{page}");
}

const WORKLOADS: &str = r#"
question = "Do small objects differ?"
trace = "trace.csv"
[[workload]]
name = "all"
seeds = [1, 2]
systems = ["s3", "infinicache:nodes=20"]
[[workload]]
name = "small"
select = { max_size = "5MB" }
systems = ["s3"]
"#;

#[test]
fn workloads_are_told_apart_wherever_their_results_go() {
    let workplace = Workplace::new().file("trace.csv", small_trace(360)).file("it.toml", WORKLOADS);
    let json = workplace.run("run it.toml --json -o out").ok();
    let of = |json: &str, key: &str| -> Vec<String> {
        let all: Value = serde_json::from_str(json).unwrap();
        let receipts = all.as_array().unwrap().iter().map(|it| &it["receipt"][key]);
        receipts.map(ToString::to_string).collect()
    };
    assert_eq!(of(&json, "workload"), ["\"all\"", "\"all\"", "\"small\""]);
    let csv = workplace.run("run it.toml --csv").ok();
    let mut csv = csv::Reader::from_reader(csv.as_bytes());
    let column = csv.headers().unwrap().iter().position(|it| it == "workload").unwrap();
    let names: Vec<String> = csv.records().map(|it| it.unwrap()[column].to_owned()).collect();
    assert_eq!(names, ["all", "all", "all", "all", "small"]);
    let headings = |text: &str| -> Vec<String> {
        let lines = text.lines().filter(|it| it.contains(" requests for "));
        lines.map(|it| it.split(" requests").next().unwrap().to_owned()).collect()
    };
    assert_eq!(headings(&workplace.run("run it.toml").ok()), ["all: 360", "small: 45"]);

    // Priced again they stay apart, each with its own systems and seeds.
    // (By default at the prices that they were made with.)
    let again = workplace.run_with_input("reprice -", &json).ok();
    assert_eq!(headings(&again), ["all: 360", "small: 45"]);
    assert!(again.contains("seeds 1, 2,") && again.contains("seed 1,"), "{again}");
    let again = workplace.run_with_input("reprice - --json", &json).ok();
    assert_eq!(again, json);
    workplace.run("reprice out/small").ok();
    // What is no seed of the same thing is not averaged with it.
    let other = json.replacen("infinicache:nodes=20", "infinicache:nodes=24", 1);
    let refused = workplace.run_with_input("reprice -", &other);
    assert_eq!((refused.exit_code, refused.stdout.as_str()), (1, ""));
    assert!(refused.stderr.contains("are of different systems, s3 infinicache:nodes=24 and s3"));
    let refused = workplace.run_with_input("reprice -", "[]");
    assert_eq!((refused.exit_code, refused.stdout.as_str()), (1, ""));
}

#[test]
fn a_trace_is_read_once_for_all_workloads() {
    let workplace = Workplace::new().file("trace.csv", small_trace(360)).file("it.toml", WORKLOADS);
    let named = workplace.run("run it.toml --json").ok();
    let piped = workplace.run_with_input("run it.toml --json --trace -", &small_trace(360));
    assert_eq!(piped.stderr.lines().filter(|it| it.contains("delimited text")).count(), 1);
    assert_eq!(piped.ok(), named);
    let flags = "--max-size 5MB --system s3 --json";
    let compared = workplace.run(&format!("compare trace.csv {flags}")).json();
    let named: Value = serde_json::from_str(&named).unwrap();
    assert_eq!(named[2]["systems"], compared["systems"]);
    assert_eq!(named[2]["trace"], compared["trace"]);
    let sweep = WORKLOADS.replace("nodes=20", "nodes={n}") + "[sweep]\nn = [12, 24]\n";
    let workplace = workplace
        .file("sweep.toml", sweep.replace("[\"s3\"]", "[\"s3\", \"infinicache:nodes={n}\"]"));
    let piped = workplace.run_with_input("sweep sweep.toml --csv --trace -", &small_trace(360));
    assert_eq!(piped.ok(), workplace.run("sweep sweep.toml --csv").ok());
    // A part that is empty is found before anything is run.
    let empty = WORKLOADS.replace("max_size = \"5MB\"", "min_size = \"5GB\"");
    let refused = workplace.file("empty.toml", empty).run("run empty.toml -o none");
    assert_eq!(refused.exit_code, 1);
    assert!(refused.stderr.contains("none of the 360 requests is left"), "{}", refused.stderr);
}

#[test]
fn functions_under_another_step_of_billing_are_not_compared_in_silence() {
    let workplace = Workplace::new().file("trace.csv", small_trace(360));
    let systems = "--system infinicache:nodes=20 --system s3";
    let [old, new] = ["aws-us-east-1-2019-12", "aws-us-east-1-2026-09"];
    let json = workplace.run(&format!("compare trace.csv {systems} --prices {old} --json")).ok();
    let priced = |json: &str, flags: &str| {
        let ran = workplace.run_with_input(&format!("reprice - {flags}"), json);
        assert_eq!(ran.exit_code, 0, "{}", ran.stderr);
        (ran.stdout, ran.stderr)
    };
    let (table, said) = priced(&json, &format!("--prices {new}"));
    let notes = table.split_once("note: ").unwrap().1;
    assert_snapshot!(notes.split("note: ").next().unwrap(), @"
    NOT what functions would have cost under aws-us-east-1-2026-09: functions
        stay up to the end of what is billed, in this run by steps of 100 ms, and
        with steps of 1 ms they would have returned earlier; run it anew with
        aws-us-east-1-2026-09 for what functions would have cost
    ");
    assert_eq!(said, "");
    let (_, said) = priced(&json, &format!("--prices {new} --csv"));
    assert!(said.starts_with("note: NOT what functions would have cost"), "{said}");
    // The same step, whatever else changes, says nothing.
    let (table, said) = priced(&json, &format!("--prices {old} --accounting full"));
    assert!(!table.contains("NOT what") && said.is_empty());
    // It is still that of the run after another pricing, and the receipt says of which.
    let (again, _) = priced(&json, &format!("--prices {new} --json"));
    let receipt: Value = serde_json::from_str(&again).unwrap();
    let receipt = &receipt["receipt"];
    assert_eq!((&receipt["prices"], &receipt["repriced_from"]), (&new.into(), &old.into()));
    assert_eq!((&receipt["accounting"], &receipt["quantum_ms"]), (&"full".into(), &100.into()));
    // Of the prices that are on it, so that a book that was changed under its name is told.
    let made: Value = serde_json::from_str(&json).unwrap();
    let fresh = workplace.run(&format!("compare trace.csv --system s3 --prices {new} --json"));
    let hash_of = |result: &Value| result["receipt"]["prices_hash"].as_str().unwrap().to_owned();
    assert_eq!(receipt["prices_hash"], hash_of(&fresh.json()));
    assert_ne!(receipt["prices_hash"], hash_of(&made));
    let hash = format!(",\n    \"prices_hash\": \"{}\"", hash_of(&made));
    let before = json.replace(&hash, "");
    assert_ne!(before, json);
    assert_eq!(priced(&before, &format!("--prices {old} --json")).0, json);
    let (table, _) = priced(&again, &format!("--prices {new}"));
    assert!(table.contains("NOT what") && table.contains(&format!("was made with {old}")));
    assert_eq!(priced(&again, &format!("--prices {old} --json")).0, json);
    // A result that does not say it.
    let silent = json.replace(",\n    \"quantum_ms\": 100", "");
    assert_ne!(silent, json);
    let (table, _) = priced(&silent, &format!("--prices {old}"));
    assert!(!table.contains("functions stay up"), "by its own book: {table}");
    let (table, _) = priced(&silent, &format!("--prices {new}"));
    assert!(table.contains("note: functions stay up to the end of what is billed"), "{table}");
    let s3 = workplace.run(&format!("compare trace.csv --system s3 --prices {old} --json")).ok();
    let (table, _) = priced(&s3, &format!("--prices {new}"));
    assert!(!table.contains("NOT what"), "{table}");
}

#[test]
fn what_there_was_none_of_is_nothing_everywhere() {
    let mut puts = "time_s,key,size,op\n".to_owned();
    for number in 0..20 {
        puts.push_str(&format!("{},key-{number},1000000,PUT\n", number * 10));
    }
    let sweep = "question = \"?\"\ntrace = \"puts.csv\"\nsystems = \
                 [\"infinicache:nodes={n}\", \"s3\"]\n[sweep]\nn = [12, 24]\n";
    let workplace = Workplace::new().file("puts.csv", puts).file("it.toml", sweep);
    workplace.run("compare puts.csv --system infinicache:nodes=20 --system s3 -o out").ok();
    let page = std::fs::read_to_string(workplace.path().join("out/index.html")).unwrap();
    let row = page.split_once("<th scope=\"row\">s3</th>").unwrap().1;
    let row = row.split_once("</tr>").unwrap().0;
    let cells: Vec<&str> =
        row.split("</td>").filter_map(|it| it.rsplit_once('>').map(|(_, cell)| cell)).collect();
    let none = "–";
    let expect = ["0.000100", none, none, none, "0", "0", none, none, none, none, none];
    assert_eq!(cells, expect);
    assert!(page.contains("no GETs"), "a fact that has no numbers");
    let one = "time_s,key,size,op\n0,a,1000,GET\n7000,b,1000,PUT\n";
    let one = Workplace::new().file("one.csv", one);
    let run = "compare one.csv --system elasticache:cache.r5.large";
    one.run(&format!("{run} -o out")).ok();
    let results = one.run("reprice out --json").json();
    let system = &results["systems"][0];
    assert_eq!((&system["hit_ratio"], &system["availability"]), (&0.0.into(), &Value::Null));
    assert!(system["hours"][1]["hit_ratio"].is_null(), "{system}");
    let csv = one.run(&format!("{run} --csv")).ok();
    let row: BTreeMap<String, String> =
        csv::Reader::from_reader(csv.as_bytes()).deserialize().next().unwrap().unwrap();
    assert_eq!((&*row["hit_ratio"], &*row["availability"]), ("0", ""));
    let table = workplace.run("sweep it.toml -o swept").ok();
    assert_snapshot!(table.split_once("note: prices ").unwrap().0, @"
    20 requests for 20 objects in 190s: 0 B requested, 20 MB unique

       system       n        US$  hits, %  kept, %  mean, ms  p99, ms
    *  s3           –   0.000100  –        –        –         –
       infinicache  12  0.000648  –        –        –         –
       infinicache  24  0.000686  –        –        –         –

    note: *: no other is as cheap; without a GET none is faster; the cheapest first
    ");
    let csv = workplace.run("sweep it.toml --csv").ok();
    let none = ",".repeat(12);
    assert!(csv.lines().skip(1).all(|it| it.contains(&none)), "{csv}");
    let json = workplace.run("sweep it.toml --json").json();
    assert!(json[0]["latency_ms_mean"].is_null() && json[0]["hit_ratio"].is_null(), "{json}");
}

#[test]
fn prices_have_sources() {
    let workplace = Workplace::new();
    let listed = workplace.run("prices list").ok();
    for name in ["aws-us-east-1-2019-12", "aws-us-east-1-2026-09"] {
        assert!(listed.contains(name));
        let book = workplace.run(&format!("prices show {name} --json")).json();
        let values = book["values"].as_array().unwrap();
        assert!(10 < values.len());
        for value in values {
            assert!(!value["source"].as_str().unwrap().is_empty(), "{value}");
            assert!(!value["date"].as_str().unwrap().is_empty(), "{value}");
        }
    }
}

#[test]
fn a_book_of_ones_own() {
    let book = include_str!("../../../pricing/books/aws-us-east-1-2019-12.toml");
    let dearer = book.replace("\"10.368\"", "\"20.736\"");
    assert_ne!(book, dearer);
    let workplace = Workplace::new().file("trace.csv", small_trace(360)).file("my.toml", dearer);
    let run = "compare trace.csv --json --system elasticache:cache.r5.24xlarge";
    let total = |flags: &str| {
        let json = workplace.run(&format!("{run} {flags}")).json();
        json["systems"][0]["cost_usd"]["total"].as_f64().unwrap()
    };
    assert!((total("--prices my.toml") - 2.0 * total("")).abs() < 1e-9);
}

#[test]
fn completions_are_for_a_shell() {
    let script = Workplace::new().run("completions bash").ok();
    assert!(script.contains("_infinisim"));
    for words in [
        "lru fifo clock lfu sieve s3-fifo belady",
        "paper full",
        "only none any",
        "s ms us ns",
        "random round-robin keyed",
        "csv oracleGeneral lcs lcs-v1 lcs-v2 ibm-json parquet",
    ] {
        assert!(script.contains(&format!("compgen -W \"{words}\"")), "{words}");
    }
}

#[test]
fn probabilities_are_numbers_for_a_program() {
    let csv = "availability --csv --nodes 4000 --reclaim fig9:2020-01-09 --reclaim poisson:1/min";
    let csv = Workplace::new().run(csv).ok();
    let mut csv = csv::Reader::from_reader(csv.as_bytes());
    assert_eq!(csv.headers().unwrap().iter().filter(|it| it.ends_with("_percent")).count(), 3);
    for row in csv.records().map(Result::unwrap) {
        let numbers: Vec<f64> = row.iter().skip(1).map(|it| it.parse().unwrap()).collect();
        let [interval_s, loss, approximate, there] = numbers[..] else { panic!("{row:?}") };
        assert!((interval_s - 60.0).abs() < 1e-9, "{row:?}");
        assert!(0.0 < approximate && approximate <= loss && loss < 0.1, "{row:?}");
        assert!(99.0 < there && there < 100.0, "{row:?}");
    }
}

#[test]
fn a_rare_loss_is_not_none() {
    let shown = Workplace::new().run("availability --nodes 4000 --reclaimed 3").ok();
    assert!(!shown.contains("probability 0.000000"), "{shown}");
    assert!(
        shown.contains("is lost with probability 2.1e-8 (exactly 3 chunks: 2.1e-8)"),
        "{shown}"
    );
}

#[test]
fn tables_fit_a_terminal() {
    let workplace = Workplace::new().file("trace.csv", small_trace(360));
    for arguments in [
        "compare trace.csv",
        "trace info trace.csv",
        "trace mrc trace.csv --policy lru,s3-fifo",
        "trace mrc trace.csv --policy lru,s3-fifo --sample 0.5",
        "availability",
        "--help",
        "compare --help",
        "run --help",
        "figures --help",
        "trace mrc --help",
        "availability --help",
        "trace convert --help",
        "trace sample --help",
        "trace fit --help",
        "trace head --help",
        "trace generate --help",
        "prices show --help",
        "reprice --help",
        "calibrate --help",
        "live up --help",
        "live replay --help",
        "live bench --help",
        "live validate --help",
    ] {
        let shown = workplace.run(arguments).ok();
        assert!(!shown.contains("\n\n      --"), "{arguments} has its options set apart");
        let long = shown.lines().find(|it| 80 < it.chars().count());
        assert_eq!(long, None, "{arguments}");
    }
}

#[test]
fn the_first_rows_are_shown_as_understood() {
    let workplace = Workplace::new().file("trace.csv", small_trace(360));
    assert_snapshot!(workplace.run("trace head trace.csv -n 3").ok(), @"
    time_s  op   size_bytes  key
     0.000  GET     1000000  key-0
    10.000  GET     2000000  key-1
    20.000  GET     5000000  key-4
    ");
}

#[test]
fn a_file_comes_back_from_what_is_left_of_its_chunks() {
    let content: Vec<u8> = (0..=252).cycle().take(5_000_000).collect();
    let workplace = Workplace::new().file("object", &content);
    workplace.run("ec encode object --code 4+2 -o chunks").ok();
    let chunk = |index: u32| workplace.path().join(format!("chunks/object.{index:03}"));
    std::fs::remove_file(chunk(0)).unwrap();
    let mut damaged = std::fs::read(chunk(3)).unwrap();
    damaged[70_000] ^= 1;
    std::fs::write(chunk(3), damaged).unwrap();
    let left: Vec<String> = (1..6).map(|it| format!("chunks/object.{it:03}")).collect();
    let decode = |left: &[String]| workplace.run(&format!("ec decode {} -o back", left.join(" ")));
    let ran = decode(&left);
    assert!(ran.stderr.contains("chunk 3 is damaged"), "{}", ran.stderr);
    ran.ok();
    assert!(std::fs::read(workplace.path().join("back")).unwrap() == content);
    // One fewer, and nothing is written.
    std::fs::remove_file(workplace.path().join("back")).unwrap();
    let ran = decode(&left[1..]);
    assert!(ran.stderr.contains("chunk 3 is damaged"), "{}", ran.stderr);
    assert_eq!(ran.exit_code, 1);
    assert!(!workplace.path().join("back").exists());
}

#[test]
fn the_example_of_the_readme_is_what_is_printed() {
    let readme = include_str!("../../../../README.md");
    let (_, example) = readme.split_once("```\n$ infinisim ").unwrap();
    let (arguments, rest) = example.split_once('\n').unwrap();
    let (expect, _) = rest.split_once("\n```").unwrap();
    assert_eq!(Workplace::new().run(arguments).ok().trim_end(), expect);
}
