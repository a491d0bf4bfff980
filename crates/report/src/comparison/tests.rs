//! What a comparison looks like, as JSON, CSV and table.

use units::Usd;

use super::*;

fn dollars(text: &str) -> Usd {
    text.parse().unwrap()
}

pub(super) fn elasticache(name: &str) -> SystemSummary {
    let counts = Counts {
        n_gets: 182_700,
        n_hits: 124_053,
        n_compulsory_misses: 58_651 - 4,
        requested_bytes: Bytes::new(4_019_000_000_000),
        hit_bytes: Bytes::new(2_850_000_000_000),
        ..Counts::default()
    };
    SystemSummary {
        name: name.to_owned(),
        counts,
        usage: Usage { node_hours: [("r5".to_owned(), 50)].into(), ..Usage::default() },
        cost: CostItems { nodes: dollars("518.40"), ..CostItems::default() },
        latency: LatencySummary {
            mean_ms: 22.25,
            p50_ms: 2.024,
            p90_ms: 116.8,
            p95_ms: 138.6,
            p99_ms: 230.2,
            p999_ms: 287.6,
            max_ms: 1_401.5,
        },
        hits: HitLatency::default(),
        loss: LossSummary::default(),
        hours: Vec::new(),
    }
}

pub(super) fn infinicache(name: &str) -> SystemSummary {
    let counts = Counts {
        n_gets: 182_700,
        n_hits: 118_260,
        n_compulsory_misses: 58_647,
        n_capacity_misses: 73,
        n_resets: 5_720,
        n_recoveries: 16_036,
        n_recovered_chunks: 17_901,
        n_evictions: 2_311,
        n_reclaims: 22_208,
        n_invocations: 4_319_022,
        requested_bytes: Bytes::new(4_019_000_000_000),
        hit_bytes: Bytes::new(2_650_000_000_000),
        ..Counts::default()
    };
    let mut usage = Usage::default();
    usage.serving.record(1_536, Nanos::SECOND);
    // More than 64 bits hold.
    usage.store_backing.stored_byte_ns = 1 << 90;
    SystemSummary {
        name: name.to_owned(),
        counts,
        usage: usage.clone(),
        cost: CostItems {
            serving: dollars("8.421"),
            warm_up: dollars("3.517"),
            backup: dollars("8.590"),
            ..CostItems::default()
        },
        latency: LatencySummary { mean_ms: 41.0, p50_ms: 23.38, ..elasticache("").latency },
        hits: HitLatency::default(),
        loss: LossSummary {
            time_to_repair: Some(LatencySummary { p50_ms: 120.0, ..LatencySummary::default() }),
            time_to_object_loss_h_mean: Some(1234.5),
            time_to_object_loss_h_closed_form: Some(20.25),
        },
        hours: vec![HourSummary {
            counts: Counts { n_gets: 2, n_hits: 1, n_resets: 1, ..Counts::default() },
            usage,
            cost: CostItems { serving: dollars("0.0000324"), ..CostItems::default() },
        }],
    }
}

pub(super) fn comparison(systems: Vec<SystemSummary>) -> Comparison {
    Comparison {
        receipt: Receipt {
            version: "0.1.0".to_owned(),
            seed: 1,
            workload: String::new(),
            experiment_hash: "a1b2c3d4e5f60718".to_owned(),
            trace_hash: "0123456789abcdef".to_owned(),
            prices: "aws-us-east-1-2019-12".to_owned(),
            accounting: "paper".to_owned(),
            repriced_from: String::new(),
            quantum_ms: Some(100),
            prices_hash: "8899aabbccddeeff".to_owned(),
        },
        trace: TraceSummary {
            n_requests: 182_700,
            n_objects: 58_651,
            requested_bytes: Bytes::new(4_019_000_000_000),
            unique_bytes: Bytes::new(1_169_000_000_000),
            span: Nanos::HOUR * 50,
        },
        systems,
    }
}

#[track_caller]
fn check_width(text: &str) {
    let widest = text.lines().map(|it| it.chars().count()).max();
    assert!(widest <= Some(80), "{widest:?}\n{text}");
}

