//! Memory of any size is read whole.

use super::*;

#[test]
fn every_byte_of_any_size_is_read_by_any_number_of_threads() {
    for bytes in [0, 1, 64, PIECE_BYTES - 1, 3 * PIECE_BYTES + 64] {
        for threads in [1, 3] {
            MemoryReader::new(bytes, threads).unwrap().read();
        }
    }
    assert_eq!(sum(&[1; 640]), 80 * 0x0101_0101_0101_0101);
}
