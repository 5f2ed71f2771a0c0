//! Which problem each error of the rules is to the client. The one place where errors become status codes.

use crate::reply::Failure;
use tidings_ledger::{LedgerError, StoreError};
use tidings_protocol::limits::REQUEST_AGE_SECONDS;
use tidings_protocol::request_signature::RequestSignatureError;
use tidings_social::access::PasswordError;
use tidings_social::certificates::InstallError;
use tidings_social::circles::CircleError;
use tidings_social::feed::PageError;
use tidings_social::friends::FriendError;
use tidings_social::guesses::GuessError;
use tidings_social::invitations::InvitingError;
use tidings_social::messages::MessageError;
use tidings_social::notifications::NotificationError;
use tidings_social::peer::PeerError;
use tidings_social::posts::PostError;
use tidings_social::profile::ProfileError;
use tidings_social::public::PublicError;
use tidings_social::pulls::PullError;
use tidings_social::said::SaidError;
use tidings_social::settings::SettingsError;
use tidings_social::setup::SetupError;
use tidings_social::threads::ThreadError;

/// The first letter in upper case and a full stop at the end.
fn sentence(error: &impl ToString) -> String {
    let text = error.to_string();
    let mut letters = text.chars();
    let first = letters.next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", letters.as_str().trim_end_matches('.'))
}

fn invalid(error: &impl ToString) -> Failure {
    Failure::new(422, "invalid", "Something in the request is not acceptable", sentence(error))
}

fn internal(error: &impl ToString) -> Failure {
    let detail = "Something went wrong inside. Nothing was changed; the deployment's log tells more.";
    Failure::new(500, "internal", "Something went wrong", detail).logged(error.to_string())
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let detail = "The deployment's store did not answer. Try again in a moment.";
        Self::new(503, "store", "The store is not available", detail).with("retry-after", "2").logged(error)
    }
}

impl From<LedgerError> for Failure {
    fn from(error: LedgerError) -> Self {
        match error {
            LedgerError::Store(error) => error.into(),
            LedgerError::Unavailable { .. } => {
                let detail = "A part of the store cannot be read at this moment. Try again in a moment.";
                Self::new(503, "store", "The store is not available", detail)
                    .with("retry-after", "2")
                    .logged(error)
            }
            LedgerError::Full { .. } => {
                Self::new(503, "store-full", "The store is nearly full", sentence(&error))
                    .with("retry-after", "60")
                    .logged(error)
                    .then_make_room()
            }
            LedgerError::TooLarge { .. } => {
                Self::new(413, "too-large", "That is too large", sentence(&error))
            }
            LedgerError::OutOfTime => internal(&error),
        }
    }
}

impl From<PasswordError> for Failure {
    fn from(error: PasswordError) -> Self {
        match error {
            PasswordError::Length { .. } | PasswordError::Default => invalid(&error),
            PasswordError::Hash => internal(&error),
        }
    }
}

impl From<SetupError> for Failure {
    fn from(error: SetupError) -> Self {
        match error {
            SetupError::Ledger(error) => error.into(),
            SetupError::Signing(_) => internal(&error),
            SetupError::Damaged => Self::new(503, "store-damaged", "The store is damaged", sentence(&error)),
            SetupError::AlreadySetUp | SetupError::AnotherFirst => {
                Self::new(409, "already-set-up", "This deployment has an owner", sentence(&error))
            }
            SetupError::Name(_)
            | SetupError::Certificate(_)
            | SetupError::Address { .. }
            | SetupError::Future
            | SetupError::Secret(_)
            | SetupError::OtherKey => invalid(&error),
        }
    }
}

impl From<InstallError> for Failure {
    fn from(error: InstallError) -> Self {
        match error {
            InstallError::Ledger(error) => error.into(),
            InstallError::Signing(_) => internal(&error),
            InstallError::NotNewer { .. } => {
                Self::new(409, "not-newer", "The certificate in force stays", sentence(&error))
            }
            InstallError::Certificate(_)
            | InstallError::OtherIdentity
            | InstallError::Address { .. }
            | InstallError::Future
            | InstallError::Secret(_)
            | InstallError::OtherKey => invalid(&error),
        }
    }
}

impl From<ProfileError> for Failure {
    fn from(error: ProfileError) -> Self {
        match error {
            ProfileError::Ledger(error) => error.into(),
            ProfileError::Text { .. } => invalid(&error),
            ProfileError::Signing(_) => internal(&error),
        }
    }
}

impl From<PostError> for Failure {
    fn from(error: PostError) -> Self {
        match error {
            PostError::Ledger(error) => error.into(),
            PostError::Text(_)
            | PostError::Warning(_)
            | PostError::Audience(_)
            | PostError::IdempotencyKey => invalid(&error),
            PostError::KeyReused => Self::new(
                422,
                "idempotency-key-reused",
                "The Idempotency-Key was used before",
                sentence(&error),
            ),
            PostError::Unknown(_) => Self::new(404, "not-found", "There is no such post", sentence(&error)),
            PostError::Signing(_) => internal(&error),
        }
    }
}

