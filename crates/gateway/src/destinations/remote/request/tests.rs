//! Addresses and headers of what is sent.

use super::*;

fn about(base: &str) -> Destination {
    Destination::plain("a".into(), base.parse().unwrap(), Vec::new())
}

fn sent(about: &Destination) -> (String, Vec<(String, String)>) {
    let request = Requests::new(about).unwrap().ask(Surface::Chat, Bytes::new(), true);
    let kept = ["authorization", "api-key", "x-api-key", "anthropic-version"];
    let headers = request.headers().iter().filter(|(name, _)| kept.contains(&name.as_str()));
    let told = headers.map(|(name, value)| {
        assert!(value.is_sensitive() || *name == "anthropic-version");
        (name.to_string(), value.to_str().unwrap().to_owned())
    });
    (request.uri().to_string(), told.collect())
}

#[test]
fn each_provider_is_asked_at_its_address_with_the_key_in_its_header() {
    let key = Some(Secret::new("k-1"));
    let plain = Destination { key: key.clone(), ..about("https://a.example/v1") };
    let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let bearer = vec![header("authorization", "Bearer k-1")];
    assert_eq!(sent(&plain), ("https://a.example/v1/chat/completions".to_owned(), bearer));
    let azure = Destination {
        auth: Auth::ApiKey,
        key: key.clone(),
        query: Some("api-version=2025-04-01&x=1".into()),
        ..about("https://a.example/openai/deployments/d")
    };
    let wanted = "https://a.example/openai/deployments/d/chat/completions?api-version=2025-04-01&x=1".to_owned();
    assert_eq!(sent(&azure), (wanted, vec![header("api-key", "k-1")]));
    let claude = Destination { api: Api::Anthropic, auth: Auth::XApiKey, key, ..about("https://a.example/v1") };
    let headers = vec![header("anthropic-version", "2023-06-01"), header("x-api-key", "k-1")];
    assert_eq!(sent(&claude), ("https://a.example/v1/messages".to_owned(), headers));
    let models = Requests::new(&claude).unwrap().models();
    assert_eq!((models.method(), models.uri().path()), (&Method::GET, "/v1/models"));
    let bad = Destination { key: Some(Secret::new("a\nb")), ..about("https://a.example") };
    assert!(Requests::new(&bad).is_err());
}