#[test]
fn short_names_stand_over_their_columns() {
    let systems = vec![elasticache("ElastiCache"), infinicache("InfiniCache")];
    let table = to_table(&comparison(systems), &["times are milliseconds".to_owned()]);
    check_width(&table);
    insta::assert_snapshot!(table, @"
    182,700 requests for 58,651 objects in 50h: 4.02 TB requested, 1.17 TB unique

                        ElastiCache  InfiniCache
    cost                    $518.40       $20.53
      serving                     –        $8.42
      warm-up                     –        $3.52
      backup                      –        $8.59
      nodes                 $518.40            –
      backing store               –            –
      proxy                       –            –
    GETs                    182,700      182,700
    hit ratio               67.90 %      64.73 %
    byte hit ratio          70.91 %      65.94 %
    misses, compulsory       58,647       58,647
    misses, capacity              0           73
    RESETs                        0        5,720
    recoveries                    0       16,036
      of chunks                   0       17,901
    availability           100.00 %      95.39 %
    objects lost                  0            0
    time to loss, h               –        1,234
      closed form                 –         20.2
    repair, ms: p50               –          120
    evictions                     0        2,311
    reclaims                      0       22,208
    invocations                   0    4,319,022
    latency, ms: mean          22.2         41.0
      p50                      2.02         23.4
      p90                       117          117
      p95                       139          139
      p99                       230          230
      p99.9                     288          288
      longest                 1,402        1,402

    cheaper than ElastiCache: InfiniCache 25.3 times

    note: times are milliseconds
    infinisim 0.1.0, seed 1, prices aws-us-east-1-2019-12, experiment
        a1b2c3d4e5f60718, trace 0123456789abcdef
    ");
}

#[test]
fn long_names_are_numbered_and_listed() {
    let code = "nodes=400,memory=1536MB,overhead=100MB,code=10+2,warmup=1min,backup=5min";
    let systems = vec![
        elasticache("elasticache:10xcache.r5.xlarge"),
        infinicache(&format!("infinicache:{code},reclaim=poisson,placement=random")),
        infinicache("infinicache:backup=off"),
        SystemSummary { cost: CostItems::default(), ..elasticache("s3") },
        SystemSummary {
            cost: CostItems { nodes: dollars("777.60"), ..CostItems::default() },
            ..elasticache("elasticache:serverless")
        },
    ];
    let table = to_table(&comparison(systems), &["note ".repeat(20)]);
    check_width(&table);
    insta::assert_snapshot!(table, @"
    182,700 requests for 58,651 objects in 50h: 4.02 TB requested, 1.17 TB unique

                             [1]        [2]        [3]       [4]       [5]
    cost                 $518.40     $20.53     $20.53     $0.00   $777.60
      serving                  –      $8.42      $8.42         –         –
      warm-up                  –      $3.52      $3.52         –         –
      backup                   –      $8.59      $8.59         –         –
      nodes              $518.40          –          –         –   $777.60
      backing store            –          –          –         –         –
      proxy                    –          –          –         –         –
    GETs                 182,700    182,700    182,700   182,700   182,700
    hit ratio            67.90 %    64.73 %    64.73 %   67.90 %   67.90 %
    byte hit ratio       70.91 %    65.94 %    65.94 %   70.91 %   70.91 %
    misses, compulsory    58,647     58,647     58,647    58,647    58,647
    misses, capacity           0         73         73         0         0
    RESETs                     0      5,720      5,720         0         0
    recoveries                 0     16,036     16,036         0         0
      of chunks                0     17,901     17,901         0         0
    availability        100.00 %    95.39 %    95.39 %  100.00 %  100.00 %
    objects lost               0          0          0         0         0
    time to loss, h            –      1,234      1,234         –         –
      closed form              –       20.2       20.2         –         –
    repair, ms: p50            –        120        120         –         –
    evictions                  0      2,311      2,311         0         0
    reclaims                   0     22,208     22,208         0         0
    invocations                0  4,319,022  4,319,022         0         0
    latency, ms: mean       22.2       41.0       41.0      22.2      22.2
      p50                   2.02       23.4       23.4      2.02      2.02
      p90                    117        117        117       117       117
      p95                    139        139        139       139       139
      p99                    230        230        230       230       230
      p99.9                  288        288        288       288       288
      longest              1,402      1,402      1,402     1,402     1,402

    [1] elasticache:10xcache.r5.xlarge
    [2] infinicache:nodes=400,memory=1536MB,overhead=100MB,code=10+2,warmup=1min,
        backup=5min,reclaim=poisson,placement=random
    [3] infinicache:backup=off
    [4] s3
    [5] elasticache:serverless

    cheaper than [1]: [2] 25.3 times, [3] 25.3 times, [4] is free, [5] is 1.50 times
        dearer

    note: note note note note note note note note note note note note note note note
        note note note note note
    infinisim 0.1.0, seed 1, prices aws-us-east-1-2019-12, experiment
        a1b2c3d4e5f60718, trace 0123456789abcdef
    ");
}

#[test]
fn many_systems_take_several_blocks() {
    let systems = (0..9).map(|index| infinicache(&format!("cluster {index}"))).collect();
    let table = to_table(&comparison(systems), &[]);
    check_width(&table);
    assert_eq!(table.lines().filter(|it| it.starts_with("hit ratio")).count(), 2, "{table}");
    insta::assert_snapshot!(table.lines().rev().take(5).collect::<Vec<_>>().join("\n"), @"
        a1b2c3d4e5f60718, trace 0123456789abcdef
    infinisim 0.1.0, seed 1, prices aws-us-east-1-2019-12, experiment

        times, [6] 1.00 times, [7] 1.00 times, [8] 1.00 times, [9] 1.00 times
    cheaper than [1]: [2] 1.00 times, [3] 1.00 times, [4] 1.00 times, [5] 1.00
    ");
}

#[test]
fn a_lone_or_free_system_is_compared_with_nothing() {
    for systems in [
        vec![infinicache("InfiniCache")],
        vec![SystemSummary::default(), infinicache("InfiniCache")],
        Vec::new(),
    ] {
        let table = to_table(&comparison(systems), &[]);
        check_width(&table);
        assert!(!table.contains("cheaper"), "{table}");
    }
}

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
    insta::assert_snapshot!(json.split_once("\"systems\": ").unwrap().1, @r#"
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
          "n_puts": 0,
          "n_deletes": 0,
          "n_recovered_chunks": 17901,
          "requested_bytes": 4019000000000,
          "hit_bytes": 2650000000000,
          "overcommitted_bytes_max": 0,
          "n_objects_lost": 0,
          "intact_object_s": 0,
          "n_timeouts": 0,
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
              "requested_bytes": 0,
              "hit_bytes": 0,
              "overcommitted_bytes_max": 0,
              "n_objects_lost": 0,
              "intact_object_s": 0,
              "n_timeouts": 0,
              "busy_ns": 0,
              "synced_bytes": 0
            }
          ]
        }
      ]
    }
    "#);
}

