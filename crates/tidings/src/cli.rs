//! The command line: what can be asked of the program, and how it answers.

use crate::client::{self, InvitationsCommand};
use crate::identity::{self, IdentityCommand};
use crate::inspect;
use crate::limits;
use crate::logging::{self, LogFormat};
use crate::server::{self, ServeOptions};
use clap::{Args, Parser, Subcommand};
use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::process::ExitCode;

/// Your own social network: run a deployment on your own machine.
#[derive(Debug, Parser)]
#[command(name = "tidings", version, propagate_version = true, arg_required_else_help = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What the program can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve the app that a spin.toml describes, with its data in a directory.
    ///
    /// The components must have been built. When the app is ready, one line is printed to standard output:
    /// "listening on http://ADDRESS:PORT". Logs go to standard error. Ctrl-C (or SIGTERM) lets the requests that
    /// have begun finish, then closes the store.
    #[command(after_long_help = SERVE_LIMITS)]
    Serve(ServeArgs),

    /// Set up a deployment without a browser: makes your identity here and prints its recovery words.
    ///
    /// Your identity's secret never leaves this program. Write the words down: they are kept nowhere. With --words you set
    /// up anew as who you are already: friends who are asked (--friends) are friends again, and follow you. On a cloud host
    /// it takes a minute until a new deployment can be seen by all of its instances: so long asking friends may wait.
    Setup(SetupArgs),

    /// List your friends, or ask people to be friends.
    ///
    /// Keep what --json prints together with your recovery words: with both you can set up anew anywhere, and your friends
    /// follow.
    Friends(FriendsArgs),

    /// Make, list and revoke invitations: links by which somebody becomes your friend at once.
    #[command(subcommand)]
    Invitations(InvitationsCommand),

    /// Make, show and use your identity from its recovery words, offline: certificates, revocation.
    #[command(subcommand)]
    Identity(IdentityCommand),

    /// Show what a data file holds: keys, sizes, objects, and what is damaged.
    ///
    /// Every object is read and checked. The file is only read, and may be in use. Keys of entries are shown, values
    /// never. What is damaged is listed with its reason and stays as it is: the exit code is 0 all the same, because
    /// looking succeeded, unless --check asks for more.
    Inspect(InspectArgs),
}

/// The limits of [`crate::limits`], for people. A test keeps the numbers the same.
const SERVE_LIMITS: &str = "\
Limits, the same as on the cloud hosts:
  A request may take 30 seconds (then 504) and its body may have 10 MiB (else 413).
  An instance may use 128 MiB of memory; 200 instances may run at once.
  In the store a key may have 255 bytes and a value 1000000 bytes.";

/// Arguments of `tidings setup`.
#[derive(Debug, Args)]
pub struct SetupArgs {
    /// Where the deployment is.
    #[arg(value_name = "ADDRESS", default_value = "http://127.0.0.1:3000")]
    pub address: String,

    /// Your name, as friends will see it.
    #[arg(long)]
    pub name: String,

    /// The password to sign in with from now on. Asked for when it is not in the environment.
    #[arg(long, env = "TIDINGS_PASSWORD", hide_env_values = true)]
    pub password: Option<String>,

    /// The deployment's owner_password; on loopback, where there is none, the default one is tried by itself.
    #[arg(long, env = "TIDINGS_FIRST_PASSWORD", hide_env_values = true)]
    pub first_password: Option<String>,

    /// A file with the 24 recovery words of an identity that you have, or - for standard input.
    #[arg(long, value_name = "FILE")]
    pub words: Option<PathBuf>,

    /// Friends to ask once it is set up: a file with what `tidings friends --json` printed.
    #[arg(long, value_name = "FILE")]
    pub friends: Option<PathBuf>,
}

/// Whose deployment is meant, and how its owner signs in.
#[derive(Debug, Args)]
pub struct OwnerArgs {
    /// Where your deployment is.
    #[arg(value_name = "ADDRESS", default_value = "http://127.0.0.1:3000")]
    pub address: String,

    /// Your password. Asked for when it is not in the environment.
    #[arg(long, env = "TIDINGS_PASSWORD", hide_env_values = true)]
    pub password: Option<String>,
}

/// Arguments of `tidings friends`.
#[derive(Debug, Args)]
pub struct FriendsArgs {
    /// Whose friends they are.
    #[command(flatten)]
    pub owner: OwnerArgs,

    /// Print JSON, for programs and for `tidings setup --friends`.
    #[arg(long)]
    pub json: bool,

    /// Ask somebody, by their address or an invitation link. May be repeated.
    #[arg(long, value_name = "FRIEND")]
    pub ask: Vec<String>,
}

/// Arguments of `tidings inspect`.
#[derive(Debug, Args)]
pub struct InspectArgs {
    /// The data file, or the data directory that it is in.
    #[arg(value_name = "FILE", default_value = ".tidings")]
    pub file: PathBuf,

    /// Print JSON, for programs.
    #[arg(long)]
    pub json: bool,

    /// End with exit code 1 if an object is damaged, or a key is there that may have been one.
    #[arg(long)]
    pub check: bool,
}

/// Arguments of `tidings serve`.
#[derive(Debug, Args)]
pub struct ServeArgs {
    /// The manifest (version 2) of the app.
    #[arg(long, value_name = "FILE", default_value = "spin.toml")]
    pub manifest: PathBuf,

    /// The address to listen on. Use 0.0.0.0 or :: to be reached from other machines.
    #[arg(long, value_name = "IP", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    pub listen: IpAddr,

    /// The port to listen on; 0 takes a free one.
    #[arg(long, value_name = "PORT", default_value_t = 3000)]
    pub port: u16,

