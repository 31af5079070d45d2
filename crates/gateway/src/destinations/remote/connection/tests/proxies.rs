//! Proxies: what they hear, and that nothing goes around them.

use super::*;

/// A proxy that writes down what it is told first, says `said` each time, and then plays the provider itself.
async fn proxy(
    tasks: &Tasks,
    turns: Vec<(usize, &'static [u8])>,
) -> (u16, tokio::sync::mpsc::UnboundedReceiver<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (tell, told) = tokio::sync::mpsc::unbounded_channel();
    tasks.start("proxy", |_| async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        for (bytes, said) in turns {
            let mut heard = vec![0; 4096];
            let count = if bytes == 0 {
                stream.read(&mut heard).await.unwrap()
            } else {
                stream.read_exact(&mut heard[..bytes]).await.unwrap()
            };
            heard.truncate(count);
            tell.send(heard).unwrap();
            stream.write_all(said).await.unwrap();
        }
        let mut heard = vec![0; 4096];
        let count = stream.read(&mut heard).await.unwrap();
        heard.truncate(count);
        tell.send(heard).unwrap();
        drop(stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi").await);
    });
    (port, told)
}

fn nobody() -> Ways {
    ways(Resolver::asking(|name| panic!("`{name}` was looked up beside the proxy")))
}

#[tokio::test]
async fn a_tunnel_is_asked_for_by_name_and_the_provider_hears_no_more() {
    let tasks = Tasks::new(Clock::system());
    let (port, mut told) = proxy(&tasks, vec![(0, b"HTTP/1.1 200 OK\r\n\r\n")]).await;
    let lines = format!("base_url = \"http://provider.test/v1\"\nproxy = \"http://127.0.0.1:{port}\"");
    assert_eq!(asked(&nobody(), &lines).await, Ok((200, "hi".to_owned())));
    let connect = String::from_utf8(told.recv().await.unwrap()).unwrap();
    assert!(connect.starts_with("CONNECT provider.test:80 HTTP/1.1\r\n"), "{connect}");
    assert!(!connect.to_lowercase().contains("authorization"), "{connect}");
    let asked = String::from_utf8(told.recv().await.unwrap()).unwrap();
    assert!(asked.starts_with("GET /v1 HTTP/1.1\r\n") && asked.contains("host: provider.test\r\n"), "{asked}");
}

#[tokio::test]
async fn a_socks_proxy_is_given_the_name() {
    let tasks = Tasks::new(Clock::system());
    // Greeting, then the request: version, connect, a name of 13 bytes, port.
    let turns: Vec<(usize, &'static [u8])> = vec![(3, &[5, 0]), (20, &[5, 0, 0, 1, 127, 0, 0, 1, 0, 80])];
    let (port, mut told) = proxy(&tasks, turns).await;
    let lines = format!("base_url = \"http://provider.test/v1\"\nproxy = \"socks5://127.0.0.1:{port}\"");
    assert_eq!(asked(&nobody(), &lines).await, Ok((200, "hi".to_owned())));
    assert_eq!(told.recv().await.unwrap(), [5, 1, 0]);
    assert_eq!(told.recv().await.unwrap(), b"\x05\x01\x00\x03\x0dprovider.test\x00\x50");
}

#[tokio::test]
async fn a_proxy_that_refuses_is_named_as_what_failed_and_is_not_gone_around() {
    let tasks = Tasks::new(Clock::system());
    let canary = Canary::new(&tasks).await;
    for said in ["HTTP/1.1 407 No\r\n\r\n", "HTTP/1.1 502 No\r\n\r\n", "nonsense\r\n\r\n"] {
        let (port, _told) = proxy(&tasks, vec![(0, said.as_bytes())]).await;
        let url = format!("http://127.0.0.1:{}/v1", canary.port);
        let lines = format!("base_url = \"{url}\"\nproxy = \"http://127.0.0.1:{port}\"");
        assert_eq!(asked(&nobody(), &lines).await, Err(Trouble::Proxy), "{said}");
    }
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let lines = format!("base_url = \"http://127.0.0.1:{}/v1\"\nproxy = \"http://{gone}\"", canary.port);
    assert_eq!(asked(&nobody(), &lines).await, Err(Trouble::Proxy));
    assert_eq!(canary.came(), 0);
}
