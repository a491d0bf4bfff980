//! What is read back is what was written, or is refused.

use super::*;
use crate::comparison::tests::{comparison, elasticache, infinicache, split};
use crate::comparison::{to_csv, to_json, to_json_of_seeds, to_table};

#[test]
fn what_was_written_is_read_back() {
    #[track_caller]
    fn check(comparisons: &[Comparison], with_hours: bool) {
        let json = to_json_of_seeds(comparisons, with_hours);
        let read = from_json(&json).unwrap();
        assert_eq!(to_json_of_seeds(&read, with_hours), json);
        assert_eq!(to_csv(&read), to_csv(comparisons));
        for (read, comparison) in read.iter().zip(comparisons) {
            assert_eq!(to_table(read, &[]), to_table(comparison, &[]));
        }
    }
    let [elasticache, infinicache] = [elasticache("ElastiCache"), infinicache("InfiniCache")];
    // Each count a number of its own, so that none can stand for another.
    let distinct = counts_of(|name| match name {
        "n_gets" => Some(11 + 13 + 17 + 19),
        "n_hits" => Some(11),
        "n_compulsory_misses" => Some(13),
        "n_capacity_misses" => Some(17),
        "n_resets" => Some(19),
        "hit_bytes" => Some(23),
        "compulsory_bytes" => Some(29),
        name => Some(name.bytes().fold(100, |sum, it| sum * 31 % 1_000_003 + u64::from(it))),
    });
    let distinct =
        SystemSummary { counts: distinct.unwrap(), latency_split: split(), ..infinicache.clone() };
    let nothing = SystemSummary { usage: Usage::default(), ..SystemSummary::default() };
    let one = comparison(vec![elasticache, infinicache, distinct, nothing]);
    let empty = Comparison { trace: one.trace, ..comparison(Vec::new()) };
    check(std::slice::from_ref(&one), false);
    check(std::slice::from_ref(&one), true);
    check(&[one, empty], true);
}

#[test]
fn what_is_no_result_is_refused() {
    #[track_caller]
    fn check(from: &str, to: &str, expect: &str) {
        let json = to_json(&comparison(vec![infinicache("InfiniCache")]));
        assert!(json.contains(from), "{json}");
        assert_eq!(from_json(&json.replace(from, to)).unwrap_err().to_string(), expect);
    }
    check(
        "\"n_evictions\"",
        "\"evictions\"",
        "`InfiniCache` has no count `n_evictions`; make the result again with this version",
    );
    check(
        "\"span_s\": 180000.0",
        "\"span_s\": -1",
        "`span_s` is -1, which no result has; make the result again",
    );
    check(
        "\"n_resets\": 5720",
        "\"n_resets\": 5721",
        "`InfiniCache` has hits, misses and RESETs that do not add up to its GETs; make the result \
         again",
    );
    check(
        "\"stored_byte_ns\": 1237940039285380274899124224",
        "\"stored_byte_ns\": 123794003928538027489912422412379400392",
        "`InfiniCache` has used more than can be priced; make the result again",
    );
    check(
        "\"warm_up\": 3.517",
        "\"warm_up\": -3.517",
        "`warm_up` is -3.517, which no result has; make the result again",
    );
    check(
        "\"seed\": 1",
        "\"seed\": -1",
        "invalid value: integer `-1`, expected u64 at line 4 column 14; write a result with \
         `-o DIR` or `--json`",
    );
}

#[test]
fn what_earlier_versions_wrote_of_a_serverless_cache_is_read() {
    #[track_caller]
    fn check(cache: &str, expect: Result<usize, &str>) {
        let json = to_json(&comparison(vec![infinicache("InfiniCache")]));
        let used = format!("\"serverless\": {{\"valkey\": {cache}}}");
        let read = from_json(&json.replace("\"serverless\": {}", &used));
        let n_hours = read.map(|it| it[0].systems[0].usage.serverless["valkey"].hours.len());
        let why = |err: ResultError| err.to_string().split(" at line").next().unwrap().to_owned();
        assert_eq!(n_hours.map_err(why), expect.map_err(str::to_owned));
    }
    let hour = r#"{"held_byte_ns": 3094850098213450687247810560, "existed_ns": 2}"#;
    check(&format!(r#"{{"hours": [{hour}, {hour}], "n_ecpus": 3}}"#), Ok(2));
    let before = r#""stored_byte_ns": 3094850098213450687247810560, "existed_ns": 2"#;
    check(&format!(r#"{{{before}, "n_ecpus": 3}}"#), Ok(1));
    let needs = "a serverless cache needs `hours`";
    check(r#"{"stored_byte_ns": 1, "n_ecpus": 3}"#, Err(needs));
    check(&format!(r#"{{"hours": [], {before}, "n_ecpus": 3}}"#), Err(needs));
    let most = format!("{}", u128::MAX >> 4);
    let hour = format!(r#"{{"held_byte_ns": {most}, "existed_ns": 2}}"#);
    let beyond = "`InfiniCache` has used more than can be priced; make the result again";
    check(&format!(r#"{{"hours": [{hour}, {hour}], "n_ecpus": 3}}"#), Err(beyond));
}
