//! The road as a whole, in process: a scripted local model, a fake remote on a real socket, a real audit log on disk.
//! Each test looks at three views: what the caller got, what the outside heard, what the log says.

mod local;
mod reach;
mod refusals;
mod remote;
pub(crate) mod rig;
mod vectors;
