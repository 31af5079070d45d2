//! Promise 29 over the whole product: no URL from anyone reaches an address that it must not reach. Neither a caller's, nor a
//! provider's, nor one in a configuration that an operator did not mean so.

#![expect(clippy::disallowed_methods, reason = "who listens in vain runs beside the test")]

use e2e::harness::Setup;
use e2e::wall::Role;
use gateway::config::{Config, Destination};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::views::asking;

/// Listens on every address of this machine at one port; counts who comes.
struct Canary {
    port: u16,
    came: watch::Receiver<usize>,
}

impl Canary {
    async fn new() -> Self {
        let listener = TcpListener::bind("0.0.0.0:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let six = TcpListener::bind(format!("[::1]:{port}")).await.ok();
        let (count, came) = watch::channel(0);
        for listener in [Some(listener), six].into_iter().flatten() {
            let count = count.clone();
            tokio::spawn(async move {
                while let Ok((stream, _)) = listener.accept().await {
                    count.send_modify(|count| *count += 1);
                    drop(stream);
                }
            });
        }
        Self { port, came }
    }

    fn came(&self) -> usize {
        *self.came.borrow()
    }
}

/// URLs of this machine, of its network's inside, and of what clouds tell a machine, in every spelling.
fn urls(port: u16) -> Vec<String> {
    let hosts = [
        "127.0.0.1",
        "localhost",
        "LOCALHOST.",
        "127.1",
        "127.0.1",
        "2130706433",
        "0x7f000001",
        "0x7f.0.0.1",
        "017700000001",
        "0177.0.0.1",
        "127.0.0.1.",
        "0",
        "0.0.0.0",
        "[::]",
        "[::1]",
        "[0:0:0:0:0:0:0:1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::127.0.0.1]",
        "[::ffff:0:127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[64:ff9b:1::7f00:1]",
        "[2002:7f00:1::]",
        "[2001:0:7f00:1::]",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.0.1",
        "100.64.0.1",
        "169.254.169.254",
        "2852039166",
        "0xa9fea9fe",
        "[::ffff:169.254.169.254]",
        "[fd00:ec2::254]",
        "[fe80::1]",
        "100.100.100.200",
        "metadata.google.internal",
        "ip6-localhost",
        "ip6-loopback",
    ];
    hosts.into_iter().map(|host| format!("http://{host}:{port}/latest/meta-data/")).collect()
}

/// A caller's pictures and files are passed on to the provider as they are, and never fetched.
#[tokio::test]
async fn no_url_of_a_caller_is_fetched() {
    let canary = Canary::new().await;
    // Of the house's own machines nothing is hidden, so that what was asked arrives there as it was.
    let text = "[policy]\nuse = \"open\"\nhome = \"KR\"\n[[destination]]\nname = \"national\"\nbase_url = \"{national}\"\n\
                provider = \"own\"\nmodels = [\"wall-small\"]\n";
    let gateway = Setup::empty().configured(text, "").start().await;
    let urls = urls(canary.port);
    for url in &urls {
        for part in [
            json!({"type": "image_url", "image_url": {"url": url}}),
            json!({"type": "file", "file": {"file_data": url}}),
        ] {
            let content = json!([{"type": "text", "text": "look"}, part]);
            let answer = gateway
                .client
                .chat(&json!({"model": "wall-small", "messages": [{"role": "user", "content": content}]}))
                .await;
            assert_eq!(answer.status, 200, "{url}: {answer}");
        }
        let text = json!({"model": "wall-small", "messages": [{"role": "user", "content": format!("open {url}")}]});
        assert_eq!(gateway.client.chat(&text).await.status, 200, "{url}");
    }
    assert_eq!(canary.came(), 0, "a caller's URL was fetched");
    assert_eq!(gateway.wall.heard().requests().count(), urls.len() * 3, "the provider was told each");
    gateway.end().await;
}

/// No request can name where it goes, in its body, its headers or its address.
#[tokio::test]
async fn no_request_names_its_destination() {
    let canary = Canary::new().await;
    let gateway = Setup::empty().remote(Role::National, &["echo"]).start().await;
    for url in urls(canary.port) {
        for field in ["api_base", "base_url", "api_url", "endpoint", "webhook", "url", "proxy"] {
            let mut asked = asking("echo", "?");
            asked[field] = Value::String(url.clone());
            assert_eq!(gateway.client.chat(&asked).await.status, 400, "{field}: {url}");
        }
    }
    assert_eq!(canary.came(), 0);
    gateway.end().await;
}

/// What a configuration may not say is refused before anything is connected to; what it may, is told apart from that.
#[tokio::test]
async fn no_spelling_of_an_address_slips_through_a_configuration() {
    let canary = Canary::new().await;
    let (mut refused, mut taken) = (0, Vec::new());
    for url in urls(canary.port) {
        let base = url.replace("/latest/meta-data/", "/v1");
        let text = format!(
            "[policy]\nuse = \"open\"\n[[destination]]\nname = \"a\"\nbase_url = \"{base}\"\nmodels = [\"m\"]\n"
        );
        match Config::parse(&text, "test.toml") {
            Err(_) => refused += 1,
            Ok(_) => taken.push(base),
        }
    }
    // Those that an operator may mean: plain addresses of his own networks, and names.
    assert!(refused >= 24, "{refused} refused, {taken:?} taken");
    assert!(
        taken.iter().all(|base| !base.contains("0x") && !base.contains("ffff") && !base.contains("169.254")),
        "{taken:?}"
    );
    // Names that lead inside are found out when they are looked up.
    let names: Vec<&String> = taken.iter().filter(|base| base.contains("ip6-") || base.contains("metadata")).collect();
    let gateway = Setup::empty().remote(Role::National, &["m"]).start().await;
    for base in &names {
        let mut config = Config::clone(&gateway.config.load());
        let gone = Destination { base_url: base.parse().unwrap(), ..(*config.destinations[0]).clone() };
        config.destinations = vec![gone.into()];
        gateway.config.store(config.into());
        let answer = gateway.client.chat(&asking("m", "?")).await;
        assert!(matches!(answer.status, 502 | 504), "{base}: {answer}");
    }
    assert_eq!((names.len(), canary.came()), (3, 0));
    gateway.end().await;
}

/// A provider that redirects is told of, and not followed: the wall's redirect leads to its foreign range.
#[tokio::test]
async fn a_redirect_is_not_followed() {
    let gateway = Setup::empty().remote(Role::National, &["fault-redirect"]).start().await;
    let answer = gateway.client.chat(&asking("fault-redirect", "?")).await;
    assert_eq!(answer.status, 502, "{answer}");
    assert!(answer.text().contains("the destination `national` redirects"), "{answer}");
    assert_eq!(gateway.wall.heard().requests().count(), 1);
    gateway.end().await;
}