impl From<CircleError> for Failure {
    fn from(error: CircleError) -> Self {
        match error {
            CircleError::Ledger(error) => error.into(),
            CircleError::Name(_) => invalid(&error),
            CircleError::Unknown(_) => {
                Self::new(404, "not-found", "There is no such circle", sentence(&error))
            }
            CircleError::NoFriend(_) => {
                Self::new(404, "not-found", "There is no such friend", sentence(&error))
            }
            CircleError::TooMany => {
                Self::new(409, "too-many-circles", "There are too many circles", sentence(&error))
            }
            CircleError::TooMuch => {
                Self::new(409, "too-many-posts", "There is too much to take back", sentence(&error))
            }
            CircleError::KeyReused => Self::new(
                422,
                "idempotency-key-reused",
                "The Idempotency-Key was used before",
                sentence(&error),
            ),
        }
    }
}

impl From<MessageError> for Failure {
    fn from(error: MessageError) -> Self {
        match error {
            MessageError::Ledger(error) => error.into(),
            MessageError::Text(_) => invalid(&error),
            MessageError::KeyReused => Self::new(
                422,
                "idempotency-key-reused",
                "The Idempotency-Key was used before",
                sentence(&error),
            ),
            MessageError::NotFriends => Self::new(409, "not-friends", "You are no friends", sentence(&error)),
            MessageError::Unknown(_) => {
                Self::new(404, "not-found", "There is no such message", sentence(&error))
            }
            MessageError::Signing(_) => internal(&error),
        }
    }
}

impl From<SaidError> for Failure {
    fn from(error: SaidError) -> Self {
        match error {
            SaidError::Ledger(error) => error.into(),
            SaidError::Text(_) | SaidError::Emoji(_) | SaidError::Parent => invalid(&error),
            SaidError::TooMany(_) => {
                Self::new(409, "too-many", "There are too many of yours under this post", sentence(&error))
            }
            SaidError::KeyReused => Self::new(
                422,
                "idempotency-key-reused",
                "The Idempotency-Key was used before",
                sentence(&error),
            ),
            SaidError::NotFriends => Self::new(409, "not-friends", "You are no friends", sentence(&error)),
            SaidError::NoPost(_) => Self::new(404, "not-found", "There is no such post", sentence(&error)),
            SaidError::Unknown(_) => {
                Self::new(404, "not-found", "There is no such comment", sentence(&error))
            }
            SaidError::Signing(_) => internal(&error),
        }
    }
}

impl From<ThreadError> for Failure {
    fn from(error: ThreadError) -> Self {
        match error {
            ThreadError::Ledger(error) => error.into(),
            ThreadError::Text(_) | ThreadError::Parent => invalid(&error),
            ThreadError::KeyReused => Self::new(
                422,
                "idempotency-key-reused",
                "The Idempotency-Key was used before",
                sentence(&error),
            ),
            ThreadError::NoSuchPost => {
                Self::new(404, "no-such-post", "There is no such post", sentence(&error))
            }
            ThreadError::NoSuchComment => {
                Self::new(404, "not-found", "There is no such comment", sentence(&error))
            }
            ThreadError::TooMany => {
                Self::new(409, "too-many", "There is too much under this post", sentence(&error))
            }
            ThreadError::After => {
                Self::new(400, "bad-page", "That is no page of this thread", sentence(&error))
            }
            ThreadError::Signing(_) => internal(&error),
        }
    }
}

impl From<SettingsError> for Failure {
    fn from(error: SettingsError) -> Self {
        match error {
            SettingsError::Ledger(error) => error.into(),
            SettingsError::Posts | SettingsError::Days => invalid(&error),
        }
    }
}

impl From<PageError> for Failure {
    fn from(error: PageError) -> Self {
        match error {
            PageError::Ledger(error) => error.into(),
            PageError::Limit | PageError::Before | PageError::After => {
                Self::new(400, "bad-page", "That is no page of this list", sentence(&error))
            }
        }
    }
}

