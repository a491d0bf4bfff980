//! A Lambda service for one machine.
