//! The live system: real functions, real sockets, real time, and the decisions of `policy`.
//!
//! [`proxy`] stands between clients and functions, and also speaks the protocol of Redis;
//! [`client`] is the library that codes objects and finds their proxy, over a [`store`] where
//! objects are for good; [`platform`] is what runs functions: on this machine, behind the APIs
//! of AWS Lambda.

pub mod client;
mod object;
pub mod platform;
pub mod proxy;
mod resp;
pub mod store;
