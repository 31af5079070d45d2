//! The whole console for tests, without a socket: a real database and a clock that stands, no model; a log where one is asked for.
#![expect(clippy::disallowed_methods, reason = "a test's own configuration")]

pub(crate) mod entries;
pub(crate) mod model_files;

use std::sync::Arc;

use audit_entry::Body;
use axum::Router;
use axum::body::Body as HttpBody;
use gateway::{
    app::{self, App},
    availability::Availability,
    clock::{Clock, Hand},
    config::{self, Config},
    data_dir::DataDir,
    database::Database,
    indexing::Feed,
    keys::KeyStore,
    record::{Began, Recorder},
    tasks::Tasks,
};
use http::{HeaderMap, Request, StatusCode, header};
use http_body_util::BodyExt as _;
use local_model::{LocalModel, Running};
use tempfile::TempDir;
use tower::ServiceExt as _;

use crate::accounts::{Entered, Role, Source, Wanted};
use crate::site::{Parts, Settings, Site};

pub(crate) const PASSWORD: &str = "five words that nobody guesses";

pub(crate) struct Rig {
    pub(crate) site: Arc<Site>,
    pub(crate) router: Router,
    /// Moves its clock.
    pub(crate) hand: Hand,
    dir: TempDir,
}

/// Somebody's browser.
#[derive(Clone, Debug, Default)]
pub(crate) struct Browser {
    pub(crate) cookie: Option<String>,
    pub(crate) form_token: String,
}

pub(crate) struct Got {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Rig {
    /// With this configuration.
    pub(crate) async fn new(config: &str) -> Self {
        Self::made(config, false, true, None).await
    }

    /// With this configuration, whose file was named on the command line.
    pub(crate) async fn read_only(config: &str) -> Self {
        Self::made(config, false, false, None).await
    }

    /// With this configuration and a model on the floor, which runs until it is told to stop.
    pub(crate) async fn with_floor(config: &str) -> (Self, Running) {
        let clock: local_model::Clock = Arc::new(|| std::time::Duration::ZERO);
        let model = local_model::scripted::model(local_model::scripted::Script::new());
        let (model, running) = LocalModel::start(model, local_model::Settings::new(clock)).unwrap();
        (Self::made(config, false, true, Some(model)).await, running)
    }

    /// With this configuration and a log that holds `bodies` behind its start, all of them signed and indexed.
    pub(crate) async fn with_log(config: &str, bodies: Vec<Body>) -> Self {
        let rig = Self::made(config, true, true, None).await;
        let log = Arc::clone(rig.site.recorder.log().unwrap());
        for body in &bodies {
            log.append_and_wait(body).unwrap();
        }
        log.wait_for_checkpoint(log.size()).unwrap();
        let feed = Feed::open(log.dir(), &rig.dir.path().join("data/requests.sqlite")).await.unwrap();
        let in_force = rig.site.app.in_force();
        let (indexed, size) = feed.advance(&in_force.judgement, &rig.site.tasks).await.unwrap();
        assert_eq!((indexed, size), (log.size(), log.size()));
        feed.close().await;
        rig
    }

    /// Takes into its index what its log has signed.
    pub(crate) async fn index(&self) {
        let log = self.site.recorder.log().unwrap();
        let feed = Feed::open(log.dir(), &self.dir.path().join("data/requests.sqlite")).await.unwrap();
        feed.advance(&self.site.app.in_force().judgement, &self.site.tasks).await.unwrap();
        feed.close().await;
    }

