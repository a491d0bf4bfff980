//! What a result would cost at the prices of another book.

use serde_json::Value;

use crate::command::Workplace;

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
