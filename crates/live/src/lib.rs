//! The live system: real functions, real sockets, real time, and the decisions of `policy`.
//!
//! [`platform`] is what runs functions: on this machine, behind the APIs of AWS Lambda.

pub mod client;
mod object;
pub mod platform;
pub mod proxy;
mod resp;
pub mod store;
