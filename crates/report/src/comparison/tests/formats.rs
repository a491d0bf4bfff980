//! What a comparison is as JSON and as CSV.

use super::*;

/// What is written, but for the usage that comes last in it, which is that of the only system.
#[track_caller]
fn without_usage(comparison: &Comparison, json: &str) -> String {
    let (before, rest) = json.split_at(json.rfind("\"usage\": ").unwrap());
    let mut usages = serde_json::Deserializer::from_str(&rest["\"usage\": ".len()..]).into_iter();
    let usage: Usage = usages.next().unwrap().unwrap();
    assert_eq!(usage, comparison.systems[0].usage);
    let after = &rest["\"usage\": ".len() + usages.byte_offset()..];
    format!("{}{after}", before.trim_end().trim_end_matches(','))
}

#[test]
fn json_opens_with_what_made_it_and_of_what() {
    let mut comparison = comparison(Vec::new());
    comparison.receipt.workload = "large".to_owned();
    comparison.receipt.repriced_from = "my.toml".to_owned();
    insta::assert_snapshot!(to_json(&comparison), @r#"
    {
      "receipt": {
        "version": "0.1.0",
        "seed": 1,
        "workload": "large",
        "experiment_hash": "a1b2c3d4e5f60718",
        "trace_hash": "0123456789abcdef",
        "prices": "aws-us-east-1-2019-12",
        "accounting": "paper",
        "repriced_from": "my.toml",
        "quantum_ms": 100,
        "prices_hash": "8899aabbccddeeff"
      },
      "trace": {
        "n_requests": 182700,
        "n_objects": 58651,
        "requested_bytes": 4019000000000,
        "unique_bytes": 1169000000000,
        "span_s": 180000.0
      },
      "systems": []
    }
    "#);
}

#[test]
fn json_keeps_its_shape_and_its_order() {
    let comparison = comparison(vec![infinicache("InfiniCache")]);
    let json = without_usage(&comparison, &to_json(&comparison));
    let systems = json.split_once("\"systems\": ").unwrap().1;
    insta::assert_snapshot!(systems.split_once("\n      \"n_puts\"").unwrap().0, @r#"
    [
        {
          "name": "InfiniCache",
          "n_gets": 182700,
          "n_hits": 118260,
          "n_compulsory_misses": 58647,
          "n_capacity_misses": 73,
          "n_resets": 5720,
          "n_recoveries": 16036,
          "n_evictions": 2311,
          "n_reclaims": 22208,
          "n_invocations": 4319022,
          "hit_ratio": 0.6472906403940887,
          "byte_hit_ratio": 0.6593680019905449,
          "hit_ratio_without_compulsory": 0.9533022176005417,
          "byte_hit_ratio_without_compulsory": 0.6593680019905449,
          "availability": 0.9538635263752218,
          "cost_usd": {
            "total": 20.528,
            "serving": 8.421,
            "warm_up": 3.517,
            "backup": 8.59,
            "nodes": 0.0,
            "backing_store": 0.0,
            "proxy": 0.0
          },
          "latency_ms": {
            "mean": 41.0,
            "p50": 23.38,
            "p90": 116.8,
            "p95": 138.6,
            "p99": 230.2,
            "p999": 287.6,
            "max": 1401.5
          },
          "latency_ms_hits": {
            "mean": 21.0,
            "p50": 20.0,
            "p90": 30.0,
            "p95": 40.0,
            "p99": 50.0,
            "p999": 60.0,
            "max": 70.0
          },
          "latency_ms_misses": null,
          "latency_ms_hits_by_phase": null,
          "latency_ms_misses_by_phase": null,
          "latency_ms_by_size": {
            "<1MB": null,
            "1-10MB": null,
            "10-100MB": null,
            ">=100MB": null
          },
    "#);
}

#[test]
fn json_ends_with_what_else_was_counted() {
    let comparison = comparison(vec![infinicache("InfiniCache")]);
    let json = without_usage(&comparison, &to_json(&comparison));
    insta::assert_snapshot!(json.split_once("\n      \"n_puts\"").unwrap().1, @r#"
    : 0,
          "n_deletes": 0,
          "n_recovered_chunks": 17901,
          "written_bytes": 0,
          "requested_bytes": 4019000000000,
          "hit_bytes": 2650000000000,
          "compulsory_bytes": 0,
          "overcommitted_bytes_max": 0,
          "n_objects_lost": 0,
          "intact_object_s": 0,
          "n_timeouts": 0,
          "n_failed": 0,
          "busy_ns": 0,
          "synced_bytes": 0,
          "time_to_repair_ms_mean": 0.0,
          "time_to_repair_ms_p50": 120.0,
          "time_to_repair_ms_p99": 0.0,
          "time_to_object_loss_h_mean": 1234.5,
          "time_to_object_loss_h_closed_form": 20.25
        }
      ]
    }
    "#);
}

#[test]
fn json_has_the_hours_where_they_are_asked_for() {
    let comparison = comparison(vec![infinicache("InfiniCache")]);
    let text = to_json_with_hours(&comparison);
    let (without, hours) = text.split_once(",\n      \"hours\"").unwrap();
    assert!(to_json(&comparison).starts_with(without));
    insta::assert_snapshot!(without_usage(&comparison, hours), @r#"
    : [
            {
              "hour": 1,
              "n_gets": 2,
              "n_hits": 1,
              "n_compulsory_misses": 0,
              "n_capacity_misses": 0,
              "n_resets": 1,
              "n_recoveries": 0,
              "n_evictions": 0,
              "n_reclaims": 0,
              "n_invocations": 0,
              "hit_ratio": 0.5,
              "byte_hit_ratio": null,
              "hit_ratio_without_compulsory": 0.5,
              "byte_hit_ratio_without_compulsory": null,
              "availability": 0.5,
              "cost_usd": {
                "total": 0.0000324,
                "serving": 0.0000324,
                "warm_up": 0.0,
                "backup": 0.0,
                "nodes": 0.0,
                "backing_store": 0.0,
                "proxy": 0.0
              },
              "n_puts": 0,
              "n_deletes": 0,
              "n_recovered_chunks": 0,
              "written_bytes": 0,
              "requested_bytes": 0,
              "hit_bytes": 0,
              "compulsory_bytes": 0,
              "overcommitted_bytes_max": 0,
              "n_objects_lost": 0,
              "intact_object_s": 0,
              "n_timeouts": 0,
              "n_failed": 0,
              "busy_ns": 0,
              "synced_bytes": 0
            }
          ]
        }
      ]
    }
    "#);
}