#[test]
fn csv_is_one_flat_row_for_each_system() {
    let systems = vec![elasticache("ElastiCache"), infinicache("nodes=400,code=10+2")];
    let mut priced_again = comparison(systems);
    priced_again.receipt.workload = "large".to_owned();
    priced_again.receipt.repriced_from = "my.toml".to_owned();
    let text = to_csv(&[priced_again]);
    let mut reader = ::csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes());
    let lines: Vec<::csv::StringRecord> = reader.records().collect::<Result<_, _>>().unwrap();
    let columns = (0..lines[0].len())
        .map(|index| lines.iter().map(|it| &it[index]).collect::<Vec<_>>().join(" | "));
    insta::assert_snapshot!(columns.collect::<Vec<_>>().join("\n"), @"
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
    requested_bytes | 4019000000000 | 4019000000000
    hit_bytes | 2850000000000 | 2650000000000
    overcommitted_bytes_max | 0 | 0
    n_objects_lost | 0 | 0
    intact_object_s | 0 | 0
    n_timeouts | 0 | 0
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
fn without_a_get_there_is_no_latency() {
    let counts = Counts { n_puts: 3, ..Counts::default() };
    let puts = comparison(vec![SystemSummary { counts, ..SystemSummary::default() }]);
    let csv = to_csv(std::slice::from_ref(&puts));
    let mut cells = csv.lines().map(|it| it.split(',').collect::<Vec<_>>());
    let (names, cells) = (cells.next().unwrap(), cells.next().unwrap());
    let latencies: Vec<&str> = names
        .iter()
        .zip(cells)
        .filter(|(name, _)| name.starts_with("latency_ms_"))
        .map(|(_, cell)| cell)
        .collect();
    assert_eq!(latencies, [""; 7]);
    assert!(to_json(&puts).contains("\"p50\": null"));
    let table = to_table(&puts, &[]);
    assert!(table.lines().any(|it| it.starts_with("  p50 ") && it.ends_with(" –")), "{table}");
}

#[test]
fn a_workload_is_named_before_what_it_is() {
    let mut large = comparison(vec![elasticache("ElastiCache")]);
    large.receipt.workload = "large".to_owned();
    for table in [to_table(&large, &[]), framed(std::slice::from_ref(&large), "", &[])] {
        assert!(table.starts_with("large: 182,700 requests for "), "{table}");
    }
}

#[test]
fn a_distribution_is_summed_up_in_its_own_order() {
    let mut distribution = Distribution::default();
    for millis in 1..=1_000 {
        distribution.record(Nanos::millis(millis));
    }
    let named = LatencySummary::from(&distribution).named();
    for (pair, expect) in named.windows(2).skip(1).zip([500.0, 900.0, 950.0, 990.0, 999.0]) {
        assert!(pair[0].1 <= pair[1].1, "{named:?}");
        assert!((pair[0].1 - expect).abs() < 2.0, "{named:?}");
    }
}
