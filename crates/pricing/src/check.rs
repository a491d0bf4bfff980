//! The check that makes a [`PriceBook`] of a file: every value in range and with its source.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use toml::Spanned;
use units::{Bytes, Usd};

use crate::book::{
    FunctionPrices, MemoryRange, Node, ObjectStorePrices, PriceBook, Reference, Serverless, Source,
    Sourced, VirtualMachine,
};
use crate::cost::Accounting;
use crate::error::{BookProblem, PriceBookError};
use crate::file::{
    BandwidthFile, DiscountFile, FunctionFile, MemoryRangeFile, NodeFile, ObjectStoreFile,
    PriceBookFile, PriceFile, QuantumFile, ReferenceFile, ServerlessFile, SizeFile, SourceFile,
    Text, ValkeyFile, VirtualMachineFile,
};
use crate::usage::Quantum;

/// A problem, and where in the file it is.
pub(crate) struct Flaw {
    key: String,
    span: Range<usize>,
    problem: Box<BookProblem>,
}

/// What ends the name of a node with the Valkey engine.
const VALKEY: &str = ":valkey";

/// No unit price comes near it, and with it a bill fits its type for any trace that is real.
const PRICE_MAX: Usd = Usd::pico(100_000_000_000_000_000);

/// The sources that a book describes, by the key its values name them with.
struct Sources(BTreeMap<String, Arc<Source>>);

/// Reads and checks a book; see [`PriceBook::parse`].
pub(crate) fn parse(origin: &str, text: &str) -> Result<PriceBook, PriceBookError> {
    let line_of = |at: usize| 1 + text.bytes().take(at).filter(|it| *it == b'\n').count();
    let file: PriceBookFile = toml::from_str(text).map_err(|mut err| {
        let line = err.span().map_or(1, |span| line_of(span.start));
        // Without the input the error names the key it was found in, and draws no picture.
        err.set_input(None);
        let message = err.to_string().trim_end().replace('\n', " ");
        PriceBookError::Shape { origin: origin.to_owned(), line, message }
    })?;
    let book = PriceBook::try_from(file).map_err(|Flaw { key, span, problem }| {
        let line = line_of(span.start);
        PriceBookError::Value { origin: origin.to_owned(), line, key, problem }
    })?;
    Ok(PriceBook { origin: origin.to_owned(), ..book })
}

impl TryFrom<PriceBookFile> for PriceBook {
    type Error = Flaw;

