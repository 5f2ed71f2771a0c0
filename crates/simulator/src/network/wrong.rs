//! Deliberately wrong variants: each breaks one rule, to see that the checks notice.

use super::wires::Line;
use tidings_ledger::{Clock as _, Timing};
use tidings_protocol::{
    Change, Friendship, FriendshipAnswer, InteractionsAnswer, NotificationAnswer, Outcome, Signed,
};
use tidings_social::Account;
use tidings_social::api::RefreshReport;
use tidings_social::sync::{self, PeerAnswer, PeerRequest, Task};

/// What is done wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wrong {
    /// Nothing.
    Nothing,
    /// A reader commits the cursor, and only then the records before it.
    CursorBeforeRecords,
    /// A sender forgets what it owes when sending fails once.
    ForgetsAfterFailure,
    /// Who could not give a poster what was said under their posts takes it for given.
    LosesRemarks,
    /// Stances do not say which attempt at a friendship they belong to.
    StancesWithoutGeneration,
    /// A deployment takes its store to be never stale, and every write to land at once, neither of which it is or does.
    BelievesFreshStore,
    /// A client that got no answer to a post sends it again as another one.
    NoIdempotencyKey,
    /// A reader takes the first edition of a message and no other.
    IgnoresEditions,
    /// A reader keeps messages that were withdrawn.
    IgnoresWithdrawals,
    /// A reader does not note how far the other one has read.
    IgnoresReadMarks,
    /// A reader neither clears what the other one wishes to have cleared, nor answers.
    IgnoresWishes,
    /// A reader does not note what became of such a wish of their own.
    IgnoresWhatBecameOfWishes,
    /// A deployment clears what its owner wants to keep.
    ClearsWhatIsKept,
}

impl Wrong {
    /// Everything that can be done wrong.
    pub const ALL: [Self; 12] = [
        Self::CursorBeforeRecords,
        Self::ForgetsAfterFailure,
        Self::LosesRemarks,
        Self::StancesWithoutGeneration,
        Self::BelievesFreshStore,
        Self::NoIdempotencyKey,
        Self::IgnoresEditions,
        Self::IgnoresWithdrawals,
        Self::IgnoresReadMarks,
        Self::IgnoresWishes,
        Self::IgnoresWhatBecameOfWishes,
        Self::ClearsWhatIsKept,
    ];

    /// What a deployment is told of a store that is `staleness_ms` stale.
    pub(super) fn timing(self, staleness_ms: u64) -> Timing {
        if self == Self::BelievesFreshStore {
            Timing { longest_request_ms: 1_000, ..Timing::local() }
        } else if staleness_ms == 0 {
            Timing::local()
        } else {
            Timing::replicated(staleness_ms)
        }
    }

    /// The request that is sent in the place of `request`.
    pub(super) fn sent(self, account: &Account, request: &PeerRequest) -> PeerRequest {
        let mut sent = request.clone();
        if let (Self::StancesWithoutGeneration, Task::Friendship(message)) = (self, &mut sent.task) {
            let friendship = Friendship { generation: 1, ..message.friendship.unverified().clone() };
            if let Ok(signed) = Signed::sign(friendship, account.deployment_key()) {
                message.friendship = signed;
            }
        }
        sent
    }

    /// Whether this is passed over in an answer to a pull.
    fn ignores(self, change: &Change) -> bool {
        match change {
            Change::Message { record } => {
                self == Self::IgnoresEditions && record.unverified().edited_ms.is_some()
            }
            Change::MessageDeleted { .. } => self == Self::IgnoresWithdrawals,
            Change::MessagesRead { .. } => self == Self::IgnoresReadMarks,
            Change::ConversationCleared { .. } => self == Self::IgnoresWishes,
            Change::Clearing { .. } => self == Self::IgnoresWhatBecameOfWishes,
            _ => false,
        }
    }

    /// The answer that is taken to have come.
    pub(super) fn believed(self, request: &PeerRequest, mut answer: PeerAnswer) -> PeerAnswer {
        if let PeerAnswer::Changes { answer, .. } = &mut answer {
            answer.changes.retain(|change| !self.ignores(change));
        }
        match (self, &request.task, &answer) {
            (Self::ForgetsAfterFailure, Task::Friendship(_), PeerAnswer::Unreachable { .. }) => {
                PeerAnswer::Friendship(FriendshipAnswer { friendship: None, yours: None, head: None })
            }
            (Self::ForgetsAfterFailure, Task::Notify(_), PeerAnswer::Unreachable { .. }) => {
                PeerAnswer::Notification(NotificationAnswer { held: None, friendship: None, head: None })
            }
            (Self::LosesRemarks, Task::Interact(handover), PeerAnswer::Unreachable { .. }) => {
                let outcomes = vec![Outcome::Taken; handover.message.interactions.len()];
                PeerAnswer::Interactions(InteractionsAnswer { outcomes, friendship: None, head: None })
            }
            _ => answer,
        }
    }

    /// What is done with answers before they are settled as they should be.
    pub(super) async fn before_settling(
        self,
        line: &Line,
        account: &Account,
        answers: &[(PeerRequest, PeerAnswer)],
    ) {
        if self != Self::CursorBeforeRecords {
            return;
        }
        let mut stripped = answers.to_vec();
        stripped.retain(|(request, _)| matches!(request.task, Task::Pull { .. }));
        for (_, answer) in &mut stripped {
            if let PeerAnswer::Changes { answer, .. } = answer {
                answer.changes.clear();
            }
        }
        let (ledger, clock) = line.world.deployment(line.from).instance();
        let Ok(mut view) = ledger.view().await else { return };
        let mut report = RefreshReport::default();
        let settled = sync::settle(&view, account, stripped, &mut report, clock.now_ms()).await;
        for batch in settled.unwrap_or_default() {
            let _ = ledger.commit(&mut view, batch).await;
        }
    }
}
