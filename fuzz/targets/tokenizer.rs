//! Any vocabulary with any text. It must not know how that is looked at: see `vocabularies.rs`.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| fuzz::any_vocabulary(input));
