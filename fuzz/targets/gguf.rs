//! Any bytes as a model file. It must not know how that is looked at: see `lib.rs`.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| fuzz::any_file(input));
