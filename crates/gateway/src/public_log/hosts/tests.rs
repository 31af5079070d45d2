//! Names that are answered to and names that are not, for each kind of address that the port can listen at.

use http::HeaderValue;

use super::*;

fn admits(listening: &str, host: &str) -> bool {
    let mut headers = HeaderMap::new();
    headers.insert(header::HOST, HeaderValue::from_str(host).unwrap());
    Hosts::new(listening.parse().unwrap()).check(&headers).is_ok()
}

#[test]
fn this_machines_names_are_answered_to() {
    for host in ["localhost", "LocalHost:4001", "127.0.0.1", "127.0.0.1:4001", "[::1]", "[::1]:9", "127.0.0.1:65535"] {
        assert!(admits("127.0.0.1:4001", host), "{host}");
    }
    assert!(admits("192.0.2.7:4001", "192.0.2.7:4001"));
    assert!(admits("[2001:db8::7]:4001", "[2001:db8::7]:4001"));
    assert!(admits("0.0.0.0:4001", "192.0.2.7:4001"), "every address of the machine is listened at");
}

#[test]
fn other_names_are_not() {
    let rows = [
        "",
        ":4001",
        "evil.example",
        "evil.example:4001",
        "localhost.",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "127.0.0.2",
        "192.0.2.7",
        "127.1",
        "0x7f.0.0.1",
        "2130706433",
        "127.0.0.1:",
        "127.0.0.1:65536",
        "127.0.0.1:+1",
        "localhost:4001:4001",
        "user@localhost",
        "localhost/",
        "[::1",
        "::1",
        "[::1]4001",
        "[::2]",
        "[localhost]",
        "[]",
        "127.0.0.1, evil.example",
        "[::ffff:127.0.0.1]",
    ];
    for host in rows {
        assert!(!admits("127.0.0.1:4001", host), "{host}");
    }
    assert!(!admits("0.0.0.0:4001", "evil.example"), "a name can be rebound, whatever is listened at");
}

#[test]
fn one_name_is_sent_and_a_wrong_one_is_told_back_harmlessly() {
    let hosts = Hosts::new("127.0.0.1:4001".parse().unwrap());
    let mut headers = HeaderMap::new();
    assert!(hosts.check(&headers).unwrap_err().contains("no `Host`"));
    headers.append(header::HOST, HeaderValue::from_static("localhost"));
    headers.append(header::HOST, HeaderValue::from_static("localhost"));
    assert!(hosts.check(&headers).unwrap_err().contains("more than one"));
    headers.insert(header::HOST, HeaderValue::from_bytes(&[b'a'; 5000]).unwrap());
    assert!(hosts.check(&headers).unwrap_err().len() < 400);
    headers.insert(header::HOST, HeaderValue::from_bytes(b"\xff\tx").unwrap());
    assert!(hosts.check(&headers).unwrap_err().contains(r"\tx"));
}

#[test]
fn only_loopback_is_loopback() {
    let rows = [("127.0.0.1:1", true), ("127.9.9.9:1", true), ("[::1]:1", true), ("[::ffff:127.0.0.1]:1", true)];
    let others = [("0.0.0.0:1", false), ("[::]:1", false), ("192.0.2.1:1", false), ("10.0.0.1:1", false)];
    for (listening, loopback) in rows.into_iter().chain(others) {
        assert_eq!(Hosts::new(listening.parse().unwrap()).is_loopback(), loopback, "{listening}");
    }
}
