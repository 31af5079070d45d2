//! A file of a known size, read as one stream over as many connections as it takes. It must not know where it is written.

use std::{
    io::{self, Read},
    ops::ControlFlow,
    thread,
};

use ureq::{BodyReader, http::Uri};

use super::{Extent, FRUITLESS_MAX, Trouble, Web, extent};
use crate::StoreError;

/// A file of a known size behind a URL, read from its first byte to its last however often the connection is cut.
pub(in crate::fetch) struct Whole<'a> {
    web: &'a Web<'a>,
    url: Uri,
    body: Option<BodyReader<'static>>,
    /// Bytes that were read.
    at: u64,
    total: u64,
    fruitless: u32,
    /// Hears why it is tried again, and may stop it.
    retrying: &'a dyn Fn(&str) -> ControlFlow<()>,
    trouble: Option<StoreError>,
}

impl<'a> Whole<'a> {
    pub(in crate::fetch) fn new(
        web: &'a Web<'a>,
        url: Uri,
        total: u64,
        retrying: &'a dyn Fn(&str) -> ControlFlow<()>,
    ) -> Self {
        Self { web, url, body: None, at: 0, total, fruitless: 0, retrying, trouble: None }
    }

    /// What was wrong where reading ended before its end.
    pub(in crate::fetch) fn trouble(&mut self, error: &io::Error) -> StoreError {
        let cut = || StoreError::Cut { url: self.url.to_string(), at: self.at, why: error.to_string() };
        self.trouble.take().unwrap_or_else(cut)
    }

    /// The answer's body, from where reading has come to.
    fn open(&self) -> Result<BodyReader<'static>, Trouble> {
        let answer = self.web.follow(&self.url, self.at)?;
        match extent(&answer, self.at) {
            Ok((_, Some(told))) if told != self.total => {
                Err(Trouble::Lasting(format!("it has {told} bytes, and should have {}", self.total)))
            }
            Ok((start, _)) if start == self.at => Ok(answer.into_body().into_reader()),
            Ok(_) => Err(Trouble::Lasting("it does not go on where it was cut".to_owned())),
            Err(Extent::Refused(trouble)) => Err(trouble),
            Err(Extent::Whole | Extent::Beyond) => {
                Err(Trouble::Lasting(format!("it has fewer than the {} bytes that it should have", self.total)))
            }
        }
    }

    /// Waits for another attempt; an error where there were enough.
    fn again(&mut self, why: String) -> io::Result<()> {
        self.body = None;
        self.fruitless += 1;
        if self.fruitless < FRUITLESS_MAX {
            if (self.retrying)(&why).is_break() {
                return Err(self.ended(StoreError::Stopped));
            }
            thread::sleep(self.web.settings.pause * (1 << self.fruitless));
            return Ok(());
        }
        Err(self.ended(match self.at {
            0 => StoreError::NoNetwork { what: self.url.to_string(), why },
            at => StoreError::Cut { url: self.url.to_string(), at, why },
        }))
    }

    fn ended(&mut self, trouble: StoreError) -> io::Error {
        let error = io::Error::other(trouble.to_string());
        self.trouble = Some(trouble);
        error
    }
}

impl Read for Whole<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.at < self.total {
            let Some(body) = &mut self.body else {
                match self.open() {
                    Ok(body) => self.body = Some(body),
                    Err(Trouble::Passing(why)) => self.again(why)?,
                    Err(Trouble::Status(status)) => {
                        return Err(self.ended(StoreError::Answer { url: self.url.to_string(), status }));
                    }
                    Err(Trouble::Lasting(why)) => {
                        return Err(self.ended(StoreError::NoNetwork { what: self.url.to_string(), why }));
                    }
                }
                continue;
            };
            match body.read(buffer) {
                Ok(0) => self.again(format!("{} of {} bytes came", self.at, self.total))?,
                Ok(count) => {
                    self.at += count as u64;
                    self.fruitless = 0;
                    return Ok(count);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => self.again(error.to_string())?,
            }
        }
        Ok(0)
    }
}
