//! How a policy finds the class of a request: what counts without registration, for what is not read, and for findings.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::Class;

/// The table `[classes]` of a policy's settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Classes {
    pub(crate) default: Class,
    pub(crate) unread: Class,
    pub(crate) findings: BTreeMap<Arc<str>, Class>,
}

impl Classes {
    /// Where nothing is registered.
    pub fn default(&self) -> Class {
        self.default
    }

    /// At least, where a request holds what is not read.
    pub fn unread(&self) -> Class {
        self.unread
    }

    /// At least, for findings that go by these names (kinds and groups); none where they raise nothing.
    pub fn of_findings<'n>(&self, names: impl Iterator<Item = &'n str>) -> Option<Class> {
        names.filter_map(|name| self.findings.get(name)).max().copied()
    }
}