    async fn made(config: &str, logged: bool, ours: bool, local: Option<LocalModel>) -> Self {
        let dir = TempDir::new().unwrap();
        let (clock, hand) = Clock::by_hand("2026-11-22T09:00:00Z".parse().unwrap());
        let data_dir = DataDir::join(&dir.path().join("data"), &clock).unwrap();
        let keys =
            KeyStore::open(Database::open(&data_dir.database()).await.unwrap(), data_dir.key_hash_secret().unwrap());
        let keys = keys.await.unwrap();
        let path = dir.path().join("data/gwanmun.toml");
        std::fs::write(&path, config).unwrap();
        let live = Config::load(&path).unwrap().live();
        let availability = Availability::new(&clock, live.clone());
        let tasks = Tasks::new(clock.clone());
        let secret = data_dir.commitment_secret().unwrap();
        let recorder = if logged {
            let began = Began { version: "test", config: [0; 32] };
            Recorder::open(&data_dir.log(), secret, clock.clone(), began).unwrap().0
        } else {
            Recorder::off(secret, clock.clone())
        };
        let source = config::Source::new(path.clone(), live.clone());
        let editor = config::follow(source, recorder.clone(), &tasks, clock.clone()).unwrap();
        let app = App::new(app::Parts {
            config: live.clone(),
            keys: keys.ring(),
            recorder: recorder.clone(),
            payloads: None,
            embedder: None,
            local,
            availability: availability.clone(),
            clock: clock.clone(),
            tasks: tasks.clone(),
        });
        let app = app.unwrap();
        let site = Site::new(Parts {
            api: gateway::routes::router(Arc::clone(&app)),
            app,
            public_log: Router::new().fallback(|| async { "for strangers" }),
            whole_log: Router::new().fallback(|| async { "with entries" }),
            keys,
            availability,
            recorder,
            settings: Settings { live, path, editor: ours.then_some(editor) },
            models: model_files::of(dir.path()),
            drills: data_dir.drills(),
            request_index: data_dir.request_index(),
            listening: "127.0.0.1:4001".parse().unwrap(),
            api_listening: "127.0.0.1:4000".parse().unwrap(),
            clock,
            tasks,
        });
        let router = crate::addresses::table(&site).router();
        Self { site, router, hand, dir }
    }

    /// The browser of somebody in that role, signed in; their name is the role's.
    pub(crate) async fn browser(&self, role: Role) -> Browser {
        let name = role.word();
        let wanted = Wanted { name, role, team: "desk", password: PASSWORD };
        let accounts = &self.site.accounts;
        if !accounts.list().await.unwrap().iter().any(|account| &*account.name == name) {
            accounts.create(&wanted, "test", self.site.clock.wall()).await.unwrap();
        }
        let from = Source { agent: "a browser", browser: None };
        let Entered::In(token) = accounts.enter(name, PASSWORD, &from, self.site.clock.wall()).await.unwrap() else {
            panic!("`{name}` is not let in");
        };
        Browser { cookie: Some(format!("gwanmun_session={}", token.reveal())), form_token: token.form_token() }
    }

    pub(crate) async fn get(&self, browser: &Browser, path: &str) -> Got {
        self.send(browser, Request::get(path).body(HttpBody::empty()).unwrap()).await
    }

    /// A form from a page of ours, with its token.
    pub(crate) async fn post(&self, browser: &Browser, path: &str, fields: &[(&str, &str)]) -> Got {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("form_token", &browser.form_token).extend_pairs(fields);
        let request = Request::post(path)
            .header("sec-fetch-site", "same-origin")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.send(browser, request.body(HttpBody::from(form.finish())).unwrap()).await
    }

    /// The same, as a script of ours sends it, without its body's end: for what is followed.
    pub(crate) async fn follow(&self, browser: &Browser) -> (StatusCode, HttpBody) {
        let mut request = Request::get("/live").header(header::HOST, "localhost:4001");
        if let Some(cookie) = &browser.cookie {
            request = request.header(header::COOKIE, cookie);
        }
        let answered = self.router.clone().oneshot(request.body(HttpBody::empty()).unwrap()).await.unwrap();
        (answered.status(), answered.into_body())
    }

    pub(crate) async fn send(&self, browser: &Browser, mut request: Request<HttpBody>) -> Got {
        let headers = request.headers_mut();
        headers.entry(header::HOST).or_insert("localhost:4001".parse().unwrap());
        if let Some(cookie) = &browser.cookie {
            headers.insert(header::COOKIE, cookie.parse().unwrap());
        }
        let (head, body) = self.router.clone().oneshot(request).await.unwrap().into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        Got { status: head.status, headers: head.headers, text: String::from_utf8_lossy(&bytes).into_owned() }
    }
}

impl Got {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }
}
