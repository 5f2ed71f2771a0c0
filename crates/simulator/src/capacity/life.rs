//! What each event reads and commits.

use super::calendar::Event;
use super::content::{Person, keys};
use super::deployment::{Deployment, Read};
use super::habits::{FRIENDS_PER_PULL, HEARD_STALE, Habits, IMAGE_BYTES, TOLD_PER_CHANGE};
use super::mirror::Writes;
use anyhow::Result;
use std::collections::VecDeque;
use tidings_ledger::{Key, Range};
use tidings_protocol::RecordId;

/// Keys and values of pictures that are committed together: what fits beside each other into one object.
const COMMIT_BYTES: usize = 950_000;

/// Bytes of a piece of a picture. Stored as a whole, pictures would leave a sixth of each object unused: the next one does
/// not fit. Pieces fill objects, and few pictures lie in two.
const PIECE_BYTES: usize = 32 * 1024;

/// How many friends' posts are remembered, for those that are edited later.
const REMEMBERED: usize = 500;

/// A friend's post is pulled so long after it was written, on average, in milliseconds: three hours.
const FEED_DELAY_MS: u64 = 3 * 3_600_000;

/// One of so many pulled posts is an edit.
const FEED_EDIT_EVERY: usize = 30;

/// Friends' posts beyond those kept, as a part of these, at which the oldest go.
const RETENTION_SLACK: usize = 20;

/// A person's life, as the deployment sees it.
pub(super) struct Life {
    habits: Habits,
    owner: Person,
    friends: Vec<Person>,
    /// Own posts by number, as far as they are written.
    posts: Vec<Option<RecordId>>,
    messages: Vec<Key>,
    pictures: Vec<RecordId>,
    /// Sizes of the pictures to come.
    sizes: Vec<usize>,
    /// Friends' posts that came lately, and whose they are.
    lately: VecDeque<(Key, RecordId, usize)>,
    /// Heads that friends announced and that were not pulled yet.
    heard: Vec<Vec<Key>>,
    /// Announcements of what was pulled since; they are removed many at a time.
    stale: Vec<Key>,
}

impl Life {
    pub fn new(habits: &Habits, deployment: &mut Deployment) -> Self {
        let owner = deployment.content.person();
        let friends: Vec<_> = (0..habits.friends).map(|_| deployment.content.person()).collect();
        Self {
            owner,
            posts: vec![None; habits.posts],
            messages: Vec::with_capacity(habits.messages),
            pictures: Vec::with_capacity(habits.images),
            sizes: sizes(habits, &mut deployment.random),
            lately: VecDeque::new(),
            heard: vec![Vec::new(); friends.len()],
            stale: Vec::new(),
            friends,
            habits: habits.clone(),
        }
    }

    /// The friends.
    pub fn friends(&self) -> &[Person] {
        &self.friends
    }

    /// Lets one event happen.
    pub fn live(&mut self, event: Event, deployment: &mut Deployment) -> Result<()> {
        match event {
            Event::Setup => self.set_up(deployment),
            Event::Befriend { friend } => self.befriend(usize::from(friend), deployment),
            Event::Post { number, images } => self.post(number as usize, images, deployment),
            Event::Edit { number } => self.edit(number as usize, deployment),
            Event::Withdraw { number } => self.withdraw(number as usize, deployment),
            Event::Told => self.told(deployment),
            Event::Served { friend } => self.served(usize::from(friend), deployment),
            Event::Heard { friend } => self.heard(usize::from(friend), deployment),
            Event::Pull { posts } => self.pull(usize::from(posts), deployment),
            Event::Message { friend } => self.message(usize::from(friend), deployment),
        }
    }

    fn set_up(&mut self, deployment: &mut Deployment) -> Result<()> {
        let mut writes = Writes::default();
        for (what, bytes) in [("setup", 700), ("access", 160), ("profile", 420)] {
            writes.puts.push((keys::own(what)?, deployment.content.picture(bytes)));
        }
        deployment.request(&[], writes)
    }

    fn befriend(&mut self, friend: usize, deployment: &mut Deployment) -> Result<()> {
        let person = &self.friends[friend];
        let mut writes = Writes::default();
        for (what, value) in deployment.content.friendship(person, deployment.store.true_ms()) {
            writes.puts.push((keys::friend(&person.fingerprint, what)?, value));
        }
        deployment.request(&[], writes)
    }

