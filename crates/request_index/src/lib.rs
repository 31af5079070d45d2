//! The request index: what the audit log says of each request, kept so that it can be searched and counted quickly.
//!
//! A database of its own, made from the log's entries alone: it can be deleted and made again. Read [`Index`] first, then
//! `request` (what entries make of a request), `rows` (how that is kept), `taking` (a batch of entries, one transaction), `counters` (what is summed while it is
//! written), `search` and `figures` (what is asked). Queries are kept to what SQLite and PostgreSQL both understand; what only SQLite
//! understands stands in `index` (how the file is opened) and in the migrations, of which each store has its own.
//!
//! It knows what an entry may say, and SQL. It must not know HTTP, the gateway, how a log is kept, or whose law reaches a
//! destination: that it is told.

mod administration;
mod counters;
mod error;
mod figures;
mod file;
mod index;
mod lines;
#[cfg(test)]
mod made;
mod request;
mod rows;
mod search;
mod spread;
mod taking;

pub use administration::{Administered, AdministrationFilter};
pub use counters::Percentiles;
pub use error::IndexError;
pub use figures::{AxisOf, BUCKETS_MAX, Bucket, OfDestination, OfJurisdiction, Totals};
pub use file::{remove, replace};
pub use index::{Index, Name, NameKind};
pub use request::{Attempted, Axes, FLOOR, Finding, Request, Served, State};
pub use search::{EXAMINED_MAX, Filter, Found, PAGE_MAX, Page};
