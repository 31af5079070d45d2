//! Paths as C2SP writes them.

use super::*;

#[test]
fn paths_are_tlog_tiles() {
    assert_eq!(tile_path(0, 1_234_067, 256).to_str(), Some("tile/0/x001/x234/067"));
    assert_eq!(tile_path(1, 0, 17).to_str(), Some("tile/1/000.p/17"));
    assert_eq!(bundle_path(273, 112).to_str(), Some("tile/entries/273.p/112"));
    assert_eq!(bundle_path(1_000, 256).to_str(), Some("tile/entries/x001/000"));
}
