//! `cargo xtask serve`: your own deployment, on this machine.

use crate::build;
use crate::shell::{command, root};
use anyhow::{Result, bail};
use clap::Args;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Arguments of `cargo xtask serve`.
#[derive(Debug, Args)]
pub struct ServeArgs {
    /// The port to listen on; 0 takes a free one.
    #[arg(long, value_name = "PORT", default_value_t = 3000)]
    port: u16,

    /// The address to listen on. Anywhere but on loopback, SPIN_VARIABLE_OWNER_PASSWORD must be set.
    #[arg(long, value_name = "IP", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    listen: IpAddr,

    /// Where the data is kept.
    #[arg(long, value_name = "DIR", default_value = ".tidings")]
    data: PathBuf,
}

/// Builds what is out of date, then becomes the host.
pub fn run(args: &ServeArgs) -> Result<()> {
    build::everything()?;
    println!("{}", welcome(args));
    become_program(&mut host(&build::program_path()?, args.listen, args.port, &args.data))
}

/// The host, told to run this app. Relative data folders are meant from where the task was started.
pub fn host(program: &Path, listen: IpAddr, port: u16, data: &Path) -> Command {
    let data = std::path::absolute(data).unwrap_or_else(|_| data.to_owned());
    let mut host = command(program);
    host.arg("serve").arg("--manifest").arg(root().join("spin.toml"));
    host.arg("--data").arg(data);
    host.arg("--listen").arg(listen.to_string()).arg("--port").arg(port.to_string());
    // SQLite on a disk is never stale.
    host.args(["--variable", "store_staleness_seconds=0"]);
    if listen.is_loopback() {
        // Friends on the same machine: harmless here, refused by the code as soon as one is reached from elsewhere.
        host.args(["--variable", "loopback_peers=http://127.0.0.1:*", "--allow-private-network"]);
    }
    host
}

/// What to do next, in a few lines.
fn welcome(args: &ServeArgs) -> String {
    let data = args.data.display();
    let address = match args.port {
        0 => "the address below".to_owned(),
        port => format!("http://{}", std::net::SocketAddr::new(args.listen, port)),
    };
    let sign_in = if args.listen.is_loopback() {
        "sign in as admin with the password `password`, then choose your own"
    } else {
        "sign in as admin with the password in SPIN_VARIABLE_OWNER_PASSWORD"
    };
    format!(
        "\nTidings starts at {address}\n\
         \x20 1. Open it in a browser and {sign_in}.\n\
         \x20 2. Give your name and write down your 24 recovery words.\n\
         \x20 3. For a friend on this machine, run `cargo xtask serve --port 3001 --data .tidings-friend` beside it.\n\
         Your data is kept in {data}. Ctrl-C stops it.\n"
    )
}

/// Replaces this process by the program, so that signals and exit codes are its own.
#[cfg(unix)]
pub fn become_program(host: &mut Command) -> Result<()> {
    use std::os::unix::process::CommandExt as _;
    let error = host.exec();
    bail!("cannot start {}: {error}", host.get_program().display());
}

/// Runs the program to its end.
#[cfg(not(unix))]
pub fn become_program(host: &mut Command) -> Result<()> {
    crate::shell::execute(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(listen: &str) -> String {
        let host = host(Path::new("tidings"), listen.parse().unwrap(), 3000, Path::new("/data"));
        host.get_args().map(|arg| arg.to_string_lossy()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn opens_loopback_to_friends_only_when_listening_there() {
        for listen in ["127.0.0.1", "::1"] {
            let arguments = arguments(listen);
            assert!(
                arguments.contains("--variable loopback_peers=http://127.0.0.1:* --allow-private-network")
            );
        }
        for listen in ["0.0.0.0", "192.168.1.2", "::"] {
            let arguments = arguments(listen);
            assert!(
                !arguments.contains("loopback_peers") && !arguments.contains("allow-private"),
                "{arguments}"
            );
        }
    }

    #[test]
    fn tells_address_login_and_folder() {
        let args = ServeArgs { port: 3001, listen: "::1".parse().unwrap(), data: "d".into() };
        let text = welcome(&args);
        assert!(
            text.contains("http://[::1]:3001") && text.contains("admin") && text.contains("kept in d."),
            "{text}"
        );
    }
}
