//! The network work of the owner's side: what is due, and what follows from the answers.
//!
//! Nothing is queued. What is owed is derived from what is stored: a stance that has not arrived, a head that a friend
//! has not pulled, a head that was heard and is not held. (What the owner said under friends' posts waits in an outbox, each with
//! an entry of its own.) So nothing is lost when a request dies on the way, and
//! doing it twice does no harm.

mod budget;
mod outlook;
mod plan;
mod pulled;
mod rounds;
mod settle;
mod wire;

pub use budget::Spent;
pub use outlook::Outlook;
pub use plan::{Plan, Scope, plan};
pub use rounds::{Peers, Refreshed, refresh};
pub use settle::settle;
pub use wire::{Outgoing, Received};

use crate::said::outbox::Handover;
use tidings_protocol::{
    Address, Certificate, Discovery, Fingerprint, FriendshipAnswer, FriendshipMessage, Head,
    InteractionsAnswer, Notification, NotificationAnswer, PullAnswer, RecordId, Signed, ThreadPage,
};

/// A request to another deployment.
#[derive(Debug, Clone, PartialEq)]
pub struct PeerRequest {
    /// Whom it is for.
    pub to: Fingerprint,
    /// Where they are.
    pub address: Address,
    /// What is asked.
    pub task: Task,
    /// Whether our certificate goes along, because they may not have it.
    pub with_certificate: bool,
}

/// What is asked of another deployment.
#[derive(Debug, Clone, PartialEq)]
pub enum Task {
    /// Who is served there? Not signed: it is public.
    Discover,
    /// This is our stance towards you.
    Friendship(Box<FriendshipMessage>),
    /// Something changed here.
    Notify(Notification),
    /// What changed at yours?
    Pull(PullRequest),
    /// This is what the owner says about your posts.
    Interact(Box<Handover>),
    /// What is there under a post of yours?
    Thread(ThreadRequest),
}

/// A question for a page of a thread.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ThreadRequest {
    /// Under which post.
    pub post: RecordId,
    /// The `next` of the page before.
    pub after: Option<String>,
    /// The ETag of the last answer to this very question, for the header `if-none-match`.
    pub tag: Option<String>,
}

/// A pull: what of it goes where is written here, so that every sender sends the same.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PullRequest {
    /// The cursor of the last answer.
    pub since: Option<String>,
    /// The head that is held.
    pub held: Option<Head>,
    /// The oldest post that is wanted.
    pub oldest: Option<RecordId>,
    /// The ETag of the last answer to this very question, for the header `if-none-match`.
    pub tag: Option<String>,
}

/// What came back.
#[derive(Debug, Clone, PartialEq)]
pub enum PeerAnswer {
    /// To [`Task::Discover`].
    Discovery(Discovery),
    /// To [`Task::Friendship`].
    Friendship(FriendshipAnswer),
    /// To [`Task::Notify`].
    Notification(NotificationAnswer),
    /// To [`Task::Pull`].
    Changes {
        /// The answer.
        answer: Box<PullAnswer>,
        /// Its ETag.
        tag: Option<String>,
    },
    /// To [`Task::Interact`].
    Interactions(InteractionsAnswer),
    /// To [`Task::Thread`].
    Thread {
        /// The answer.
        page: Box<ThreadPage>,
        /// Its ETag.
        tag: Option<String>,
    },
    /// To [`Task::Pull`] or [`Task::Thread`]: the answer is the one with the ETag in the request.
    Unchanged,
    /// They know a certificate that replaces or contradicts ours, and show it.
    Superseded {
        /// The one that they know.
        certificate: Box<Signed<Certificate>>,
        /// Why, as far as they said.
        reason: String,
    },
    /// They answered, but not with what was asked for.
    Refused {
        /// The HTTP status.
        status: u16,
        /// Why, as far as they said.
        reason: String,
        /// How long they want to be left alone, in milliseconds.
        retry_after_ms: Option<u64>,
    },
    /// There was no answer.
    Unreachable {
        /// What went wrong.
        reason: String,
    },
}

impl PeerAnswer {
    /// What to tell the owner when it did not go well.
    #[must_use]
    pub fn problem(&self) -> Option<String> {
        match self {
            Self::Refused { status, reason, .. } => {
                Some(format!("their deployment answered {status}: {reason}"))
            }
            Self::Superseded { reason, .. } => Some(format!("their deployment answered 403: {reason}")),
            Self::Unreachable { reason } => Some(format!("their deployment could not be reached: {reason}")),
            _ => None,
        }
    }
}