/// The columns of a CSV from top to bottom, a line each; of how hits and misses took and what they
/// consisted of only if asked.
fn columns(csv: &str, are_of_outcomes: bool) -> String {
    let mut reader = ::csv::ReaderBuilder::new().has_headers(false).from_reader(csv.as_bytes());
    let lines: Vec<::csv::StringRecord> = reader.records().collect::<Result<_, _>>().unwrap();
    let is_shown = |name: &str| {
        let is_of_outcome =
            ["hits", "misses"].iter().any(|it| name.starts_with(&format!("latency_ms_{it}_")));
        is_of_outcome == are_of_outcomes
    };
    (0..lines[0].len())
        .filter(|index| is_shown(&lines[0][*index]))
        .map(|index| lines.iter().map(|it| &it[index]).collect::<Vec<_>>().join(" | "))
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn csv_has_the_means_of_phases() {
    let system = SystemSummary { latency_split: split(), ..infinicache("InfiniCache") };
    let csv = to_csv(&[comparison(vec![elasticache("ElastiCache"), system])]);
    insta::assert_snapshot!(columns(&csv, true), @"
    latency_ms_hits_mean |  | 21
    latency_ms_hits_p50 |  | 21.1
    latency_ms_hits_p90 |  | 21.2
    latency_ms_hits_p95 |  | 21.3
    latency_ms_hits_p99 |  | 21.4
    latency_ms_hits_p999 |  | 21.5
    latency_ms_hits_max |  | 21.6
    latency_ms_hits_queueing_mean |  | 1
    latency_ms_hits_invocation_mean |  | 2
    latency_ms_hits_transfer_mean |  | 16
    latency_ms_hits_decoding_mean |  | 2.5
    latency_ms_hits_object_store_mean |  | 0
    latency_ms_misses_mean |  | 71
    latency_ms_misses_p50 |  | 71.1
    latency_ms_misses_p90 |  | 71.2
    latency_ms_misses_p95 |  | 71.3
    latency_ms_misses_p99 |  | 71.4
    latency_ms_misses_p999 |  | 71.5
    latency_ms_misses_max |  | 71.6
    latency_ms_misses_queueing_mean |  | 0.5
    latency_ms_misses_invocation_mean |  | 3
    latency_ms_misses_transfer_mean |  | 4
    latency_ms_misses_decoding_mean |  | 5
    latency_ms_misses_object_store_mean |  | 70
    ");
}

#[test]
fn csv_is_one_flat_row_for_each_system() {
    let systems = vec![elasticache("ElastiCache"), infinicache("nodes=400,code=10+2")];
    let mut priced_again = comparison(systems);
    priced_again.receipt.workload = "large".to_owned();
    priced_again.receipt.repriced_from = "my.toml".to_owned();
    let text = to_csv(&[priced_again]);
    insta::assert_snapshot!(columns(&text, false), @"
    name | ElastiCache | nodes=400,code=10+2
    n_gets | 182700 | 182700
    n_hits | 124053 | 118260
    n_compulsory_misses | 58647 | 58647
    n_capacity_misses | 0 | 73
    n_resets | 0 | 5720
    n_recoveries | 0 | 16036
    n_evictions | 0 | 2311
    n_reclaims | 0 | 22208
    n_invocations | 0 | 4319022
    hit_ratio | 0.6789983579638752 | 0.6472906403940887
    byte_hit_ratio | 0.7091316247822842 | 0.6593680019905449
    hit_ratio_without_compulsory | 1 | 0.9533022176005417
    byte_hit_ratio_without_compulsory | 0.7091316247822842 | 0.6593680019905449
    availability | 1 | 0.9538635263752218
    cost_usd_total | 518.4 | 20.528
    cost_usd_serving | 0 | 8.421
    cost_usd_warm_up | 0 | 3.517
    cost_usd_backup | 0 | 8.59
    cost_usd_nodes | 518.4 | 0
    cost_usd_backing_store | 0 | 0
    cost_usd_proxy | 0 | 0
    latency_ms_mean | 22.25 | 41
    latency_ms_p50 | 2.024 | 23.38
    latency_ms_p90 | 116.8 | 116.8
    latency_ms_p95 | 138.6 | 138.6
    latency_ms_p99 | 230.2 | 230.2
    latency_ms_p999 | 287.6 | 287.6
    latency_ms_max | 1401.5 | 1401.5
    n_puts | 0 | 0
    n_deletes | 0 | 0
    n_recovered_chunks | 0 | 17901
    written_bytes | 0 | 0
    requested_bytes | 4019000000000 | 4019000000000
    hit_bytes | 2850000000000 | 2650000000000
    compulsory_bytes | 0 | 0
    overcommitted_bytes_max | 0 | 0
    n_objects_lost | 0 | 0
    intact_object_s | 0 | 0
    n_timeouts | 0 | 0
    n_failed | 0 | 0
    busy_ns | 0 | 0
    synced_bytes | 0 | 0
    time_to_repair_ms_mean |  | 0
    time_to_repair_ms_p50 |  | 120
    time_to_repair_ms_p99 |  | 0
    time_to_object_loss_h_mean |  | 1234.5
    time_to_object_loss_h_closed_form |  | 20.25
    version | 0.1.0 | 0.1.0
    seed | 1 | 1
    workload | large | large
    experiment_hash | a1b2c3d4e5f60718 | a1b2c3d4e5f60718
    trace_hash | 0123456789abcdef | 0123456789abcdef
    prices | aws-us-east-1-2019-12 | aws-us-east-1-2019-12
    accounting | paper | paper
    repriced_from | my.toml | my.toml
    quantum_ms | 100 | 100
    prices_hash | 8899aabbccddeeff | 8899aabbccddeeff
    ");
    assert_eq!(to_csv(&[comparison(Vec::new())]), "");
}

#[test]
fn json_names_the_phases_in_their_order() {
    let system = SystemSummary { latency_split: split(), ..infinicache("InfiniCache") };
    let json = to_json(&comparison(vec![system]));
    // What stands under the key, the names of objects and each one's mean.
    let check = |key: &str, expect: &str| {
        let rest = json.split_once(&format!("\"{key}\": {{")).unwrap().1;
        let lines = rest.split_once("\n      }").unwrap().0.lines();
        let is_shown = |it: &&str| !["\"p", "\"max", "}"].iter().any(|word| it.starts_with(word));
        let words = lines.map(str::trim).filter(is_shown).flat_map(str::split_whitespace);
        let words: Vec<String> = words.map(|it| it.replace(['"', '{', ','], "")).collect();
        let words: Vec<&str> =
            words.iter().map(String::as_str).filter(|it| !it.is_empty()).collect();
        assert_eq!(words.join(" "), expect, "{key}");
    };
    check(
        "latency_ms_hits_by_phase",
        "queueing: mean: 1.0 invocation: mean: 2.0 transfer: mean: 16.0 decoding: mean: 2.5 \
         object_store: mean: 0.0",
    );
    check(
        "latency_ms_misses_by_phase",
        "queueing: mean: 0.5 invocation: mean: 3.0 transfer: mean: 4.0 decoding: mean: 5.0 \
         object_store: mean: 70.0",
    );
    check("latency_ms_by_size", "<1MB: null 1-10MB: mean: 6.0 10-100MB: mean: 7.0 >=100MB: null");
}
