//! What is read from good files, and what is said of bad ones.
