//! Starting other programs: run to the end, run while reading along, run until dropped. Of which and why it knows only the
//! ones that tests do without where they are missing.

use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::Instant;

use anyhow::{Context as _, Result};

/// A stopwatch; tasks report what each step took, so they alone read the clock.
#[expect(clippy::disallowed_methods, reason = "a task times its own steps; nothing of the product runs here")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// Whether a program of that name can be started from the search path.
pub(crate) fn exists(program: &str, probe: &str) -> bool {
    Command::new(program)
        .arg(probe)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// What tests leave out on this machine and for want of what, a line each: they say so themselves, but a runner shows nothing of
/// a test that passes. `strace` may be there and not be allowed to follow.
pub(crate) fn left_out() -> Vec<(&'static str, &'static str)> {
    let mut probe = Command::new("strace");
    probe.args(["-qq", "-o", "/dev/null", "true"]);
    let traces = probe.output().is_ok_and(|output| output.status.success());
    let strace = (!traces).then_some(("system calls", "NOT CHECKED: no `strace`"));
    let compiler = (!exists("cc", "--version")).then_some(("planted defects", "NOT CHECKED: no `cc`"));
    strace.into_iter().chain(compiler).collect()
}

/// Runs to the end with our own output; whether it succeeded.
pub(crate) fn run(command: &mut Command) -> Result<bool> {
    let status = command.status().with_context(|| format!("`{}` could not be started", name(command)))?;
    Ok(status.success())
}

/// Runs to the end, keeping what it prints to itself unless it fails; what it printed on standard output.
pub(crate) fn quietly(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| format!("`{}` could not be started", name(command)))?;
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    if !output.status.success() {
        anyhow::bail!("`{}` failed:\n{stdout}{}", name(command), String::from_utf8_lossy(&output.stderr));
    }
    Ok(stdout)
}

/// Runs to the end, passing every line on as it comes and showing each to `read`; whether it succeeded.
pub(crate) fn reading_along(command: &mut Command, read: impl FnMut(&str) + Send) -> Result<bool> {
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("`{}` could not be started", name(command)))?;
    let read = Mutex::new(read);
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    std::thread::scope(|scope| {
        scope.spawn(|| pass_on(stdout, &read));
        pass_on(stderr, &read);
    });
    Ok(child.wait()?.success())
}

fn pass_on(stream: Option<impl Read>, read: &Mutex<impl FnMut(&str)>) {
    let Some(stream) = stream else { return };
    for line in BufReader::new(stream).split(b'\n').map_while(std::result::Result::ok) {
        let line = String::from_utf8_lossy(&line);
        if let Ok(mut read) = read.lock() {
            println!("{line}");
            read(&line);
        }
    }
    // A pipe that closes early is the child's business; what was read has been shown.
    drop(std::io::stdout().flush());
}

/// A program that runs until this is dropped.
#[derive(Debug)]
pub(crate) struct Running(Child);

impl Running {
    /// Starts it.
    pub(crate) fn start(command: &mut Command) -> Result<Self> {
        Ok(Self(command.spawn().with_context(|| format!("`{}` could not be started", name(command)))?))
    }

    /// Its number.
    pub(crate) fn pid(&self) -> u32 {
        self.0.id()
    }

    /// Tells it to end as a service manager would, and waits until it has; an error if it does not end well.
    pub(crate) fn end(mut self) -> Result<()> {
        let told = Command::new("kill").args(["-TERM", &self.pid().to_string()]).status()?;
        let status = self.0.wait()?;
        if !told.success() || !status.success() {
            anyhow::bail!("a program that was told to end ended with {status}");
        }
        Ok(())
    }

    /// Its standard output, once, where it was piped.
    pub(crate) fn stdout(&mut self) -> Option<BufReader<std::process::ChildStdout>> {
        self.0.stdout.take().map(BufReader::new)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Already gone is as good as killed.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

fn name(command: &Command) -> String {
    command.get_program().to_string_lossy().into_owned()
}