    fn post(&mut self, number: usize, images: u8, deployment: &mut Deployment) -> Result<()> {
        // Pictures first: a post must not show what is not there.
        let mut album = Writes::default();
        let mut bytes = 0;
        for _ in 0..images {
            let Some(size) = self.sizes.pop() else { break };
            if bytes + size > COMMIT_BYTES {
                deployment.request(&[], std::mem::take(&mut album))?;
                bytes = 0;
            }
            let id = deployment.content.record_id(deployment.store.true_ms());
            album.puts.push((keys::image(&deployment.content.picture_name())?, id.to_string().into_bytes()));
            self.pictures.push(id);
            bytes += size + 250;
            for (number, piece) in deployment.content.picture(size).chunks(PIECE_BYTES).enumerate() {
                let key = keys::piece(id, number)?;
                bytes += key.as_str().len() + 20;
                album.puts.push((key, piece.to_vec()));
            }
        }
        if !album.puts.is_empty() {
            deployment.request(&[], album)?;
        }
        let id = deployment.content.record_id(deployment.store.true_ms());
        self.posts[number] = Some(id);
        let value = deployment.content.post(&self.owner, id);
        // One writes where one reads, and often looks at something old.
        let mut reads = Vec::new();
        match deployment.random.u32(0..6) {
            0 | 1 => reads.push(Read::Newest(keys::FEED.to_owned())),
            2 => reads.push(Read::Newest(keys::POST.to_owned())),
            3 => reads.extend(choice(&mut deployment.random, &self.pictures).map(Read::Picture)),
            4 => reads.push(Read::Point(keys::own("setup")?)),
            _ => reads.extend(choice(&mut deployment.random, &self.messages).map(Read::Point)),
        }
        deployment.request(&reads, Writes::put(keys::post(id)?, value))
    }

    fn edit(&mut self, number: usize, deployment: &mut Deployment) -> Result<()> {
        let Some(id) = self.posts[number] else { return Ok(()) };
        let key = keys::post(id)?;
        let value = deployment.content.post(&self.owner, id);
        deployment.request(&[Read::Point(key.clone())], Writes::put(key, value))
    }

    fn withdraw(&mut self, number: usize, deployment: &mut Deployment) -> Result<()> {
        let Some(id) = self.posts[number].take() else { return Ok(()) };
        let key = keys::post(id)?;
        let writes = Writes { deletes: vec![key.clone()], ..Writes::default() };
        deployment.request(&[Read::Point(key)], writes)
    }

    fn told(&mut self, deployment: &mut Deployment) -> Result<()> {
        let mut writes = Writes::default();
        let first = deployment.random.usize(0..self.friends.len());
        let friends = self.friends.iter().cycle().skip(first);
        for friend in friends.take(TOLD_PER_CHANGE.min(self.friends.len())) {
            let value = deployment.content.told(deployment.store.true_ms());
            writes.puts.push((keys::friend(&friend.fingerprint, "told")?, value));
        }
        deployment.request(&[], writes)
    }

    fn served(&mut self, friend: usize, deployment: &mut Deployment) -> Result<()> {
        let who = self.friends[friend].fingerprint;
        let reads = if deployment.random.u32(0..4) == 0 {
            vec![Read::Point(keys::friend(&who, "certificate")?)]
        } else {
            Vec::new()
        };
        let value = deployment.content.served(deployment.store.true_ms());
        deployment.request(&reads, Writes::put(keys::served(&who)?, value))
    }

    fn heard(&mut self, friend: usize, deployment: &mut Deployment) -> Result<()> {
        let head = deployment.content.head(deployment.store.true_ms());
        let key = keys::heard(&self.friends[friend].fingerprint, head)?;
        self.heard[friend].push(key.clone());
        deployment.request(&[], Writes::put(key, Vec::new()))
    }

    fn pull(&mut self, posts: usize, deployment: &mut Deployment) -> Result<()> {
        let now_ms = deployment.store.true_ms();
        let mut writes = Writes::default();
        let mut reads = Vec::new();
        let mut from = Vec::new();
        for _ in 0..FRIENDS_PER_PULL.min(posts) {
            // First those who announced something.
            let heard = self.heard.iter().position(|heard| !heard.is_empty());
            let friend = heard.unwrap_or_else(|| deployment.random.usize(0..self.friends.len()));
            let who = self.friends[friend].fingerprint;
            reads.push(Read::All(Range::prefix(keys::FRIEND, &format!("{who}/"))));
            self.stale.append(&mut self.heard[friend]);
            writes.puts.push((keys::friend(&who, "pull")?, deployment.content.pull(now_ms)));
            from.push(friend);
        }
        if self.stale.len() >= HEARD_STALE {
            writes.deletes.append(&mut self.stale);
        }
        for _ in 0..posts {
            writes.puts.push(self.pulled_post(&from, now_ms, deployment)?);
        }
        if deployment.random.u32(0..3) == 0 {
            reads.push(Read::Newest(keys::FEED.to_owned()));
        } else if let Some((key, ..)) = self.lately.back() {
            reads.push(Read::Point(key.clone()));
        }
        deployment.request(&reads, writes)?;
        self.retain_newest(deployment)
    }

