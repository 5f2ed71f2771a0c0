use super::*;
use crate::posts::{IdempotencyKey, PostError, Written};

const V7: &str = "01a0c3a2-b000-7abc-8def-0123456789ab";

fn write(world: &World, text: &str, key: &str) -> Result<Written, PostError> {
    let alice = world.at("alice");
    let key: IdempotencyKey = key.parse()?;
    let new = NewPost { text: text.to_owned(), ..NewPost::default() };
    let view = alice.view();
    let written = own_posts::write(
        &view,
        &alice.account,
        alice.person(),
        new,
        Some(&key),
        world.now_ms(),
        world.bytes(),
    );
    let (written, batch) = block_on(written)?;
    alice.commit(batch);
    Ok(written)
}

#[test]
fn repeating_a_create_gives_the_first_one() {
    let world = World::with(&["alice"]);
    for key in [V7, "any-words", "3fa85f64-5717-4562-b3fc-2c963f66afa6"] {
        let first = write(&world, key, key).unwrap();
        world.clock.advance(MINUTE_MS);
        let again = write(&world, key, key).unwrap();
        assert_eq!((first.existed, again.existed, first.post.id), (false, true, again.post.id), "{key}");
    }
    assert_eq!(world.at("alice").feed_texts().len(), 3);
}

#[test]
fn a_uuid_of_version_7_tells_when_it_was_written() {
    let world = World::with(&["alice"]);
    let ms = u64::from_str_radix(&V7.replace('-', "")[..12], 16).unwrap();
    assert!(ms < START_MS, "the test wants a time in the past");
    assert_eq!(write(&world, "composed offline", V7).unwrap().post.created_ms, ms);
    let future = "ffffffff-ffff-7abc-8def-0123456789ab";
    assert_eq!(write(&world, "clock gone mad", future).unwrap().post.created_ms, world.now_ms());
}

#[test]
fn the_same_key_for_another_text_is_refused() {
    let world = World::with(&["alice"]);
    write(&world, "one", V7).unwrap();
    assert_eq!(write(&world, "two", V7), Err(PostError::KeyReused));
    assert_eq!(write(&world, "one", ""), Err(PostError::IdempotencyKey));
    assert_eq!(write(&world, "one", "with space"), Err(PostError::IdempotencyKey));
}

#[test]
fn twins_of_one_key_become_one_whichever_lands_last() {
    for landing in [[0, 1], [1, 0]] {
        let world = World::with(&["alice"]);
        let alice = world.at("alice");
        let key: IdempotencyKey = "retried".parse().unwrap();
        // Two requests that did not see each other.
        let views = [alice.view(), alice.view()];
        let mut written = views.each_ref().map(|view| {
            world.clock.advance(1);
            let (new, now_ms) = (NewPost { text: "once".into(), ..NewPost::default() }, world.now_ms());
            let person = alice.person();
            let one = own_posts::write(view, &alice.account, person, new, Some(&key), now_ms, world.bytes());
            Some(block_on(one).unwrap())
        });
        let first = written[0].as_ref().unwrap().0.post.id;
        let mut last = None;
        for index in landing {
            let (mut one, batch) = written[index].take().unwrap();
            alice.commit(batch);
            let view = alice.view();
            let settled = own_posts::settle_twins(&view, &key, &mut one, world.now_ms());
            alice.commit(block_on(settled).unwrap());
            last = Some(one.post.id);
        }
        assert_eq!(last, Some(first));
        assert_eq!(alice.feed("100", None).posts.iter().map(|post| post.id).collect::<Vec<_>>(), [first]);
    }
}

#[test]
fn pages_neither_repeat_nor_skip_posts_of_the_same_moment() {
    let mut world = World::with(&["alice", "bob", "carol"]);
    world.befriend("alice", "bob");
    world.befriend("alice", "carol");
    for n in 0..7 {
        for who in ["alice", "bob", "carol"] {
            world.write(who, &format!("{who} {n}"));
        }
    }
    world.refresh("alice", Scope::ALL);
    let whole: Vec<_> = world.at("alice").feed("100", None).posts.into_iter().map(|p| p.id).collect();
    assert_eq!(whole.len(), 21);
    for limit in ["1", "4", "20", "21"] {
        let (mut seen, mut before) = (Vec::new(), None);
        loop {
            let page = world.at("alice").feed(limit, before.as_deref());
            seen.extend(page.posts.into_iter().map(|p| p.id));
            before = page.next;
            if before.is_none() {
                break;
            }
        }
        assert_eq!(seen, whole, "pages of {limit}");
    }
}

#[test]
fn where_each_post_lies_by_itself_a_page_shows_all_that_was_read_for_it() {
    let mut world = World::with(&["alice", "bob"]);
    world.befriend("alice", "bob");
    for n in 0..30 {
        for who in ["alice", "bob"] {
            world.write(who, &format!("{who} {n}"));
        }
        if n % 3 == 2 {
            world.refresh("alice", Scope::ALL);
        }
    }
    let alice = world.at("alice");
    let (mut shown, mut before) = (0, None);
    loop {
        let _ = alice.ledger.store().take_operations();
        let page = alice.feed("100", before.as_deref());
        let gets = alice.ledger.store().take_operations().gets;
        shown += page.posts.len();
        assert!(gets <= 40, "{gets} gets for a page");
        before = page.next;
        if before.is_none() {
            break;
        }
        assert!(page.posts.len() >= 10, "{} posts for {gets} gets", page.posts.len());
    }
    assert_eq!(shown, 60);
}
