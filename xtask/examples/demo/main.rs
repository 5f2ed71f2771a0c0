//! The demo: three people, each with a deployment of their own on this machine, made friends through the real protocol.
//!
//! alice -- bob, alice -- carol, bob -- carol. Everything goes over HTTP, as a browser would do it: the identities are
//! made here, in the client, and the three deployments talk to each other directly.

mod client;
mod deployment;

use anyhow::{Context as _, Result};
use clap::Parser;
use client::OwnerClient;
use deployment::Deployment;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::mpsc;

/// Who takes part, with the words that each writes.
const PEOPLE: [(&str, [&str; 2]); 3] = [
    ("Alice", ["Hello from my own deployment!", "The first frost this morning. The whole garden was glass."]),
    (
        "Bob",
        [
            "I moved in as well. Nobody in between, how quiet it is.",
            "Bread is in the oven. Rye, with caraway.",
        ],
    ),
    ("Carol", ["Finally all three of us.", "Who comes along to the lake on Saturday?"]),
];

/// Who asks whom, by their place in [`PEOPLE`].
const REQUESTS: [(usize, usize); 3] = [(0, 1), (0, 2), (1, 2)];

#[derive(Parser)]
struct Args {
    /// The tidings program.
    #[arg(long)]
    program: PathBuf,
    /// The first of the three ports.
    #[arg(long)]
    port: u16,
    /// Where the data is kept; else in a temporary folder.
    #[arg(long)]
    data: Option<PathBuf>,
}

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nerror: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> Result<()> {
    let (stop, stopped) = mpsc::channel();
    ctrlc::set_handler(move || {
        // Nobody listens any more once the demo is ending, which is what was asked for.
        let _ = stop.send(());
    })?;
    let temporary = tempfile::tempdir()?;
    let data = args.data.clone().unwrap_or_else(|| temporary.path().to_owned());

    let mut deployments = Vec::new();
    for ((name, _), offset) in PEOPLE.iter().zip(0..) {
        let port = args.port.checked_add(offset).context("the ports run past 65535")?;
        let folder = data.join(name.to_lowercase());
        deployments
            .push(Deployment::start(&args.program, port, &folder).with_context(|| format!("{name}'s host"))?);
    }
    let mut clients = Vec::new();
    for (deployment, (name, _)) in deployments.iter_mut().zip(PEOPLE) {
        println!("{name} moves in at {}", deployment.address());
        deployment.wait_until_ready()?;
        clients.push(
            OwnerClient::set_up(deployment.address(), name).with_context(|| format!("setting up {name}"))?,
        );
    }
    make_friends(&clients)?;
    write_posts(&clients)?;
    println!("\n{}", summary(&clients));

    // An error means that the handler is gone, which is as good a reason to end as a signal.
    let _ = stopped.recv();
    println!("\nending");
    Ok(())
}

/// Lets each request be sent and accepted. Where data was kept from an earlier demo, they are friends already.
fn make_friends(clients: &[OwnerClient]) -> Result<()> {
    for (asks, asked) in REQUESTS {
        let (asks, asked) = (&clients[asks], &clients[asked]);
        if asks.is_friend_of(asked)? {
            continue;
        }
        println!("{} asks {}", asks.name(), asked.name());
        asks.request_friendship(asked)?;
        asked.accept(asks)?;
        asks.wait_for_friendship(asked)?;
    }
    Ok(())
}

/// Lets everybody write, taking turns, and everybody read.
fn write_posts(clients: &[OwnerClient]) -> Result<()> {
    for round in 0..2 {
        for (client, (_, posts)) in clients.iter().zip(PEOPLE) {
            if client.posts()? <= round {
                client.post(posts[round])?;
            }
        }
    }
    let all = PEOPLE.iter().map(|(_, posts)| posts.len()).sum();
    clients.iter().try_for_each(|client| client.wait_for_feed(all))
}

fn summary(clients: &[OwnerClient]) -> String {
    let line = |client: &OwnerClient| {
        format!("  {:<6} {}   name admin   password {}\n", client.name(), client.address(), client.password())
    };
    format!(
        "Three friends, each on a deployment of their own:\n\n{}\nCtrl-C ends all three.",
        clients.iter().map(line).collect::<String>()
    )
}
