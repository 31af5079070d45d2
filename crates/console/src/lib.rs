//! The console: what the gate is doing, for people who would rather look than read, and what they may do about it.
//!
//! Pages are made here on the server, in the reader's language; scripts only make them livelier. It stands beside the road: it asks the
//! same judge, the same stores and the same log, and what people ask models here walks the road like any other request.

mod accounts;
mod addresses;
mod answer;
mod asking;
mod assets;
mod call;
mod entrance;
mod language;
mod live;
mod model_files;
mod page;
mod screens;
mod site;

#[cfg(test)]
mod rig;

pub use accounts::{
    Account, AccountError, Accounts, BrowserToken, Entered, PasswordError, Permission, Role, Source, UnknownRole,
    Wanted, by, generate_password,
};
pub use addresses::router;
pub use model_files::{ModelFiles, model_added, model_removed};
pub use site::{Parts, Settings};
