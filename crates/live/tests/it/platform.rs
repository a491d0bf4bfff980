//! The platform from outside: real processes, real sockets, and clients no one here wrote.

mod api;
mod death;
mod peers;
mod semantics;
mod support;
