//! Every limit of the social rules, with its unit and its reason. Limits of the wire are in `tidings_protocol::limits`.

/// The shortest password, in Unicode scalar values (NIST SP 800-63B section 3.1.1.2).
pub const PASSWORD_CHARS_LEAST: usize = 8;

/// The longest password, in Unicode scalar values. Bounds what Argon2 has to read.
pub const PASSWORD_CHARS_MOST: usize = 200;

/// How long a browser stays signed in, in milliseconds: 30 days.
pub const SESSION_MS: u64 = 30 * 24 * 3_600_000;

/// How long a claim's write may take before its owner gives up, in milliseconds. Every claimant waits at least this
/// long before it looks for others, so it is felt once, at setup.
pub const CLAIM_WRITE_MS: u64 = 1_000;

/// The most that a claimant waits for a stale store on top of [`CLAIM_WRITE_MS`], in milliseconds. Stores that may be
/// staler than this have `owner_password`, so that only the owner can race with themselves.
pub const CLAIM_STALENESS_MS: u64 = 5_000;

/// How long a claim stands in the way of others, in milliseconds: longer than any request lives.
pub const CLAIM_LIFE_MS: u64 = 60_000;

/// An idempotency key, in bytes.
pub const IDEMPOTENCY_KEY_BYTES: usize = 100;

/// How long a create is recognised by an idempotency key that tells no time, in milliseconds.
pub const IDEMPOTENCY_MS: u64 = 24 * 3_600_000;

/// Entries of a page when the client does not say.
pub const PAGE_DEFAULT: usize = 50;

/// The most entries of a page.
pub const PAGE_MOST: usize = 100;

/// Unread messages of one conversation that are counted; beyond that nobody wants to know.
pub const UNREAD_MOST: usize = 100;

/// What a list of conversations shows of the last message, in Unicode scalar values: two lines on a telephone.
pub const MESSAGE_PREVIEW_CHARS: usize = 120;

/// Notifications to the owner that are kept. The oldest go first; nobody scrolls further back.
pub const NOTIFICATIONS_KEPT: usize = 500;

/// Notifications of friend requests among them: what strangers do pushes nothing else out.
pub const REQUEST_NOTIFICATIONS_KEPT: usize = 100;

/// Posts that are signed again in the background after the deployment key was replaced: the newest, which friends are most
/// likely to pull. Each of them counts as changed, so every friend pulls it once more. Older ones are signed when served.
pub const RESIGN_POSTS: usize = 400;

/// Posts signed again with one request. A signature takes about 0.2 ms in a component.
pub const RESIGN_STEP: usize = 100;

/// Requests from strangers that wait for the owner. The text of each is at most 1 KB, all that is kept of it about 4 KB.
pub const PENDING_STRANGERS: usize = 100;

/// How long a stranger's request waits for the owner before it is let go of, in milliseconds: 14 days.
pub const PENDING_MS: u64 = 14 * DAY_MS;

/// Strangers of whom anything is kept: those who wait, and as many who took their request back. Bounds what people can
/// leave here who ask and change their mind, each time as somebody new.
pub const STRANGERS: usize = 2 * PENDING_STRANGERS;

/// How long it is remembered that a stranger took a request back, in milliseconds: longer than any copy of the request
/// can still be under way, since signatures of requests are taken for minutes only.
pub const WITHDRAWN_MS: u64 = DAY_MS;

/// How often one person may change their stance within a day. Each change is a commit of the receiver's.
pub const STANCES_A_DAY: usize = 10;

/// A day in milliseconds.
pub const DAY_MS: u64 = 24 * 3_600_000;

/// How long a wrong password counts, in milliseconds: 15 minutes.
pub const GUESS_WINDOW_MS: u64 = 15 * 60_000;

/// Wrong passwords from one network within [`GUESS_WINDOW_MS`] until no more are heard: more than anybody mistypes.
pub const GUESSES_OF_ONE: usize = 10;

/// The same from all networks together. Bounds what guessing can make a deployment write, and how much Argon2 it computes.
pub const GUESSES_OF_ALL: usize = 100;

/// How long a network from which the owner signed in is remembered, in milliseconds: 30 days, as a session.
pub const FAMILIAR_MS: u64 = 30 * DAY_MS;

/// Within this time of the last one, signing in from a network again is not written down, in milliseconds.
pub const FAMILIAR_NOTE_MS: u64 = DAY_MS;

/// Networks from which the owner signed in that are remembered.
pub const FAMILIAR_KEPT: usize = 20;

/// Invitations that can still be used, at a time: more than anybody sends out by hand.
pub const INVITATIONS_OPEN: usize = 50;

/// How long an invitation can be used if the owner does not say, in days.
pub const INVITATION_DAYS: u32 = 7;

/// The longest that an invitation can be used, in days.
pub const INVITATION_DAYS_MOST: u32 = 90;

/// How long an invitation is shown once it can no longer be used, in milliseconds: 30 days.
pub const INVITATION_SHOWN_MS: u64 = 30 * DAY_MS;