    fn try_from(file: PriceBookFile) -> Result<PriceBook, Flaw> {
        // Taken apart without `..`, so that a new field cannot go unchecked.
        let PriceBookFile {
            name,
            description,
            region,
            date,
            accounting,
            source,
            function,
            object_store,
            valkey,
            node,
            serverless,
            virtual_machine,
            reference,
        } = file;

        let sources = Sources::check(source)?;
        check_unique("node", "type", node.iter().map(|it| &it.r#type))?;
        check_unique("serverless", "engine", serverless.iter().map(|it| &it.engine))?;
        check_unique("virtual_machine", "type", virtual_machine.iter().map(|it| &it.r#type))?;
        check_unique("reference", "name", reference.iter().map(|it| &it.name))?;

        let mut nodes = each("node", node, |path, it| sources.node(path, it))?;
        if let Some(ValkeyFile { node_discount }) = valkey {
            let discount = sources.discount("valkey.node_discount", node_discount)?;
            // A twin that the file lists itself keeps the price it has there.
            let is_listed = |it: &Node| nodes.iter().any(|other| other.node_type == it.node_type);
            let redis = nodes.iter().filter(|it| !it.node_type.ends_with(VALKEY));
            let twins = redis.map(|it| valkey_twin(it, &discount)).filter(|it| !is_listed(it));
            nodes.extend(twins.collect::<Vec<_>>());
        }
        let accounting_checked = accounting.get_ref().parse::<Accounting>();
        Ok(PriceBook {
            origin: name.get_ref().clone(),
            name: not_empty("name", name)?,
            description: not_empty("description", description)?,
            region: not_empty("region", region)?,
            date: date_text("date", date)?,
            accounting: accounting_checked
                .map_err(|problem| flaw("accounting", &accounting, problem))?,
            function: sources.function(function)?,
            object_store: sources.object_store(object_store)?,
            nodes,
            serverless: each("serverless", serverless, |path, it| sources.serverless(path, it))?,
            virtual_machines: each("virtual_machine", virtual_machine, |path, it| {
                let VirtualMachineFile { r#type, per_hour } = it;
                Ok(VirtualMachine {
                    machine_type: not_empty(&format!("{path}.type"), r#type)?,
                    per_hour: sources.price(&format!("{path}.per_hour"), per_hour)?,
                })
            })?,
            references: each("reference", reference, |path, it| {
                let ReferenceFile { name, unit, price } = it;
                Ok(Reference {
                    name: not_empty(&format!("{path}.name"), name)?,
                    unit: not_empty(&format!("{path}.unit"), unit)?,
                    price: sources.price(&format!("{path}.price"), price)?,
                })
            })?,
        })
    }
}

impl Sources {
    fn check(files: BTreeMap<String, SourceFile>) -> Result<Sources, Flaw> {
        let check = |(key, file)| {
            let SourceFile { text, date } = file;
            let text = not_empty(&format!("source.{key}.text"), text)?;
            let date = date_text(&format!("source.{key}.date"), date)?;
            Ok((key, Arc::new(Source { text, date })))
        };
        files.into_iter().map(check).collect::<Result<_, Flaw>>().map(Sources)
    }

    fn function(&self, file: FunctionFile) -> Result<FunctionPrices, Flaw> {
        let FunctionFile { per_request, per_gb_second, arm_per_gb_second, quantum, memory_mb } =
            file;
        let arm = arm_per_gb_second.map(|it| self.price("function.arm_per_gb_second", it));
        let QuantumFile { time, source } = quantum;
        let path = "function.quantum.time";
        let length = time.get_ref().parse().map_err(|err| flaw(path, &time, err))?;
        let all = [Quantum::OneMillisecond, Quantum::HundredMilliseconds];
        let quantum = all.into_iter().find(|it| it.length() == length).ok_or_else(|| {
            flaw(path, &time, BookProblem::Quantum { text: time.get_ref().clone() })
        })?;
        Ok(FunctionPrices {
            per_request: self.price("function.per_request", per_request)?,
            per_gb_second: self.price("function.per_gb_second", per_gb_second)?,
            arm_per_gb_second: arm.transpose()?,
            quantum: self.sourced("function.quantum", quantum, &source)?,
            memory: self.memory_range("function.memory_mb", memory_mb)?,
        })
    }

    fn memory_range(
        &self,
        path: &str,
        file: MemoryRangeFile,
    ) -> Result<Sourced<MemoryRange>, Flaw> {
        let MemoryRangeFile { min, max, step, source } = file;
        let min_mb = *min.get_ref();
        if min_mb == 0 || max < min_mb {
            return Err(flaw(path, &min, BookProblem::MemoryRange { min: min_mb, max }));
        }
        let step_mb = step.as_ref().map_or(1, |it| *it.get_ref());
        if let Some(step) = step.filter(|_| !(max - min_mb).is_multiple_of(step_mb)) {
            let problem = BookProblem::MemoryStep { min: min_mb, max, step: step_mb };
            return Err(flaw(path, &step, problem));
        }
        // Steps of none reach the least size, where it is the most as well.
        self.sourced(path, MemoryRange { min_mb, max_mb: max, step_mb: step_mb.max(1) }, &source)
    }

    fn object_store(&self, file: ObjectStoreFile) -> Result<ObjectStorePrices, Flaw> {
        let ObjectStoreFile { per_get, per_put, per_delete, per_gb_month } = file;
        Ok(ObjectStorePrices {
            per_get: self.price("object_store.per_get", per_get)?,
            per_put: self.price("object_store.per_put", per_put)?,
            per_delete: self.price("object_store.per_delete", per_delete)?,
            per_gb_month: self.price("object_store.per_gb_month", per_gb_month)?,
        })
    }

    fn node(&self, path: &str, file: NodeFile) -> Result<Node, Flaw> {
        let NodeFile { r#type, per_hour, memory, ssd, network } = file;
        let size = |key: &str, it: Option<SizeFile>| {
            it.map(|it| self.size(&format!("{path}.{key}"), it)).transpose()
        };
        let bandwidth = |BandwidthFile { mbps, source }| {
            self.sourced(&format!("{path}.network"), mbps, &source)
        };
        Ok(Node {
            node_type: not_empty(&format!("{path}.type"), r#type)?,
            per_hour: self.price(&format!("{path}.per_hour"), per_hour)?,
            memory: size("memory", memory)?,
            ssd: size("ssd", ssd)?,
            network_mbps: network.map(bandwidth).transpose()?,
        })
    }

    fn serverless(&self, path: &str, file: ServerlessFile) -> Result<Serverless, Flaw> {
        let ServerlessFile { engine, per_gb_hour, per_million_ecpus, minimum } = file;
        let per_million = format!("{path}.per_million_ecpus");
        Ok(Serverless {
            engine: not_empty(&format!("{path}.engine"), engine)?,
            per_gb_hour: self.price(&format!("{path}.per_gb_hour"), per_gb_hour)?,
            per_million_ecpus: self.price(&per_million, per_million_ecpus)?,
            minimum: self.size(&format!("{path}.minimum"), minimum)?,
        })
    }

    fn discount(&self, path: &str, file: DiscountFile) -> Result<Sourced<u32>, Flaw> {
        let DiscountFile { percent, source } = file;
        let problem = BookProblem::Percent { percent: *percent.get_ref() };
        if 100 < *percent.get_ref() {
            return Err(flaw(path, &percent, problem));
        }
        self.sourced(path, percent.into_inner(), &source)
    }

    fn price(&self, path: &str, file: PriceFile) -> Result<Sourced<Usd>, Flaw> {
        let PriceFile { usd, source } = file;
        let key = format!("{path}.usd");
        let value = usd.get_ref().parse().map_err(|err| flaw(&key, &usd, err))?;
        if PRICE_MAX < value {
            return Err(flaw(&key, &usd, BookProblem::Price { text: usd.get_ref().clone() }));
        }
        self.sourced(path, value, &source)
    }

    fn size(&self, path: &str, file: SizeFile) -> Result<Sourced<Bytes>, Flaw> {
        let SizeFile { size, source } = file;
        let value = size.get_ref().parse();
        self.sourced(path, value.map_err(|err| flaw(&format!("{path}.size"), &size, err))?, &source)
    }

    fn sourced<T>(&self, path: &str, value: T, source: &Text) -> Result<Sourced<T>, Flaw> {
        let name = source.get_ref();
        let found = self.0.get(name).cloned().ok_or_else(|| {
            let problem = BookProblem::UnknownSource { name: name.clone() };
            flaw(&format!("{path}.source"), source, problem)
        });
        Ok(Sourced { value, source: found? })
    }
}

/// The same machine with the Valkey engine, whose nodes cost `discount` percent less.
fn valkey_twin(node: &Node, discount: &Sourced<u32>) -> Node {
    let share = u128::from(100 - discount.value);
    let per_hour = &node.per_hour;
    let text = format!("{share} % of `{}`: {}", node.node_type, discount.source.text);
    let date = discount.source.date.clone();
    Node {
        node_type: format!("{}{VALKEY}", node.node_type),
        per_hour: Sourced {
            value: per_hour.value.scale(share, 100),
            source: Arc::new(Source { text, date }),
        },
        ..node.clone()
    }
}

/// Checks each file of a list, with the path to it.
fn each<F, T>(
    section: &str,
    files: Vec<F>,
    check: impl Fn(&str, F) -> Result<T, Flaw>,
) -> Result<Vec<T>, Flaw> {
    let check = |(i, file)| check(&format!("{section}[{i}]"), file);
    files.into_iter().enumerate().map(check).collect()
}

fn check_unique<'a>(
    section: &str,
    key: &str,
    names: impl Iterator<Item = &'a Text>,
) -> Result<(), Flaw> {
    let mut seen = BTreeSet::new();
    for (i, name) in names.enumerate() {
        if !seen.insert(name.get_ref()) {
            let problem = BookProblem::Duplicate { name: name.get_ref().clone() };
            return Err(flaw(&format!("{section}[{i}].{key}"), name, problem));
        }
    }
    Ok(())
}

fn not_empty(path: &str, text: Text) -> Result<String, Flaw> {
    if text.get_ref().trim().is_empty() {
        return Err(flaw(path, &text, BookProblem::Empty));
    }
    Ok(text.into_inner())
}

/// A year and month, or a full date.
fn date_text(path: &str, text: Text) -> Result<String, Flaw> {
    let is_number = |part: &str, n_digits: usize, max: u32| {
        part.len() == n_digits
            && part.bytes().all(|it| it.is_ascii_digit())
            && part.parse().is_ok_and(|it: u32| (1..=max).contains(&it))
    };
    let parts: Vec<&str> = text.get_ref().split('-').collect();
    let is_date = match parts[..] {
        [year, month] => is_number(year, 4, 9_999) && is_number(month, 2, 12),
        [year, month, day] => {
            is_number(year, 4, 9_999) && is_number(month, 2, 12) && is_number(day, 2, 31)
        }
        _ => false,
    };
    if !is_date {
        return Err(flaw(path, &text, BookProblem::Date { text: text.get_ref().clone() }));
    }
    Ok(text.into_inner())
}

fn flaw<T>(path: &str, at: &Spanned<T>, problem: impl Into<BookProblem>) -> Flaw {
    Flaw { key: path.to_owned(), span: at.span(), problem: Box::new(problem.into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"name = "home"
description = "a book of one's own"
region = "nowhere"
date = "2026-01"
accounting = "full"

[source.page]
text = "a price page"
date = "2026-01-31"

[function]
per_request = { usd = "0.0000002", source = "page" }
per_gb_second = { usd = "0.00002", source = "page" }
quantum = { time = "1ms", source = "page" }
memory_mb = { min = 128, max = 256, source = "page" }

[object_store]
per_get = { usd = "0.1", source = "page" }
per_put = { usd = "0.2", source = "page" }
per_delete = { usd = "0.3", source = "page" }
per_gb_month = { usd = "0.4", source = "page" }

[[node]]
type = "small"
per_hour = { usd = "1.5", source = "page" }
memory = { size = "1GiB", source = "page" }

[[node]]
type = "unknown-size"
per_hour = { usd = "3", source = "page" }
"#;

    /// What is said of [`GOOD`] after a change to it.
    #[track_caller]
    fn refusal(from: &str, to: &str) -> String {
        assert!(GOOD.contains(from), "nothing to change");
        let text = GOOD.replacen(from, to, 1);
        parse("home.toml", &text).expect_err("the book is bad").to_string()
    }

    #[test]
    fn a_good_book_is_read() {
        let book = parse("home.toml", GOOD).unwrap();
        assert_eq!(book.name(), "home");
        assert_eq!(book.date(), "2026-01");
        assert_eq!(book.accounting(), Accounting::Full);
        assert_eq!(book.function().quantum.value, Quantum::OneMillisecond);
        assert_eq!(book.function().per_gb_second.value, Usd::pico(20_000_000));
        assert_eq!(book.object_store().per_delete.value, "0.3".parse().unwrap());
        assert_eq!(book.node_memory("small"), Ok(Bytes::mebibytes(1_024)));
        assert_eq!(book.node("small").unwrap().per_hour.source.text, "a price page");
    }

    #[test]
    fn a_node_without_memory_is_priced_but_not_usable() {
        let book = parse("home.toml", GOOD).unwrap();
        assert_eq!(book.node("unknown-size").unwrap().per_hour.value, "3".parse().unwrap());
        insta::assert_snapshot!(
            book.node_memory("unknown-size").unwrap_err(),
            @"price book `home.toml` gives no memory for node type `unknown-size`; choose \
            another type, or add `memory` to its entry in a book of your own"
        );
    }

    #[test]
    fn a_valkey_node_costs_less_unless_the_book_prices_it() {
        let discount = "[valkey]\nnode_discount = { percent = 20, source = \"page\" }\n[[node]]";
        let text = GOOD.replacen("[[node]]", discount, 1);
        let price = |text: &str| {
            let book = parse("home.toml", text).unwrap();
            assert_eq!(book.nodes().iter().filter(|it| it.node_type == "small:valkey").count(), 1);
            book.node("small:valkey").unwrap().per_hour.value
        };
        assert_eq!(price(&text), "1.2".parse().unwrap());
        assert_eq!(price(&text.replace("unknown-size", "small:valkey")), "3".parse().unwrap());
    }

    #[test]
    fn a_book_of_another_shape_is_refused_with_line_and_key() {
        insta::assert_snapshot!(
            refusal("per_put", "per_putt"),
            @"price book `home.toml`, line 19: unknown field `per_putt`, expected one of \
            `per_get`, `per_put`, `per_delete`, `per_gb_month` in `object_store`"
        );
        insta::assert_snapshot!(
            refusal("date = \"2026-01\"\n", ""),
            @"price book `home.toml`, line 1: missing field `date`"
        );
        insta::assert_snapshot!(
            refusal("\"1.5\"", "1.5"),
            @"price book `home.toml`, line 25: invalid type: floating point `1.5`, expected a \
            string in `node.per_hour.usd`"
        );
        insta::assert_snapshot!(
            refusal("min = 128", "min = -1"),
            @"price book `home.toml`, line 15: invalid value: integer `-1`, expected u32 in \
            `function.memory_mb.min`"
        );
        insta::assert_snapshot!(
            refusal("[[node]]", "[node"),
            @"price book `home.toml`, line 23: unclosed table, expected `]`"
        );
        insta::assert_snapshot!(
            parse("empty.toml", "").unwrap_err(),
            @"price book `empty.toml`, line 1: missing field `name`"
        );
    }

    #[test]
    fn a_bad_amount_is_refused_with_line_key_and_what_to_write() {
        insta::assert_snapshot!(
            refusal("\"1.5\"", "\"$1.5\""),
            @"price book `home.toml`, line 25, `node[0].per_hour.usd`: `$1.5` is not an amount \
            of dollars; write a decimal number of dollars, such as `10.368` or `0.0000166667`"
        );
        insta::assert_snapshot!(
            refusal("\"0.1\"", "\"-0.1\""),
            @"price book `home.toml`, line 18, `object_store.per_get.usd`: `-0.1` is not an \
            amount of dollars; write a decimal number of dollars, such as `10.368` or \
            `0.0000166667`"
        );
        insta::assert_snapshot!(
            refusal("\"0.4\"", "\"100001\""),
            @"price book `home.toml`, line 21, `object_store.per_gb_month.usd`: `100001` dollars \
            is more than any unit price; the highest is 100000"
        );
        insta::assert_snapshot!(
            refusal("\"1GiB\"", "\"1\""),
            @"price book `home.toml`, line 26, `node[0].memory.size`: `1` has no unit of \
            size; write a number and a unit, such as `10MB` (decimal) or `10MiB` (binary)"
        );
    }

    #[test]
    fn a_bad_name_date_or_choice_is_refused_with_line_key_and_what_to_write() {
        insta::assert_snapshot!(
            refusal("source = \"page\"", "source = \"pgae\""),
            @"price book `home.toml`, line 12, `function.per_request.source`: no source `pgae` \
            is described; add a table `[source.pgae]` with `text` and `date`"
        );
        insta::assert_snapshot!(
            refusal("unknown-size", "small"),
            @"price book `home.toml`, line 29, `node[1].type`: `small` is listed already; keep \
            one of the two entries"
        );
        insta::assert_snapshot!(
            refusal("\"1ms\"", "\"10ms\""),
            @"price book `home.toml`, line 14, `function.quantum.time`: usage is not recorded by \
            a billing quantum of `10ms`; write `1ms` or `100ms`"
        );
        insta::assert_snapshot!(
            refusal("\"1ms\"", "\"soon\""),
            @"price book `home.toml`, line 14, `function.quantum.time`: `soon` is not a length \
            of time; write a number and a unit, such as `100ms`, `30s`, `5min` or `50h`"
        );
        insta::assert_snapshot!(
            refusal("\"full\"", "\"fair\""),
            @"price book `home.toml`, line 5, `accounting`: `fair` is not an accounting; write \
            `paper` or `full`"
        );
        insta::assert_snapshot!(
            refusal("\"2026-01\"", "\"January\""),
            @"price book `home.toml`, line 4, `date`: `January` is not a date; write the year \
            and month, such as `2019-12`, or a full date"
        );
        insta::assert_snapshot!(
            refusal("\"2026-01-31\"", "\"2026-13-31\""),
            @"price book `home.toml`, line 9, `source.page.date`: `2026-13-31` is not a date; \
            write the year and month, such as `2019-12`, or a full date"
        );
        insta::assert_snapshot!(
            refusal("\"a price page\"", "\" \""),
            @"price book `home.toml`, line 8, `source.page.text`: this must not be empty"
        );
        insta::assert_snapshot!(
            refusal("max = 256", "max = 64"),
            @"price book `home.toml`, line 15, `function.memory_mb`: no memory size lies between \
            128 and 64 MB; `min` must be from 1 to `max`"
        );
        for step in [0, 48] {
            let said = refusal("max = 256", &format!("max = 256, step = {step}"));
            let expect =
                format!("steps of {step} MB do not lead from 128 to 256 MB; write a `step`");
            assert!(said.contains(&expect), "{said}");
        }
        let discount = "[valkey]\nnode_discount = { percent = 101, source = \"page\" }\n[[node]]";
        insta::assert_snapshot!(
            refusal("[[node]]", discount),
            @"price book `home.toml`, line 24, `valkey.node_discount`: a discount of 101 percent \
            is more than the price; write at most 100"
        );
    }
}
