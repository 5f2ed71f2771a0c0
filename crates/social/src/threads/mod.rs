//! What people say under the owner's posts: comments and reactions.
//!
//! Each belongs to its author, lies on the author's deployment, and is given to this one, which keeps a signed copy
//! (`under:`). Everybody who may see the post is shown it together with its author's certificate, so that nobody has to
//! believe this deployment. What a friend may see of a thread follows from the post alone: who may not see the
//! post is given nothing of what is under it, and nothing of theirs moves for it.

mod gone;
pub mod own;
mod owners;
mod page;
mod place;
mod shown;
mod taken;
mod under;

pub(crate) use gone::{follow, let_go_of_author, remove_all};
pub use page::{StoredThread, page};
pub(crate) use place::Readers;
pub(crate) use shown::{counted, given_along};
pub use taken::receive;

use thiserror::Error;
use tidings_ledger::LedgerError;
use tidings_protocol::{SignedError, TextError};

/// Why something about a thread is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ThreadError {
    /// The store cannot be read or written.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The text is not acceptable.
    #[error("text {0}")]
    Text(#[from] TextError),
    /// The idempotency key was used for something else.
    #[error(
        "this Idempotency-Key was used for a comment with another text: take a new one for a new comment"
    )]
    KeyReused,
    /// There is no such post, or it is not for who asks: nobody can tell which.
    #[error("there is no such post")]
    NoSuchPost,
    /// There is no such comment under it.
    #[error("there is no such comment under this post")]
    NoSuchComment,
    /// The comment that is to be answered is not there.
    #[error("parent is no comment under this post")]
    Parent,
    /// There is as much under it as there may be.
    #[error("there are as many comments and reactions under this post as there may be")]
    TooMany,
    /// The place to go on from is none.
    #[error("after is not what an earlier page said")]
    After,
    /// A document could not be signed.
    #[error("{0}")]
    Signing(#[from] SignedError),
}
