//! The policies that are shipped, compiled in from `policies/`.

use crate::{File, Policy};

macro_rules! shipped {
    ($($name:literal),+ $(,)?) => {
        const FILES: &[(&str, File<'static>, File<'static>)] = &[$((
            $name,
            File {
                name: concat!($name, ".cedar"),
                text: include_str!(concat!("../../../policies/", $name, ".cedar")),
            },
            File {
                name: concat!($name, ".toml"),
                text: include_str!(concat!("../../../policies/", $name, ".toml")),
            },
        )),+];

        impl Policy {
            /// The names of the policies that are shipped.
            pub const SHIPPED: &'static [&'static str] = &[$($name),+];
        }
    };
}

shipped!("local", "open", "kr-public-sector", "kr-enterprise", "eu-gdpr", "vn-enterprise");

impl Policy {
    /// The rules and the settings of a policy that is shipped.
    pub fn shipped_files(name: &str) -> Option<(File<'static>, File<'static>)> {
        FILES.iter().find(|(shipped, _, _)| *shipped == name).map(|(_, rules, settings)| (*rules, *settings))
    }
}
