//! What a comparison looks like, as a table first.

mod formats;

use units::Usd;

use super::*;

fn dollars(text: &str) -> Usd {
    text.parse().unwrap()
}

/// A latency split in every way there is, each number its own.
pub(super) fn split() -> LatencySplit {
    let of_mean =
        |mean: f64| LatencySummary::of_ms([0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6].map(|it| it + mean));
    LatencySplit {
        hits: Some(of_mean(21.0)),
        misses: Some(of_mean(71.0)),
        hit_phases: Some([1.0, 2.0, 16.0, 2.5, 0.0].map(of_mean)),
        miss_phases: Some([0.5, 3.0, 4.0, 5.0, 70.0].map(of_mean)),
        by_size: [None, Some(of_mean(6.0)), Some(of_mean(7.0)), None],
    }
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
        ..SystemSummary::default()
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
        latency_split: LatencySplit {
            hits: Some(LatencySummary::of_ms([21.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0])),
            ..LatencySplit::default()
        },
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
            repriced_from_hash: String::new(),
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
    infinisim 0.1.0, seed 1, prices aws-us-east-1-2019-12, changed (hash
        8899aabbccddeeff), experiment a1b2c3d4e5f60718, trace 0123456789abcdef
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
    infinisim 0.1.0, seed 1, prices aws-us-east-1-2019-12, changed (hash
        8899aabbccddeeff), experiment a1b2c3d4e5f60718, trace 0123456789abcdef
    ");
}

#[test]
fn many_systems_take_several_blocks() {
    let systems = (0..9).map(|index| infinicache(&format!("cluster {index}"))).collect();
    let table = to_table(&comparison(systems), &[]);
    check_width(&table);
    assert_eq!(table.lines().filter(|it| it.starts_with("hit ratio")).count(), 2, "{table}");
    insta::assert_snapshot!(table.lines().rev().take(5).collect::<Vec<_>>().join("\n"), @"
        8899aabbccddeeff), experiment a1b2c3d4e5f60718, trace 0123456789abcdef
    infinisim 0.1.0, seed 1, prices aws-us-east-1-2019-12, changed (hash

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
    assert_eq!(latencies, [""; 7 + 2 * (7 + 5)]);
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
