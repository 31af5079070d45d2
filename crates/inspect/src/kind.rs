//! The kinds of identifiers and their stable names (`spec/identifiers.md`). Knows no forms.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

macro_rules! kinds {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal,)+) => {
        /// What a finding is. Names are stable: policies, audit entries and metrics use them.
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Kind {
            $($(#[doc = $doc])+ $variant,)+
            /// Of the operator's own dictionary or pattern, by its name.
            Own(Arc<str>),
        }

        impl Kind {
            /// Every kind that is known without configuration.
            pub const BUILT_IN: &[Kind] = &[$(Kind::$variant),+];

            /// The stable name: words of `a-z0-9_.-`.
            pub fn name(&self) -> Cow<'static, str> {
                match self {
                    $(Self::$variant => Cow::Borrowed($name),)+
                    Self::Own(name) => Cow::Owned(format!("own.{name}")),
                }
            }
        }
    };
}

kinds! {
    /// Korean resident registration number.
    KrResident = "kr.resident",
    /// Korean foreigner registration number.
    KrForeigner = "kr.foreigner",
    /// Korean passport.
    KrPassport = "kr.passport",
    /// Korean driver's licence.
    KrDriver = "kr.driver",
    /// Korean business registration number.
    KrBusiness = "kr.business",
    /// Korean corporate registration number.
    KrCorporate = "kr.corporate",
    /// Korean telephone number.
    KrPhone = "kr.phone",
    /// Korean bank account.
    KrAccount = "kr.account",
    /// Vietnamese citizen's identity number.
    VnCccd = "vn.cccd",
    /// Vietnamese identity number of the older, nine-digit kind.
    VnCmnd = "vn.cmnd",
    /// Vietnamese tax code.
    VnTax = "vn.tax",
    /// Vietnamese telephone number.
    VnPhone = "vn.phone",
    /// Japanese individual number (My Number).
    JpMyNumber = "jp.my_number",
    /// Japanese telephone number.
    JpPhone = "jp.phone",
    /// French social security number.
    FrNir = "fr.nir",
    /// French number of a company.
    FrSiren = "fr.siren",
    /// French number of an establishment.
    FrSiret = "fr.siret",
    /// International bank account number.
    Iban = "iban",
    /// Payment card.
    Card = "card",
    /// E-mail address.
    Email = "email",
    /// IPv4 address.
    IpV4 = "ip.v4",
    /// IPv6 address.
    IpV6 = "ip.v6",
    /// A provider's key.
    SecretApiKey = "secret.api_key",
    /// A private key block.
    SecretPrivateKey = "secret.private_key",
    /// A JSON web token.
    SecretJwt = "secret.jwt",
}

impl Kind {
    /// The built-in kind of that stable name.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::BUILT_IN.iter().find(|kind| kind.name() == name).cloned()
    }

    /// Whether it is a secret: worthless to a model and dangerous to its owner.
    pub fn is_secret(&self) -> bool {
        matches!(self, Self::SecretApiKey | Self::SecretPrivateKey | Self::SecretJwt)
    }
}

impl Kind {
    /// The groups it belongs to: `person` (it tells who somebody is, or where to reach them), `secret`, `own`, and the part of
    /// its name before the first dot. Policies name them as they name kinds.
    pub fn groups(&self) -> &'static [&'static str] {
        match self {
            Self::KrResident
            | Self::KrForeigner
            | Self::KrPassport
            | Self::KrDriver
            | Self::KrPhone
            | Self::KrAccount => &["person", "kr"],
            Self::VnCccd | Self::VnCmnd | Self::VnPhone => &["person", "vn"],
            Self::JpMyNumber | Self::JpPhone => &["person", "jp"],
            Self::FrNir => &["person", "fr"],
            Self::IpV4 | Self::IpV6 => &["person", "ip"],
            Self::Iban | Self::Card | Self::Email => &["person"],
            Self::KrBusiness | Self::KrCorporate => &["kr"],
            Self::VnTax => &["vn"],
            Self::FrSiren | Self::FrSiret => &["fr"],
            Self::SecretApiKey | Self::SecretPrivateKey | Self::SecretJwt => &["secret"],
            Self::Own(_) => &["own"],
        }
    }

    /// Every name that a policy can call it by: its own and its groups'.
    pub fn names(&self) -> impl Iterator<Item = Cow<'static, str>> {
        std::iter::once(self.name()).chain(self.groups().iter().map(|group| Cow::Borrowed(*group)))
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::Kind;

    #[test]
    fn a_kind_is_in_the_group_of_its_first_word_and_people_in_person() {
        let own = Kind::Own("project".into());
        for kind in Kind::BUILT_IN.iter().chain([&own]) {
            let names: Vec<_> = kind.names().collect();
            assert_eq!(names[0], kind.name());
            if let Some((first, _)) = kind.name().split_once('.') {
                assert!(names[1..].contains(&first.into()), "{kind}: {names:?}");
            }
            let of_companies = ["kr.business", "kr.corporate", "vn.tax", "fr.siren", "fr.siret"];
            let is_person = !kind.is_secret() && *kind != own && !of_companies.contains(&kind.name().as_ref());
            assert_eq!(kind.groups().contains(&"person"), is_person, "{kind}");
        }
        assert_eq!(own.names().collect::<Vec<_>>(), ["own.project", "own"]);
    }
}
