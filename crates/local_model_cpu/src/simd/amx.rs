//! Matrix registers (AMX): 16 rows of activations times 16 rows of weights in one instruction, bfloat16s summed up in 32
//! bits. It must not know what is multiplied.
//!
//! The instructions have no stable intrinsics, hence the assembly. What a thread's eight registers hold is in its hands
//! from [`Amx::hold`] until the [`Held`] is dropped, which also frees the system from saving them (8 KiB) whenever the
//! thread is interrupted.

use std::arch::asm;
use std::marker::PhantomData;
use std::sync::OnceLock;

use super::LANES;
use super::avx512::Avx512;
use crate::activations::BrainBlock;

/// Proof that this processor has AMX with bfloat16s, and AVX-512 with VNNI, and that the system lets this process use them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Amx(Avx512);

/// A tile of weights as bfloat16s: vector j holds columns 2j and 2j+1 of 16 rows.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
pub(crate) struct BrainPairs(pub(crate) [[u16; 32]; 16]);

/// Sums of products of 16 rows of activations with 16 rows of weights.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
pub(crate) struct Sums(pub(crate) [[f32; LANES]; 16]);

/// What the registers are used as, in `LDTILECFG`'s form (Intel's manual, volume 1, chapter 18).
#[repr(C, align(64))]
struct Configuration {
    palette: u8,
    start_row: u8,
    reserved: [u8; 14],
    row_bytes: [u16; 16],
    rows: [u8; 16],
}

impl Configuration {
    #[inline(always)]
    fn load(&self) {
        // SAFETY: only those call it that have the proof; it reads 64 bytes.
        unsafe { asm!("ldtilecfg [{}]", in(reg) self, options(nostack, preserves_flags, readonly)) };
    }
}

impl Amx {
    /// The proof, where processor and system have it. The system is asked once in a process.
    pub(crate) fn detect() -> Option<Self> {
        static ALLOWED: OnceLock<bool> = OnceLock::new();
        let simd = Avx512::detect()?;
        let vectors = is_x86_feature_detected!("avx512bf16") && is_x86_feature_detected!("avx512vbmi");
        ALLOWED.get_or_init(|| vectors && processor_has_it() && system_allows_it()).then_some(Self(simd))
    }

    /// The vector instructions that come with it.
    #[inline(always)]
    pub(crate) fn vectors(self) -> Avx512 {
        self.0
    }

    /// Sets this thread's registers up for [`Held`].
    ///
    /// # Safety
    /// Nothing else in this thread holds the registers until the returned value is dropped.
    #[expect(clippy::unused_self, reason = "the value is the proof that the instructions are there")]
    #[inline(always)]
    pub(crate) unsafe fn hold(self) -> Held {
        const WHOLE: Configuration = {
            let (mut row_bytes, mut rows) = ([0; 16], [0; 16]);
            let mut register = 0;
            while register < 8 {
                (row_bytes[register], rows[register]) = (64, 16);
                register += 1;
            }
            Configuration { palette: 1, start_row: 0, reserved: [0; 14], row_bytes, rows }
        };
        WHOLE.load();
        Held(PhantomData)
    }
}

/// A thread's registers, all of them 16 rows of 64 bytes: two panels of activations times two strips of weights.
pub(crate) struct Held(PhantomData<*const ()>);

