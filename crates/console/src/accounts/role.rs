//! Who may do what: five roles, and what each is permitted. The server asks this for every address; nothing else decides it.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

/// What an account is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Everything, and the accounts.
    Owner,
    /// Says what may go where, and rehearses withdrawals: security, data protection, continuity.
    Officer,
    /// Runs the gate: keys, models, withdrawals and their end.
    Operator,
    /// Reads everything that is kept, and changes nothing.
    Auditor,
    /// Asks questions.
    User,
}

/// One thing that somebody may be permitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Permission {
    /// Ask models questions, under the policy, as their team.
    Chat,
    /// See how the gate stands: overview, cut-off board, jurisdictions, models, routes.
    SeeGate,
    /// See which requests there were: never their texts.
    SeeRequests,
    /// See the audit log and verify it.
    SeeLog,
    /// Try what the policy would say of a text.
    TryPolicy,
    /// Take away a destination, a model, a provider or a jurisdiction.
    Withdraw,
    /// Approve that what was withdrawn returns.
    Restore,
    /// Rehearse a withdrawal, and stop a rehearsal.
    Drill,
    /// Change the configuration: destinations, the policy in force, the local model.
    ChangeSettings,
    /// Make, replace and revoke keys.
    ManageKeys,
    /// Fetch and remove models of this machine.
    ManageModels,
    /// Make accounts, change their roles, close them.
    ManageAccounts,
}

impl Role {
    /// All of them, from the widest.
    pub const ALL: [Self; 5] = [Self::Owner, Self::Officer, Self::Operator, Self::Auditor, Self::User];

    /// As it is written on the command line, in the database and in the log.
    pub fn word(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Officer => "officer",
            Self::Operator => "operator",
            Self::Auditor => "auditor",
            Self::User => "user",
        }
    }

    /// Whether somebody in this role may do it.
    pub fn may(self, permission: Permission) -> bool {
        use Permission as P;
        use Role::{Auditor, Officer, Operator, Owner, User};
        match permission {
            P::Chat => matches!(self, Owner | Officer | Operator | User),
            P::SeeGate | P::SeeRequests | P::SeeLog => matches!(self, Owner | Officer | Operator | Auditor),
            P::TryPolicy | P::Drill => matches!(self, Owner | Officer | Operator),
            P::Withdraw | P::Restore | P::ChangeSettings | P::ManageKeys | P::ManageModels => {
                matches!(self, Owner | Operator)
            }
            P::ManageAccounts => matches!(self, Owner),
        }
    }
}

impl Permission {
    /// Ends the name of its message.
    pub fn word(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::SeeGate => "see-gate",
            Self::SeeRequests => "see-requests",
            Self::SeeLog => "see-log",
            Self::TryPolicy => "try-policy",
            Self::Withdraw => "withdraw",
            Self::Restore => "restore",
            Self::Drill => "drill",
            Self::ChangeSettings => "change-settings",
            Self::ManageKeys => "manage-keys",
            Self::ManageModels => "manage-models",
            Self::ManageAccounts => "manage-accounts",
        }
    }

    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::Chat,
        Self::SeeGate,
        Self::SeeRequests,
        Self::SeeLog,
        Self::TryPolicy,
        Self::Withdraw,
        Self::Restore,
        Self::Drill,
        Self::ChangeSettings,
        Self::ManageKeys,
        Self::ManageModels,
        Self::ManageAccounts,
    ];
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// A word that is no role.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is no role: owner, officer, operator, auditor or user")]
pub struct UnknownRole(String);

impl FromStr for Role {
    type Err = UnknownRole;

    fn from_str(word: &str) -> Result<Self, UnknownRole> {
        Self::ALL.into_iter().find(|role| role.word() == word).ok_or_else(|| UnknownRole(word.to_owned()))
    }
}
