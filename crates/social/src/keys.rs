//! Every key in the store: its partition, its form, its value, and who writes it.
//!
//! Values are JSON. A partition groups what is read together; see `docs/storage.md`.

mod under;

pub(crate) use under::*;

use tidings_ledger::{Key, Range};
use tidings_protocol::{Emoji, Fingerprint, Head, RecordId, StanceOrder};

/// Claims that a setup is under way. Owner component.
pub(crate) const CLAIM: &str = "claim";
/// The account; the first one counts. Owner component, once.
pub(crate) const SETUP: &str = "setup";
/// A password chosen later. Owner component.
pub(crate) const ACCESS: &str = "access";
/// Certificates installed after setup. Owner component.
pub(crate) const CERTIFICATE: &str = "certificate";
/// One's own signed profile. Owner component.
pub(crate) const PROFILE: &str = "profile";
/// One's own signed posts that are for all friends. Owner component.
pub(crate) const POST: &str = "post";
/// One's own signed posts that are for some friends only. In a partition of their own, so that a pull of somebody who may not see
/// them never comes near them. Owner component.
pub(crate) const LIMITED: &str = "limited";
/// Whom each post in `limited` is for. It never leaves the deployment. Owner component.
pub(crate) const AUDIENCE: &str = "audience";
/// Which posts in `post` are for everybody, not only for friends. Owner component.
pub(crate) const PUBLIC: &str = "public";
/// Circles, and who is in them. They never leave the deployment. Owner component.
pub(crate) const CIRCLE: &str = "circle";
/// Withdrawals of one's own posts. A deletion alone is forgotten by the ledger some day, and friends who were away have
/// to learn of it. Owner component.
pub(crate) const GONE: &str = "gone";
/// How far withdrawals have been forgotten. Owner component.
pub(crate) const FORGOTTEN: &str = "forgotten";
/// How far letting go of the past has come. Owner component.
pub(crate) const RETENTION: &str = "retention";
/// What is known of conversations. Owner component; see the functions below.
pub(crate) const TALK: &str = "talk";
/// When what a single friend may see changed last. Owner component.
pub(crate) const HEADS: &str = "heads";
/// Under which posts for all something changed: the stamp of an entry tells when. Both components.
pub(crate) const THREAD: &str = "thread";
/// Comments and reactions under the owner's posts. Both components; see the functions below.
pub(crate) const UNDER: &str = "under";
/// Under which of the owner's posts somebody said something. Both components, together with `under`.
pub(crate) const BY: &str = "by";
/// What the owner said under friends' posts. Owner component; see the functions below.
pub(crate) const SAID: &str = "said";
/// What of it has to be given to the poster's deployment. Owner component.
pub(crate) const OUTBOX: &str = "outbox";
/// What friends tell of the threads under their posts. Owner component, from pulls.
pub(crate) const GIST: &str = "gist";
/// Threads under friends' posts that the owner opened, as they were shown then. Owner component.
pub(crate) const OPENED: &str = "opened";
/// Friends' posts. Owner component, from pulls.
pub(crate) const FEED: &str = "feed";
/// Which posts in `feed` are whose. Owner component, together with `feed`.
pub(crate) const HELD: &str = "held";
/// Everything about one friend or stranger. Both components; see the functions below.
pub(crate) const FRIEND: &str = "friend";
/// Heads that friends announced. Peer component writes, owner component removes.
pub(crate) const HEARD: &str = "heard";
/// Invitations that the owner gave out, and who used them. Both components; see the functions below.
pub(crate) const INVITATION: &str = "invitation";
/// Wrong passwords of late. Owner component.
pub(crate) const GUESS: &str = "guess";
/// Where the owner signed in from. Owner component.
pub(crate) const FAMILIAR: &str = "familiar";
/// What the owner chose. Owner component.
pub(crate) const SETTING: &str = "setting";
/// What friends have pulled. Peer component.
pub(crate) const SERVED: &str = "served";
/// What the owner should know. Both components.
pub(crate) const NOTIFICATION: &str = "notification";
/// Up to which notification the owner has read. Owner component.
pub(crate) const READ: &str = "read";

/// Requests to other deployments of the last hour. Owner component.
pub(crate) const SPENT: &str = "spent";

/// What all friends may pull.
pub(crate) const SHARED: [&str; 3] = [POST, GONE, PROFILE];

