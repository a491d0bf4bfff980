//! What a usage costs, by a dated price book: usage in, dollars out.
//!
//! A [`PriceBook`] is read from TOML text, embedded or a user's own, and every value in it
//! names its source and date. A model counts a [`Usage`] by kind, and keeps what is billed
//! under each [`Quantum`], so that [`cost`] can price one result by any book without running
//! anything again. [`closed_form`] holds the paper's hourly cost equations.
//!
//! The crate reads no file, knows no model, and has no price in its code. Amounts are whole
//! picodollars, rounded up once per product. Free tiers, volume tiers and reserved nodes are
//! not represented.

mod book;
mod check;
pub mod closed_form;
mod cost;
mod error;
mod file;
mod rows;
mod usage;

pub use crate::book::{
    FunctionPrices, MemoryRange, Node, ObjectStorePrices, PriceBook, Reference, Serverless, Source,
    Sourced, VirtualMachine,
};
pub use crate::cost::{Accounting, CostItems, cost};
pub use crate::error::{BookProblem, PriceBookError, PricingError};
pub use crate::rows::Row;
pub use crate::usage::{CacheHour, FunctionUsage, Quantum, ServerlessUsage, StoreUsage, Usage};
