//! Full tiles that may not be durable yet, and the resume files that wait for them: a start that goes on from one never looks at
//! the tiles before it, so it must not outlive them.
//!
//! This file must not know what the files hold.

use std::collections::{BTreeSet, VecDeque};
use std::io;
use std::path::{Path, PathBuf};

use crate::disk::{Disk, replace};

/// Resume files that wait at once; older ones are given up, for a start wants the newest.
const RESUMES_MAX: usize = 4;

/// What has yet to be made durable, in its order.
#[derive(Debug, Default)]
pub(crate) struct Unsettled {
    queue: VecDeque<Due>,
    /// How many resume files are in the queue.
    resumes: usize,
    /// Directories whose names are not durable yet.
    dirs: BTreeSet<PathBuf>,
}

#[derive(Debug)]
enum Due {
    Tile(PathBuf),
    Resume { size: u64, bytes: Vec<u8> },
}

/// Where the resume file for the segments from entry `size` on lies.
pub(crate) fn resume_path(dir: &Path, size: u64) -> PathBuf {
    dir.join("resume").join(format!("{size:020}"))
}

impl Unsettled {
    /// Notes a full tile or bundle, by its path below the log's directory.
    pub(crate) fn tile(&mut self, path: PathBuf) {
        self.queue.push_back(Due::Tile(path));
    }

    /// Notes a resume file, to be written when all before it is durable. The size must be signed before it is settled.
    pub(crate) fn resume(&mut self, size: u64, bytes: Vec<u8>) {
        self.resumes += 1;
        if self.resumes > RESUMES_MAX
            && let Some(oldest) = self.queue.iter().position(|due| matches!(due, Due::Resume { .. }))
        {
            self.queue.remove(oldest);
            self.resumes -= 1;
        }
        self.queue.push_back(Due::Resume { size, bytes });
    }

    /// Makes all durable that a resume file waits for, and writes those.
    pub(crate) fn finish(&mut self, disk: &dyn Disk, dir: &Path) -> io::Result<()> {
        while self.resumes > 0 {
            self.work(disk, dir, || false)?;
        }
        Ok(())
    }

    /// Makes one thing after another durable, while there are any and it shall go on.
    pub(crate) fn work(&mut self, disk: &dyn Disk, dir: &Path, mut go_on: impl FnMut() -> bool) -> io::Result<()> {
        while let Some(due) = self.queue.pop_front() {
            match due {
                Due::Tile(path) => {
                    disk.sync_file(&dir.join(&path))?;
                    self.dirs.extend(path.ancestors().skip(1).map(|above| dir.join(above)));
                }
                Due::Resume { size, bytes } => {
                    for above in std::mem::take(&mut self.dirs) {
                        disk.sync_dir(&above)?;
                    }
                    disk.make_dir(&dir.join("resume"))?;
                    replace(disk, &resume_path(dir, size), &bytes, false)?;
                    self.resumes -= 1;
                }
            }
            if !go_on() {
                break;
            }
        }
        Ok(())
    }
}