/// What one friend may pull: what all friends may, what the owner wrote to them, what only they are to learn, and what changed
/// under posts for all. The latter makes no head: it is nothing to be told of.
pub(crate) fn shared_with(who: &Fingerprint) -> Vec<String> {
    let own = [dm(who), to(who), THREAD.to_owned()];
    SHARED.iter().map(|partition| (*partition).to_owned()).chain(own).collect()
}

/// The partition of the private messages that the owner wrote to somebody. Owner component.
pub(crate) fn dm(who: &Fingerprint) -> String {
    format!("dm/{who}")
}

/// The partition of all else that only that friend is to learn. Owner component.
pub(crate) fn to(who: &Fingerprint) -> String {
    format!("to/{who}")
}

/// The partition of the private messages that somebody wrote to the owner. Not that of the owner's own: what comes in is
/// nothing that goes out. Owner component, from pulls.
pub(crate) fn inbox(who: &Fingerprint) -> String {
    format!("inbox/{who}")
}

/// `dm/<who>:<id>` -> `Signed<Message>`; empty once it was withdrawn.
pub(crate) fn message_to(who: &Fingerprint, id: RecordId) -> Key {
    key(&dm(who), &id.to_string())
}

/// `inbox/<who>:<id>` -> `Signed<Message>`; empty once it was withdrawn.
pub(crate) fn message_from(who: &Fingerprint, id: RecordId) -> Key {
    key(&inbox(who), &id.to_string())
}

/// The first part of what `to/<who>` has about the conversation.
const CONVERSATION: &str = "conversation/";

/// `to/<who>:conversation/read` -> `messages::Through`: how far the owner has read what they wrote.
pub(crate) fn read_mark(who: &Fingerprint) -> Key {
    key(&to(who), "conversation/read")
}

/// `to/<who>:conversation/clear` -> `Cleared`: the owner wishes the conversation cleared on both sides.
pub(crate) fn wish_to_clear(who: &Fingerprint) -> Key {
    key(&to(who), "conversation/clear")
}

/// `to/<who>:conversation/cleared` -> `Clearing`: what became of such a wish of theirs.
pub(crate) fn wish_answered(who: &Fingerprint) -> Key {
    key(&to(who), "conversation/cleared")
}

/// All of `to/<who>:conversation/...`.
pub(crate) fn about_conversation(who: &Fingerprint) -> Range {
    Range::prefix(&to(who), CONVERSATION)
}

/// `talk:<who>/<what>`: what is known of a conversation without its messages; `messages::Talk` has all of it. A key for each, so
/// that writing does not undo reading. Owner component.
pub(crate) fn talk(who: &Fingerprint, what: &str) -> Key {
    key(TALK, &format!("{who}/{what}"))
}

/// All of `talk:<who>/...`.
pub(crate) fn talk_with(who: &Fingerprint) -> Range {
    Range::prefix(TALK, &format!("{who}/"))
}

/// Who and what a key of `talk` is about.
pub(crate) fn parse_talk(key: &Key) -> Option<(Fingerprint, &str)> {
    let (who, what) = key.rest().split_once('/')?;
    Some((who.parse().ok()?, what))
}

/// `claim:<id>`, whose order is the order of the claims.
pub(crate) fn claim(id: RecordId) -> Key {
    key(CLAIM, &id.to_string())
}

/// `setup:<id>` -> `account::SetupRecord`. The id is that of the claim, so the first claim comes first.
pub(crate) fn setup(id: RecordId) -> Key {
    key(SETUP, &id.to_string())
}

/// `access:` -> `account::AccessRecord`.
pub(crate) fn access() -> Key {
    key(ACCESS, "")
}

/// `certificate:<serial>` -> `account::Installed`; the greatest serial counts.
pub(crate) fn own_certificate(serial: u64) -> Key {
    key(CERTIFICATE, &format!("{serial:016}"))
}

/// `certificate:<serial>/progress` -> `resigning::Progress`. Comes after the certificate that it belongs to.
pub(crate) fn progress(serial: u64) -> Key {
    key(CERTIFICATE, &format!("{serial:016}/progress"))
}

/// Whether an entry of `certificate` is a [`progress`].
pub(crate) fn is_progress(key: &Key) -> bool {
    key.rest().ends_with("/progress")
}

