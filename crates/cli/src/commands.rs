//! One file for each command.

pub(crate) mod availability;
pub(crate) mod calibrate;
pub(crate) mod compare;
pub(crate) mod completions;
pub(crate) mod ec;
pub(crate) mod figures;
pub(crate) mod live_bench;
pub(crate) mod live_down;
pub(crate) mod live_replay;
pub(crate) mod live_up;
pub(crate) mod live_validate;
pub(crate) mod prices;
pub(crate) mod reprice;
pub(crate) mod run;
pub(crate) mod sweep;
pub(crate) mod trace_convert;
pub(crate) mod trace_fit;
pub(crate) mod trace_generate;
pub(crate) mod trace_head;
pub(crate) mod trace_info;
pub(crate) mod trace_mrc;
pub(crate) mod trace_sample;
