//! Connections over real sockets: which address they go to, over TLS and HTTP/2, through proxies; and what went wrong where there
//! is none.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex};

use futures_util::FutureExt as _;
use http::{Method, Request};
use http_body_util::BodyExt as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::resolver::NameTrouble;
use super::*;
use crate::{clock::Clock, config::Config, tasks::Tasks};

mod proxies;
mod tls;

/// A resolver that gives these addresses for every name, one row a look-up, the last for ever.
fn names(rows: Vec<Vec<&'static str>>) -> Resolver {
    let rows = Mutex::new(rows);
    Resolver::asking(move |_| {
        let mut rows = rows.lock().unwrap();
        let row = if rows.len() > 1 { rows.remove(0) } else { rows[0].clone() };
        Ok(row.into_iter().map(|address| address.parse().unwrap()).collect())
    })
}

fn ways(resolver: Resolver) -> Ways {
    Ways { roots: SystemRoots::none(), resolver }
}

/// A destination as an operator would write it.
fn about(lines: &str) -> Arc<crate::config::Destination> {
    let text = format!("[[destination]]\nname = \"a\"\nmodels = [\"m\"]\n{lines}");
    let config = Config::parse(&text, "test.toml").unwrap();
    Arc::clone(&config.destinations[0])
}

/// Asks once; gives status and body, or what went wrong.
async fn asked(ways: &Ways, lines: &str) -> Result<(u16, String), Trouble> {
    let about = about(lines);
    let client = client(ways, &super::super::terms(&about), &Clock::system()).unwrap();
    let request = Request::builder().method(Method::GET).uri(&about.base_url).body(Full::default()).unwrap();
    let answer = client.request(request).await.map_err(|error| Trouble::of(&error))?;
    let status = answer.status().as_u16();
    let body = answer.into_body().collect().await.map_err(|error| Trouble::of(&error))?.to_bytes();
    Ok((status, String::from_utf8(body.to_vec()).unwrap()))
}

/// Listens on all addresses of this machine; counts who comes, and answers each with its own count.
struct Canary {
    port: u16,
    came: tokio::sync::watch::Receiver<usize>,
}