/// The serial in an entry of `certificate`.
pub(crate) fn serial_of(key: &Key) -> Option<u64> {
    key.rest().split('/').next()?.parse().ok()
}

/// `said:<post>.<poster>/comment/<id>` -> `Signed<Comment>`, or nothing once it was withdrawn.
pub(crate) fn said_comment(poster: &Fingerprint, post: RecordId, id: RecordId) -> Key {
    key(SAID, &format!("{post}.{poster}/comment/{id}"))
}

/// `said:<post>.<poster>/reaction/<emoji>` -> `Signed<Reaction>`, set or not.
pub(crate) fn said_reaction(poster: &Fingerprint, post: RecordId, emoji: &Emoji) -> Key {
    key(SAID, &format!("{post}.{poster}/reaction/{emoji}"))
}

/// `said:<post>.<poster>/refused/<id of a comment, or emoji>` -> `Outcome`: the poster's deployment did not take that.
pub(crate) fn said_refused(poster: &Fingerprint, post: RecordId, what: &str) -> Key {
    key(SAID, &format!("{post}.{poster}/refused/{what}"))
}

/// All of `said:<post>.<poster>/...`.
pub(crate) fn said_under(poster: &Fingerprint, post: RecordId) -> Range {
    Range::prefix(SAID, &format!("{post}.{poster}/"))
}

/// `outbox:<poster>/<id>` -> `Interaction`. The id is one of its own, so that each is taken out by who saw it delivered.
pub(crate) fn outbox(poster: &Fingerprint, id: RecordId) -> Key {
    key(OUTBOX, &format!("{poster}/{id}"))
}

/// `gist:<post>.<poster>` -> `ThreadSummary`, whose newest comment was verified.
pub(crate) fn gist(poster: &Fingerprint, post: RecordId) -> Key {
    key(GIST, &format!("{post}.{poster}"))
}

/// `opened:<post>.<poster>/asked` -> when the poster's deployment was asked last, in unix milliseconds.
pub(crate) fn asked(poster: &Fingerprint, post: RecordId) -> Key {
    key(OPENED, &format!("{post}.{poster}/asked"))
}

/// `opened:<post>.<poster>/page/<number>` -> `said::Page`.
pub(crate) fn opened(poster: &Fingerprint, post: RecordId, page: usize) -> Key {
    key(OPENED, &format!("{post}.{poster}/page/{page:02}"))
}

/// All of `opened:<post>.<poster>/...`.
pub(crate) fn opened_thread(poster: &Fingerprint, post: RecordId) -> Range {
    Range::prefix(OPENED, &format!("{post}.{poster}/"))
}

/// `profile:` -> `Signed<Profile>`.
pub(crate) fn profile() -> Key {
    key(PROFILE, "")
}

/// `post:<id>` -> `Signed<Post>`.
pub(crate) fn post(id: RecordId) -> Key {
    key(POST, &id.to_string())
}

/// `limited:<id>` -> `Signed<Post>`.
pub(crate) fn limited(id: RecordId) -> Key {
    key(LIMITED, &id.to_string())
}

/// `audience:<id of a post>` -> `api::Audience`.
pub(crate) fn audience(id: RecordId) -> Key {
    key(AUDIENCE, &id.to_string())
}

/// `public:<id of a post>`, without a value: `post:<id>` is for everybody.
pub(crate) fn public(id: RecordId) -> Key {
    key(PUBLIC, &id.to_string())
}

/// `circle:<id>` -> `circles::Named`.
pub(crate) fn circle(id: RecordId) -> Key {
    key(CIRCLE, &id.to_string())
}

/// `circle:<id>/<who>` -> `circles::Member`. A key for each member, so that two changes do not undo each other.
pub(crate) fn circle_member(id: RecordId, who: &Fingerprint) -> Key {
    key(CIRCLE, &format!("{id}/{who}"))
}

/// `circle:<id>` and everything below it.
pub(crate) fn circle_with_members(id: RecordId) -> Range {
    Range::prefix(CIRCLE, &id.to_string())
}

/// The circle, and the member if it is the key of one.
pub(crate) fn parse_circle(key: &Key) -> Option<(RecordId, Option<Fingerprint>)> {
    match key.rest().split_once('/') {
        None => Some((key.rest().parse().ok()?, None)),
        Some((id, who)) => Some((id.parse().ok()?, Some(who.parse().ok()?))),
    }
}

