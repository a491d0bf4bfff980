//! What a result would cost at the prices of another book.

use serde_json::{Value, json};

use crate::command::Workplace;

const PAPER: &str = "aws-us-east-1-2019-12";
const TODAY: &str = "aws-us-east-1-2026-09";

#[test]
fn a_serverless_cache_is_priced_again_hour_by_hour() {
    let book = include_str!("../../../pricing/books/aws-us-east-1-2026-09.toml");
    let with_minimum = |size: &str| book.replace("\"100MiB\"", &format!("\"{size}\""));
    // In the first of two hours it holds a tenth of what it does in the second.
    let mut requests = "time_s,key,size,op\n".to_owned();
    for number in 0..100 {
        let at = if number < 10 { number } else { 3_600 + number };
        requests.push_str(&format!("{at},key-{number},2000000,GET\n"));
    }
    requests.push_str("7200,key-0,2000000,GET\n");
    let workplace = Workplace::new().file("trace.csv", requests);
    let sizes = ["1MB", "100MiB", "1GB"];
    let workplace = sizes.into_iter().fold(workplace, |workplace, size| {
        workplace.file(&format!("{size}.toml"), with_minimum(size))
    });
    let run = "compare trace.csv --json --system elasticache:serverless-valkey";
    let made = sizes.map(|it| workplace.run(&format!("{run} --prices {it}.toml -o {it}")).ok());
    let costs = |json: &Value| json["systems"][0]["cost_usd"].clone();
    let expect = made.each_ref().map(|it| costs(&serde_json::from_str(it).unwrap()));
    let dollars = |costs: &Value| costs["total"].as_f64().unwrap();
    assert!(expect.is_sorted_by(|less, more| dollars(less) < dollars(more)), "{expect:?}");
    for (from, made) in sizes.iter().zip(&made) {
        for (to, expect) in sizes.iter().zip(&expect) {
            let flags = format!("--prices {to}.toml --json");
            let without_hours = workplace.run_with_input(&format!("reprice - {flags}"), made);
            assert_eq!(costs(&without_hours.json()), *expect, "{from} as {to}");
            let again = workplace.run(&format!("reprice {from} {flags}")).json();
            assert_eq!(costs(&again), *expect, "{from} as {to}");
            let hours = again["systems"][0]["hours"].as_array().unwrap().iter();
            let of_hours: f64 = hours.map(|it| dollars(&it["cost_usd"])).sum();
            assert!((of_hours - dollars(expect)).abs() < 1e-11, "{from} as {to}: {of_hours}");
        }
    }
}

/// A text on one line, as its lines break where their width is reached.
fn on_one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn a_book_that_was_changed_does_not_pass_for_the_one_that_it_was() {
    let workplace = Workplace::new().file("trace.csv", "time_s,key,size\n0,a,1000000\n60,a,5\n");
    let text = workplace.run(&format!("prices show {PAPER} --toml")).ok();
    let workplace = workplace.file("my.toml", text.replace("\"10.368\"", "\"20.736\""));
    let run = |flags: &str| {
        workplace.run(&format!("compare trace.csv --system elasticache:cache.r5.24xlarge {flags}"))
    };
    let reprice =
        |made: &str, flags: &str| workplace.run_with_input(&format!("reprice - {flags}"), made);
    let made = run("--json -o made").ok();
    let dearer = run("--json --prices my.toml").json();
    let hash = |result: &Value| result["receipt"]["prices_hash"].as_str().unwrap().to_owned();
    let name = format!("{PAPER}, changed (hash {})", hash(&dearer));
    let table = on_one_line(&run("--prices my.toml -o dearer").ok());
    assert!(table.contains(&format!("note: prices {name}; the paper's accounting")), "{table}");
    assert!(table.contains(&format!("seed 1, prices {name}, experiment")), "{table}");
    let page = std::fs::read_to_string(workplace.path().join("dearer/index.html")).unwrap();
    assert!(page.contains(&format!("prices {name}; the paper")));
    assert!(page.contains(&format!("seed 1, prices {name}, experiment")));

    let again = reprice(&made, "--prices my.toml --json").ok();
    let json: Value = serde_json::from_str(&again).unwrap();
    assert_eq!(json["systems"][0]["cost_usd"], dearer["systems"][0]["cost_usd"]);
    let receipt = &json["receipt"];
    assert_eq!((&receipt["prices"], &receipt["repriced_from"]), (&PAPER.into(), &PAPER.into()));
    assert_eq!(receipt["prices_hash"], hash(&dearer));
    assert_eq!(receipt["repriced_from_hash"], hash(&serde_json::from_str(&made).unwrap()));
    let table = on_one_line(&reprice(&again, "--prices my.toml").ok());
    assert!(table.contains(&format!("note: prices {name}; ")), "{table}");
    assert!(table.contains(&format!("was made with {PAPER} infinisim")), "{table}");
    let table = on_one_line(&reprice(&dearer.to_string(), &format!("--prices {PAPER}")).ok());
    assert!(table.contains(&format!("was made with {name} infinisim")), "{table}");
    assert_eq!(reprice(&again, &format!("--prices {PAPER} --json")).ok(), made);
    let refused = reprice(&again, "");
    assert_eq!((refused.exit_code, refused.stdout.as_str()), (2, ""));
    let why = format!("it is priced by `{name}`, which does not come with the program; name its");
    assert!(refused.stderr.contains(&why), "{}", refused.stderr);
}

#[test]
fn an_older_result_of_a_serverless_cache_is_not_priced_anew_in_silence() {
    let minimum = |text: &str| text.replace("\"100MiB\"", "\"1MB\"");
    let text = Workplace::new().run(&format!("prices show {TODAY} --toml")).ok();
    assert_ne!(minimum(&text), text);
    let workplace = Workplace::new()
        .file("trace.csv", "time_s,key,size\n0,a,1000000\n60,a,1000000\n")
        .file("my.toml", minimum(&text));
    let run =
        format!("compare trace.csv --json --system elasticache:serverless-valkey --prices {TODAY}");
    let mut made = workplace.run(&run).json();
    made["receipt"].as_object_mut().unwrap().remove("prices_hash");
    let usage = &mut made["systems"][0]["usage"]["serverless"]["valkey"];
    let (existed_ns, n_ecpus) = (&usage["hours"][0]["existed_ns"], &usage["n_ecpus"]);
    let stored_byte_ns = existed_ns.as_u64().unwrap() * (100 << 20);
    *usage = json!({
        "stored_byte_ns": stored_byte_ns, "existed_ns": existed_ns, "n_ecpus": n_ecpus
    });
    let priced = |made: &str, book: &str| {
        let ran = workplace.run_with_input(&format!("reprice - --json --prices {book}"), made);
        (
            ran.stderr.contains("the least that is paid for of a serverless cache is that of"),
            ran.ok(),
        )
    };
    let made = made.to_string();
    assert!(!priced(&made, TODAY).0, "by the book of the run");
    let (is_noted, other) = priced(&made, "my.toml");
    assert!(is_noted);
    assert!(!priced(&other, TODAY).0, "by the book of the run");
    // However often it is priced.
    assert!(priced(&priced(&other, TODAY).1, "my.toml").0);
}
