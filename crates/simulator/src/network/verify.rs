//! What has to hold once faults have stopped and everybody has visited a few times.

use super::letters::{self, Conversation};
use super::owner::{self, Knowledge};
use super::remarks;
use super::world::World;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use tidings_protocol::{Fingerprint, RecordId};
use tidings_social::api::{Audience, CircleView, FriendState, PostView};

/// Outbound requests that a deployment may make within any hour.
pub(super) const BUDGET_PER_HOUR: usize = 450;
/// Keys that a store may hold.
pub(super) const MOST_KEYS: usize = 900;

/// One deployment's knowledge and feed.
struct Seen {
    known: Knowledge,
    feed: Vec<PostView>,
    /// What anybody is shown.
    public: Vec<RecordId>,
    /// With each friend.
    conversations: BTreeMap<Fingerprint, Conversation>,
    /// Under whose posts.
    threads: BTreeMap<(Fingerprint, RecordId), remarks::Shown>,
}

/// Everything that is wrong.
pub(super) fn problems(world: &Rc<World>) -> Vec<String> {
    let mut wrong = Vec::new();
    let all = look_everywhere(world, &mut wrong);
    let numbers: BTreeMap<Fingerprint, usize> =
        world.deployments().iter().map(|d| (d.fingerprint(), d.number)).collect();
    for (&a, seen) in &all {
        let Knowledge { states, changes, damage, .. } = &seen.known;
        wrong.extend(damage.iter().map(|damage| format!("d{a}'s store is damaged: {damage}")));
        if changes.dirty > 0 {
            wrong.push(format!("d{a} knows of {} friends with news that it never got", changes.dirty));
        }
        for (who, state) in states {
            let Some((b, other)) = numbers.get(who).and_then(|b| Some((*b, all.get(b)?))) else { continue };
            let own = world.deployment(a).fingerprint();
            let theirs = state_towards(other, own);
            // Who is blocked asks in vain, and must not be able to tell.
            let in_vain = *state == FriendState::Outgoing && other.known.blocked.contains(&own);
            if theirs != Some(counterpart(*state)) && !in_vain {
                wrong.push(format!("for d{a}, d{b} is {state:?}; for d{b}, d{a} is {theirs:?}"));
            }
        }
        wrong.extend(wrong_posts(world, a, seen));
        wrong.extend(wrong_feed(world, &numbers, &all, a, seen));
        wrong.extend(wrong_conversations(world, &numbers, &all, a, seen));
        wrong.extend(wrong_threads(world, &numbers, &all, a, seen));
    }
    for (number, traffic) in world.meter.borrow().of.iter().enumerate() {
        let peak = traffic.peak_per_hour();
        if peak > BUDGET_PER_HOUR {
            wrong.push(format!("d{number} made {peak} requests to others within an hour"));
        }
        let keys = world.deployment(number).most_keys();
        if keys > MOST_KEYS {
            wrong.push(format!("d{number} held {keys} keys"));
        }
    }
    wrong
}

/// Whether two are friends.
pub(super) fn are_friends(world: &Rc<World>, a: usize, b: usize) -> bool {
    let mut wrong = Vec::new();
    let all = look_everywhere(world, &mut wrong);
    let towards = |a: usize, b: usize| {
        all.get(&a).and_then(|seen| state_towards(seen, world.deployment(b).fingerprint()))
    };
    towards(a, b) == Some(FriendState::Friends) && towards(b, a) == Some(FriendState::Friends)
}

/// Somebody, and somebody else.
pub(super) type Pair = (usize, usize);