/// `to/<who>:post/<id>`, without a value: `limited:<id>` is for them too. Owner component, and the peer component when
/// they begin a listing.
pub(crate) fn to_post(who: &Fingerprint, id: RecordId) -> Key {
    key(&to(who), &format!("post/{id}"))
}

/// All of `to/<who>:post/...`.
pub(crate) fn to_posts(who: &Fingerprint) -> Range {
    Range::prefix(&to(who), "post/")
}

/// `to/<who>:gone/<unix ms>.<id>`, without a value: the post `id` was taken from them at that time.
pub(crate) fn to_gone(who: &Fingerprint, at_ms: u64, id: RecordId) -> Key {
    key(&to(who), &format!("gone/{at_ms:016}.{id}"))
}

/// What was taken from them before a time.
pub(crate) fn to_gone_before(who: &Fingerprint, at_ms: u64) -> Range {
    Range::prefix(&to(who), "gone/").before(&key(&to(who), &format!("gone/{at_ms:016}")))
}

/// What a key of `to/<who>` says about a post.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ToPost {
    /// It is there for them.
    Here(RecordId),
    /// It was taken from them.
    Gone(RecordId),
}

/// Reads a key of [`to_post`] or [`to_gone`].
pub(crate) fn parse_to(key: &Key) -> Option<ToPost> {
    if !key.partition().starts_with("to/") {
        return None;
    }
    match key.rest().split_once('/')? {
        ("post", id) => Some(ToPost::Here(id.parse().ok()?)),
        ("gone", rest) => Some(ToPost::Gone(rest.split_once('.')?.1.parse().ok()?)),
        _ => None,
    }
}

/// `gone:<unix ms>.<id>`, without a value: the post `id` was withdrawn at that time.
pub(crate) fn gone(at_ms: u64, id: RecordId) -> Key {
    key(GONE, &format!("{at_ms:016}.{id}"))
}

/// The post that was withdrawn.
pub(crate) fn parse_gone(key: &Key) -> Option<RecordId> {
    key.rest().split_once('.')?.1.parse().ok()
}

/// Withdrawals before a time.
pub(crate) fn gone_before(at_ms: u64) -> Range {
    Range::partition(GONE).before(&key(GONE, &format!("{at_ms:016}")))
}

/// `retention:` -> `retention::Progress`. Owner component.
pub(crate) fn retention() -> Key {
    key(RETENTION, "")
}

/// `forgotten:` -> `pulls::Forgotten`.
pub(crate) fn forgotten() -> Key {
    key(FORGOTTEN, "")
}

/// `held:<author>/<id>`, without a value: there is a `feed:<id>.<author>`.
pub(crate) fn held(author: &Fingerprint, id: RecordId) -> Key {
    key(HELD, &format!("{author}/{id}"))
}

/// All of `held:<author>/...`.
pub(crate) fn held_of(author: &Fingerprint) -> Range {
    Range::prefix(HELD, &format!("{author}/"))
}

/// The post that a key of `held` stands for.
pub(crate) fn parse_held(key: &Key) -> Option<RecordId> {
    key.rest().split_once('/')?.1.parse().ok()
}

/// `feed:<id>.<author>` -> `Signed<Post>`. The author is part of it, so nobody can replace somebody else's post.
pub(crate) fn feed(id: RecordId, author: &Fingerprint) -> Key {
    key(FEED, &format!("{id}.{author}"))
}

/// `forgotten:<who>` -> `pulls::Forgotten`: the same of what was taken from one friend. Others must not be able to tell.
pub(crate) fn forgotten_to(who: &Fingerprint) -> Key {
    key(FORGOTTEN, &who.to_string())
}

/// The end (exclusive) of a range in `post`, `limited`, `public` or `feed` that has everything up to and including `id`.
pub(crate) fn through(partition: &str, id: RecordId) -> Key {
    key(partition, &format!("{id}/"))
}

/// The end (exclusive) of a range in `post` or `feed` that has everything below `id`.
pub(crate) fn below(partition: &str, id: RecordId) -> Key {
    key(partition, &id.to_string())
}