    fn pulled_post(
        &mut self,
        from: &[usize],
        now_ms: u64,
        deployment: &mut Deployment,
    ) -> Result<(Key, Vec<u8>)> {
        let edit = deployment.random.usize(0..FEED_EDIT_EVERY) == 0 && !self.lately.is_empty();
        let (key, id, friend) = if edit {
            self.lately[deployment.random.usize(0..self.lately.len())].clone()
        } else {
            let friend = from[deployment.random.usize(0..from.len())];
            let delay_ms = super::calendar::exponential(&mut deployment.random, FEED_DELAY_MS);
            let id = deployment.content.record_id(now_ms.saturating_sub(delay_ms));
            (keys::feed(id, &self.friends[friend].fingerprint)?, id, friend)
        };
        let value = deployment.content.post(&self.friends[friend], id);
        if !edit {
            self.lately.push_back((key.clone(), id, friend));
            if self.lately.len() > REMEMBERED.min(self.habits.feed_kept / 4).max(1) {
                self.lately.pop_front();
            }
        }
        Ok((key, value))
    }

    /// Removes the oldest friends' posts when there are some more than are kept.
    fn retain_newest(&mut self, deployment: &mut Deployment) -> Result<()> {
        let kept = self.habits.feed_kept;
        if deployment.mirror.feed_count() <= kept + kept / RETENTION_SLACK {
            return Ok(());
        }
        let Some(oldest) = deployment.mirror.oldest_of_newest(kept) else { return Ok(()) };
        let range = Some(Range::partition(keys::FEED).before(oldest));
        deployment.request(&[], Writes { range, ..Writes::default() })
    }

    fn message(&mut self, friend: usize, deployment: &mut Deployment) -> Result<()> {
        let friend = &self.friends[friend];
        let id = deployment.content.record_id(deployment.store.true_ms());
        let (from, to) = if deployment.random.bool() { (&self.owner, friend) } else { (friend, &self.owner) };
        let value = deployment.content.message(from, to, id);
        let key = keys::message(&friend.fingerprint, id)?;
        let mut reads = Vec::new();
        match deployment.random.u32(0..40) {
            0..6 => reads.push(Read::Newest(keys::conversation(&friend.fingerprint))),
            6 => reads.extend(choice(&mut deployment.random, &self.messages).map(Read::Point)),
            _ => {}
        }
        self.messages.push(key.clone());
        deployment.request(&reads, Writes::put(key, value))
    }
}

/// Any one of them.
fn choice<T: Clone>(random: &mut fastrand::Rng, from: &[T]) -> Option<T> {
    from.get(random.usize(0..from.len().max(1))).cloned()
}

/// Sizes of all pictures, more small than large ones, that add up to what they should.
fn sizes(habits: &Habits, random: &mut fastrand::Rng) -> Vec<usize> {
    let [least, most] = IMAGE_BYTES;
    let mut shares: Vec<f64> = (0..habits.images).map(|_| random.f64()).collect();
    let size = |share: f64, slant: f64| least + ((most - least) as f64 * share.powf(slant)) as usize;
    // The larger the slant the smaller the pictures: halving finds the right one.
    let (mut low, mut high) = (0.05, 40.0);
    for _ in 0..60 {
        let slant = (low + high) / 2.0;
        let bytes: u64 = shares.iter().map(|share| size(*share, slant) as u64).sum();
        if bytes > habits.image_bytes {
            low = slant;
        } else {
            high = slant;
        }
    }
    random.shuffle(&mut shares);
    shares.into_iter().map(|share| size(share, high)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_add_up_to_what_they_should() {
        let habits = Habits::decade();
        let sizes = sizes(&habits, &mut fastrand::Rng::with_seed(1));
        assert_eq!(sizes.len(), 3_000);
        assert!(sizes.iter().all(|size| (40_000..=400_000).contains(size)));
        let bytes: usize = sizes.iter().sum();
        assert!((449_000_000..451_000_000).contains(&bytes), "{bytes}");
    }
}