/// Pairs of which one waits for the other, and the first pair (if any) between whom nothing is.
pub(super) fn open_ends(world: &Rc<World>) -> (Vec<Pair>, Option<Pair>) {
    let mut wrong = Vec::new();
    let all = look_everywhere(world, &mut wrong);
    let (mut waiting, mut apart) = (Vec::new(), None);
    for (&a, seen) in &all {
        for (&b, other) in all.iter().filter(|(b, _)| **b != a) {
            let (own, theirs) = (world.deployment(a).fingerprint(), world.deployment(b).fingerprint());
            if seen.known.blocked.contains(&theirs) || other.known.blocked.contains(&own) {
                continue;
            }
            match state_towards(seen, theirs) {
                Some(FriendState::Incoming) => waiting.push((a, b)),
                None => apart = apart.or(Some((a, b))),
                _ => {}
            }
        }
    }
    (waiting, apart)
}

fn look_everywhere(world: &Rc<World>, wrong: &mut Vec<String>) -> BTreeMap<usize, Seen> {
    let all = Rc::new(RefCell::new(BTreeMap::new()));
    for deployment in world.deployments() {
        let (world_, all, number) = (world.clone(), all.clone(), deployment.number);
        world.executor.spawn(async move {
            let known = owner::know(&world_, number).await.done();
            let feed = owner::whole_feed(&world_, number).await.done();
            let public = owner::all_public(&world_, number).await.done();
            if let (Some(known), Some(feed), Some(public)) = (known, feed, public) {
                let mut conversations = BTreeMap::new();
                let friends = known.states.iter().filter(|(_, state)| *state == FriendState::Friends);
                for (who, _) in friends {
                    let conversation = owner::whole_conversation(&world_, number, *who).await;
                    conversations.insert(*who, conversation.done().unwrap_or_default());
                }
                let talked_about = world_.chronicle.borrow().talked_about();
                let mut threads = BTreeMap::new();
                for place in feed.iter().map(|post| (post.author.id, post.id)) {
                    if talked_about.contains(&place) {
                        let thread = owner::open_thread(&world_, number, place).await;
                        threads.insert(place, thread.done().unwrap_or_default());
                    }
                }
                all.borrow_mut().insert(number, Seen { known, feed, public, conversations, threads });
            }
        });
    }
    world.executor.run();
    let all = all.take();
    let missing = world.deployments().into_iter().filter(|d| !all.contains_key(&d.number));
    wrong.extend(missing.map(|d| format!("d{} does not answer its owner", d.number)));
    all
}

fn state_towards(seen: &Seen, who: Fingerprint) -> Option<FriendState> {
    seen.known.states.iter().find(|(known, _)| *known == who).map(|(_, state)| *state)
}

fn counterpart(state: FriendState) -> FriendState {
    match state {
        FriendState::Incoming => FriendState::Outgoing,
        FriendState::Outgoing => FriendState::Incoming,
        FriendState::Friends => FriendState::Friends,
    }
}

fn wrong_posts(world: &World, a: usize, seen: &Seen) -> Vec<String> {
    let own = seen.feed.iter().filter(|post| post.mine);
    let texts: Vec<String> = own.filter_map(PostView::text).collect();
    let chronicle = world.chronicle.borrow();
    let mut wrong = chronicle.contradictions(a, &texts);
    for post in chronicle.of[a].posts.iter().filter(|post| texts.contains(&post.text)) {
        let (Some(id), Some(audience)) = (post.id, &post.audience) else { continue };
        let is_shown = seen.public.contains(&id);
        if is_shown != matches!(audience, Audience::Public {}) {
            wrong.push(format!("d{a} wrote '{}' for {audience:?}; everybody sees it: {is_shown}", post.text));
        }
    }
    let is_there = |id: &RecordId| seen.feed.iter().any(|post| post.mine && post.id == *id);
    wrong
        .extend(seen.public.iter().filter(|id| !is_there(id)).map(|id| format!("d{a} shows everybody {id}")));
    wrong
}

/// Whether a post is for somebody, by what its author's deployment says.
fn is_for(post: &PostView, circles: &[CircleView], reader: Fingerprint) -> bool {
    match &post.audience {
        None | Some(Audience::Public {}) => true,
        Some(Audience::Friends { except }) => !except.contains(&reader),
        Some(Audience::Chosen { circles: chosen, friends, except }) => {
            let mut of_post = circles.iter().filter(|circle| chosen.contains(&circle.id));
            let is_meant =
                friends.contains(&reader) || of_post.any(|circle| circle.members.contains(&reader));
            is_meant && !except.contains(&reader)
        }
    }
}

