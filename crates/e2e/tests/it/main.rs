//! All whole-product tests, one binary: a file a behaviour.
#![cfg(test)]
