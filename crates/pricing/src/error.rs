//! What can be wrong with a price book, and with what is asked of one.

use units::QuantityError;

/// Why a text is not a price book. The message names the text, the line and the key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PriceBookError {
    /// The text is not TOML, or not of the shape of a price book: a field is unknown, missing
    /// or of another type.
    #[error("price book `{origin}`, line {line}: {message}")]
    Shape {
        /// The name the text was given under.
        origin: String,
        /// Counted from 1.
        line: usize,
        /// What is wrong, and inside which key.
        message: String,
    },
    /// A value of the right shape that makes no sense.
    #[error("price book `{origin}`, line {line}, `{key}`: {problem}")]
    Value {
        /// The name the text was given under.
        origin: String,
        /// Counted from 1.
        line: usize,
        /// The path to the value, such as `node[2].per_hour`; entries count from 0.
        key: String,
        /// What is wrong with it.
        problem: Box<BookProblem>,
    },
}

/// What is wrong with one value of a price book.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BookProblem {
    /// A price, size or time that does not read as one.
    #[error(transparent)]
    Quantity(#[from] QuantityError),
    /// A price that must be a slip, and could overflow a bill.
    #[error("`{text}` dollars is more than any unit price; the highest is 100000")]
    Price {
        /// The price as given.
        text: String,
    },
    /// A price names a source that the book does not describe.
    #[error(
        "no source `{name}` is described; add a table `[source.{name}]` with `text` and `date`"
    )]
    UnknownSource {
        /// The source as the price names it.
        name: String,
    },
    /// Two entries of one list have the same name.
    #[error("`{name}` is listed already; keep one of the two entries")]
    Duplicate {
        /// The name in question.
        name: String,
    },
    /// A billing quantum other than the two that usage is recorded under.
    #[error("usage is not recorded by a billing quantum of `{text}`; write `1ms` or `100ms`")]
    Quantum {
        /// The quantum as given.
        text: String,
    },
    /// An accounting with no such name.
    #[error("`{text}` is not an accounting; write `paper` or `full`")]
    Accounting {
        /// The text as given.
        text: String,
    },
    /// A date that is not one.
    #[error("`{text}` is not a date; write the year and month, such as `2019-12`, or a full date")]
    Date {
        /// The text as given.
        text: String,
    },
    /// A text that says nothing, where something is named or sourced.
    #[error("this must not be empty")]
    Empty,
    /// A range of memory sizes that holds none.
    #[error("no memory size lies between {min} and {max} MB; `min` must be from 1 to `max`")]
    MemoryRange {
        /// The lower bound, in MB.
        min: u32,
        /// The upper bound, in MB.
        max: u32,
    },
    /// Steps between memory sizes that do not lead from the least to the most.
    #[error("steps of {step} MB do not lead from {min} to {max} MB; write a `step` that does")]
    MemoryStep {
        /// The lower bound, in MB.
        min: u32,
        /// The upper bound, in MB.
        max: u32,
        /// The step, in MB.
        step: u32,
    },
    /// A share of a price that is more than the price.
    #[error("a discount of {percent} percent is more than the price; write at most 100")]
    Percent {
        /// The discount as given.
        percent: u32,
    },
}

/// Why a price book has no answer to what is asked of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PricingError {
    /// No embedded book has this name.
    #[error("there is no price book `{name}`; the embedded ones are {known}")]
    UnknownBook {
        /// The name asked for.
        name: String,
        /// The names there are.
        known: String,
    },
    /// The book does not price this.
    #[error(
        "price book `{book}` has no {what} `{name}`; {near}\
         `infinisim prices show {book}` lists what it has"
    )]
    UnknownEntry {
        /// Where the book was read from.
        book: String,
        /// The kind of entry: a node type, a virtual machine type, a serverless engine.
        what: &'static str,
        /// The name asked for.
        name: String,
        /// The most similar names, as the beginning of a sentence, or nothing.
        near: String,
    },
    /// The book prices this node but does not say how much it holds.
    #[error(
        "price book `{book}` gives no memory for node type `{node_type}`; choose another type, \
         or add `memory` to its entry in a book of your own"
    )]
    NoMemory {
        /// Where the book was read from.
        book: String,
        /// The node type asked for.
        node_type: String,
    },
    /// Functions cannot have this much memory.
    #[error(
        "functions priced by `{book}` cannot have {memory_mb} MB of memory; \
         write {min} to {max} MB"
    )]
    FunctionMemory {
        /// Where the book was read from.
        book: String,
        /// The memory asked for, in MB.
        memory_mb: u32,
        /// The least there is, in MB.
        min: u32,
        /// The most there is, in MB.
        max: u32,
    },
    /// Functions cannot have just this much memory.
    #[error(
        "functions priced by `{book}` have memory in steps of {step} MB, not {memory_mb} MB; \
         write {below} or {above} MB"
    )]
    FunctionMemoryStep {
        /// Where the book was read from.
        book: String,
        /// The memory asked for, in MB.
        memory_mb: u32,
        /// By how much sizes differ, in MB.
        step: u32,
        /// The next smaller size, in MB.
        below: u32,
        /// The next larger size, in MB.
        above: u32,
    },
    /// The book has no price for functions on ARM.
    #[error("price book `{book}` has no price for functions on ARM (`arm_per_gb_second`)")]
    NoArm {
        /// Where the book was read from.
        book: String,
    },
}