impl Canary {
    async fn new(tasks: &Tasks) -> Self {
        let listener = TcpListener::bind("0.0.0.0:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        // The same port of IPv6, where this machine has that.
        let other = TcpListener::bind(format!("[::1]:{port}")).await.ok();
        let (count, came) = tokio::sync::watch::channel(0);
        let count = Arc::new(count);
        for listener in [Some(listener), other].into_iter().flatten() {
            let count = Arc::clone(&count);
            tasks.start("canary", |_| async move {
                while let Ok((stream, _)) = listener.accept().await {
                    count.send_modify(|count| *count += 1);
                    let said = count.borrow().to_string();
                    drop(answer(stream, &said).await);
                }
            });
        }
        Self { port, came }
    }

    fn came(&self) -> usize {
        *self.came.borrow()
    }
}

async fn answer(mut stream: TcpStream, said: &str) -> std::io::Result<()> {
    let mut read = [0; 4096];
    let _ = stream.read(&mut read).await?;
    let length = said.len();
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{said}");
    stream.write_all(head.as_bytes()).await
}

/// Promise 29: no name leads to an address that was not opened, and what was opened never to one that is never asked.
#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a table of addresses")]
async fn no_name_leads_to_a_forbidden_address() {
    let tasks = Tasks::new(Clock::system());
    let canary = Canary::new(&tasks).await;
    let port = canary.port;
    let inside: [&'static str; 42] = [
        "127.0.0.1",
        "127.0.0.2",
        "127.1.2.3",
        "127.255.255.254",
        "0.0.0.0",
        "0.0.0.1",
        "::",
        "::1",
        "::ffff:127.0.0.1",
        "::ffff:0.0.0.0",
        "::127.0.0.1",
        "::ffff:0:127.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::7f00:1",
        "2002:7f00:1::",
        "2001:0:7f00:1::",
        "10.0.0.1",
        "10.255.255.254",
        "172.16.0.1",
        "172.31.255.254",
        "192.168.0.1",
        "100.64.0.1",
        "100.100.100.200",
        "169.254.0.1",
        "169.254.169.254",
        "169.254.170.2",
        "168.63.129.16",
        "192.0.0.192",
        "198.18.0.1",
        "192.0.2.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "fc00::1",
        "fd00:ec2::254",
        "fd20:ce::254",
        "fe80::1",
        "fec0::1",
        "ff02::1",
        "2001:db8::1",
        "100::1",
    ];
    for address in inside {
        let lines = format!("base_url = \"http://provider.test:{port}/v1\"");
        let got = asked(&ways(names(vec![vec![address]])), &lines).await;
        assert_eq!(got, Err(Trouble::Forbidden), "{address}");
    }
    // What `private` does not open either.
    let never = [
        "0.0.0.0",
        "0.0.0.1",
        "::",
        "::ffff:127.0.0.1",
        "::127.0.0.1",
        "::ffff:0:127.0.0.1",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::7f00:1",
        "2002:7f00:1::",
        "2001:0:7f00:1::",
        "169.254.169.254",
        "169.254.170.2",
        "100.100.100.200",
        "168.63.129.16",
        "192.0.0.192",
        "fd00:ec2::254",
        "224.0.0.1",
        "255.255.255.255",
        "ff02::1",
    ];
    for address in never {
        let lines = format!("base_url = \"http://provider.test:{port}/v1\"\nprivate = true");
        let got = asked(&ways(names(vec![vec![address]])), &lines).await;
        assert_eq!(got, Err(Trouble::Forbidden), "{address}");
    }
    // `localhost` is this machine, wherever a resolver says it is.
    let got = asked(&ways(names(vec![vec!["10.0.0.1"]])), &format!("base_url = \"http://localhost:{port}/v1\"")).await;
    assert_eq!(got, Err(Trouble::Forbidden));
    assert_eq!(canary.came(), 0, "somebody came");
    // And the canary sings when it is meant.
    for host in ["127.0.0.1", "localhost"] {
        let lines = format!("base_url = \"http://{host}:{port}/v1\"");
        let got = asked(&ways(names(vec![vec!["127.0.0.1"]])), &lines).await;
        assert_eq!(got.map(|(status, _)| status), Ok(200), "{host}");
    }
    assert_eq!(canary.came(), 2);
}

#[tokio::test]
async fn only_good_addresses_of_a_name_are_tried() {
    let tasks = Tasks::new(Clock::system());
    // 0.0.0.0 leads to whoever listens on 127.0.0.1.
    let inside = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = inside.local_addr().unwrap().port();
    let good = TcpListener::bind((Ipv4Addr::new(127, 0, 0, 8), port)).await.unwrap();
    for (listener, said) in [(inside, "inside"), (good, "good")] {
        tasks.start("first", |_| async move {
            while let Ok((stream, _)) = listener.accept().await {
                drop(answer(stream, said).await);
            }
        });
    }
    let lines = format!("base_url = \"http://provider.test:{port}/v1\"\nprivate = true");
    let got = asked(&ways(names(vec![vec!["0.0.0.0", "169.254.169.254", "127.0.0.8"]])), &lines).await;
    assert_eq!(got, Ok((200, "good".to_owned())));
    // One that refuses does not keep the next from being tried.
    let gone = std::net::TcpListener::bind("127.0.0.9:0").unwrap().local_addr().unwrap();
    let listener = TcpListener::bind((Ipv4Addr::new(127, 0, 0, 8), gone.port())).await.unwrap();
    tasks.start("second", |_| async move {
        let (stream, _) = listener.accept().await.unwrap();
        answer(stream, "second").await.unwrap();
    });
    let lines = format!("base_url = \"http://provider.test:{}/v1\"\nprivate = true", gone.port());
    let got = asked(&ways(names(vec![vec!["127.0.0.9", "127.0.0.8"]])), &lines).await;
    assert_eq!(got, Ok((200, "second".to_owned())));
}

/// DNS rebinding: each connection looks up anew, and what it checked is what it goes to.
#[tokio::test]
async fn a_name_that_moves_inside_is_not_followed() {
    let tasks = Tasks::new(Clock::system());
    let canary = Canary::new(&tasks).await;
    let about = about(&format!("base_url = \"http://provider.test:{}/v1\"\nprivate = true", canary.port));
    let moving = ways(names(vec![vec!["127.0.0.1"], vec!["0.0.0.0"], vec!["127.0.0.1"]]));
    let client = client(&moving, &super::super::terms(&about), &Clock::system()).unwrap();
    let mut got = Vec::new();
    for _ in 0..3 {
        let request = Request::builder().uri(&about.base_url).body(Full::default()).unwrap();
        got.push(
            client.request(request).await.map(|answer| answer.status().as_u16()).map_err(|error| Trouble::of(&error)),
        );
    }
    assert_eq!(got, [Ok(200), Err(Trouble::Forbidden), Ok(200)]);
    assert_eq!(canary.came(), 2);
}

#[test]
fn of_addresses_outside_and_inside_those_outside_are_left() {
    let of = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect::<Vec<IpAddr>>();
    let mixed = of(&["10.0.0.7", "1.1.1.1", "::1", "2606:4700::1111", "169.254.169.254"]);
    let left = dial::checked(mixed, crate::address::Inside::Nothing).unwrap();
    assert_eq!(left, of(&["1.1.1.1", "2606:4700::1111"]));
}

#[tokio::test]
async fn what_went_wrong_is_told_apart() {
    let gone = |name: &str| Err(NameTrouble::Gone(name.into()));
    let mute = |name: &str| Err(NameTrouble::NoAnswer(name.into(), "no answer".into()));
    let named = "base_url = \"http://provider.test/v1\"";
    assert_eq!(asked(&ways(Resolver::asking(gone)), named).await, Err(Trouble::NameGone));
    assert_eq!(asked(&ways(Resolver::asking(mute)), named).await, Err(Trouble::NameNotAnswered));
    assert_eq!(asked(&ways(Resolver::asking(|_| Ok(Vec::new()))), named).await, Err(Trouble::NameGone));
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let system = ways(Resolver::system());
    let got = asked(&system, &format!("base_url = \"http://127.0.0.1:{port}/v1\"")).await;
    assert_eq!(got, Err(Trouble::Refused));
    for (said, wanted) in [("", Trouble::Closed), ("SSH-2.0-OpenSSH_9.6\r\n", Trouble::NotHttp)] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let tasks = Tasks::new(Clock::system());
        tasks.start("no provider", |_| async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let _ = stream.read(&mut [0; 4096]).await.unwrap();
            stream.write_all(said.as_bytes()).await.unwrap();
        });
        let got = asked(&system, &format!("base_url = \"http://127.0.0.1:{port}/v1\"")).await;
        assert_eq!(got, Err(wanted), "{said}");
    }
}

