//! Accelerators: cards that compute models, as their makers specify them, and what is assumed of them. Knows no models.

use std::fmt;

use crate::entry::Entry;
use crate::fact::Fact;
use crate::jurisdiction::Jurisdiction;
use crate::organisation::NONE;
use crate::typed::Typed;

// No card of today comes near; what passes them was typed in another unit.
const MEMORY_GB_MAX: u64 = 10_000;
const BANDWIDTH_GB_MAX: u64 = 1_000_000;
const TFLOPS_MAX: u64 = 1_000_000;
const POWER_WATTS_MAX: u64 = 100_000;

/// A card that computes models.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accelerator {
    /// How it is called.
    pub name: String,
    /// Who designs it.
    pub maker: Fact<String>,
    /// Where its maker is seated.
    pub maker_in: Fact<Jurisdiction>,
    /// Its memory, in GB as it is sold, taken as 10⁹ bytes; 1 to 10,000.
    pub memory_gb: Fact<u64>,
    /// How fast it reads its memory, in 10⁹ bytes a second; 1 to 1,000,000.
    pub bandwidth_gb_per_second: Fact<u64>,
    /// Operations on 16-bit floats, dense, in 10¹² a second.
    pub bf16_tflops: Fact<Rate>,
    /// The same on 8-bit floats.
    pub fp8_tflops: Fact<Rate>,
    /// What it takes at most.
    pub power_watts: Fact<u64>,
    /// Share of its memory that weights and caches can have, in percent; an assumption.
    pub memory_usable_percent: Fact<u64>,
    /// Share of bandwidth and operations that a server reaches, in percent; an assumption, until it was measured.
    pub reached_percent: Fact<u64>,
}

/// How fast a card computes in one precision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rate {
    /// It cannot compute in it.
    None,
    /// 10¹² operations a second; 1 to 1,000,000.
    Tflops(u64),
}

impl Accelerator {
    pub(crate) fn read(entry: &mut Entry<'_, '_>) -> Self {
        let percent = |typed: Typed<'_>| typed.within(1, 100);
        Self {
            name: entry.name(),
            maker: entry.fact("maker", Typed::owned),
            maker_in: entry.fact("maker_in", Typed::jurisdiction),
            memory_gb: entry.fact("memory_gb", |typed| typed.within(1, MEMORY_GB_MAX)),
            bandwidth_gb_per_second: entry.fact("bandwidth_gb_per_second", |typed| typed.within(1, BANDWIDTH_GB_MAX)),
            bf16_tflops: entry.fact("bf16_tflops", rate),
            fp8_tflops: entry.fact("fp8_tflops", rate),
            power_watts: entry.fact("power_watts", |typed| typed.within(1, POWER_WATTS_MAX)),
            memory_usable_percent: entry.fact("memory_usable_percent", percent),
            reached_percent: entry.fact("reached_percent", percent),
        }
    }
}

fn rate(typed: Typed<'_>) -> Result<Rate, String> {
    if typed.text().is_ok_and(|text| text == NONE) {
        return Ok(Rate::None);
    }
    typed.within(1, TFLOPS_MAX).map(Rate::Tflops).map_err(|what| format!("{what}, or \"{NONE}\""))
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str(NONE),
            Self::Tflops(tflops) => tflops.fmt(f),
        }
    }
}