impl From<FriendError> for Failure {
    fn from(error: FriendError) -> Self {
        match error {
            FriendError::Ledger(error) => error.into(),
            FriendError::Signing(_) => internal(&error),
            FriendError::Address(_) | FriendError::Greeting(_) | FriendError::Invitation(_) => {
                invalid(&error)
            }
            FriendError::OtherInviter { .. } => {
                Self::new(422, "other-inviter", "The invitation does not fit", sentence(&error))
            }
            FriendError::Blocked(_) => Self::new(409, "blocked", "They are blocked", sentence(&error)),
            FriendError::Oneself => Self::new(422, "oneself", "That is you", sentence(&error)),
            FriendError::PlainHttp { .. }
            | FriendError::NoDeployment { .. }
            | FriendError::Version { .. }
            | FriendError::OtherAddress { .. }
            | FriendError::OutOfForce
            | FriendError::Certificate(_) => {
                Self::new(422, "no-deployment", "There is no deployment to befriend", sentence(&error))
            }
            FriendError::Unreachable { .. } => {
                Self::new(502, "unreachable", "The other deployment cannot be reached", sentence(&error))
            }
            FriendError::Unverified { .. } => {
                Self::new(502, "unverified", "The requester cannot be verified", sentence(&error))
            }
            FriendError::Unknown(_) => {
                Self::new(404, "not-found", "There is no such friend", sentence(&error))
            }
            FriendError::NotAsked(_) => {
                Self::new(409, "not-asked", "There is nothing to accept", sentence(&error))
            }
        }
    }
}

impl From<NotificationError> for Failure {
    fn from(error: NotificationError) -> Self {
        match error {
            NotificationError::Ledger(error) => error.into(),
            NotificationError::Future => invalid(&error),
        }
    }
}

impl From<GuessError> for Failure {
    fn from(error: GuessError) -> Self {
        match error {
            GuessError::Ledger(error) => error.into(),
            GuessError::TooMany { retry_after_s } => {
                Self::new(429, "too-many-guesses", "Too many wrong passwords", sentence(&error))
                    .with("retry-after", retry_after_s.to_string())
            }
        }
    }
}

impl From<InvitingError> for Failure {
    fn from(error: InvitingError) -> Self {
        match error {
            InvitingError::Ledger(error) => error.into(),
            InvitingError::Note(_) | InvitingError::Days(_) => invalid(&error),
            InvitingError::TooMany => {
                Self::new(409, "too-many-invitations", "There are too many invitations", sentence(&error))
            }
            InvitingError::Unknown => {
                Self::new(404, "not-found", "There is no such invitation", sentence(&error))
            }
        }
    }
}

impl From<PullError> for Failure {
    fn from(error: PullError) -> Self {
        match error {
            PullError::Ledger(error) => error.into(),
            PullError::TooOften { retry_after_s } => too_often(&error, retry_after_s),
            PullError::Cursor | PullError::Held(_) | PullError::Oldest(_) => {
                Self::new(400, "bad-cursor", "That is no cursor of this deployment", sentence(&error))
            }
        }
    }
}

impl From<PublicError> for Failure {
    fn from(error: PublicError) -> Self {
        match error {
            PublicError::Ledger(error) => error.into(),
            PublicError::Before(_) => {
                Self::new(400, "bad-cursor", "That is no cursor of this deployment", sentence(&error))
            }
        }
    }
}

impl From<PeerError> for Failure {
    fn from(error: PeerError) -> Self {
        match error {
            PeerError::Ledger(error) => error.into(),
            PeerError::Signature(RequestSignatureError::Misaddressed { .. }) => {
                Self::new(403, "misaddressed", "The request is for somebody else", sentence(&error))
            }
            PeerError::Signature(_) | PeerError::UnknownSender => unsigned(&error),
            PeerError::Superseded { ref known, .. } | PeerError::Conflicting { ref known, .. } => {
                let mut failure =
                    Self::new(403, "superseded", "The certificate is not in force", sentence(&error));
                failure.problem.certificate = serde_json::to_value(known).ok();
                failure
            }
            PeerError::Oneself | PeerError::PlainHttp(_) | PeerError::NotAFriend => {
                Self::new(403, "not-allowed", "That is not allowed", sentence(&error))
            }
            PeerError::TooManyPending => {
                Self::new(403, "too-many-pending", "Too many friend requests wait here", sentence(&error))
            }
            PeerError::InvitationRequired => {
                Self::new(403, "invitation-required", "An invitation is needed", sentence(&error))
            }
            PeerError::TooManyStances { retry_after_s }
            | PeerError::TooManyNotifications { retry_after_s }
            | PeerError::TooManyInteractions { retry_after_s } => too_often(&error, retry_after_s),
            PeerError::Signing(_) => internal(&error),
            PeerError::Stance(_) | PeerError::FutureHead | PeerError::TooManyAtOnce => invalid(&error),
        }
    }
}

fn too_often(error: &impl ToString, retry_after_s: u64) -> Failure {
    Failure::new(429, "too-many-requests", "Too many requests", sentence(error))
        .with("retry-after", retry_after_s.to_string())
}

/// 401 with the challenge of a signature (RFC 9421 names none, so this is a scheme of our own).
fn unsigned(error: &impl ToString) -> Failure {
    let detail = format!(
        "{} Requests between deployments are signed as docs/protocol.md says, at most {REQUEST_AGE_SECONDS} seconds ago.",
        sentence(error)
    );
    Failure::new(401, "signature", "The signature is not acceptable", detail)
        .with("www-authenticate", "Signature realm=\"tidings\"")
}
