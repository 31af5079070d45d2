//! The networks that are not the public Internet, as a table. It knows nothing of who wants to go there.
//!
//! Source: IANA IPv4 and IPv6 Special-Purpose Address Registries (RFC 6890, RFC 8190), IPv4 and IPv6 Multicast Address Space,
//! as of October 2025; the clouds' own pages for the addresses at which they tell a machine its credentials.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

/// A network that is not the public Internet.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Network {
    /// What it is, for people: follows "is".
    pub(crate) name: &'static str,
    net: IpNet,
    pub(super) opens: Opens,
}

/// What opens a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Opens {
    /// That the operator writes one of its addresses as the host, or says `private`.
    ByWriting,
    /// That the operator says `private`.
    BySaying,
    /// Nothing.
    Never,
}

use Opens::{BySaying, ByWriting, Never};

/// The first that holds an address tells of it: exceptions stand before what they are taken from.
const NETWORKS: &[Network] = &[
    // Where clouds tell a machine its own credentials: nobody serves a model there.
    v4([169, 254, 169, 0], 24, "a cloud's metadata service", Never),
    v4([169, 254, 170, 0], 24, "a cloud's metadata service", Never),
    v4([169, 254, 0, 23], 32, "a cloud's metadata service", Never),
    v4([169, 254, 42, 42], 32, "a cloud's metadata service", Never),
    v4([100, 100, 100, 200], 32, "a cloud's metadata service", Never),
    v4([168, 63, 129, 16], 32, "a cloud's metadata service", Never),
    v4([192, 0, 0, 192], 32, "a cloud's metadata service", Never),
    v6([0xfd00, 0x42, 0, 0, 0, 0, 0, 0x42], 128, "a cloud's metadata service", Never),
    v6([0xfd00, 0xec2, 0, 0, 0, 0, 0, 0], 32, "a cloud's metadata service", Never),
    v6([0xfd20, 0xce, 0, 0, 0, 0, 0, 0], 32, "a cloud's metadata service", Never),
    // IPv4.
    v4([0, 0, 0, 0], 8, "no address of another machine", Never),
    v4([10, 0, 0, 0], 8, "in a private network", ByWriting),
    v4([100, 64, 0, 0], 10, "in a carrier's shared network", ByWriting),
    v4([127, 0, 0, 0], 8, "this machine itself", ByWriting),
    v4([169, 254, 0, 0], 16, "link-local", BySaying),
    v4([172, 16, 0, 0], 12, "in a private network", ByWriting),
    v4([192, 0, 0, 0], 24, "reserved for protocols", Never),
    v4([192, 0, 2, 0], 24, "for documentation only", Never),
    v4([192, 31, 196, 0], 24, "reserved for protocols", Never),
    v4([192, 52, 193, 0], 24, "reserved for protocols", Never),
    v4([192, 88, 99, 0], 24, "a 6to4 relay", Never),
    v4([192, 168, 0, 0], 16, "in a private network", ByWriting),
    v4([192, 175, 48, 0], 24, "reserved for protocols", Never),
    v4([198, 18, 0, 0], 15, "for benchmarks only", BySaying),
    v4([198, 51, 100, 0], 24, "for documentation only", Never),
    v4([203, 0, 113, 0], 24, "for documentation only", Never),
    v4([224, 0, 0, 0], 4, "a multicast address", Never),
    v4([240, 0, 0, 0], 4, "reserved, or a broadcast", Never),
    // IPv6: of what is not 2000::/3 nothing is the public Internet.
    v6([0, 0, 0, 0, 0, 0, 0, 1], 128, "this machine itself", ByWriting),
    v6([0, 0, 0, 0, 0, 0xffff, 0, 0], 96, "an IPv4 address in disguise", Never),
    v6([0, 0, 0, 0, 0xffff, 0, 0, 0], 96, "an IPv4 address in disguise", Never),
    v6([0, 0, 0, 0, 0, 0, 0, 0], 96, "no address of another machine", Never),
    v6([0x64, 0xff9b, 0, 0, 0, 0, 0, 0], 96, "behind a NAT64", BySaying),
    // Where in such an address the other one stands, each network chooses: it cannot be checked.
    v6([0x64, 0xff9b, 1, 0, 0, 0, 0, 0], 48, "behind a NAT64 of somebody's own", Never),
    v6([0xfc00, 0, 0, 0, 0, 0, 0, 0], 7, "in a private network", ByWriting),
    v6([0xfe80, 0, 0, 0, 0, 0, 0, 0], 10, "link-local", BySaying),
    v6([0xfec0, 0, 0, 0, 0, 0, 0, 0], 10, "site-local, which is given up", Never),
    v6([0xff00, 0, 0, 0, 0, 0, 0, 0], 8, "a multicast address", Never),
    // Teredo, benchmarks and ORCHID among them.
    v6([0x2001, 0, 0, 0, 0, 0, 0, 0], 23, "reserved for protocols", Never),
    v6([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32, "for documentation only", Never),
    v6([0x2002, 0, 0, 0, 0, 0, 0, 0], 16, "a 6to4 address", Never),
    v6([0x2620, 0x4f, 0x8000, 0, 0, 0, 0, 0], 48, "reserved for protocols", Never),
    v6([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20, "for documentation only", Never),
];

/// What no row above holds and is not of the public Internet either.
const RESERVED: Network =
    Network { name: "reserved", net: IpNet::new_assert(IpAddr::V6(Ipv6Addr::UNSPECIFIED), 0), opens: Never };
/// All of IPv6 that is given to networks of the public Internet.
const UNICAST: IpNet = IpNet::new_assert(IpAddr::V6(Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0)), 3);

const fn v4([a, b, c, d]: [u8; 4], bits: u8, name: &'static str, opens: Opens) -> Network {
    Network { name, net: IpNet::new_assert(IpAddr::V4(Ipv4Addr::new(a, b, c, d)), bits), opens }
}

#[expect(clippy::many_single_char_names, reason = "the eight parts of an address")]
const fn v6([a, b, c, d, e, f, g, h]: [u16; 8], bits: u8, name: &'static str, opens: Opens) -> Network {
    Network { name, net: IpNet::new_assert(IpAddr::V6(Ipv6Addr::new(a, b, c, d, e, f, g, h)), bits), opens }
}

/// Where an address lies; nothing if that is the public Internet.
pub(crate) fn network(address: IpAddr) -> Option<&'static Network> {
    static KNOWN: &[Network] = NETWORKS;
    static UNKNOWN: Network = RESERVED;
    let known = KNOWN.iter().find(|network| network.net.contains(&address));
    known.or_else(|| (address.is_ipv6() && !UNICAST.contains(&address)).then_some(&UNKNOWN))
}

/// The IPv4 address to which a NAT64 would send what goes there (RFC 6052, 2.1).
pub(super) fn embedded(address: IpAddr) -> Option<Ipv4Addr> {
    let IpAddr::V6(address) = address else { return None };
    let [0x64, 0xff9b, 0, 0, 0, 0, high, low] = address.segments() else { return None };
    Some(Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low)))
}
