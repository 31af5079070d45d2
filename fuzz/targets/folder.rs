//! Any bytes as one of the files of a model's folder. It must not know how that is looked at: see `folders.rs`.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| fuzz::any_folder(input));
