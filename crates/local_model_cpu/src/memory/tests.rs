//! What the system's own pages say, read.

use super::*;

#[test]
fn available_memory_is_read_from_the_systems_page() {
    let page = "MemTotal:       24576000 kB\nMemFree:  100 kB\nMemAvailable:   20480000 kB\nBuffers: 1 kB\n";
    assert_eq!(meminfo_available(page), Some(20_480_000 * 1024));
    for broken in
        ["", "MemAvailable:\n", "MemAvailable: x kB", "MemAvailable: 5 MB", "MemAvailable: 99999999999999999999 kB"]
    {
        assert_eq!(meminfo_available(broken), None, "{broken}");
    }
}

#[test]
fn entries_of_a_control_group_are_read_by_their_whole_name() {
    let page = "anon 5\ninactive_file_x 7\ninactive_file 4096\n";
    assert_eq!(stat(page, "inactive_file"), Some(4096));
    assert_eq!(stat(page, "file"), None);
}

#[test]
fn what_fits_is_allowed_and_what_cannot_is_refused_with_its_size() {
    ensure_available(1 << 20, "a test").unwrap();
    if available().is_some() {
        let error = ensure_available(1 << 60, "the model's weights").unwrap_err().to_string();
        assert!(error.starts_with("the model's weights need 1099511627776 MiB"), "{error}");
    }
}