/// What the owner notes about an invitation, in Unicode scalar values.
pub const INVITATION_NOTE_CHARS: usize = 100;

/// Pages of a thread that are asked for: more than the limits of a post fill.
pub const THREAD_PAGES: usize = 8;

/// The poster's deployment is not asked for a thread again within this time, in milliseconds.
pub const THREAD_AGAIN_MS: u64 = 30_000;

/// People who are shown with one emoji in a thread.
pub const REACTING_PEOPLE: usize = 50;

/// Circles: more than anybody keeps apart.
pub const CIRCLES_MOST: usize = 50;

/// The name of a circle, in Unicode scalar values: as long as a person's.
pub const CIRCLE_NAME_CHARS: usize = 60;

/// Single people named in one audience, in each of its lists. For more of them there are circles.
pub const AUDIENCE_PEOPLE: usize = 200;

/// Posts given to friends, or taken from them, in one commit: each is an entry of some 80 bytes. Who comes into a circle is
/// given the newest of its posts; a circle that means more is emptied person by person.
pub const SHIFTS_MOST: usize = 2_000;

/// Posts for some friends that a friend who begins a listing is looked up in, the newest first.
pub const COMPLETED_POSTS: usize = 2_000;

/// Friends whose taken posts are forgotten in one day's work.
pub const FORGET_FRIENDS: usize = 20;

/// Requests sent at the same time in one round of a refresh.
pub const ROUND_REQUESTS: usize = 48;

/// Pulls among them. Each may bring half a megabyte, and a component has 128 MiB.
pub const ROUND_PULLS: usize = 24;

/// Rounds of one refresh: each sends requests, waits for all, and commits what came.
pub const ROUNDS: usize = 12;

/// No new round of a refresh begins after this, in milliseconds, so that a request stays far from the hosts' limit of 30 s.
pub const ROUNDS_TIME_MS: u64 = 15_000;

/// No new round of a refresh begins once its rounds have made so many store operations: of the 40 that a request may make, what it
/// read before, one more round, and a piece of the store's maintenance have to fit into the rest. Notifications to 150 friends are
/// four rounds.
pub const ROUNDS_OPERATIONS: u32 = 24;

/// The JSON text of one pulled record, in bytes: a post of the longest text, escaped, with room for other members.
pub const RECORD_BYTES: usize = 64 * 1024;

/// How long what could not be delivered waits before it is tried again, in milliseconds, by attempts made.
pub const RETRY_MS: [u64; 5] = [60_000, 15 * 60_000, 3_600_000, 4 * 3_600_000, 24 * 3_600_000];

/// When a notification that did not arrive is tried again, in milliseconds after the last time, by attempts made.
pub const TELL_AGAIN_MS: [u64; 4] = [15 * 60_000, 3_600_000, 4 * 3_600_000, 24 * 3_600_000];

/// When a friend who was told and did not pull is reminded, in milliseconds: they know durably that there is something.
pub const REMIND_MS: u64 = 24 * 3_600_000;

/// How long something may fail before the owner is told and it is tried only every [`WEEKLY_MS`], in milliseconds: 30 days.
pub const UNDELIVERABLE_MS: u64 = 30 * 24 * 3_600_000;

/// How often somebody who was not reached for so long is tried, in milliseconds.
pub const WEEKLY_MS: u64 = 7 * 24 * 3_600_000;

/// Requests to other deployments in any hour. The hosts' free tier gives 500; the rest is for rounds that overlap over a
/// stale store, and do not see each other.
pub const OUTBOUND_HOUR: u32 = 450;

/// Over a stale store, so many of [`OUTBOUND_HOUR`] are not shared out: for what concerns one person, and for what refreshes take
/// that nobody could see.
pub const UNSEEN_MARGIN: usize = 50;

/// Over a stale store, the part of what is left beyond [`UNSEEN_MARGIN`] that one refresh may take. More than as many as this may
/// begin at once after a pause. When they go on and on, each of them misses what the last ones took, and the hour holds as long
/// as at most eight begin within the time that the store may hide them; clients begin one each.
pub const UNSEEN_REFRESHES: usize = 12;

/// The same for a refresh that goes with something that the owner wrote just now: four times at once, or twice within that
/// time on and on, or once with four others.
pub const UNSEEN_WRITES: usize = 4;

/// From so many requests on a round is written down before it is sent.
pub const RESERVED_REQUESTS: usize = 24;

/// Notes of rounds that count no more, left in the store before they are removed together.
pub const SPENT_STALE: usize = 64;

/// The longest that somebody who asks to be left alone is left alone, in milliseconds.
pub const PAUSE_MS: u64 = 24 * 3_600_000;

/// Announcements by one friend within [`PACE_MS`] that are written down. An honest friend needs one until it is answered;
/// the rest is for refreshes of theirs that overlap.
pub const HEARD_MOST: usize = 120;

/// Listings that one friend may begin within [`PACE_MS`]. An honest friend begins one, and another after a lost answer.
pub const LISTINGS_MOST: u32 = 20;

/// Comments under one post, withdrawn ones included: a page that is opened reads all of them, half a megabyte as people write.
pub const COMMENTS_OF_POST: usize = 500;

