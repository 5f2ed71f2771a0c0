//! Who may see a post, and so what is under it; and how they learn that something there has changed.

use crate::api::Audience;
use crate::circles::Circles;
use crate::heads;
use crate::keys;
use crate::relation::Relation;
use crate::stored;
use tidings_ledger::{Batch, KeyValue, LedgerError, View};
use tidings_protocol::{Fingerprint, RecordId};

/// Whom a post of the owner's is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// All friends.
    All,
    /// Some of them.
    Some(Audience),
}

impl Place {
    /// That of a post; `None` if there is no such post.
    pub(crate) async fn of<S: KeyValue>(
        view: &View<'_, S>,
        post: RecordId,
    ) -> Result<Option<Self>, LedgerError> {
        if view.get(keys::post(post).as_str()).await?.is_some() {
            return Ok(Some(Self::All));
        }
        let audience: Option<Audience> = stored::load(view, &keys::audience(post)).await?;
        let is_there = view.get(keys::limited(post).as_str()).await?.is_some();
        Ok(audience.filter(|_| is_there).map(Self::Some))
    }

    /// Whether somebody may see the post.
    pub(crate) fn is_for(&self, reader: &Relation, circles: &Circles) -> bool {
        match self {
            Self::All => reader.is_friend(),
            Self::Some(audience) => audience.includes(reader, circles),
        }
    }

    /// Has everybody who may see the post find with their next pull that something under it has changed. It raises nobody's
    /// head: that rides along.
    pub(crate) fn touch(&self, post: RecordId, readers: &Readers, batch: &mut Batch) {
        match self {
            Self::All => batch.put(keys::thread(post), Vec::new()),
            Self::Some(audience) => {
                let inside = readers.relations.iter().filter(|r| audience.includes(r, &readers.circles));
                inside.for_each(|reader| batch.put(keys::to_thread(&reader.fingerprint, post), Vec::new()));
            }
        }
    }

    /// Has those of `whom` who may see the post told that there is something new for them.
    pub(super) fn tell(
        &self,
        whom: impl IntoIterator<Item = Fingerprint>,
        readers: &Readers,
        batch: &mut Batch,
    ) {
        let relation = |who: Fingerprint| readers.relations.iter().find(|r| r.fingerprint == who);
        let told = whom.into_iter().filter_map(relation);
        let told = told.filter(|reader| self.is_for(reader, &readers.circles));
        told.for_each(|reader| heads::raise_for(&reader.fingerprint, batch));
    }
}

/// Everybody who may be a reader.
#[derive(Debug, Clone)]
pub(crate) struct Readers {
    pub(crate) relations: Vec<Relation>,
    pub(crate) circles: Circles,
}

impl Readers {
    pub(crate) async fn load<S: KeyValue>(view: &View<'_, S>) -> Result<Self, LedgerError> {
        Ok(Self { relations: Relation::load_all(view).await?, circles: Circles::load(view).await? })
    }
}
