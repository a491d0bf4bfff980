//! The live system: real functions, real sockets, real time, and the decisions of `policy`.
//!
//! [`proxy`] stands between clients and functions, and also speaks the protocol of Redis;
//! [`client`] is the library that codes objects and finds their proxy, over a [`store`] where
//! objects are for good; [`platform`] is what runs functions: on this machine, behind the APIs
//! of AWS Lambda. [`replay`] makes the requests of a trace on such a cache, at their times, and
//! checks what it reads.

pub mod client;
pub mod made;
mod object;
pub mod open_files;
pub mod platform;
pub mod proxy;
pub mod replay;
mod resp;
pub mod store;
