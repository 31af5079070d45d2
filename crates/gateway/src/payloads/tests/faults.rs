//! A disk that fails: nothing is acknowledged from then on, and nothing before its bytes and names are on the disk.

use std::sync::atomic::{AtomicU32, Ordering};

use super::*;
use crate::payloads::disk::Growing;

/// What is done to the disk, in words.
type Log = Arc<Mutex<Vec<&'static str>>>;

/// The machine's disk, which writes down what is asked of it, and fails the asked-for time of one thing.
#[derive(Clone)]
struct Watched {
    log: Log,
    fails: Option<(&'static str, u32)>,
    seen: Arc<AtomicU32>,
}

impl Watched {
    fn new(fails: Option<(&'static str, u32)>) -> Self {
        Self { log: Log::default(), fails, seen: Arc::default() }
    }

    fn done(&self, what: &'static str) -> io::Result<()> {
        self.log.lock().unwrap().push(what);
        match self.fails {
            Some((fails, time)) if fails == what && self.seen.fetch_add(1, Ordering::Relaxed) + 1 == time => {
                Err(io::Error::other("the disk is on fire"))
            }
            Some(_) | None => Ok(()),
        }
    }

    fn taken(&self) -> Vec<&'static str> {
        std::mem::take(&mut *self.log.lock().unwrap())
    }
}

impl Disk for Watched {
    fn make_folder(&self, path: &Path) -> io::Result<()> {
        self.done("make folder").and_then(|()| Machine.make_folder(path))
    }

    fn names(&self, path: &Path) -> io::Result<Vec<String>> {
        self.done("names").and_then(|()| Machine.names(path))
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        let what = if path.ends_with("payloads") { "sync payloads" } else { "sync month" };
        self.done(what).and_then(|()| Machine.sync_folder(path))
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn Growing>> {
        self.done("create")?;
        Ok(Box::new(WatchedFile { file: Machine.create(path)?, disk: self.clone() }))
    }
}

struct WatchedFile {
    file: Box<dyn Growing>,
    disk: Watched,
}

impl Growing for WatchedFile {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.disk.done("append").and_then(|()| self.file.append(bytes))
    }

    fn sync(&mut self) -> io::Result<()> {
        self.disk.done("sync").and_then(|()| self.file.sync())
    }
}

#[tokio::test]
async fn nothing_is_acknowledged_before_bytes_and_names_are_on_the_disk() {
    let (place, disk) = (Place::new().await, Watched::new(None));
    let (payloads, sealing) = place.on(disk.clone(), FILE_BYTES_MAX);
    let mut payload = payloads.begin("a", "r").await.unwrap();
    payload.request(b"asked").await.unwrap();
    payload.durable().await.unwrap();
    let first = ["make folder", "names", "create", "append", "sync", "sync month", "sync payloads"];
    assert_eq!(disk.taken(), first);
    payload.answer(&text(100_000)).unwrap();
    payload.finish().await.unwrap();
    let then = disk.taken();
    assert_eq!(then.last(), Some(&"sync"), "{then:?}");
    assert!(then.iter().all(|what| ["append", "sync"].contains(what)), "{then:?}");
    // Nothing new to sync.
    payload.durable().await.unwrap();
    assert_eq!(disk.taken(), [""; 0]);
    drop(payload);
    sealing.finish().unwrap();
    // All of one batch share a sync.
    let (payloads, sealing) = place.on(disk.clone(), FILE_BYTES_MAX);
    keep(&payloads, "a", "warm", b"q", &[]).await;
    disk.taken();
    let many = (0..50).map(|number| {
        let payloads = payloads.clone();
        async move {
            let mut payload = payloads.begin(team(number), &number.to_string()).await.unwrap();
            payload.request(b"q").await.unwrap();
            payload.durable().await.unwrap();
        }
    });
    futures_util::future::join_all(many).await;
    let syncs = disk.taken().iter().filter(|what| **what == "sync").count();
    // How many come together is the machine's; that none ever does would be ours.
    assert!(syncs < 50, "50 waited, {syncs} syncs");
    sealing.finish().unwrap();
}

#[tokio::test]
async fn after_the_first_failure_nothing_is_acknowledged_or_tried_again() {
    let steps = ["make folder", "names", "create", "append", "sync", "sync month", "sync payloads"];
    let later = [("append", 2), ("append", 3), ("sync", 2), ("sync", 3)];
    for fails in steps.into_iter().map(|step| (step, 1)).chain(later) {
        let (place, disk) = (Place::new().await, Watched::new(Some(fails)));
        let (payloads, sealing) = place.on(disk.clone(), FILE_BYTES_MAX);
        let mut kept_before = 0;
        let mut payload = payloads.begin("a", "r").await.unwrap();
        payload.request(b"asked").await.unwrap();
        while payload.durable().await.is_ok() {
            kept_before += 1;
            payload.answer(&text(20_000)).unwrap();
            payload.flow().await.unwrap();
            assert!(kept_before < 10, "{fails:?}: the fault never came");
        }
        assert_eq!(kept_before + 1, fails.1, "{fails:?}");
        assert!(*payloads.failed().borrow(), "{fails:?}: readiness must know");
        let tried = disk.taken();
        assert_eq!(tried.last(), Some(&fails.0), "{fails:?}: {tried:?}");
        payload.answer(&text(20_000)).unwrap();
        assert!(matches!(payload.flow().await, Err(PayloadError::Failed)), "{fails:?}");
        assert!(matches!(payload.finish().await, Err(PayloadError::Failed)), "{fails:?}");
        assert!(matches!(payloads.begin("a", "next").await, Err(PayloadError::Failed)), "{fails:?}");
        // What has to be done at the end is done all the same.
        let (told, done) = oneshot::channel();
        payload.finish_then(|| told.send(()).unwrap());
        done.await.unwrap();
        assert!(matches!(sealing.finish(), Err(PayloadError::Failed)), "{fails:?}");
        assert_eq!(disk.taken(), [""; 0], "{fails:?}: nothing is tried again");
    }
}

#[tokio::test]
async fn who_brings_more_than_the_disk_takes_waits() {
    /// A disk on which nothing goes on until the test says so.
    struct Stuck(std::sync::mpsc::Receiver<()>);
    impl Disk for Stuck {
        fn make_folder(&self, path: &Path) -> io::Result<()> {
            // The sender is gone once the test lets go.
            let _ = self.0.recv();
            Machine.make_folder(path)
        }
        fn names(&self, path: &Path) -> io::Result<Vec<String>> {
            Machine.names(path)
        }
        fn sync_folder(&self, path: &Path) -> io::Result<()> {
            Machine.sync_folder(path)
        }
        fn create(&self, path: &Path) -> io::Result<Box<dyn Growing>> {
            Machine.create(path)
        }
    }
    let place = Place::new().await;
    let (go, stuck) = std::sync::mpsc::channel();
    let (payloads, sealing) = place.on(Stuck(stuck), FILE_BYTES_MAX);
    let mut payload = payloads.begin("a", "r").await.unwrap();
    let bytes = text(FRAME_TEXT_BYTES_MAX);
    let mut taken = 0_usize;
    loop {
        payload.answer(&bytes).unwrap();
        // Without the runtime's own turns, which would make it wait sooner.
        if tokio::task::unconstrained(payload.flow()).now_or_never().is_none() {
            break;
        }
        taken += bytes.len();
        assert!(taken <= BYTES_WAITING_MAX as usize, "more waits than may");
    }
    assert_eq!(taken, BYTES_WAITING_MAX as usize);
    drop(go);
    payload.finish().await.unwrap();
    drop(payload);
    sealing.finish().unwrap();
}
