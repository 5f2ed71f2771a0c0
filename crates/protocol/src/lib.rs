//! What two Tidings deployments must agree on: names, wire formats, canonical forms and signatures.
//!
//! This crate is the machine-readable half of `docs/protocol.md`. It does no I/O, reads no clock and draws no random
//! numbers: times and seeds are handed in.
//!
//! Architecture invariant: nothing here depends on another crate of this workspace.

mod absent;
mod address;
mod certificate;
mod change;
mod emoji;
mod encoding;
mod friendship;
mod head;
mod interaction;
mod invitation;
mod keys;
pub mod limits;
mod message;
mod messages;
mod problem;
mod record;
mod record_id;
pub mod recovery;
pub mod request_signature;
mod signed;
mod text;

pub use address::{Address, AddressError};
pub use certificate::{Certificate, CertificateError, Standing};
pub use change::Change;
pub use emoji::{Emoji, EmojiError};
pub use friendship::{Friendship, Stance, StanceOrder};
pub use head::{Head, HeadError};
pub use interaction::{
    Comment, CommentRef, Interaction, InteractionsAnswer, InteractionsMessage, Outcome, Reaction,
    ReactionCount, RelayError, RelayedComment, ThreadPage, ThreadSummary, UnderPost,
};
pub use invitation::{Invitation, InvitationError, InvitationToken};
pub use keys::{Fingerprint, KeyError, PublicKey, Seed, Signature};
pub use message::{Cleared, Clearing, Message};
pub use messages::{
    Discovery, FriendshipAnswer, FriendshipMessage, Listed, Notification, NotificationAnswer, PublicPage,
    PullAnswer, Software, paths,
};
pub use problem::{PROBLEM_CONTENT_TYPE, Problem};
pub use record::{Body, Post, Profile};
pub use record_id::{RecordId, RecordIdError};
pub use signed::{DeploymentDocument, Document, Signed, SignedError};
pub use text::{TextError, check_bytes, check_text};

/// The version of the protocol that this crate speaks; the `v1` of `/p2p/v1/`.
pub const PROTOCOL_VERSION: u32 = 1;