/// The same by one person: nobody talks all others away.
pub const COMMENTS_OF_ONE: usize = 100;

/// Emojis that one person has under one post at a time.
pub const REACTIONS_OF_ONE: usize = 10;

/// The same with those that they took back: a mark stays, so that a late copy brings nothing back.
pub const REACTION_MARKS_OF_ONE: usize = 40;

/// Reactions under one post, with those that were taken back.
pub const REACTIONS_OF_POST: usize = 1_000;

/// Comments and reactions of one friend within [`PACE_MS`] that are written down; more than anybody types.
pub const INTERACTIONS_MOST: u32 = 120;

/// Posts under which what one person said is removed in one step, after they ceased to be a friend.
pub const LET_GO_THREADS: usize = 50;

/// The newest comments in the summaries of threads on one page of a pull, in bytes of their JSON; further summaries only count.
/// Together with the posts they stay below what a reader takes.
pub const SUMMARIES_BYTES: usize = 96 * 1024;

/// The time within which what one friend asks for is counted, in milliseconds.
pub const PACE_MS: u64 = 10 * 60_000;

/// How long a friend's answer that did not yet hold what they announced is left alone, in milliseconds, by attempts.
pub const STALE_PULL_MS: [u64; 4] = [2_000, 10_000, 60_000, 10 * 60_000];

/// How long a pull that failed waits before it is tried again, in milliseconds, by attempts made.
pub const PULL_AGAIN_MS: [u64; 6] = [5_000, 30_000, 120_000, 15 * 60_000, 3_600_000, 4 * 3_600_000];

/// How often a friend who said nothing is asked all the same, in milliseconds: finds what a lost notification left.
pub const LOOK_ANYWAY_MS: u64 = 24 * 3_600_000;

/// Within this time of the last one, a pull that brought nothing is not written down, in milliseconds.
pub const PULL_NOTE_MS: u64 = 10 * 60_000;

/// How soon a friend may ask to be asked once more, and how late, in milliseconds: later than the first pull after a
/// notification that came too early, sooner than the next look in any case.
pub const PULL_ONCE_MORE_MS: std::ops::RangeInclusive<u64> = 2_000..=15 * 60_000;

/// How often in a row a friend is asked once more although that brought nothing.
pub const PULL_ONCE_MORE_TIMES: u32 = 3;

/// Posts let go of in one settlement: each is two entries of some 70 bytes. The rest goes with the next.
pub const LET_GO_POSTS: usize = 2_000;

/// Posts counted or removed in one step of what lets go of the past: about a megabyte to read.
pub const RETENTION_STEP: usize = 1_000;

/// How many of friends' posts are kept if the owner did not choose otherwise.
pub const FEED_POSTS: u32 = 20_000;

/// How many the owner may choose to keep: a page of the feed at least, what a free tier's store holds at most.
pub const FEED_POSTS_RANGE: std::ops::RangeInclusive<u32> = 1_000..=100_000;

/// For how many days the owner may choose to keep them, if not without end.
pub const FEED_DAYS_RANGE: std::ops::RangeInclusive<u32> = 7..=3_650;

/// How long withdrawals of posts are remembered for friends who are away, in milliseconds: 90 days. Friends who were away
/// for longer, and missed one, start over.
pub const GONE_KEPT_MS: u64 = 90 * DAY_MS;

/// Bytes of JSON that are committed together at most: well below what one object of the ledger takes.
pub const COMMIT_BYTES: usize = 700 * 1024;

/// What is shown of somebody else's error text, in Unicode scalar values.
pub const FOREIGN_PROBLEM_CHARS: usize = 200;

/// How long after network work the next piece waits over a store that is `staleness_ms` stale, in milliseconds: until then
/// it may not see what this one has noted, and would do it again. A quarter and a second are for the time that writing
/// takes. Nothing where the store is never stale.
#[must_use]
pub const fn rest_ms(staleness_ms: u64) -> u64 {
    match staleness_ms {
        0 => 0,
        _ => staleness_ms.saturating_add(staleness_ms / 4).saturating_add(1_000),
    }
}

/// The delay before attempt number `attempts` + 1.
#[must_use]
pub fn delay(schedule: &[u64], attempts: u32) -> u64 {
    let index = (attempts.saturating_sub(1) as usize).min(schedule.len().saturating_sub(1));
    schedule.get(index).copied().unwrap_or(0)
}

/// When to try again what failed `attempts` times, lastly at `last_ms`, and all the time since `since_ms`.
#[must_use]
pub fn retry_ms(schedule: &[u64], attempts: u32, last_ms: u64, since_ms: Option<u64>) -> u64 {
    let is_hopeless = since_ms.is_some_and(|since_ms| last_ms.saturating_sub(since_ms) >= UNDELIVERABLE_MS);
    last_ms.saturating_add(if is_hopeless { WEEKLY_MS } else { delay(schedule, attempts) })
}

/// Announcements of what is held by now that are left in the store before they are removed together.
pub const HEARD_STALE: usize = 64;
