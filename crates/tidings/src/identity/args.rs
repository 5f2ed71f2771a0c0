//! The command line of `tidings identity`.

use clap::{Args, Subcommand};
use std::path::PathBuf;
use tidings_protocol::PublicKey;

/// What can be done with an identity.
#[derive(Debug, Subcommand)]
pub enum IdentityCommand {
    /// Make a new identity: prints 24 recovery words, fingerprint and safety code.
    ///
    /// Nothing is kept or sent. Write the words down; set up a deployment with `tidings setup --words FILE`.
    New,

    /// Show who the recovery words stand for: identity, fingerprint and safety code.
    Show(WordsArgs),

    /// Sign a certificate for an address: to move, or to give the deployment another key.
    ///
    /// Without --key a new deployment key is made, and what is printed has both the certificate and the key's secret: it
    /// is what PUT /api/certificate takes. With --key only the certificate is printed.
    Certify(CertifyArgs),

    /// Sign a certificate that revokes the key of an earlier one: after a deployment, or a copy of it, got into other hands.
    ///
    /// A new deployment key is made. What is printed is what PUT /api/certificate takes; once a friend has seen it, nothing
    /// by the revoked key is taken there any more.
    Revoke(RevokeArgs),

    /// Show and check a certificate, or the discovery document of a deployment.
    ///
    /// The exit code is 1 if its signature or its form is wrong.
    Inspect(InspectArgs),
}

/// Where the recovery words are.
#[derive(Debug, Args)]
pub struct WordsArgs {
    /// A file with the 24 recovery words, or - for standard input. They are never an argument: others could see them in
    /// the list of processes.
    #[arg(long, value_name = "FILE", default_value = "-")]
    pub words: PathBuf,
}

/// Arguments of `tidings identity certify`.
#[derive(Debug, Args)]
pub struct CertifyArgs {
    /// Where the recovery words are.
    #[command(flatten)]
    pub words: WordsArgs,

    /// The address of the deployment from now on.
    #[arg(long)]
    pub address: String,

    /// The deployment's public key, if it stays. Otherwise a new one is made.
    #[arg(long)]
    pub key: Option<PublicKey>,

    /// The last certificate, in a file: the new one gets a greater serial and revokes the same keys.
    #[arg(long, value_name = "FILE")]
    pub after: Option<PathBuf>,

    /// Where to write it, readable for you alone. Default: standard output.
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// Arguments of `tidings identity revoke`.
#[derive(Debug, Args)]
pub struct RevokeArgs {
    /// Where the recovery words are.
    #[command(flatten)]
    pub words: WordsArgs,

    /// The certificate (or discovery document) whose key is in other hands, in a file.
    #[arg(long, value_name = "FILE")]
    pub after: PathBuf,

    /// Where the deployment is from now on. Default: the address in that certificate.
    #[arg(long)]
    pub address: Option<String>,

    /// Where to write it, readable for you alone. Default: standard output.
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// Arguments of `tidings identity inspect`.
#[derive(Debug, Args)]
pub struct InspectArgs {
    /// A file with a certificate or a discovery document, or - for standard input.
    #[arg(value_name = "FILE", default_value = "-")]
    pub file: PathBuf,

    /// Fetch the discovery document of the deployment at this address instead.
    #[arg(long, value_name = "ADDRESS", conflicts_with = "file")]
    pub url: Option<String>,
}
