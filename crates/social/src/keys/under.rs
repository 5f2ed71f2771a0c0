//! The keys of what people say under the owner's posts.

use super::{BY, THREAD, UNDER, key, to};
use tidings_ledger::{Key, Range};
use tidings_protocol::{CommentRef, Emoji, Fingerprint, RecordId};

/// `thread:<post>`, without a value: something changed under a post for all.
pub(crate) fn thread(post: RecordId) -> Key {
    key(THREAD, &post.to_string())
}

/// `to/<who>:thread/<post>`, without a value: the same of a post that is for `who` and not for all.
pub(crate) fn to_thread(who: &Fingerprint, post: RecordId) -> Key {
    key(&to(who), &format!("thread/{post}"))
}

/// The post in a key of [`thread`] or [`to_thread`].
pub(crate) fn parse_thread(key: &Key) -> Option<RecordId> {
    if key.partition() == THREAD {
        return key.rest().parse().ok();
    }
    let post = key.rest().strip_prefix("thread/").filter(|_| key.partition().starts_with("to/"))?;
    post.parse().ok()
}

/// `under:<post>/comment/<id>.<author>` -> `Signed<Comment>`, or nothing once it was withdrawn.
pub(crate) fn comment(post: RecordId, comment: CommentRef) -> Key {
    key(UNDER, &format!("{post}/comment/{}.{}", comment.id, comment.author))
}

/// `under:<post>/hidden/<id>.<author>`, without a value: the owner hides that comment.
pub(crate) fn hidden(post: RecordId, comment: CommentRef) -> Key {
    key(UNDER, &format!("{post}/hidden/{}.{}", comment.id, comment.author))
}

/// `under:<post>/reaction/<author>/<emoji>` -> `Signed<Reaction>`, set or not.
pub(crate) fn reaction(post: RecordId, author: &Fingerprint, emoji: &Emoji) -> Key {
    key(UNDER, &format!("{post}/reaction/{author}/{emoji}"))
}

/// All of `under:<post>/...`.
pub(crate) fn under(post: RecordId) -> Range {
    Range::prefix(UNDER, &format!("{post}/"))
}

/// All of it for the posts from `first` to `last`.
pub(crate) fn under_all(first: RecordId, last: RecordId) -> Range {
    let from = key(UNDER, &format!("{first}/"));
    // The successor of the separator.
    Range::partition(UNDER).from(&from).before(&key(UNDER, &format!("{last}0")))
}

/// What a key of `under` stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Under {
    /// A comment.
    Comment(CommentRef),
    /// That a comment is hidden.
    Hidden(CommentRef),
    /// A reaction.
    Reaction(Fingerprint, Emoji),
}

/// The post, and what is under it.
pub(crate) fn parse_under(key: &Key) -> Option<(RecordId, Under)> {
    let mut parts = key.rest().splitn(3, '/');
    let (post, kind, rest) = (parts.next()?.parse().ok()?, parts.next()?, parts.next()?);
    let under = match kind {
        "comment" => Under::Comment(parse_reference(rest)?),
        "hidden" => Under::Hidden(parse_reference(rest)?),
        "reaction" => {
            let (author, emoji) = rest.split_once('/')?;
            Under::Reaction(author.parse().ok()?, emoji.parse().ok()?)
        }
        _ => return None,
    };
    Some((post, under))
}

/// Reads `<id>.<author>`.
pub(crate) fn parse_reference(text: &str) -> Option<CommentRef> {
    let (id, author) = text.split_once('.')?;
    Some(CommentRef { id: id.parse().ok()?, author: author.parse().ok()? })
}

/// `by:<author>/<post>`, without a value: there is something of theirs under the owner's post.
pub(crate) fn by(author: &Fingerprint, post: RecordId) -> Key {
    key(BY, &format!("{author}/{post}"))
}

/// All of `by:<author>/...`.
pub(crate) fn by_author(author: &Fingerprint) -> Range {
    Range::prefix(BY, &format!("{author}/"))
}

/// The post in a key of [`by`].
pub(crate) fn parse_by(key: &Key) -> Option<RecordId> {
    key.rest().split_once('/')?.1.parse().ok()
}

/// `by:<author>` -> `threads::Pace`: how much of theirs came lately. Peer component.
pub(crate) fn pace_of(author: &Fingerprint) -> Key {
    key(BY, &author.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidings_protocol::Seed;

    fn someone() -> Fingerprint {
        Seed::from_bytes([3; 32]).public_key().fingerprint()
    }

    #[test]
    fn keys_of_what_is_under_a_post_are_read_back() {
        let (post, author) = (RecordId::from_bytes([7; 16]), someone());
        let reference = CommentRef { id: RecordId::from_bytes([9; 16]), author };
        let emoji: Emoji = "👨‍👩‍👧‍👦".parse().unwrap();
        assert_eq!(parse_under(&comment(post, reference)), Some((post, Under::Comment(reference))));
        assert_eq!(parse_under(&hidden(post, reference)), Some((post, Under::Hidden(reference))));
        let set = reaction(post, &author, &emoji);
        assert_eq!(parse_under(&set), Some((post, Under::Reaction(author, emoji))));
        assert_eq!(parse_by(&by(&author, post)), Some(post));
        assert_eq!(parse_by(&pace_of(&author)), None);
        assert_eq!(parse_thread(&thread(post)), Some(post));
        assert_eq!(parse_thread(&to_thread(&author, post)), Some(post));
        assert_eq!(parse_thread(&super::super::to_post(&author, post)), None);
    }

    #[test]
    fn a_range_of_posts_has_the_last_one_and_nothing_behind_it() {
        let id = |byte| RecordId::from_bytes([byte; 16]);
        let reference = CommentRef { id: id(0), author: someone() };
        let range = under_all(id(2), id(4));
        let inside = |byte| range.contains(comment(id(byte), reference).as_str());
        assert_eq!([1, 2, 3, 4, 5].map(inside), [false, true, true, true, false]);
        assert!(under(id(2)).contains(comment(id(2), reference).as_str()));
    }
}
