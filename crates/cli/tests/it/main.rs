//! The real `infinisim`, run as a user would run it, and the rules that no compiler checks.

mod bad_input;
mod command;
mod compare;
mod golden;
mod results;
mod tidy;