impl Held {
    /// Adds to `sums` the products of two panels' rows with two strips' weights, over the columns that `weights` have:
    /// `sums[strip][panel]`. `panels` are where each panel's first block of 16 rows is.
    #[expect(clippy::unused_self, reason = "the value is the proof that the registers are set up")]
    #[inline(always)]
    pub(crate) fn add_products(
        &self,
        panels: [&[[BrainBlock; 16]]; 2],
        weights: [&[BrainPairs]; 2],
        sums: &mut [[Sums; 2]; 2],
    ) {
        let blocks = weights[0].len();
        assert!(blocks > 0 && weights[1].len() == blocks, "two strips are as wide");
        assert!(panels.iter().all(|panel| panel.len() == blocks), "activations are as wide as weights");
        let [[first, second], [third, fourth]] = sums;
        // SAFETY: the registers are 16 rows of 64 bytes. Each turn reads a kilobyte from each of the two panels and
        // strips, as many turns as all of them have such blocks; sums are four times a kilobyte, read and written.
        unsafe {
            asm!(
                "tileloadd tmm0, [{c} + {s}]",
                "tileloadd tmm1, [{d} + {s}]",
                "tileloadd tmm2, [{e} + {s}]",
                "tileloadd tmm3, [{f} + {s}]",
                "2:",
                "tileloadd tmm4, [{a} + {s}]",
                "tileloadd tmm6, [{b} + {s}]",
                "tdpbf16ps tmm0, tmm4, tmm6",
                "tileloadd tmm5, [{a2} + {s}]",
                "tdpbf16ps tmm1, tmm5, tmm6",
                "tileloadd tmm7, [{b2} + {s}]",
                "tdpbf16ps tmm2, tmm4, tmm7",
                "tdpbf16ps tmm3, tmm5, tmm7",
                "add {a}, 1024",
                "add {a2}, 1024",
                "add {b}, 1024",
                "add {b2}, 1024",
                "dec {n}",
                "jnz 2b",
                "tilestored [{c} + {s}], tmm0",
                "tilestored [{d} + {s}], tmm1",
                "tilestored [{e} + {s}], tmm2",
                "tilestored [{f} + {s}], tmm3",
                a = inout(reg) panels[0].as_ptr() => _,
                a2 = inout(reg) panels[1].as_ptr() => _,
                b = inout(reg) weights[0].as_ptr() => _,
                b2 = inout(reg) weights[1].as_ptr() => _,
                c = in(reg) first.0.as_mut_ptr(),
                d = in(reg) second.0.as_mut_ptr(),
                e = in(reg) third.0.as_mut_ptr(),
                f = in(reg) fourth.0.as_mut_ptr(),
                n = inout(reg) blocks => _,
                s = in(reg) 64_usize,
                out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _,
                out("tmm4") _, out("tmm5") _, out("tmm6") _, out("tmm7") _,
                options(nostack)
            );
        }
    }
}

impl Drop for Held {
    #[inline(always)]
    fn drop(&mut self) {
        // SAFETY: puts the registers back into the state that every thread begins in.
        unsafe { asm!("tilerelease", options(nostack, preserves_flags, nomem)) };
    }
}

/// Whether the processor says that it has the registers, and the instruction for bfloat16s.
fn processor_has_it() -> bool {
    const FEATURES: u32 = 7;
    /// bfloat16s, and the registers.
    const NEEDED: u32 = 1 << 22 | 1 << 24;
    let highest = std::arch::x86_64::__cpuid(0).eax;
    highest >= FEATURES && std::arch::x86_64::__cpuid_count(FEATURES, 0).edx & NEEDED == NEEDED
}

/// Asks Linux for the registers, which it gives to those processes only that ask (Documentation/arch/x86/xstate.rst).
#[cfg(target_os = "linux")]
fn system_allows_it() -> bool {
    const ARCH_PRCTL: usize = 158;
    const REQUEST_PERMISSION: usize = 0x1023;
    const TILE_DATA: usize = 18;
    let result: isize;
    // SAFETY: the call changes what this process may use, no memory; a system that does not know it says so. The
    // system overwrites `rcx` and `r11`.
    unsafe {
        asm!(
            "syscall",
            inlateout("rax") ARCH_PRCTL => result,
            in("rdi") REQUEST_PERMISSION,
            in("rsi") TILE_DATA,
            lateout("rcx") _,
            lateout("r11") _,
            options(nostack)
        );
    }
    result == 0
}

/// Of other systems it is not known how they are asked.
#[cfg(not(target_os = "linux"))]
fn system_allows_it() -> bool {
    false
}
