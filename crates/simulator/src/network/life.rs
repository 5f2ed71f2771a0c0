//! What owners do: they set up, visit, write, befriend each other and fall out, whatever the network does.

use super::chronicle::{Sure, Written, edition};
use super::letters;
use super::owner::{self, Answer};
use super::remarks;
use super::world::{DAY_MS, HOUR_MS, MINUTE_MS, World};
use super::wrong::Wrong;
use std::rc::Rc;
use tidings_protocol::RecordId;
use tidings_social::api::{Audience, FriendState, FriendView};
use tidings_social::sync::Scope;

/// How often a client tries something before it gives up.
pub(super) const TRIES: u64 = 6;
/// Posts are withdrawn at this age at the earliest, so that all copies of the store have seen them written.
pub(super) const WITHDRAWN_AFTER_MS: u64 = 20 * MINUTE_MS;

/// Lives through some days.
pub(super) async fn live(world: Rc<World>, number: usize, acts: u64, days: u64) {
    world.executor.sleep(world.draw(0..=HOUR_MS)).await;
    while owner::set_up(&world, number).await != Answer::Done(()) {
        world.executor.sleep(world.draw(MINUTE_MS..=10 * MINUTE_MS)).await;
    }
    letters::choose(&world, number).await;
    for _ in 0..acts {
        world.executor.sleep(world.draw(0..=2 * days * DAY_MS / acts)).await;
        act(&world, number).await;
    }
}

async fn act(world: &Rc<World>, number: usize) {
    match world.draw(0..=99) {
        0..28 => visit(world, number, Scope::ALL).await,
        28..42 => letters::correspond(world, number).await,
        42..53 => write(world, number).await,
        53..60 => remarks::remark(world, number).await,
        60..68 => withdraw(world, number).await,
        68..71 => rename(world, number).await,
        71..74 => edit(world, number).await,
        74..78 => gather(world, number).await,
        78..90 => meet(world, number).await,
        90..96 => decide(world, number).await,
        _ => {
            // Two windows at once.
            let (world_, scope) = (world.clone(), Scope::ALL);
            world.executor.spawn(async move { visit(&world_, number, scope).await });
            write(world, number).await;
        }
    }
}

/// Opens the app, has done what is due for a while, and looks after requests.
pub(super) async fn visit(world: &Rc<World>, number: usize, scope: Scope) {
    stay(world, number, scope).await;
    decide(world, number).await;
}

/// Opens the app, and leaves it open for as long as there is something to do soon.
pub(super) async fn stay(world: &Rc<World>, number: usize, scope: Scope) {
    world.note(|| format!("d{number} visits"));
    let mut scope = scope;
    for _ in 0..6 {
        let report = owner::refresh(world, number, scope).await;
        scope = Scope::DUE;
        world.executor.sleep(world.draw(4_000..=30_000)).await;
        let Some(changes) = owner::poll(world, number).await.done() else { continue };
        if report.done().is_none() || changes.dirty > 0 {
            continue;
        }
        match changes.next_due_ms.map(|due_ms| due_ms.saturating_sub(world.now_ms())) {
            Some(in_ms) if in_ms < 5 * MINUTE_MS => world.executor.sleep(in_ms).await,
            _ => return,
        }
    }
}

/// Writes a post.
pub(super) async fn write(world: &Rc<World>, number: usize) {
    let place = world.chronicle.borrow().of[number].posts.len();
    let text = format!("post {place} of d{number}");
    world.chronicle.borrow_mut().of[number].posts.push(Written {
        text: text.clone(),
        id: None,
        at_ms: world.now_ms(),
        audience: None,
        published: Sure::Perhaps,
        withdrawn: Sure::No,
        says: Some(text.clone()),
    });
    // As the browser's client does. Over a store that is stale only a key that tells the time is recognised at once.
    let mut key = uuid7(world);
    let audience = audience(world, number);
    for attempt in 0..TRIES {
        if world.wrong == Wrong::NoIdempotencyKey {
            key = format!("{number}-{place}-{attempt}");
        }
        let answer = owner::write(world, number, text.clone(), audience.clone(), key.clone()).await;
        world.note(|| format!("d{number} writes '{text}': {answer:?}"));
        if let Answer::Done(id) = answer {
            let mut chronicle = world.chronicle.borrow_mut();
            let post = &mut chronicle.of[number].posts[place];
            (post.id, post.published, post.audience) = (Some(id), Sure::Yes, Some(audience));
            return;
        }
        world.executor.sleep(world.draw(1_000..=60_000)).await;
    }
}

