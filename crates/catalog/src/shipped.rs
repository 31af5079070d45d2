//! The files that are compiled in. Reads none of them.

/// Name and text of each; a test holds the list against the folder.
pub(crate) const FILES: &[(&str, &str)] = &[
    ("catalog/accelerators.toml", include_str!("../../../catalog/accelerators.toml")),
    ("catalog/blocs.toml", include_str!("../../../catalog/blocs.toml")),
    ("catalog/jurisdictions.toml", include_str!("../../../catalog/jurisdictions.toml")),
    ("catalog/licences.toml", include_str!("../../../catalog/licences.toml")),
    ("catalog/models-foreign.toml", include_str!("../../../catalog/models-foreign.toml")),
    ("catalog/models-korea.toml", include_str!("../../../catalog/models-korea.toml")),
    ("catalog/organisations.toml", include_str!("../../../catalog/organisations.toml")),
    ("catalog/providers.toml", include_str!("../../../catalog/providers.toml")),
    ("catalog/quantisations.toml", include_str!("../../../catalog/quantisations.toml")),
    ("catalog/tokenizers.toml", include_str!("../../../catalog/tokenizers.toml")),
];
