//! The two ends of a measurement as processes of their own, so that what each costs is read from the kernel:
//! `wall serve ADDRESS` is the fake provider's fast role; `wall load ADDRESS CALLERS SECONDS KEY MODEL STREAM` sends and
//! prints one JSON object; `wall hold ADDRESS STREAMS KEY MODEL` opens streams and holds them until its input closes.
#![expect(clippy::print_stdout, reason = "what it measured is its output")]

use std::io;
use std::time::Duration;

use e2e::load::{self, Load};
use e2e::wall::fast;

#[tokio::main(flavor = "current_thread")]
async fn main() -> io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["serve", address] => {
            let listener = tokio::net::TcpListener::bind(address).await?;
            println!("{}", listener.local_addr()?);
            fast::serve(listener).await
        }
        ["load", address, callers, seconds, key, model, stream] => {
            let load = Load {
                to: address.parse().map_err(invalid)?,
                callers: callers.parse().map_err(invalid)?,
                lasting: Duration::from_secs_f64(seconds.parse().map_err(invalid)?),
                key: (*key).to_owned(),
                model: (*model).to_owned(),
                stream: *stream == "true",
            };
            println!("{}", load::run(&load).await.to_json());
            Ok(())
        }
        ["hold", address, streams, key, model] => {
            let held = load::hold(&Load {
                to: address.parse().map_err(invalid)?,
                callers: streams.parse().map_err(invalid)?,
                lasting: Duration::ZERO,
                key: (*key).to_owned(),
                model: (*model).to_owned(),
                stream: true,
            })
            .await?;
            println!("{}", held.len());
            // Until whoever measures has read what it wants and closes the pipe.
            tokio::task::spawn_blocking(|| io::copy(&mut io::stdin(), &mut io::sink())).await??;
            Ok(())
        }
        _ => Err(invalid(
            "wall serve ADDRESS | load ADDRESS CALLERS SECONDS KEY MODEL STREAM | hold ADDRESS STREAMS KEY MODEL",
        )),
    }
}

fn invalid(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, error)
}
