//! Letting go of what was said: with its post, and with the friendship of who said it.

use super::place::{Place, Readers};
use super::under::{Under, is_anything};
use crate::api::{Audience, NotificationEvent};
use crate::keys;
use crate::limits::LET_GO_THREADS;
use crate::notifications;
use std::collections::BTreeSet;
use tidings_ledger::{Batch, Direction, KeyValue, LedgerError, View};
use tidings_protocol::{Fingerprint, RecordId};

/// After somebody else may see a post: what tells readers of its thread goes where they find it. Who is given the post itself
/// because it is for some is given the thread along with it.
pub(crate) async fn follow<S: KeyValue>(
    view: &View<'_, S>,
    post: RecordId,
    audience: &Audience,
    readers: &Readers,
    batch: &mut Batch,
) -> Result<(), LedgerError> {
    if !is_anything(view, post).await? {
        return Ok(());
    }
    forget_index(view, post, Some(readers), batch).await?;
    if audience.has_all_friends() {
        Place::All.touch(post, readers, batch);
    }
    Ok(())
}

/// Removes everything that is under a post, with the post. `readers` are there if it is for some.
pub(crate) async fn remove_all<S: KeyValue>(
    view: &View<'_, S>,
    post: RecordId,
    readers: Option<&Readers>,
    batch: &mut Batch,
) -> Result<(), LedgerError> {
    let under = Under::load(view, post).await?;
    if under.comments.is_empty() && under.reactions.is_empty() {
        return Ok(());
    }
    let authors = under.comments.keys().map(|reference| reference.author);
    let authors: BTreeSet<Fingerprint> =
        authors.chain(under.reactions.keys().map(|(author, _)| *author)).collect();
    authors.iter().for_each(|author| batch.delete(keys::by(author, post)));
    batch.delete_range(keys::under(post));
    forget_index(view, post, readers, batch).await?;
    let is_over = |event: &NotificationEvent| matches!(event, NotificationEvent::Comment { post: about, .. } | NotificationEvent::Reaction { post: about, .. } if *about == post);
    notifications::forget_where(view, is_over, batch).await
}

/// Removes what tells readers of the thread under a post. Where there is nothing, nothing is written: not even that may reach who
/// could never see the post.
async fn forget_index<S: KeyValue>(
    view: &View<'_, S>,
    post: RecordId,
    readers: Option<&Readers>,
    batch: &mut Batch,
) -> Result<(), LedgerError> {
    let theirs = readers.map_or(&[][..], |readers| &readers.relations).iter();
    let theirs = theirs.map(|reader| keys::to_thread(&reader.fingerprint, post));
    for key in std::iter::once(keys::thread(post)).chain(theirs) {
        if view.get(key.as_str()).await?.is_some() {
            batch.delete(key);
        }
    }
    Ok(())
}

/// Removes what somebody said who is no friend any more, under at most [`LET_GO_THREADS`] posts; whether there is more.
pub(crate) async fn let_go_of_author<S: KeyValue>(
    view: &View<'_, S>,
    author: &Fingerprint,
    batch: &mut Batch,
) -> Result<bool, LedgerError> {
    let said = view.scan(keys::by_author(author), Direction::Forward, LET_GO_THREADS + 1).await?;
    if said.is_empty() {
        return Ok(false);
    }
    let is_more = said.len() > LET_GO_THREADS;
    let readers = Readers::load(view).await?;
    let posts = said.iter().take(LET_GO_THREADS).filter_map(|entry| keys::parse_by(&entry.key));
    for post in posts {
        let under = Under::load(view, post).await?;
        for reference in under.comments.keys().filter(|reference| reference.author == *author) {
            batch.delete(keys::comment(post, *reference));
            batch.delete(keys::hidden(post, *reference));
        }
        for (_, emoji) in under.reactions.keys().filter(|(who, _)| who == author) {
            batch.delete(keys::reaction(post, author, emoji));
        }
        batch.delete(keys::by(author, post));
        if let Some(place) = Place::of(view, post).await? {
            place.touch(post, &readers, batch);
        }
    }
    if !is_more {
        batch.delete(keys::pace_of(author));
    }
    let is_theirs = |event: &NotificationEvent| matches!(event, NotificationEvent::Comment { friend, .. } | NotificationEvent::Reaction { friend, .. } if friend.id == *author);
    notifications::forget_where(view, is_theirs, batch).await?;
    Ok(is_more)
}