pub(super) fn uuid7(world: &World) -> String {
    let (ms, a, b) = (world.now_ms(), world.draw(0..=0xfff), world.draw(0..=0xffff_ffff_ffff));
    format!("{:08x}-{:04x}-7{a:03x}-8000-{b:012x}", ms >> 16, ms & 0xffff)
}

/// Makes a circle, or puts a friend into it, or takes them out.
async fn gather(world: &Rc<World>, number: usize) {
    let circle = world.chronicle.borrow().of[number].circle;
    let Some(circle) = circle else {
        let made = owner::make_circle(world, number, uuid7(world)).await;
        world.note(|| format!("d{number} makes a circle: {made:?}"));
        world.chronicle.borrow_mut().of[number].circle = made.done();
        return;
    };
    let Some(friends) = owner::friends_list(world, number).await.done() else { return };
    for friend in friends.iter().filter(|friend| friend.state == FriendState::Friends) {
        if world.chance(400) {
            let is_in = world.chance(600);
            let answer = owner::put_in_circle(world, number, circle, friend.id, is_in).await;
            let name = name_of(world, friend);
            world.note(|| format!("d{number} has {name} in the circle: {is_in}: {answer:?}"));
        }
    }
}

/// Whom a post is for: mostly all friends, else all but some, whether these are friends or not, the circle, or everybody.
fn audience(world: &World, number: usize) -> Audience {
    if let Some(circle) = world.chronicle.borrow().of[number].circle.filter(|_| world.chance(300)) {
        return Audience::Chosen { circles: vec![circle], friends: Vec::new(), except: Vec::new() };
    }
    if world.chance(100) {
        return Audience::Public {};
    }
    let mut except = Vec::new();
    if world.chance(300) {
        let others = world.deployments().into_iter().filter(|other| other.number != number);
        except.extend(others.filter(|_| world.chance(400)).map(|other| other.fingerprint()));
    }
    Audience::Friends { except }
}

/// One of the posts that all copies of the store have seen, as they are.
fn settled_post(world: &World, number: usize) -> Option<(usize, RecordId)> {
    let now_ms = world.now_ms();
    let candidates: Vec<_> = {
        let chronicle = world.chronicle.borrow();
        let posts = chronicle.of[number].posts.iter().enumerate();
        posts
            .filter(|(_, post)| post.withdrawn == Sure::No && post.at_ms + WITHDRAWN_AFTER_MS < now_ms)
            .filter_map(|(place, post)| Some((place, post.id?)))
            .collect()
    };
    let most = candidates.len().checked_sub(1)?;
    Some(candidates[world.draw(0..=most as u64) as usize])
}

/// Changes what a post says, and whom it is for.
async fn edit(world: &Rc<World>, number: usize) {
    let Some((place, id)) = settled_post(world, number) else { return };
    let first = format!("post {place} of d{number}");
    let (text, audience) = (edition(&first, world.draw(2..=99)), audience(world, number));
    world.note(|| format!("d{number} makes '{text}' of post {place}, for {audience:?}"));
    for _ in 0..TRIES {
        // From now on it is as if it was written just now.
        {
            let post = &mut world.chronicle.borrow_mut().of[number].posts[place];
            (post.at_ms, post.audience, post.says) = (world.now_ms(), None, None);
        }
        let answer = owner::edit(world, number, id, text.clone(), audience.clone()).await;
        if answer == Answer::Done(()) {
            let post = &mut world.chronicle.borrow_mut().of[number].posts[place];
            (post.audience, post.says) = (Some(audience), Some(text));
            return;
        }
        world.executor.sleep(world.draw(1_000..=60_000)).await;
    }
}

