//! Of the whole.
