//! `cutoff GWANMUN MODEL.gguf [--short]`: plays the demonstration of a cut-off with that command and that model, tells it, and ends with
//! 1 where anything that it claims is not so.
#![expect(clippy::print_stdout, reason = "what it shows is its output")]

use std::{io, path::Path, process::ExitCode};

use e2e::cutoff::{Acts, stage};

#[tokio::main]
async fn main() -> io::Result<ExitCode> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (command, model, acts) = match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [command, model] => (Path::new(command).to_owned(), Path::new(model).to_owned(), Acts::WHOLE),
        [command, model, "--short"] => (Path::new(command).to_owned(), Path::new(model).to_owned(), Acts::SHORT),
        _ => return Err(io::Error::new(io::ErrorKind::InvalidInput, "cutoff GWANMUN MODEL.gguf [--short]")),
    };
    let claims = stage::play(&command, &model, acts, &mut |line| println!("{line}")).await?;
    println!();
    for (what, is_so) in &claims {
        println!("{} {what}", if *is_so { "✓" } else { "✗" });
    }
    Ok(if claims.iter().all(|(_, is_so)| *is_so) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
