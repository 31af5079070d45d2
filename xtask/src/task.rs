//! What can be asked for: the tasks and their help. What each does is its own file's.

use crate::{bench, demo, promises, test};

/// Tasks of this repository.
#[derive(clap::Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
pub(crate) enum Task {
    /// Installs what tests need, then runs every check and every test.
    Test(test::Options),
    /// Checks what compiler and linter can't: sizes, names, arrows between crates, openings of files.
    Tidy,
    /// Runs the tests that prove the promises, and says which promises have none yet.
    Promises(promises::Options),
    /// Measures the road against nginx and a direct call, the floor against llama.cpp, the audit log against its disk.
    Bench(bench::Options),
    /// Shows the product at work, and checks what it shows.
    Demo(demo::Options),
    /// Fetches what the console shows pages with from its npm packages, by their hashes. Needs npm; nothing else does.
    Vendor,
}
