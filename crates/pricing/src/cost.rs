//! What a usage costs, item by item.

use std::str;

use units::Usd;

use crate::book::{FunctionPrices, ObjectStorePrices, PriceBook, Serverless};
use crate::error::{BookProblem, PricingError};
use crate::usage::{FunctionUsage, ServerlessUsage, StoreUsage, Usage};

/// What of the machinery around a cache is charged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Accounting {
    /// As the InfiniCache paper counts (FAST 2020, section 5.2): neither the proxy's virtual
    /// machine nor the store behind the cache.
    Paper,
    /// Both.
    Full,
}

/// What a run costs, by what it is paid for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CostItems {
    /// Function invocations that answered requests; for a system that is the object store, its
    /// requests.
    pub serving: Usd,
    /// Function invocations that kept functions from being reclaimed.
    pub warm_up: Usd,
    /// Function invocations of replicas for the sync; that of the function that is copied is part
    /// of what it was invoked for, mostly of `warm_up`.
    pub backup: Usd,
    /// Rented cache nodes, or the serverless cache.
    pub nodes: Usd,
    /// What the object store keeps, and behind a cache also what it is asked.
    pub backing_store: Usd,
    /// The virtual machines of the proxies.
    pub proxy: Usd,
}

/// How many bytes the services bill as a GB.
const GB: u128 = 1 << 30;
const HOUR_SECONDS: u128 = 3_600;
/// A year of 8,760 hours has twelve of these; the provider divides by the hours of the month
/// at hand, 672 to 744.
const MONTH_HOURS: u128 = 730;
/// MB-milliseconds in a GB-second.
const GB_SECOND: u128 = 1_024 * 1_000;
/// Nanoseconds in a second, to get from byte-nanoseconds to byte-seconds, whose product with a
/// price fits 128 bits for any trace.
const SECOND_NS: u128 = 1_000_000_000;

/// What `usage` costs by the prices of `book`.
///
/// Fails only where something that is charged for is not in the book: a node type, a virtual
/// machine type, a serverless engine. Whoever looked these up before the run
/// ([`PriceBook::node`], [`PriceBook::virtual_machine`], [`PriceBook::serverless`]) knows that
/// it does not fail.
///
/// A serverless cache is billed in each hour for at least its minimum over the time it existed, as
/// the provider does it, so that a run costs what its hours do.
pub fn cost(
    book: &PriceBook,
    usage: &Usage,
    accounting: Accounting,
) -> Result<CostItems, PricingError> {
    // Taken apart without `..`, so that nothing new goes unbilled.
    let Usage {
        serving,
        warm_up,
        backup,
        node_hours,
        serverless,
        store_serving,
        store_backing,
        virtual_machine_seconds,
    } = usage;
    let function = book.function();
    let store = book.object_store();

    let mut nodes = Usd::ZERO;
    for (node_type, n_hours) in node_hours {
        nodes += book.node(node_type)?.per_hour.value.scale(u128::from(*n_hours), 1);
    }
    for (engine, used) in serverless {
        nodes += serverless_cost(book.serverless(engine)?, used);
    }
    let mut backing_store = storage_cost(store, store_serving);
    let mut proxy = Usd::ZERO;
    if accounting == Accounting::Full {
        backing_store += request_cost(store, store_backing) + storage_cost(store, store_backing);
        for (machine_type, n_seconds) in virtual_machine_seconds {
            let per_hour = book.virtual_machine(machine_type)?.per_hour.value;
            proxy += per_hour.scale(u128::from(*n_seconds), HOUR_SECONDS);
        }
    }
    Ok(CostItems {
        serving: function_cost(function, serving) + request_cost(store, store_serving),
        warm_up: function_cost(function, warm_up),
        backup: function_cost(function, backup),
        nodes,
        backing_store,
        proxy,
    })
}

impl CostItems {
    /// The items with their names, in the order in which they are listed.
    pub const fn named(&self) -> [(&'static str, Usd); 6] {
        let CostItems { serving, warm_up, backup, nodes, backing_store, proxy } = *self;
        [
            ("serving", serving),
            ("warm_up", warm_up),
            ("backup", backup),
            ("nodes", nodes),
            ("backing_store", backing_store),
            ("proxy", proxy),
        ]
    }

    /// All items together.
    pub fn total(&self) -> Usd {
        self.named().into_iter().map(|(_, it)| it).sum()
    }
}

impl Accounting {
    /// Both ways to count.
    pub const ALL: [Accounting; 2] = [Accounting::Paper, Accounting::Full];

