//! `cargo xtask demo`: three deployments that are friends already, to look around in.
//!
//! What it does lies in examples/demo, beside this program rather than in it: it needs the protocol's cryptography, and
//! no other task should wait for that to be compiled.

use crate::build;
use crate::serve::become_program;
use crate::shell::{cargo, command, execute};
use anyhow::Result;
use clap::Args;
use std::path::PathBuf;

/// Arguments of `cargo xtask demo`.
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// The first of the three ports.
    #[arg(long, value_name = "PORT", default_value_t = 3001)]
    port: u16,

    /// Where the data is kept. Without it, it is gone when the demo ends.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

/// Builds what is out of date, then becomes the demo.
pub fn run(args: &DemoArgs) -> Result<()> {
    build::everything()?;
    execute(cargo().args(["build", "--package", "xtask", "--example", "demo"]))?;
    let program = build::program_path()?;
    let mut demo = command(program.with_file_name("examples").join("demo"));
    demo.arg("--program").arg(program).arg("--port").arg(args.port.to_string());
    if let Some(data) = &args.data {
        demo.arg("--data").arg(std::path::absolute(data)?);
    }
    become_program(&mut demo)
}
