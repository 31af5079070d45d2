//! The console's pages measured as the server answers them: `page_bench DIR ROUNDS` takes the request index that `index_bench` left in
//! DIR, signs somebody in, and asks for each page so often through the router, without a socket; it prints one JSON object. What a page
//! asks of the index is a part of it. Knows the console and the gateway as the command does, and no log of as many requests.
#![expect(clippy::print_stdout, reason = "what it measured is its output")]
#![expect(clippy::disallowed_methods, reason = "it measures time")]

use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::body::Body;
use console::{Accounts, ModelFiles, Parts, Role, Settings, Wanted};
use gateway::app::{self, App};
use gateway::availability::Availability;
use gateway::clock::Clock;
use gateway::config::Config;
use gateway::data_dir::DataDir;
use gateway::database::Database;
use gateway::keys::KeyStore;
use gateway::record::{Began, Recorder};
use gateway::tasks::Tasks;
use http::{Request, Response, StatusCode, header};
use http_body_util::BodyExt as _;
use jiff::{SignedDuration, Timestamp};
use model_store::{Settings as StoreSettings, Store};
use request_index::{Filter, Index, Page};
use tower::ServiceExt as _;

type Fallible<T> = Result<T, Box<dyn Error>>;

const NAME: &str = "owner";
const PASSWORD: &str = "five words that nobody guesses";

/// The places that the index's requests were served by.
const CONFIG: &str = "[policy]\nuse = \"open\"\nhome = \"KR\"\n\n\
    [[destination]]\nname = \"national\"\nbase_url = \"http://127.0.0.1:9/v1\"\nmodels = [\"large\"]\nprovider = \"own\"\n\n\
    [[destination]]\nname = \"abroad\"\nbase_url = \"https://abroad.example/v1\"\nmodels = [\"abroad\", \"small\"]\n\n\
    [[route]]\nmodel = \"model-1\"\ndestinations = [\"national/large\", \"abroad/small\"]\n";

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Fallible<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [dir, rounds] = arguments.as_slice() else { return Err("page_bench DIR ROUNDS".into()) };
    let (dir, rounds): (&Path, usize) = (Path::new(dir), rounds.parse()?);
    let path = dir.join("requests.sqlite");
    let index = Index::open(&path).await?;
    let newest = index.search(&Filter::default(), Page { before: None, rows: 1 }).await?.requests;
    let newest = newest.first().ok_or("there is no request in the index")?;
    let half = newest.entry / 2;
    let pages = [
        "/overview?range=hour".to_owned(),
        "/overview".to_owned(),
        "/overview?range=week".to_owned(),
        "/overview?range=month".to_owned(),
        "/requests".to_owned(),
        format!("/requests?before={half}"),
        "/requests?team=team-3".to_owned(),
        "/requests?team=rare".to_owned(),
        "/requests?team=team-3&model=model-2&state=failed".to_owned(),
        format!("/requests/{}", newest.request),
        "/jurisdictions".to_owned(),
        "/keys".to_owned(),
        "/audit".to_owned(),
        "/audit?by=uid+1000".to_owned(),
        "/cut-off".to_owned(),
    ];
    let now = Timestamp::from_microsecond(i64::try_from(newest.at)?)? + SignedDuration::from_secs(30);
    let router = console(dir, &path, now).await?;
    let cookie = signed_in(&router).await?;
    let mut told = Vec::new();
    for page in pages {
        let mut times = Vec::new();
        for _ in 0..rounds.max(1) {
            let begun = Instant::now();
            let (status, bytes) = got(&router, &cookie, &page).await?;
            times.push(begun.elapsed().as_secs_f64() * 1000.0);
            if status != StatusCode::OK || bytes < 500 {
                return Err(format!("{page} is answered by {status} with {bytes} bytes").into());
            }
        }
        let first = times.first().copied().unwrap_or_default();
        times.sort_by(f64::total_cmp);
        let at = |share: usize| times.get(times.len() * share / 100).copied().unwrap_or_default();
        told.push(format!("\"{page}\":{{\"p50_ms\":{:.3},\"p99_ms\":{:.3},\"first_ms\":{first:.3}}}", at(50), at(99)));
    }
    println!("{{\"pages\":{{{}}}}}", told.join(","));
    Ok(())
}

/// The console as the command makes it, over that index, at that time.
async fn console(dir: &Path, index: &Path, now: Timestamp) -> Fallible<Router> {
    let (clock, _hand) = Clock::by_hand(now);
    let data_dir = DataDir::join(&dir.join("data"), &clock)?;
    let keys = KeyStore::open(Database::open(&data_dir.database()).await?, data_dir.key_hash_secret()?).await?;
    let wanted = Wanted { name: NAME, role: Role::Owner, team: "desk", password: PASSWORD };
    Accounts::new(keys.database().clone()).create(&wanted, "page_bench", now).await?;
    let live = Config::parse(CONFIG, "gwanmun.toml")?.live();
    let availability = Availability::new(&clock, live.clone());
    let tasks = Tasks::new(clock.clone());
    let began = Began { version: "bench", config: [0; 32] };
    let (recorder, _recovered) = Recorder::open(&data_dir.log(), data_dir.commitment_secret()?, clock.clone(), began)?;
    let app = App::new(app::Parts {
        config: live.clone(),
        keys: keys.ring(),
        recorder: recorder.clone(),
        payloads: None,
        local: None,
        embedder: None,
        availability: availability.clone(),
        clock: clock.clone(),
        tasks: tasks.clone(),
    })?;
    let models = ModelFiles {
        store: Store::new(data_dir.models(), StoreSettings::new(Timestamp::now)),
        inspect: |_| Err("the bench looks into no model".to_owned()),
        known: Vec::new(),
        running: None,
    };
    Ok(console::router(Parts {
        api: gateway::routes::router(Arc::clone(&app)),
        app,
        public_log: Router::new(),
        whole_log: Router::new(),
        keys,
        availability,
        recorder,
        models,
        settings: Settings { live, path: dir.join("data/gwanmun.toml"), editor: None },
        drills: data_dir.drills(),
        request_index: index.to_owned(),
        listening: "127.0.0.1:4001".parse()?,
        api_listening: "127.0.0.1:4000".parse()?,
        clock,
        tasks,
    }))
}

/// Signs in as a person does; the cookie.
async fn signed_in(router: &Router) -> Fallible<String> {
    let form =
        form_urlencoded::Serializer::new(String::new()).extend_pairs([("name", NAME), ("password", PASSWORD)]).finish();
    let request = Request::post("/sign-in")
        .header(header::HOST, "localhost:4001")
        .header("sec-fetch-site", "same-origin")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Body::from(form))?;
    let answer: Response<Body> = router.clone().oneshot(request).await?;
    let cookie = answer.headers().get(header::SET_COOKIE).ok_or("nobody was let in")?.to_str()?;
    Ok(cookie.split(';').next().unwrap_or_default().to_owned())
}

/// A page to its last byte: its status, and how long it is.
async fn got(router: &Router, cookie: &str, path: &str) -> Fallible<(StatusCode, usize)> {
    let request = Request::get(path)
        .header(header::HOST, "localhost:4001")
        .header(header::COOKIE, cookie)
        .header(header::ACCEPT_ENCODING, "gzip")
        .body(Body::empty())?;
    let answer: Response<Body> = router.clone().oneshot(request).await?;
    let status = answer.status();
    Ok((status, answer.into_body().collect().await?.to_bytes().len()))
}
