//! `cargo xtask vendor`: fetches what the console shows pages with from its npm packages, checks each package's hash, and lays the files
//! beside the console's own. Run by hand, when a version changes; what it makes is committed, so that nobody else needs npm.

mod world;

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use sha2::{Digest as _, Sha256};

use crate::children;
use crate::repository::Repository;

/// Where the files go.
const FOLDER: &str = "crates/console/assets/vendor";

/// A package: its name and version, and the SHA-256 of its archive.
struct Package {
    name: &'static str,
    version: &'static str,
    sha256: &'static str,
    /// Paths in it, each with the name that it gets here.
    takes: &'static [(&'static str, &'static str)],
}

const UPLOT: Package = Package {
    name: "uplot",
    version: "1.6.32",
    sha256: "4b8a8191e425658e3ea8c8c1314b0fc679c861ee3a1af2b20c7b16ba50b5133d",
    takes: &[("dist/uPlot.iife.min.js", "uplot.js"), ("dist/uPlot.min.css", "uplot.css"), ("LICENSE", "uplot.LICENSE")],
};

/// Natural Earth's countries, in the public domain, cut into shared borders.
const WORLD: Package = Package {
    name: "world-atlas",
    version: "2.0.2",
    sha256: "032e7765f2ce00edaeafec23ff22bc3b77e42987c257da944cc585b452c05b97",
    takes: &[("LICENSE", "world.LICENSE")],
};

/// Which number ISO 3166 gives to which two letters.
const COUNTRIES: Package = Package {
    name: "i18n-iso-countries",
    version: "7.14.0",
    sha256: "bb418ebfb965789fcfbcce7dee59888d901ef64b03601da78b2e224cd6f5825c",
    takes: &[],
};

/// Fetches all, and says what was laid down.
pub(crate) fn run(repository: &Repository) -> Result<bool> {
    let folder = repository.root().join(FOLDER);
    fs::create_dir_all(&folder)?;
    for package in [UPLOT, WORLD, COUNTRIES] {
        let unpacked = package.fetch(repository)?;
        for (path, name) in package.takes {
            fs::copy(unpacked.join(path), folder.join(name))
                .with_context(|| format!("{} has no {path}", package.name))?;
            println!("{FOLDER}/{name}");
        }
    }
    let borders = fs::read_to_string(WORLD.unpacked(repository).join("countries-110m.json"))?;
    let codes = fs::read_to_string(COUNTRIES.unpacked(repository).join("codes.json"))?;
    let map = world::svg(&borders, &codes)?;
    // A file of the repository, made by hand's command: half of one is seen and made again.
    fs::copy(aside(repository, &map)?, folder.join("world.svg"))?;
    println!("{FOLDER}/world.svg");
    Ok(true)
}

fn aside(repository: &Repository, text: &str) -> Result<std::path::PathBuf> {
    use std::io::Write as _;
    let path = repository.cache().join("world.svg");
    fs::File::create(&path)?.write_all(text.as_bytes())?;
    Ok(path)
}

impl Package {
    fn unpacked(&self, repository: &Repository) -> std::path::PathBuf {
        repository.cache().join("npm").join(self.name).join("package")
    }

    /// Its files, from an archive with the right hash.
    fn fetch(&self, repository: &Repository) -> Result<std::path::PathBuf> {
        let Self { name, version, sha256, .. } = self;
        let folder = repository.cache().join("npm").join(name);
        fs::create_dir_all(&folder)?;
        let mut pack = repository.command("npm");
        pack.args(["pack", "--silent", "--pack-destination"]).arg(&folder).arg(format!("{name}@{version}"));
        children::quietly(&mut pack).context("npm is needed to fetch what the console shows pages with")?;
        let archive = folder.join(format!("{name}-{version}.tgz"));
        check(&archive, sha256)?;
        let mut unpack = repository.command("tar");
        unpack.arg("-xzf").arg(&archive).arg("-C").arg(&folder);
        children::quietly(&mut unpack)?;
        Ok(self.unpacked(repository))
    }
}

fn check(archive: &Path, sha256: &str) -> Result<()> {
    let bytes = fs::read(archive).with_context(|| format!("there is no {}", archive.display()))?;
    let found = hex::encode(Sha256::digest(bytes));
    ensure!(found == sha256, "{} has the SHA-256 {found}, not {sha256}", archive.display());
    Ok(())
}