/// A name whose servers are silent takes one thread, however many ask for it; other names do not wait for it.
#[tokio::test]
async fn a_silent_name_has_one_look_up_and_stalls_no_other() {
    let (begun, mut seen) = tokio::sync::watch::channel(0);
    let (release, held) = std::sync::mpsc::channel::<()>();
    let held = Mutex::new(held);
    let resolver = Resolver::asking(move |name| {
        if name == "silent.test" {
            begun.send_modify(|count| *count += 1);
            let _ = held.lock().unwrap().recv();
        }
        Ok(vec!["127.0.0.1".parse().unwrap()])
    });
    let mut waiting: Vec<_> = (0..600).map(|_| Box::pin(resolver.addresses("silent.test"))).collect();
    for one in &mut waiting {
        assert!(one.as_mut().now_or_never().is_none(), "every one of them has asked, and waits");
    }
    seen.wait_for(|count| *count == 1).await.unwrap();
    assert!(resolver.addresses("provider.test").await.is_ok(), "it does not wait");
    drop(release);
    for one in waiting {
        assert!(one.await.is_ok());
    }
    assert_eq!(*seen.borrow(), 1);
    assert!(resolver.addresses("silent.test").await.is_ok(), "a later one is looked up anew");
    assert_eq!(*seen.borrow(), 2);
}

/// One that breaks off is told, and is no obstacle to the next.
#[tokio::test]
async fn a_look_up_that_breaks_off_is_told_and_begun_anew() {
    let first = std::sync::atomic::AtomicBool::new(true);
    let resolver = Resolver::asking(move |_| {
        assert!(!first.swap(false, std::sync::atomic::Ordering::Relaxed), "it breaks off");
        Ok(vec!["127.0.0.1".parse().unwrap()])
    });
    assert!(matches!(resolver.addresses("a.test").await, Err(NameTrouble::NoAnswer(..))));
    assert!(resolver.addresses("a.test").await.is_ok());
}
