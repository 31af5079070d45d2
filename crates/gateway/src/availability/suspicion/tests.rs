//! Of suspicion.
