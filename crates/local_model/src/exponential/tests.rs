//! Against the standard library's, in double precision.

use super::{LOWEST, of_negative, sum};

#[test]
fn it_is_the_exponential() {
    let mut worst = 0.0_f64;
    for step in 0_u16..=60_000 {
        let x = LOWEST * f32::from(step) / 60_000.0;
        let exact = f64::from(x).exp();
        worst = worst.max(((f64::from(of_negative(x)) - exact) / exact).abs());
    }
    // The argument's own rounding is magnified by its size: 87 times the 6e-8 of an f32.
    assert!(worst < 6e-6, "off by {worst}");
    let near = (0_u16..=1_000).map(|step| -f32::from(step) / 1_000.0);
    let worst = near.map(|x| (f64::from(of_negative(x)) / f64::from(x).exp() - 1.0).abs()).fold(0.0, f64::max);
    assert!(worst < 4e-7, "off by {worst}");
}

#[test]
fn its_ends_are_exact() {
    assert_eq!(of_negative(0.0).to_bits(), 1.0_f32.to_bits());
    for nothing in [f32::NEG_INFINITY, f32::MIN, -88.0, f32::NAN] {
        assert_eq!(of_negative(nothing).to_bits(), 0.0_f32.to_bits());
    }
}

#[test]
fn sums_miss_nothing() {
    let numbers: Vec<f32> = (1_u8..=101).map(f32::from).collect();
    assert!((sum(&numbers) - 5_151.0).abs() < 1e-9);
    assert!(sum(&[]).abs() < 1e-9);
}
