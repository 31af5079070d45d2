//! Of figures.
