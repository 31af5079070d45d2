//! Which hosts are read, which are refused, and what may be connected to: a vector each.

use super::*;

fn host(url: &str) -> Result<Host, String> {
    let url: Uri = url.parse().map_err(|_| "no URL".to_owned())?;
    Host::of(&url).map_err(|bad| bad.to_string())
}

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

#[test]
fn a_host_is_an_address_as_everyone_writes_it_or_a_name() {
    let rows = [
        ("http://192.0.2.7/v1", Host::Address(address("192.0.2.7"))),
        ("http://192.0.2.7:8000", Host::Address(address("192.0.2.7"))),
        ("https://[2001:db8::7]:8443/", Host::Address(address("2001:db8::7"))),
        ("https://[::ffff:127.0.0.1]/", Host::Address(address("::ffff:127.0.0.1"))),
        ("https://llm.example.kr", Host::Name("llm.example.kr".into())),
        ("https://LLM.Example.KR.:443", Host::Name("llm.example.kr".into())),
        ("http://localhost:8000", Host::Name("localhost".into())),
        ("http://vllm_0.cluster-a", Host::Name("vllm_0.cluster-a".into())),
        ("http://7.example", Host::Name("7.example".into())),
        ("http://127.0.0.1.nip.io", Host::Name("127.0.0.1.nip.io".into())),
    ];
    for (url, wanted) in rows {
        assert_eq!(host(url).as_ref(), Ok(&wanted), "{url}");
    }
}

#[test]
fn no_other_spelling_of_an_address_is_taken_for_a_name() {
    let urls = [
        "http://2130706433/",
        "http://0x7f000001/",
        "http://0X7F.0.0.1/",
        "http://0x7f.1/",
        "http://017700000001/",
        "http://0177.0.0.1/",
        "http://127.0.0.01/",
        "http://127.0.1/",
        "http://127.1/",
        "http://0/",
        "http://00000000/",
        "http://127.0.0.1./",
        "http://127.0.0.0x1/",
        "http://example.0x/",
        "http://256.1.1.1/",
        "http://1.2.3.4.5/",
        "http://[::1%25lo]/",
        "http://[fe80::1%25eth0]/",
        "http://[fe80::1%eth0]/",
        "http://[v1.a]/",
        "http://[127.0.0.1]/",
        "http://127%2e0%2e0%2e1/",
        "http://a..b/",
        "http://.example/",
        "http://./",
        "http://１２７.0.0.1/",
        "http://ⓛocalhost/",
        "http://127。0。0。1/",
        "http://exam ple/",
        "http://a,b/",
        "http://a*b/",
        "http://a%00.example/",
    ];
    for url in urls {
        assert!(host(url).is_err(), "{url}: {:?}", host(url));
    }
    assert!(host(&format!("http://{}.kr", "a".repeat(64))).is_err());
    assert!(host(&format!("http://{}kr", "a.".repeat(130))).is_err());
    assert!(host("http://2130706433/").unwrap_err().contains("four decimal numbers"));
}

/// Rows of the registries, first and last addresses and what lies beside them.
#[test]
#[expect(clippy::too_many_lines, reason = "a table of addresses")]
fn what_is_not_the_public_internet_is_known() {
    let inside = [
        "0.0.0.0",
        "0.255.255.255",
        "10.0.0.0",
        "10.255.255.255",
        "100.64.0.0",
        "100.127.255.255",
        "100.100.100.200",
        "127.0.0.0",
        "127.255.255.255",
        "168.63.129.16",
        "169.254.0.0",
        "169.254.169.254",
        "169.254.170.2",
        "169.254.255.255",
        "172.16.0.0",
        "172.31.255.255",
        "192.0.0.0",
        "192.0.0.192",
        "192.0.2.1",
        "192.31.196.1",
        "192.52.193.1",
        "192.88.99.1",
        "192.168.0.0",
        "192.168.255.255",
        "192.175.48.1",
        "198.18.0.0",
        "198.19.255.255",
        "198.51.100.1",
        "203.0.113.1",
        "224.0.0.1",
        "239.255.255.255",
        "240.0.0.0",
        "255.255.255.255",
        "::",
        "::1",
        "::7f00:1",
        "::ffff:127.0.0.1",
        "::ffff:8.8.8.8",
        "::ffff:0:127.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b::808:808",
        "64:ff9b:1::1",
        "64:ff9b:1:7f00:0:100::",
        "100::1",
        "2001::1",
        "2001:0:7f00:1::",
        "2001:2::1",
        "2001:10::1",
        "2001:20::1",
        "2001:1ff:ffff::",
        "2001:db8::1",
        "2002:7f00:1::",
        "2002:a00:1::1",
        "2620:4f:8000::1",
        "3fff::1",
        "4000::1",
        "5f00::1",
        "fc00::1",
        "fd00:ec2::254",
        "fd20:ce::254",
        "fdff::1",
        "fe80::1",
        "fec0::1",
        "ff02::1",
        "fe80::5efe:7f00:1",
        "1000::1",
        "e000::1",
    ];
    for text in inside {
        assert!(network(address(text)).is_some(), "{text}");
        assert!(Inside::Nothing.admits(address(text)).is_err(), "{text}");
    }
    let outside = [
        "1.1.1.1",
        "9.255.255.255",
        "11.0.0.0",
        "100.63.255.255",
        "100.128.0.0",
        "126.255.255.255",
        "128.0.0.0",
        "169.253.255.255",
        "169.255.0.0",
        "172.15.255.255",
        "172.32.0.0",
        "192.0.1.0",
        "192.0.3.0",
        "192.167.255.255",
        "192.169.0.0",
        "198.17.255.255",
        "198.20.0.0",
        "203.0.112.255",
        "203.0.114.0",
        "223.255.255.255",
        "2001:200::1",
        "2001:db7:ffff::",
        "2001:db9::",
        "2003::1",
        "2400:cb00::1",
        "2606:4700::1111",
        "2a00:1450::1",
        "3ffe::1",
        "3fff:1000::",
    ];
    for text in outside {
        assert_eq!(network(address(text)), None, "{text}");
        assert!(Inside::Nothing.admits(address(text)).is_ok(), "{text}");
    }
}

