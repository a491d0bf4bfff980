//! The cache as a whole: proxy, functions and clients, over real sockets on loopback.

mod bad_peers;
mod chaos;
mod objects;
mod pool;
mod redis;