    /// The name that a book or a flag gives it.
    pub const fn name(self) -> &'static str {
        match self {
            Accounting::Paper => "paper",
            Accounting::Full => "full",
        }
    }
}

impl str::FromStr for Accounting {
    type Err = BookProblem;

    fn from_str(text: &str) -> Result<Accounting, BookProblem> {
        let found = Accounting::ALL.into_iter().find(|it| it.name() == text);
        found.ok_or_else(|| BookProblem::Accounting { text: text.to_owned() })
    }
}

fn function_cost(prices: &FunctionPrices, usage: &FunctionUsage) -> Usd {
    let billed_mb_ms = usage.billed_mb_ms(prices.quantum.value);
    prices.per_request.value.scale(u128::from(usage.n_invocations), 1)
        + prices.per_gb_second.value.scale(billed_mb_ms, GB_SECOND)
}

fn request_cost(prices: &ObjectStorePrices, usage: &StoreUsage) -> Usd {
    prices.per_get.value.scale(u128::from(usage.n_gets), 1)
        + prices.per_put.value.scale(u128::from(usage.n_puts), 1)
        + prices.per_delete.value.scale(u128::from(usage.n_deletes), 1)
}

fn storage_cost(prices: &ObjectStorePrices, usage: &StoreUsage) -> Usd {
    let byte_seconds = usage.stored_byte_ns.div_ceil(SECOND_NS);
    prices.per_gb_month.value.scale(byte_seconds, GB * MONTH_HOURS * HOUR_SECONDS)
}