/// Whether a feed shows of each friend exactly what they show of themselves and is for its reader, newest first.
fn wrong_feed(
    world: &World,
    numbers: &BTreeMap<Fingerprint, usize>,
    all: &BTreeMap<usize, Seen>,
    a: usize,
    seen: &Seen,
) -> Vec<String> {
    let mut wrong = Vec::new();
    if !seen.feed.is_sorted_by_key(|post| std::cmp::Reverse((post.id, post.author.id))) {
        wrong.push(format!("d{a}'s feed is out of order"));
    }
    let content = |post: &PostView| (post.id, post.text().unwrap_or_default());
    for (&who, &b) in numbers.iter().filter(|(_, b)| **b != a) {
        let Some(other) = all.get(&b) else { continue };
        let is_friend = state_towards(seen, who) == Some(FriendState::Friends);
        let own = world.deployment(a).fingerprint();
        let theirs = other
            .feed
            .iter()
            .filter(|post| post.mine && is_friend && is_for(post, &other.known.circles, own));
        let expected: Vec<(RecordId, String)> = theirs.map(content).collect();
        let shown: Vec<_> = seen.feed.iter().filter(|p| p.author.id == who).map(content).collect();
        let (missing, too_many) = (beyond(&expected, &shown), beyond(&shown, &expected));
        if !missing.is_empty() {
            wrong.push(format!("d{a}'s feed lacks of d{b}: {}", missing.join(", ")));
        }
        if !too_many.is_empty() {
            wrong.push(format!("d{a}'s feed has too much of d{b}: {}", too_many.join(", ")));
        }
        let name = seen.known.names.iter().find(|(known, _)| *known == who).map(|(_, name)| name);
        if is_friend && name != Some(&other.known.own_name) {
            wrong.push(format!("d{a} calls d{b} {name:?}, who is called {}", other.known.own_name));
        }
    }
    wrong
}

/// Whether of each conversation with a friend both show the same.
fn wrong_conversations(
    world: &World,
    numbers: &BTreeMap<Fingerprint, usize>,
    all: &BTreeMap<usize, Seen>,
    a: usize,
    seen: &Seen,
) -> Vec<String> {
    let own = world.deployment(a).fingerprint();
    let with = seen.conversations.iter().filter_map(|(who, ours)| {
        let b = *numbers.get(who)?;
        let theirs = all.get(&b)?.conversations.get(&own)?;
        Some(letters::problems(world, (a, b), ours, theirs))
    });
    with.flatten().collect()
}

/// Whether everybody who sees a post sees the same under it.
fn wrong_threads(
    world: &World,
    numbers: &BTreeMap<Fingerprint, usize>,
    all: &BTreeMap<usize, Seen>,
    a: usize,
    seen: &Seen,
) -> Vec<String> {
    let of_others = seen.threads.iter().filter_map(|((poster, post), ours)| {
        let b = *numbers.get(poster).filter(|b| **b != a)?;
        let mut theirs = all.get(&b)?.threads.get(&(*poster, *post))?.clone();
        // What is hidden by the reader's own choice.
        theirs.comments.retain(|(author, _, _)| !seen.known.blocked.contains(author));
        theirs.reactions.retain(|author| !seen.known.blocked.contains(author));
        Some(remarks::problems(world, (a, b), *post, ours, &theirs))
    });
    of_others.flatten().collect()
}

/// The texts in `these` that are not in `those`, or less often.
fn beyond(these: &[(RecordId, String)], those: &[(RecordId, String)]) -> Vec<String> {
    let mut left = those.to_vec();
    let mut beyond = Vec::new();
    for post in these {
        match left.iter().position(|other| other == post) {
            Some(place) => {
                left.swap_remove(place);
            }
            None => beyond.push(format!("'{}'", post.1)),
        }
    }
    beyond
}