/// What is about the posts from `first` to `last`, both included, in a partition whose keys are `<id>` or begin with `<id>.`.
pub(crate) fn between(partition: &str, first: RecordId, last: RecordId) -> Range {
    Range::partition(partition).from(&below(partition, first)).before(&through(partition, last))
}

/// All of `friend:<who>/...`.
pub(crate) fn friend(who: &Fingerprint) -> Range {
    Range::prefix(FRIEND, &format!("{who}/"))
}

/// `friend:<who>/certificate/<serial>` -> `Signed<Certificate>`; the greatest serial counts. Both components.
pub(crate) fn certificate(who: &Fingerprint, serial: u64) -> Key {
    key(FRIEND, &format!("{who}/certificate/{serial:016}"))
}

/// `friend:<who>/ours/<generation>.<ended>.<sequence>` -> `Signed<Friendship>`; the greatest counts. Owner component, and
/// the peer component where an invitation says yes in advance.
pub(crate) fn ours(who: &Fingerprint, order: StanceOrder) -> Key {
    key(FRIEND, &format!("{who}/ours/{}", in_order(order)))
}

/// `friend:<who>/theirs/<generation>.<ended>.<sequence>` -> `Signed<Friendship>`; the greatest counts, so that messages
/// handled at the same time cannot undo each other. Lesser ones become the time at which that was, and stay for a day,
/// to be counted. Both components.
pub(crate) fn theirs(who: &Fingerprint, order: StanceOrder) -> Key {
    key(FRIEND, &format!("{who}/theirs/{}", in_order(order)))
}

/// Texts in the order of the stances.
fn in_order(StanceOrder { generation, ended, sequence }: StanceOrder) -> String {
    format!("{generation:016}.{}.{sequence:016}", u8::from(ended))
}

/// `friend:<who>/blocked` -> `relation::Blocked`. Owner component.
pub(crate) fn blocked(who: &Fingerprint) -> Key {
    key(FRIEND, &format!("{who}/blocked"))
}

/// `friend:<who>/joined`, without a value: they were put into a circle, and posts may still be written by who does not see that.
/// Owner component, and the peer component once it is over.
pub(crate) fn joined(who: &Fingerprint) -> Key {
    key(FRIEND, &format!("{who}/joined"))
}

/// `friend:<who>/muted`, without a value. Owner component.
pub(crate) fn muted(who: &Fingerprint) -> Key {
    key(FRIEND, &format!("{who}/muted"))
}

/// `friend:<who>/invitation` -> `InvitationToken`, until the request that it goes with has arrived. Owner component.
pub(crate) fn invitation_of(who: &Fingerprint) -> Key {
    key(FRIEND, &format!("{who}/invitation"))
}

/// `invitation:<hash>` -> `invitations::Issued`. Owner component.
pub(crate) fn invitation(hash: &str) -> Key {
    key(INVITATION, hash)
}

/// `invitation:<hash>/used/<who>` -> `invitations::Use`. A key for each who used it, so that none is lost of two that could
/// not see each other. Peer component.
pub(crate) fn invitation_use(hash: &str, who: &Fingerprint) -> Key {
    key(INVITATION, &format!("{hash}/used/{who}"))
}

/// `invitation:<hash>` and everything below it.
pub(crate) fn invitation_with_uses(hash: &str) -> Range {
    Range::prefix(INVITATION, hash)
}

/// `guess:<id>` -> `guesses::Network`; the id has the time. One key for each, so that none is lost.
pub(crate) fn guess(id: RecordId) -> Key {
    key(GUESS, &id.to_string())
}

/// `familiar:<network>` -> when the owner signed in there last, in unix milliseconds.
pub(crate) fn familiar(network: &str) -> Key {
    key(FAMILIAR, network)
}

/// `setting:<name>` -> its value. One key for each, so that changing one does not undo another. Owner component.
pub(crate) fn setting(name: &str) -> Key {
    key(SETTING, name)
}

/// `heads:<who>`, without a value: its stamp is that of the last commit that changed what this friend may see and not all.
pub(crate) fn head_of(who: &Fingerprint) -> Key {
    key(HEADS, &who.to_string())
}

/// `friend:<who>/verified` -> `relation::Verified`. Owner component.
pub(crate) fn verified(who: &Fingerprint) -> Key {
    key(FRIEND, &format!("{who}/verified"))
}