fn serverless_cost(prices: &Serverless, usage: &ServerlessUsage) -> Usd {
    let byte_seconds = usage.paid_byte_ns(prices.minimum.value).div_ceil(SECOND_NS);
    prices.per_gb_hour.value.scale(byte_seconds, GB * HOUR_SECONDS)
        + prices.per_million_ecpus.value.scale(u128::from(usage.n_ecpus), 1_000_000)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use units::{Bytes, Nanos};

    use super::*;
    use crate::usage::{CacheHour, byte_ns};

    fn book(name: &str) -> PriceBook {
        PriceBook::builtin(name).unwrap()
    }

    fn paper() -> PriceBook {
        book("aws-us-east-1-2019-12")
    }

    #[track_caller]
    fn check(book: &PriceBook, usage: &Usage, accounting: Accounting, expect: [&str; 6]) {
        let items = cost(book, usage, accounting).unwrap();
        let expect: Vec<Usd> = expect.into_iter().map(|it| it.parse().unwrap()).collect();
        assert_eq!(items.named().map(|(_, it)| it)[..], expect[..], "{items:?}");
    }

    #[test]
    fn the_paper_s_cluster_costs_518_40_dollars_for_50_hours() {
        let mut usage = Usage::default();
        usage.rent_nodes("cache.r5.24xlarge", 1, Nanos::HOUR * 50);
        check(&paper(), &usage, Accounting::Paper, ["0", "0", "0", "518.40", "0", "0"]);
        let total = cost(&paper(), &usage, Accounting::Paper).unwrap().total();
        assert_eq!(total.to_string(), "$518.40");
    }

    #[test]
    fn twelve_nodes_of_the_later_paper_cost_492_60_dollars_for_50_hours() {
        // InfiniStore (PVLDB 16(7), 2023): 12 x cache.r6g.2xlarge.
        let mut usage = Usage::default();
        usage.rent_nodes("cache.r6g.2xlarge", 12, Nanos::HOUR * 50);
        let book = book("aws-us-east-1-2026-09");
        check(&book, &usage, Accounting::Full, ["0", "0", "0", "492.60", "0", "0"]);
    }

    #[test]
    fn a_ping_costs_less_since_invocations_are_billed_by_the_millisecond() {
        let mut usage = Usage::default();
        for _ in 0..1_000 {
            usage.warm_up.record(1_536, Nanos::millis(5));
        }
        // 1000 x ($2e-7 + 1.5 GB x 0.1 s x $0.0000166667), and the same with 0.005 s.
        check(&paper(), &usage, Accounting::Paper, ["0", "0.002700005", "0", "0", "0", "0"]);
        let later = book("aws-us-east-1-2026-09");
        check(&later, &usage, Accounting::Paper, ["0", "0.00032500025", "0", "0", "0", "0"]);
    }

    #[test]
    fn an_object_store_that_serves_is_charged_in_any_accounting() {
        let mut usage = Usage::default();
        usage.store_serving.n_gets = 1_000;
        usage.store_serving.n_puts = 100;
        usage.store_serving.n_deletes = 10;
        usage.store_serving.stored_byte_ns = byte_ns(Bytes::mebibytes(10 << 10), Nanos::HOUR * 730);
        for accounting in [Accounting::Paper, Accounting::Full] {
            check(&paper(), &usage, accounting, ["0.0009", "0", "0", "0", "0.23", "0"]);
        }
    }

    #[test]
    fn a_store_and_a_proxy_behind_a_cache_are_charged_in_full_accounting_only() {
        let mut usage = Usage::default();
        usage.store_backing.n_gets = 1_000;
        usage.store_backing.n_puts = 100;
        usage.store_backing.stored_byte_ns = byte_ns(Bytes::mebibytes(10 << 10), Nanos::HOUR * 730);
        usage.rent_virtual_machines("c5n.4xlarge", 1, Nanos::HOUR * 50, Nanos::HOUR * 50);
        check(&paper(), &usage, Accounting::Paper, ["0", "0", "0", "0", "0", "0"]);
        check(&paper(), &usage, Accounting::Full, ["0", "0", "0", "0", "0.2309", "43.2"]);
    }

    #[test]
    fn a_serverless_cache_is_billed_for_its_minimum_at_least() {
        #[track_caller]
        fn check_stored(engine: &str, stored: Bytes, expect: &str) {
            let mut used = ServerlessUsage::default();
            used.record_held(stored, Nanos::HOUR * 10);
            used.n_ecpus = 1_000_000;
            let mut usage = Usage::default();
            usage.serverless.insert(engine.to_owned(), used);
            let book = book("aws-us-east-1-2026-09");
            check(&book, &usage, Accounting::Full, ["0", "0", "0", expect, "0", "0"]);
        }
        check_stored("redis", Bytes::ZERO, "1.2534");
        check_stored("redis", Bytes::mebibytes(2 << 10), "2.5034");
        check_stored("valkey", Bytes::ZERO, "0.08433125");
    }

    #[test]
    fn usage_that_a_book_lacks_is_an_error_once_it_is_charged() {
        let mut usage = Usage::default();
        usage.rent_virtual_machines("c6in.large", 1, Nanos::HOUR, Nanos::HOUR);
        assert!(cost(&paper(), &usage, Accounting::Paper).is_ok());
        let err = cost(&paper(), &usage, Accounting::Full).unwrap_err();
        insta::assert_snapshot!(
            err,
            @"price book `aws-us-east-1-2019-12` has no virtual machine type `c6in.large`; the \
            nearest it has: `c5n.4xlarge`; `infinisim prices show aws-us-east-1-2019-12` lists \
            what it has"
        );
        let mut usage = Usage::default();
        usage.rent_nodes("cache.r6g.large", 1, Nanos::HOUR);
        let err = cost(&paper(), &usage, Accounting::Paper).unwrap_err();
        insta::assert_snapshot!(
            err,
            @"price book `aws-us-east-1-2019-12` has no node type `cache.r6g.large`; the nearest \
            it has: `cache.r5.large`, `cache.r5.xlarge`, `cache.r5.2xlarge`, \
            `cache.r5.24xlarge`; `infinisim prices show aws-us-east-1-2019-12` lists what it has"
        );
    }

    #[test]
    fn a_trace_at_every_bound_can_be_priced() {
        let mut usage = Usage::default();
        usage.store_backing.stored_byte_ns = byte_ns(Bytes::TOTAL_MAX, Nanos::SPAN_MAX);
        assert!(usage.can_be_priced());
        assert!(cost(&paper(), &usage, Accounting::Full).is_ok());
    }

    #[test]
    fn what_a_result_may_say_was_used_can_be_priced() {
        let book = book("aws-us-east-1-2026-09");
        let functions = FunctionUsage {
            n_invocations: u64::MAX,
            billed_mb_ms_by_1ms: (1 << 80) - 1,
            billed_mb_ms_by_100ms: (1 << 80) - 1,
        };
        let (n_gets, n_puts, n_deletes) = (u64::MAX, u64::MAX, u64::MAX);
        let store = StoreUsage { n_gets, n_puts, n_deletes, stored_byte_ns: (1 << 124) - 1 };
        let hour = CacheHour { held_byte_ns: (1 << 123) - 1, existed_ns: (1 << 63) - 1 };
        let cache = ServerlessUsage { hours: vec![hour, hour], n_ecpus: u64::MAX };
        let usage = Usage {
            serving: functions,
            warm_up: functions,
            backup: functions,
            node_hours: [("cache.r6g.large".to_owned(), u64::MAX)].into(),
            serverless: [("redis".to_owned(), cache)].into(),
            store_serving: store,
            store_backing: store,
            virtual_machine_seconds: [("c5n.4xlarge".to_owned(), u64::MAX)].into(),
        };
        assert!(usage.can_be_priced());
        assert!(cost(&book, &usage, Accounting::Full).is_ok());
    }

    /// Some use of everything that both books price.
    fn usages() -> impl Strategy<Value = Usage> {
        let invocations =
            || proptest::collection::vec((128_u32..3_008, 0_u64..2_000_000_000), 0..5);
        let store = || (0_u64..1_000, 0_u64..1_000, 0_u64..1_000, 0_u64..1 << 50);
        let functions = (invocations(), invocations(), invocations());
        (functions, 0_u64..100, 0_u64..100, store(), store()).prop_map(
            |((serving, warm_up, backup), n_nodes, n_minutes, store_serving, store_backing)| {
                let mut usage = Usage::default();
                for (used, invocations) in [
                    (&mut usage.serving, serving),
                    (&mut usage.warm_up, warm_up),
                    (&mut usage.backup, backup),
                ] {
                    for (memory_mb, ns) in invocations {
                        used.record(memory_mb, Nanos::new(ns));
                    }
                }
                for (used, (n_gets, n_puts, n_deletes, bytes)) in [
                    (&mut usage.store_serving, store_serving),
                    (&mut usage.store_backing, store_backing),
                ] {
                    let stored_byte_ns = byte_ns(Bytes::new(bytes), Nanos::MINUTE * n_minutes);
                    *used = StoreUsage { n_gets, n_puts, n_deletes, stored_byte_ns };
                }
                usage.rent_nodes("cache.r5.large", n_nodes, Nanos::MINUTE * n_minutes);
                let span = Nanos::MINUTE * n_minutes;
                usage.rent_virtual_machines("c5n.4xlarge", 1, span, span);
                usage
            },
        )
    }

    proptest! {
        #[test]
        fn the_total_is_the_sum_of_the_items(usage in usages()) {
            let CostItems { serving, warm_up, backup, nodes, backing_store, proxy } =
                cost(&paper(), &usage, Accounting::Full).unwrap();
            let items = CostItems { serving, warm_up, backup, nodes, backing_store, proxy };
            let sum = serving + warm_up + backup + nodes + backing_store + proxy;
            prop_assert_eq!(items.total(), sum);
        }

        #[test]
        fn more_use_costs_more_and_costs_add_up(a in usages(), b in usages()) {
            for accounting in [Accounting::Paper, Accounting::Full] {
                let total = |usage: &Usage| cost(&paper(), usage, accounting).unwrap().total();
                let both = total(&[a.clone(), b.clone()].into_iter().sum());
                prop_assert!(total(&a) <= both);
                // Each product is rounded up once: 3 of functions, 2 of storage, 1 of machines.
                let apart = total(&a) + total(&b);
                prop_assert!(both <= apart);
                prop_assert!(apart <= both + Usd::pico(8));
            }
        }

        #[test]
        fn a_result_priced_again_by_its_own_book_costs_the_same(a in usages(), b in usages()) {
            // As it was recorded, and as it is put together again in another order.
            let price = |usage| cost(&paper(), &usage, Accounting::Full).unwrap();
            let recorded: Usage = [a.clone(), b.clone()].into_iter().sum();
            let gathered: Usage = [b, Usage::default(), a].into_iter().sum();
            let first = price(recorded.clone());
            let later = book("aws-us-east-1-2026-09");
            prop_assert!(cost(&later, &recorded, Accounting::Full).is_err(), "no r5 nodes there");
            prop_assert_eq!(price(recorded), first);
            prop_assert_eq!(price(gathered), first);
        }
    }
}
