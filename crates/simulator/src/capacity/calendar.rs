//! When everything happens: by day and night, alone and in bursts.

use super::habits::{HEARD_PER_PULL, Habits, POSTS_PER_PULL, SERVED_PER_CHANGE};

/// When the decade begins, in Unix milliseconds: 1 January 2026.
pub(super) const START_MS: u64 = 1_767_225_600_000;

const SECOND_MS: u64 = 1_000;
const MINUTE_MS: u64 = 60 * SECOND_MS;
const HOUR_MS: u64 = 60 * MINUTE_MS;
pub(super) const DAY_MS: u64 = 24 * HOUR_MS;

/// How much happens in each hour of the day.
const RHYTHM: [u32; 24] =
    [3, 1, 1, 1, 1, 2, 8, 20, 25, 15, 12, 15, 30, 22, 14, 12, 15, 22, 30, 38, 45, 45, 30, 12];

/// Something that makes the deployment commit. People are numbers from 0 to the number of friends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Event {
    /// The owner sets the deployment up.
    Setup,
    /// Somebody becomes a friend.
    Befriend { friend: u16 },
    /// Own post, by number, with so many pictures.
    Post { number: u32, images: u8 },
    /// The owner edits a post.
    Edit { number: u32 },
    /// The owner withdraws a post.
    Withdraw { number: u32 },
    /// Friends were told of a change.
    Told,
    /// A friend pulled.
    Served { friend: u16 },
    /// A friend told of a change.
    Heard { friend: u16 },
    /// A refresh brought so many posts.
    Pull { posts: u8 },
    /// A private message from or to a friend.
    Message { friend: u16 },
}

/// What happens at some time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Appointment {
    /// In Unix milliseconds.
    pub at_ms: u64,
    pub event: Event,
}

/// Everything that will happen, in the order of time.
pub(super) fn appointments(habits: &Habits, random: &mut fastrand::Rng) -> Vec<Appointment> {
    let mut calendar = Calendar { habits, random, appointments: Vec::new() };
    calendar.add(START_MS, Event::Setup);
    calendar.friendships();
    calendar.posts();
    calendar.messages();
    calendar.pulls();
    let mut appointments = calendar.appointments;
    appointments.sort_by_key(|appointment| appointment.at_ms);
    appointments
}

struct Calendar<'a> {
    habits: &'a Habits,
    random: &'a mut fastrand::Rng,
    appointments: Vec<Appointment>,
}

impl Calendar<'_> {
    fn add(&mut self, at_ms: u64, event: Event) {
        self.appointments.push(Appointment { at_ms, event });
    }

    /// Some moment, by day more likely than by night.
    fn moment(&mut self) -> u64 {
        let mut rest = self.random.u32(0..RHYTHM.iter().sum());
        let is_behind = |weight: &&u32| {
            let is_behind = rest >= **weight;
            rest = rest.saturating_sub(if is_behind { **weight } else { 0 });
            is_behind
        };
        let hour = RHYTHM.iter().take_while(is_behind).count() as u64;
        let day = self.random.u64(0..self.habits.days);
        // Nothing else happens in the first hour.
        START_MS + HOUR_MS + day * DAY_MS + hour * HOUR_MS + self.random.u64(0..HOUR_MS)
    }

    fn friend(&mut self) -> u16 {
        self.random.usize(0..self.habits.friends) as u16
    }

    /// One of the friends, some much more often than others.
    fn close_friend(&mut self, weights: &[f64]) -> u16 {
        let drawn = self.random.f64() * weights.last().copied().unwrap_or(1.0);
        weights.partition_point(|sum| *sum < drawn).min(self.habits.friends - 1) as u16
    }

    fn friendships(&mut self) {
        // Most come in the first weeks, all of them at the scale of a test.
        let span_ms = HOUR_MS;
        for friend in 0..self.habits.friends {
            let at_ms = START_MS + MINUTE_MS + span_ms * friend as u64 / (2 * self.habits.friends as u64);
            self.add(at_ms, Event::Befriend { friend: friend as u16 });
        }
    }

    fn posts(&mut self) {
        let albums = self.albums();
        let mut at_ms = 0;
        for number in 0..self.habits.posts {
            // Some follow each other within minutes.
            at_ms = if number > 0 && self.random.u32(0..10) == 0 {
                at_ms + exponential(self.random, 3 * MINUTE_MS)
            } else {
                self.moment()
            };
            let number = number as u32;
            let images = albums.get(number as usize).copied().unwrap_or(0);
            self.add(at_ms, Event::Post { number, images });
            self.spread_the_word(at_ms);
            if self.random.u32(0..1000) < self.habits.edited_permille {
                self.edits(at_ms, number);
            } else if self.random.u32(0..1000) < self.habits.withdrawn_permille {
                let at_ms = at_ms + 2 * MINUTE_MS + exponential(self.random, 5 * DAY_MS);
                self.add(at_ms, Event::Withdraw { number });
                self.spread_the_word(at_ms);
            }
        }
    }

    /// How many pictures the posts have, in random order.
    fn albums(&mut self) -> Vec<u8> {
        let mut albums = vec![0; self.habits.posts];
        let mut left = self.habits.images;
        for album in &mut albums {
            let images = [1, 1, 1, 2, 2, 3, 4, 6, 10][self.random.usize(0..9)].min(left);
            *album = images as u8;
            left -= images;
        }
        self.random.shuffle(&mut albums);
        albums
    }

    fn edits(&mut self, posted_ms: u64, number: u32) {
        let times = [1, 1, 1, 1, 1, 1, 1, 2, 2, 3][self.random.usize(0..10)];
        let mut at_ms = posted_ms;
        for _ in 0..times {
            // Most notice a mistake at once, some write on years later.
            let mean_ms = [5 * MINUTE_MS, 5 * MINUTE_MS, DAY_MS, 365 * DAY_MS][self.random.usize(0..4)];
            at_ms += 90 * SECOND_MS + exponential(self.random, mean_ms);
            self.add(at_ms, Event::Edit { number });
            self.spread_the_word(at_ms);
        }
    }

    /// Friends are told, and some come soon.
    fn spread_the_word(&mut self, at_ms: u64) {
        let told_ms = at_ms + SECOND_MS + exponential(self.random, 3 * SECOND_MS);
        self.add(told_ms, Event::Told);
        for _ in 0..SERVED_PER_CHANGE {
            let friend = self.friend();
            let at_ms = told_ms + exponential(self.random, 4 * HOUR_MS);
            self.add(at_ms, Event::Served { friend });
        }
    }

    fn messages(&mut self) {
        let mut weights = Vec::with_capacity(self.habits.friends);
        let mut sum = 0.0;
        for rank in 1..=self.habits.friends {
            sum += 1.0 / rank as f64;
            weights.push(sum);
        }
        let mut left = self.habits.messages;
        while left > 0 {
            let (count, gap_ms) = match self.random.u32(0..10) {
                0 => (30, 10 * SECOND_MS),
                1..4 => (3 + exponential(self.random, 6) as usize, 40 * SECOND_MS),
                _ => (self.random.usize(1..4), 3 * MINUTE_MS),
            };
            let friend = self.close_friend(&weights);
            let mut at_ms = self.moment();
            for _ in 0..count.min(left) {
                self.add(at_ms, Event::Message { friend });
                at_ms += SECOND_MS + exponential(self.random, gap_ms);
            }
            left -= count.min(left);
        }
    }

    fn pulls(&mut self) {
        let mut left = self.habits.feed;
        while left > 0 {
            let posts = self.random.usize(1..2 * POSTS_PER_PULL).min(left);
            left -= posts;
            let at_ms = self.moment();
            for _ in 0..HEARD_PER_PULL {
                let friend = self.friend();
                let heard_ms =
                    at_ms.saturating_sub(exponential(self.random, HOUR_MS)).max(START_MS + HOUR_MS);
                self.add(heard_ms, Event::Heard { friend });
            }
            self.add(at_ms, Event::Pull { posts: posts as u8 });
        }
    }
}