    /// Where the data is kept. The store is the file sqlite_key_value.db in it, as in Spin's directory .spin.
    #[arg(long, value_name = "DIR", default_value = ".tidings")]
    pub data: PathBuf,

    /// Set a variable of the app. May be repeated; goes before the environment's SPIN_VARIABLE_NAME, which is
    /// the better place for a secret.
    #[arg(long = "variable", value_name = "NAME=VALUE", value_parser = parse_variable)]
    pub variables: Vec<(String, String)>,

    /// Let components reach loopback, private and otherwise not public addresses, where the manifest grants it.
    #[arg(long)]
    pub allow_private_network: bool,

    /// Rehearse a replicated cloud store: reads and listings are up to this many seconds old.
    #[arg(long, value_name = "SECONDS", default_value_t = 0.0, value_parser = parse_seconds)]
    pub stale_seconds: f64,

    /// Refuse new keys when the store holds this many, to rehearse a cloud store's quota. Without it: no limit.
    #[arg(long, value_name = "NUMBER")]
    pub max_keys: Option<u64>,

    /// Where compiled components are kept between starts. Default: the directory "cache" in the data directory.
    #[arg(long, value_name = "DIR")]
    pub cache: Option<PathBuf>,

    /// How logs are written to standard error. RUST_LOG chooses what is logged, by default "info".
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = LogFormat::Text)]
    pub log_format: LogFormat,
}

impl From<ServeArgs> for ServeOptions {
    fn from(args: ServeArgs) -> Self {
        ServeOptions {
            manifest: args.manifest,
            listen: args.listen,
            port: args.port,
            cache: args.cache.unwrap_or_else(|| args.data.join("cache")),
            data: args.data,
            variables: args.variables,
            allow_private_network: args.allow_private_network,
            stale_seconds: args.stale_seconds,
            max_keys: args.max_keys,
            handler_time: limits::HANDLER_TIME,
        }
    }
}

/// Parses the command line and does what it asks. Errors are printed to standard error.
pub fn run() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Serve(args) => serve(args).map(|()| ExitCode::SUCCESS),
        Command::Setup(args) => client::set_up(&args),
        Command::Friends(args) => client::friends(&args),
        Command::Invitations(command) => client::invitations(&command),
        Command::Identity(command) => identity::run(&command),
        Command::Inspect(args) => inspect::run(&args),
    };
    match result {
        Ok(code) => code,
        Err(error) => {
            // With nobody left to read standard error there is nobody to tell.
            let _ = writeln!(std::io::stderr(), "error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn serve(args: ServeArgs) -> anyhow::Result<()> {
    logging::init(args.log_format);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let result = runtime.block_on(async {
        let server = server::Server::bind(args.into()).await?;
        // Before anybody is told that it listens: who stops it at once would end it in the middle otherwise.
        let stop = server::stop_signal()?;
        let mut stdout = std::io::stdout();
        writeln!(stdout, "listening on {}", server.url())?;
        stdout.flush()?;
        server.run(stop).await
    });
    // A component that was ended may still hold a blocking thread; the process does not wait for it.
    runtime.shutdown_background();
    result
}

fn parse_variable(argument: &str) -> Result<(String, String), String> {
    match argument.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("expected NAME=VALUE".to_owned()),
    }
}

fn parse_seconds(argument: &str) -> Result<f64, String> {
    match argument.parse::<f64>() {
        Ok(seconds) if (0.0..=limits::STALE_SECONDS).contains(&seconds) => Ok(seconds),
        _ => Err(format!("expected a number of seconds from 0 to {}", limits::STALE_SECONDS)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    fn serve_args(arguments: &[&str]) -> ServeArgs {
        match Cli::try_parse_from(["tidings", "serve"].iter().chain(arguments)).unwrap().command {
            Command::Serve(args) => args,
            other => panic!("expected `serve`, got {other:?}"),
        }
    }

    #[test]
    fn command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn help_names_the_limits_as_they_are() {
        for number in [
            format!("{} seconds", limits::HANDLER_TIME.as_secs()),
            format!("{} MiB (else", limits::REQUEST_BODY_BYTES >> 20),
            format!("{} MiB of memory", limits::INSTANCE_MEMORY_BYTES >> 20),
            format!("{} instances", limits::INSTANCES),
            format!("{} bytes and", limits::KEY_BYTES),
            format!("{} bytes.", limits::VALUE_BYTES),
        ] {
            assert!(SERVE_LIMITS.contains(&number), "{number}");
        }
    }

    #[test]
    fn defaults_are_loopback_and_port_3000() {
        let args = serve_args(&[]);
        assert_eq!(args.listen, IpAddr::V4(Ipv4Addr::LOCALHOST));
        assert_eq!(args.port, 3000);
        assert!(!args.allow_private_network);
        assert_eq!(args.stale_seconds, 0.0);
    }

    #[test]
    fn variables_may_be_repeated_and_hold_equal_signs() {
        let args = serve_args(&["--variable", "a=1", "--variable", "b=x=y"]);
        assert_eq!(args.variables, [("a".into(), "1".into()), ("b".into(), "x=y".into())]);
    }

    #[test]
    fn refuses_malformed_values() {
        for bad in [["--variable", "novalue"], ["--listen", "localhost"], ["--stale-seconds", "-1"]] {
            assert!(Cli::try_parse_from(["tidings", "serve", bad[0], bad[1]]).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn cache_lies_in_the_data_directory_unless_told() {
        let options = ServeOptions::from(serve_args(&["--data", "d"]));
        assert_eq!(options.cache, PathBuf::from("d/cache"));
        let options = ServeOptions::from(serve_args(&["--data", "d", "--cache", "c"]));
        assert_eq!(options.cache, PathBuf::from("c"));
    }
}
