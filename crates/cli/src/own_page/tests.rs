//! That a page shows what its systems did, each so that it is told from the others.

use super::*;

fn made_up(systems: &[(&str, f64)]) -> Comparison {
    let system = |(name, dollars): &(&str, f64)| {
        let cost = pricing::CostItems { serving: Usd::from_f64(*dollars), ..Default::default() };
        SystemSummary { name: (*name).to_owned(), cost, ..SystemSummary::default() }
    };
    Comparison {
        receipt: report::comparison::Receipt {
            version: String::new(),
            seed: 1,
            workload: String::new(),
            experiment_hash: String::new(),
            trace_hash: String::new(),
            prices: String::new(),
            accounting: String::new(),
            repriced_from: String::new(),
            prices_hash: String::new(),
            repriced_from_hash: String::new(),
            quantum_ms: None,
        },
        trace: report::comparison::TraceSummary {
            n_requests: 0,
            n_objects: 0,
            requested_bytes: units::Bytes::ZERO,
            unique_bytes: units::Bytes::ZERO,
            span: units::Nanos::HOUR,
        },
        systems: systems.iter().map(system).collect(),
    }
}

#[test]
fn every_system_has_a_colour_of_its_own() {
    let names = ["s3", "infinicache", "infinicache:nodes=20", "infinicache:backup=off"];
    let comparisons = [made_up(&names.map(|it| (it, 0.0)))];
    let looks = |comparisons: &[Comparison]| -> Vec<Look> {
        Systems::of(comparisons).0.iter().map(|it| it.0).collect()
    };
    let expect = [Hue::S3, Hue::InfiniCache, Hue::Series(0), Hue::InfiniCacheWithoutBackup];
    assert_eq!(looks(&comparisons), expect.map(|hue| Look { hue, is_dashed: false }));
    // Of many some are dashed, and no two look alike.
    let names: Vec<String> = (12..26).map(|it| format!("infinicache:nodes={it}")).collect();
    let many: Vec<(&str, f64)> = names.iter().map(|it| (it.as_str(), 0.0)).collect();
    let many = looks(&[made_up(&many)]);
    for (index, it) in many.iter().enumerate() {
        let is_like =
            |other: &Look| it.is_dashed == other.is_dashed && it.hue.looks_like(other.hue);
        assert!(!many[..index].iter().any(is_like), "{it:?} of number {index}");
    }
    assert_eq!(many.iter().filter(|it| it.is_dashed).count(), 7);
    // A run of nothing makes a page all the same.
    let page = page_of(&comparisons, "Why?", "", &[], Contents::of(&comparisons)).unwrap();
    assert!(page::to_html(&page).contains("<p>Why?</p>"));
}

#[test]
fn long_names_are_numbered_where_there_is_no_room_for_them() {
    let long = "infinicache:nodes=200,code=4+2,memory=1024MB,warmup=2min";
    let comparisons = [made_up(&[("s3", 1.0), (long, 2.0)])];
    let systems = Systems::of(&comparisons);
    assert_eq!(systems.labels(), ["[1]", "[2]"]);
    assert_eq!(systems.table(systems.full_names()).rows[1][0], format!("[2] {long}"));
    assert_eq!(systems.facts()[0].name, format!("dearer than [1] s3: [2] {long}"));
    let text = to_text(&comparisons, &[]);
    assert!(text.contains(&format!("\n[2] {long}\n")), "{text}");
    let comparisons = [made_up(&[("s3", 1.0), ("infinicache", 2.0)])];
    assert_eq!(Systems::of(&comparisons).labels(), ["s3", "infinicache"]);
}

#[test]
fn what_is_dearer_is_said_to_be() {
    let check = |systems: &[&[(&str, f64)]], expect: &[(&str, &str, &str)]| {
        let comparisons: Vec<Comparison> = systems.iter().map(|it| made_up(it)).collect();
        let facts = Systems::of(&comparisons).facts();
        let facts: Vec<(&str, &str, &str)> = facts
            .iter()
            .map(|it| (it.value.as_str(), it.interval.as_str(), it.name.as_str()))
            .collect();
        assert_eq!(facts, expect);
    };
    let one: &[(&str, f64)] = &[("s3", 2.0), ("a", 376.4), ("b", 2.5), ("c", 1e-7), ("d", 0.0)];
    check(
        &[one],
        &[
            ("188×", "", "dearer than s3: a"),
            ("1.25×", "", "dearer than s3: b"),
            ("20,000,000×", "", "cheaper than s3: c"),
            ("free", "", "beside s3: d"),
        ],
    );
    check(&[&[("s3", 0.0), ("a", 1.0)]], &[]);
    // 2 and 4 times dearer: 3, and by Student's t 12.7 more or less.
    let other = &[("s3", 1.0), ("a", 4.0)];
    check(&[&[("s3", 2.0), ("a", 4.0)], other], &[("3.00×", "± 12.71", "dearer than s3: a")]);
}