async fn withdraw(world: &Rc<World>, number: usize) {
    let Some((place, id)) = settled_post(world, number) else { return };
    for _ in 0..TRIES {
        world.chronicle.borrow_mut().of[number].posts[place].withdrawn = Sure::Perhaps;
        let answer = owner::withdraw(world, number, id).await;
        world.note(|| format!("d{number} withdraws post {place}: {answer:?}"));
        if answer == Answer::Done(()) {
            world.chronicle.borrow_mut().of[number].posts[place].withdrawn = Sure::Yes;
            return;
        }
        world.executor.sleep(world.draw(1_000..=60_000)).await;
    }
}

async fn rename(world: &Rc<World>, number: usize) {
    let name = format!("d{number} the {}th", world.draw(2..=99));
    let answer = owner::change_profile(world, number, name.clone(), format!("I am {name}.")).await;
    world.note(|| format!("d{number} is now called {name}: {answer:?}"));
}

/// Asks somebody to be friends; most of them are few and near, so that the same two meet again and cross.
async fn meet(world: &Rc<World>, number: usize) {
    let all = world.deployments().len() as u64;
    let near = (number as u64 + world.draw(1..=4.min(all - 1))) % all;
    let other = if world.chance(800) { near } else { world.draw(0..=all - 1) };
    let other = other as usize;
    if other == number {
        return;
    }
    if world.chance(300) {
        let answer = owner::invite(world, other).await;
        world.note(|| {
            format!("d{other} makes an invitation for d{number}: {}", answer.clone().done().is_some())
        });
        if let Some(link) = answer.done() {
            let answer = owner::befriend(world, number, link).await;
            world.note(|| format!("d{number} uses it: {answer:?}"));
        }
    } else {
        ask(world, number, other).await;
    }
}

/// Asks for a friendship.
pub(super) async fn ask(world: &Rc<World>, number: usize, other: usize) {
    let address = world.deployment(other).address.to_string();
    let answer = owner::befriend(world, number, address).await;
    world.note(|| format!("d{number} asks d{other} to be friends: {answer:?}"));
}

/// Looks after requests, and sometimes ends what is there.
async fn decide(world: &Rc<World>, number: usize) {
    let Some(friends) = owner::friends_list(world, number).await.done() else { return };
    for friend in friends {
        match friend.state {
            FriendState::Incoming if world.chance(700) => accept(world, number, &friend).await,
            FriendState::Incoming if world.chance(300) => end(world, number, &friend).await,
            FriendState::Outgoing if world.chance(50) => end(world, number, &friend).await,
            FriendState::Friends if world.chance(25) => end(world, number, &friend).await,
            _ if world.chance(8) => block(world, number, &friend).await,
            _ => {}
        }
    }
}

/// Accepts all requests.
pub(super) async fn accept_all(world: &Rc<World>, number: usize) {
    let Some(friends) = owner::friends_list(world, number).await.done() else { return };
    world.note(|| {
        let mut list = friends.iter().map(|friend| format!("{} {:?}", name_of(world, friend), friend.state));
        let list: Vec<_> = list.by_ref().collect();
        format!("d{number} has {}", list.join(", "))
    });
    for friend in friends.iter().filter(|friend| friend.state == FriendState::Incoming) {
        accept(world, number, friend).await;
    }
}

async fn accept(world: &Rc<World>, number: usize, friend: &FriendView) {
    let answer = owner::accept(world, number, friend.id).await;
    world.note(|| format!("d{number} accepts {}: {answer:?}", name_of(world, friend)));
}

async fn end(world: &Rc<World>, number: usize, friend: &FriendView) {
    world.chronicle.borrow_mut().of[number].ended.insert(friend.id);
    let answer = owner::end(world, number, friend.id).await;
    world.note(|| {
        format!("d{number} ends it ({:?}) with {}: {answer:?}", friend.state, name_of(world, friend))
    });
}

async fn block(world: &Rc<World>, number: usize, friend: &FriendView) {
    world.chronicle.borrow_mut().of[number].ended.insert(friend.id);
    let answer = owner::block(world, number, friend.id).await;
    world.note(|| format!("d{number} blocks {}: {answer:?}", name_of(world, friend)));
}

fn name_of(world: &World, friend: &FriendView) -> String {
    world.find(&friend.address).map_or_else(|| friend.name.clone(), |other| format!("d{other}"))
}
