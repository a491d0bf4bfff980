//! A price book as a flat list of values, for whoever prints one.

use units::{Bytes, Usd};

use crate::book::{MemoryRange, PriceBook, Sourced};

/// One value of a price book.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row<'a> {
    /// The part of the book: `function`, `node`, and so on.
    pub section: &'static str,
    /// The entry within the section, such as a node type.
    pub name: &'a str,
    /// The value as an exact decimal number.
    pub value: String,
    /// The unit of the value, such as `USD/h`.
    pub unit: &'a str,
    /// Where the value was read.
    pub source: &'a str,
    /// The date of the source.
    pub date: &'a str,
}

impl PriceBook {
    /// Every value of the book, in a fixed order: functions, object store, nodes, serverless
    /// caches, virtual machines, then prices that enter no bill.
    pub fn rows(&self) -> Vec<Row<'_>> {
        let mut rows = self.function_rows();
        let store = &self.object_store;
        for (name, price, unit) in [
            ("get", &store.per_get, "USD/request"),
            ("put", &store.per_put, "USD/request"),
            ("delete", &store.per_delete, "USD/request"),
            ("storage", &store.per_gb_month, "USD/GB-month"),
        ] {
            rows.push(price_row("object_store", name, unit, price));
        }
        for node in &self.nodes {
            let name = &node.node_type;
            rows.push(price_row("node", name, "USD/h", &node.per_hour));
            rows.extend(node.memory.as_ref().map(|it| size_row("node", name, "B memory", it)));
            rows.extend(node.ssd.as_ref().map(|it| size_row("node", name, "B SSD", it)));
            let network = node.network_mbps.as_ref();
            rows.extend(network.map(|it| row("node", name, it.value.to_string(), "Mbit/s", it)));
        }
        for serverless in &self.serverless {
            let (section, name) = ("serverless", &serverless.engine);
            rows.push(price_row(section, name, "USD/GB-hour", &serverless.per_gb_hour));
            let per_million = &serverless.per_million_ecpus;
            rows.push(price_row(section, name, "USD/million ECPUs", per_million));
            rows.push(size_row(section, name, "B minimum", &serverless.minimum));
        }
        for machine in &self.virtual_machines {
            let name = &machine.machine_type;
            rows.push(price_row("virtual_machine", name, "USD/h", &machine.per_hour));
        }
        for reference in &self.references {
            let (name, unit) = (&reference.name, &reference.unit);
            rows.push(price_row("reference", name, unit, &reference.price));
        }
        rows
    }

    fn function_rows(&self) -> Vec<Row<'_>> {
        let function = &self.function;
        let mut rows = vec![
            price_row("function", "request", "USD/request", &function.per_request),
            price_row("function", "compute", "USD/GB-s", &function.per_gb_second),
        ];
        let arm = function.arm_per_gb_second.as_ref();
        rows.extend(arm.map(|it| price_row("function", "compute on ARM", "USD/GB-s", it)));
        let quantum_ms = function.quantum.value.length().get() / 1_000_000;
        let quantum = quantum_ms.to_string();
        rows.push(row("function", "billing quantum", quantum, "ms", &function.quantum));
        let MemoryRange { min_mb, max_mb, step_mb } = function.memory.value;
        rows.push(row("function", "least memory", min_mb.to_string(), "MB", &function.memory));
        rows.push(row("function", "most memory", max_mb.to_string(), "MB", &function.memory));
        if step_mb != 1 {
            let step = step_mb.to_string();
            rows.push(row("function", "step of memory", step, "MB", &function.memory));
        }
        rows
    }
}

fn price_row<'a>(
    section: &'static str,
    name: &'a str,
    unit: &'a str,
    price: &'a Sourced<Usd>,
) -> Row<'a> {
    row(section, name, exact_text(price.value), unit, price)
}

fn size_row<'a>(
    section: &'static str,
    name: &'a str,
    unit: &'a str,
    size: &'a Sourced<Bytes>,
) -> Row<'a> {
    row(section, name, size.value.get().to_string(), unit, size)
}

fn row<'a, T>(
    section: &'static str,
    name: &'a str,
    value: String,
    unit: &'a str,
    sourced: &'a Sourced<T>,
) -> Row<'a> {
    let source = &sourced.source;
    Row { section, name, value, unit, source: &source.text, date: &source.date }
}

/// The price to its last digit, which a rounded display would lose.
fn exact_text(price: Usd) -> String {
    const DOLLAR: u128 = 1_000_000_000_000;
    let text = format!("{}.{:012}", price.get() / DOLLAR, price.get() % DOLLAR);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_is_printed_as_it_was_written() {
        let check = |text: &str| assert_eq!(exact_text(text.parse().unwrap()), text);
        check("10.368");
        check("0.0000166667");
        check("0.0000002");
        check("0");
        check("100");
        check("0.01");
    }

    #[test]
    fn a_book_lists_every_value_with_its_source() {
        let book = PriceBook::builtin("aws-us-east-1-2019-12").unwrap();
        let lines: Vec<String> = book
            .rows()
            .iter()
            .map(|it| {
                format!("{} | {} | {} {} | {}", it.section, it.name, it.value, it.unit, it.date)
            })
            .collect();
        insta::assert_snapshot!(lines.join("\n"), @r"
        function | request | 0.0000002 USD/request | 2026-09
        function | compute | 0.0000166667 USD/GB-s | 2020-02
        function | billing quantum | 100 ms | 2020-02
        function | least memory | 128 MB | 2020-02
        function | most memory | 3008 MB | 2020-02
        function | step of memory | 64 MB | 2020-02
        object_store | get | 0.0000004 USD/request | 2026-09
        object_store | put | 0.000005 USD/request | 2026-09
        object_store | delete | 0 USD/request | 2026-09
        object_store | storage | 0.023 USD/GB-month | 2026-09
        node | cache.r5.large | 0.216 USD/h | 2026-09
        node | cache.r5.large | 14037181030 B memory | 2026-09
        node | cache.r5.large | 10000 Mbit/s | 2026-09
        node | cache.r5.xlarge | 0.432 USD/h | 2026-09
        node | cache.r5.xlarge | 28261849702 B memory | 2026-09
        node | cache.r5.xlarge | 10000 Mbit/s | 2026-09
        node | cache.r5.2xlarge | 0.864 USD/h | 2026-09
        node | cache.r5.2xlarge | 56711183565 B memory | 2026-09
        node | cache.r5.2xlarge | 10000 Mbit/s | 2026-09
        node | cache.r5.24xlarge | 10.368 USD/h | 2020-02
        node | cache.r5.24xlarge | 682485973811 B memory | 2026-09
        node | cache.r5.24xlarge | 25000 Mbit/s | 2026-09
        virtual_machine | c5n.4xlarge | 0.864 USD/h | 2026-09
        reference | provisioned concurrency | 0.015 USD/GB-hour | 2020-02
        ");
    }

    #[test]
    fn no_value_of_an_embedded_book_lacks_a_source_and_a_date() {
        for name in PriceBook::builtin_names() {
            let book = PriceBook::builtin(name).unwrap();
            for row in book.rows() {
                assert!(!row.source.is_empty(), "{row:?}");
                assert!(row.date.starts_with("20"), "{row:?}");
            }
        }
    }
}
