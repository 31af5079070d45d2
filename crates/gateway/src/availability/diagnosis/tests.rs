//! The table: every case of `spec/availability`.