/// `friend:<who>/profile` -> `Signed<Profile>`. Owner component, from pulls.
pub(crate) fn friend_profile(who: &Fingerprint) -> Key {
    key(FRIEND, &format!("{who}/profile"))
}

/// `friend:<who>/delivery` -> `relation::Delivery`. Owner component.
pub(crate) fn delivery(who: &Fingerprint) -> Key {
    key(FRIEND, &format!("{who}/delivery"))
}

/// `friend:<who>/look` -> `relation::Look`; only while they have not been found. Owner component.
pub(crate) fn look(who: &Fingerprint) -> Key {
    key(FRIEND, &format!("{who}/look"))
}

/// `friend:<who>/presented` -> the serial of the own certificate that they have. Owner component.
pub(crate) fn presented(who: &Fingerprint) -> Key {
    key(FRIEND, &format!("{who}/presented"))
}

/// `friend:<who>/told` -> `relation::Told`. Owner component.
pub(crate) fn told(who: &Fingerprint) -> Key {
    key(FRIEND, &format!("{who}/told"))
}

/// `friend:<who>/untold/<unix ms>` -> `relation::Untold`. Owner component. A key of its own for each, so that nobody who
/// did not see it takes it for settled.
pub(crate) fn untold(who: &Fingerprint, at_ms: u64) -> Key {
    key(FRIEND, &format!("{who}/untold/{at_ms:013}"))
}

/// `friend:<who>/outbox` -> `said::outbox::Tries`; only while it fails. Owner component.
pub(crate) fn tries(who: &Fingerprint) -> Key {
    key(FRIEND, &format!("{who}/outbox"))
}

/// `friend:<who>/pull` -> `relation::Pull`. Owner component.
pub(crate) fn pull(who: &Fingerprint) -> Key {
    key(FRIEND, &format!("{who}/pull"))
}

/// `friend:<who>/leftover`, without a value: posts or comments of theirs are still held although they are no friend. Both components.
pub(crate) fn leftover(who: &Fingerprint) -> Key {
    key(FRIEND, &format!("{who}/leftover"))
}

/// `heard:<who>/<head>`, without a value; the greatest counts.
pub(crate) fn heard(who: &Fingerprint, head: Head) -> Key {
    key(HEARD, &format!("{who}/{head}"))
}

/// Who announced which head.
pub(crate) fn parse_heard(key: &Key) -> Option<(Fingerprint, Head)> {
    let (who, head) = key.rest().split_once('/')?;
    Some((who.parse().ok()?, head.parse().ok()?))
}

/// All of `heard:<who>/...`.
pub(crate) fn heard_from(who: &Fingerprint) -> Range {
    Range::prefix(HEARD, &format!("{who}/"))
}

/// `friend:<who>/pause` -> `relation::Pause`. Owner component.
pub(crate) fn pause(who: &Fingerprint) -> Key {
    key(FRIEND, &format!("{who}/pause"))
}

/// `spent:<unix minute>/<random>` -> `sync::budget::Note`: a key of its own for each round, so that rounds add up.
pub(crate) fn spent(minute: u64, unique: &str) -> Key {
    key(SPENT, &format!("{minute:010}/{unique}"))
}

/// The minute and the random part.
pub(crate) fn parse_spent(key: &Key) -> Option<(u64, &str)> {
    let (minute, unique) = key.rest().split_once('/')?;
    Some((minute.parse().ok()?, unique))
}

/// What was spent before a minute.
pub(crate) fn spent_before(minute: u64) -> Range {
    Range::partition(SPENT).before(&spent(minute, ""))
}

/// `served:<who>` -> `relation::Served`.
pub(crate) fn served(who: &Fingerprint) -> Key {
    key(SERVED, &who.to_string())
}

/// `notification:<id>` -> `api::NotificationEvent`. The id is when it was noted, and a hash of what happened.
pub(crate) fn notification(id: RecordId) -> Key {
    key(NOTIFICATION, &id.to_string())
}

/// `read:<id of a notification>`, without a meaningful value; the greatest counts.
pub(crate) fn read(id: RecordId) -> Key {
    key(READ, &id.to_string())
}

fn key(partition: &str, rest: &str) -> Key {
    #[allow(clippy::expect_used)] // Partitions are the constants above, and every rest is of bounded length.
    Key::new(partition, rest).expect("a short key in a constant partition")
}