/// A random number with this mean, often far below and sometimes far above.
pub(super) fn exponential(random: &mut fastrand::Rng, mean: u64) -> u64 {
    let uniform = 1.0 - random.f64();
    (-uniform.ln() * mean as f64) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calendar() -> (Habits, Vec<Appointment>) {
        let habits = Habits::decade().scaled(0.05).unwrap();
        let appointments = appointments(&habits, &mut fastrand::Rng::with_seed(3));
        (habits, appointments)
    }

    #[test]
    fn everything_happens_as_often_as_it_should() {
        let (habits, appointments) = calendar();
        let count = |wanted: fn(&Event) -> bool| appointments.iter().filter(|a| wanted(&a.event)).count();
        assert_eq!(count(|event| matches!(event, Event::Post { .. })), habits.posts);
        assert_eq!(count(|event| matches!(event, Event::Message { .. })), habits.messages);
        assert_eq!(count(|event| matches!(event, Event::Befriend { .. })), habits.friends);
        let pictures = |a: &Appointment| match a.event {
            Event::Post { images, .. } => usize::from(images),
            _ => 0,
        };
        assert_eq!(appointments.iter().map(pictures).sum::<usize>(), habits.images);
        let pulled =
            |a: &Appointment| if let Event::Pull { posts } = a.event { usize::from(posts) } else { 0 };
        assert_eq!(appointments.iter().map(pulled).sum::<usize>(), habits.feed);
        let edited: std::collections::HashSet<u32> = appointments
            .iter()
            .filter_map(|a| if let Event::Edit { number } = a.event { Some(number) } else { None })
            .collect();
        assert!((0.25..0.35).contains(&(edited.len() as f64 / habits.posts as f64)));
    }

    #[test]
    fn evenings_are_busy_and_nights_are_not() {
        let (_, appointments) = calendar();
        let at_hour = |hour: u64| appointments.iter().filter(|a| a.at_ms % DAY_MS / HOUR_MS == hour).count();
        assert!(at_hour(21) > 10 * at_hour(4));
    }

    #[test]
    fn commits_are_seconds_to_hours_apart() {
        let (_, appointments) = calendar();
        let mut gaps: Vec<u64> = appointments.windows(2).map(|pair| pair[1].at_ms - pair[0].at_ms).collect();
        gaps.sort_unstable();
        assert!(gaps[gaps.len() / 10] < 10 * SECOND_MS, "bursts");
        assert!(gaps[gaps.len() - 10] > HOUR_MS, "silence");
    }
}
