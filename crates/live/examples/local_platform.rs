//! A Lambda service on this machine, until it is told to stop: for the aws CLI, and for tests.
//!
//! `local_platform [PORT]`. It is its own sandbox.

use std::io::Read;
use std::net::SocketAddr;

use live::platform::local::sandbox::{SandboxCommand, enter};
use live::platform::local::{Platform, PlatformConfig};

const SANDBOX: &str = "sandbox";

#[expect(clippy::print_stdout, reason = "the address is what it has to say")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args_os().skip(1).peekable();
    if arguments.next_if(|it| it == SANDBOX).is_some() {
        return Err(enter(arguments).into());
    }
    let port: u16 = match arguments.next() {
        Some(port) => port.to_string_lossy().parse()?,
        None => 0,
    };
    let sandbox =
        SandboxCommand { program: std::env::current_exe()?, arguments: vec![SANDBOX.into()] };
    let config = PlatformConfig {
        listen: SocketAddr::from(([127, 0, 0, 1], port)),
        ..PlatformConfig::on_loopback(sandbox)
    };
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(async {
        let platform = Platform::start(config).await?;
        println!("{}", platform.endpoint_url());
        // Until the standard input ends.
        tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new())).await??;
        platform.stop().await;
        Ok(())
    })
}
