//! What a busy person does in a decade.

use anyhow::{Result, ensure};

/// How much of everything there is. Counts are for the whole time.
#[derive(Debug, Clone, PartialEq)]
pub struct Habits {
    /// How long it goes on, in days.
    pub days: u64,
    /// Friends.
    pub friends: usize,
    /// Own posts.
    pub posts: usize,
    /// How many of a thousand own posts are edited, once or more.
    pub edited_permille: u32,
    /// How many of a thousand own posts are withdrawn again.
    pub withdrawn_permille: u32,
    /// Private messages, sent and received.
    pub messages: usize,
    /// Friends' posts that are pulled.
    pub feed: usize,
    /// Friends' posts that are kept: the newest so many.
    pub feed_kept: usize,
    /// Pictures in own posts.
    pub images: usize,
    /// Bytes of all pictures together.
    pub image_bytes: u64,
}

/// Smallest and largest picture, in bytes.
pub(super) const IMAGE_BYTES: [usize; 2] = [40_000, 400_000];

/// Friends' posts that one pull brings, on average. The refresh when the app is opened pulls from several friends and
/// commits what all of them had.
pub(super) const POSTS_PER_PULL: usize = 6;

/// Friends that one refresh pulls from.
pub(super) const FRIENDS_PER_PULL: usize = 3;

/// Notifications from friends between two refreshes, each a commit of its own: they come one by one.
pub(super) const HEARD_PER_PULL: usize = 2;

/// Announcements of what was pulled that are left before they are removed together.
pub(super) const HEARD_STALE: usize = 64;

/// Friends who are told of a change, in one commit: of the others, most were told before and did not pull since.
pub(super) const TOLD_PER_CHANGE: usize = 48;

/// Friends who pull after a change, each noted by a commit of its own: others pull several changes at once.
pub(super) const SERVED_PER_CHANGE: usize = 2;

impl Habits {
    /// Ten years of a busy person.
    pub const fn decade() -> Self {
        Self {
            days: 3_652,
            friends: 150,
            posts: 20_000,
            edited_permille: 300,
            withdrawn_permille: 10,
            messages: 200_000,
            feed: 300_000,
            feed_kept: 20_000,
            images: 3_000,
            image_bytes: 450_000_000,
        }
    }

    /// The same life for a part of the time: as much a day, with as many friends.
    ///
    /// # Errors
    /// When the part is not above 0 and at most 1.
    pub fn scaled(&self, part: f64) -> Result<Self> {
        ensure!(part > 0.0 && part <= 1.0, "a scale has to be above 0 and at most 1, got {part}");
        let of = |count: usize| ((count as f64 * part).round() as usize).max(1);
        Ok(Self {
            days: of(self.days as usize) as u64,
            posts: of(self.posts),
            messages: of(self.messages),
            feed: of(self.feed),
            feed_kept: of(self.feed_kept),
            images: of(self.images),
            image_bytes: (self.image_bytes as f64 * part) as u64,
            ..self.clone()
        })
    }
}