#[test]
fn what_is_written_opens_itself_and_what_is_said_opens_networks_but_never_all() {
    let opened = |url: &str, private| host(url).unwrap().opens(private);
    // host, private, address, whether it may be connected to
    let rows = [
        ("http://10.0.0.7", false, "10.0.0.7", true),
        ("http://10.0.0.7", false, "10.0.0.8", false),
        ("http://127.0.0.1", false, "127.0.0.1", true),
        ("http://[::1]", false, "::1", true),
        ("http://[fd12::7]", false, "fd12::7", true),
        ("http://100.64.0.7", false, "100.64.0.7", true),
        ("http://localhost", false, "127.0.0.1", true),
        ("http://localhost", false, "::1", true),
        ("http://localhost", false, "10.0.0.1", false),
        ("http://169.254.0.7", false, "169.254.0.7", false),
        ("http://[fe80::7]", false, "fe80::7", false),
        ("http://[::ffff:127.0.0.1]", false, "::ffff:127.0.0.1", false),
        ("http://[64:ff9b::7f00:1]", false, "64:ff9b::7f00:1", false),
        ("http://0.0.0.0", false, "0.0.0.0", false),
        ("http://vllm.internal", false, "10.0.0.7", false),
        ("http://vllm.internal", true, "10.0.0.7", true),
        ("http://vllm.internal", true, "127.0.0.1", true),
        ("http://vllm.internal", true, "169.254.0.7", true),
        ("http://vllm.internal", true, "fe80::7", true),
        ("http://vllm.internal", true, "198.18.0.1", true),
        ("http://vllm.internal", true, "64:ff9b::808:808", true),
        ("http://vllm.internal", true, "64:ff9b::a00:7", true),
        ("http://vllm.internal", true, "64:ff9b::a9fe:a9fe", false),
        ("http://vllm.internal", true, "64:ff9b:1::a9fe:a9fe", false),
        ("http://vllm.internal", true, "169.254.169.254", false),
        ("http://vllm.internal", true, "169.254.0.23", false),
        ("http://vllm.internal", true, "169.254.42.42", false),
        ("http://vllm.internal", true, "fd00:42::42", false),
        ("http://vllm.internal", true, "fd00:42::43", true),
        ("http://vllm.internal", true, "fd00:ec2::254", false),
        ("http://vllm.internal", true, "100.100.100.200", false),
        ("http://vllm.internal", true, "0.0.0.0", false),
        ("http://vllm.internal", true, "::", false),
        ("http://vllm.internal", true, "::ffff:10.0.0.7", false),
        ("http://vllm.internal", true, "224.0.0.1", false),
        ("http://vllm.internal", true, "255.255.255.255", false),
        ("http://vllm.internal", true, "2002:a00:1::1", false),
    ];
    for (url, private, to, admitted) in rows {
        assert_eq!(opened(url, private).admits(address(to)).is_ok(), admitted, "{url} {private} {to}");
    }
    let told = Inside::Nothing.admits(address("10.1.2.3")).unwrap_err();
    assert_eq!(told.to_string(), "10.1.2.3 is in a private network");
}
