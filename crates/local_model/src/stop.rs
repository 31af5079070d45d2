//! Finds stop strings in a stream of bytes, byte by byte, so that how the stream was cut into tokens never matters. Pure;
//! knows bytes, not characters or tokens.

/// Watches one answer for the strings that end it.
#[derive(Clone, Debug)]
pub(crate) struct StopStrings {
    strings: Vec<StopString>,
}

/// One string and how much of it the stream's end matches: an automaton after Knuth, Morris and Pratt (1977).
#[derive(Clone, Debug)]
struct StopString {
    bytes: Vec<u8>,
    /// For each prefix length from 1: the length of the longest shorter prefix that is also its suffix.
    borders: Vec<usize>,
    /// Length of the longest prefix that the stream ends in.
    matched: usize,
}

impl StopStrings {
    /// Empty strings are ignored.
    pub(crate) fn new(strings: &[String]) -> Self {
        let strings = strings.iter().filter(|string| !string.is_empty());
        Self { strings: strings.map(|string| StopString::new(string.as_bytes())).collect() }
    }

    /// Takes the stream's next byte. Tells the length of the longest stop string that ends with it, if one does.
    pub(crate) fn push(&mut self, byte: u8) -> Option<usize> {
        self.strings.iter_mut().filter_map(|string| string.push(byte)).max()
    }

    /// Forgets what the stream ends in: what comes next is the beginning of something else.
    pub(crate) fn forget(&mut self) {
        self.strings.iter_mut().for_each(|string| string.matched = 0);
    }

    /// How many of the stream's last bytes could yet become the beginning of a stop string.
    pub(crate) fn held_back(&self) -> usize {
        self.strings.iter().map(|string| string.matched).max().unwrap_or(0)
    }
}

impl StopString {
    fn new(bytes: &[u8]) -> Self {
        let mut string = Self { bytes: bytes.to_vec(), borders: Vec::with_capacity(bytes.len()), matched: 0 };
        // A prefix's border is what the automaton has matched after reading the string itself from its second byte on.
        for (index, &byte) in bytes.iter().enumerate() {
            if index > 0 {
                string.advance(byte);
            }
            string.borders.push(string.matched);
        }
        string.matched = 0;
        string
    }

    fn push(&mut self, byte: u8) -> Option<usize> {
        self.advance(byte);
        (self.matched == self.bytes.len()).then_some(self.matched)
    }

    fn advance(&mut self, byte: u8) {
        while self.matched > 0 && self.bytes.get(self.matched) != Some(&byte) {
            self.matched = self.borders.get(self.matched - 1).copied().unwrap_or(0);
        }
        if self.bytes.get(self.matched) == Some(&byte) {
            self.matched += 1;
        }
    }
}

#[cfg(test)]
mod tests;
