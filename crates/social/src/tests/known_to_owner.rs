use super::*;
use crate::api::{NotificationEvent, NotificationPage};
use crate::limits::{NOTIFICATIONS_KEPT, REQUEST_NOTIFICATIONS_KEPT};
use crate::notifications::{self, NotificationError, NotificationRequest};

impl Deployment {
    pub(super) fn notifications(&self) -> Vec<NotificationEvent> {
        self.notification_page(Some("100"), None).notifications.into_iter().map(|one| one.event).collect()
    }

    fn notification_page(&self, limit: Option<&str>, before: Option<&str>) -> NotificationPage {
        let request = NotificationRequest::parse(limit, before).unwrap();
        block_on(notifications::page(&self.view(), &self.account, request)).unwrap()
    }

    fn note(&self, event: &NotificationEvent, now_ms: u64) {
        let mut batch = Batch::new();
        block_on(notifications::note(&self.view(), event, now_ms, &mut batch)).unwrap();
        self.commit(batch);
    }
}

fn stranger(number: usize) -> Person {
    let seed = u8::try_from(number % 256).unwrap();
    let mut bytes = [seed; 32];
    bytes[0] = u8::try_from(number / 256).unwrap();
    Person { id: Seed::from_bytes(bytes).public_key().fingerprint(), name: "somebody".into() }
}

fn undeliverable(number: usize) -> NotificationEvent {
    NotificationEvent::Undeliverable { friend: stranger(1), since_ms: number as u64 }
}

#[test]
fn request_and_acceptance_are_told_to_those_whom_they_concern() {
    let mut world = World::with(&["alice", "bob"]);
    world.request("alice", "bob");
    let alice = world.at("alice").person();
    assert_eq!(world.at("bob").notifications(), [NotificationEvent::FriendRequest { friend: alice }]);
    world.accept("bob", "alice");
    let bob = world.at("bob").person();
    let accepted = NotificationEvent::RequestAccepted { friend: bob, generation: 1 };
    assert_eq!(world.at("alice").notifications(), [accepted]);
    assert_eq!(world.at("bob").notifications().len(), 1);
}

#[test]
fn an_acceptance_that_comes_with_an_answer_is_told_too() {
    let mut world = World::with(&["alice", "bob"]);
    world.request("alice", "bob");
    world.refresh("bob", Scope::DUE);
    world.down.insert("alice".into());
    world.accept("bob", "alice");
    world.down.clear();
    let mut batch = Batch::new();
    batch.put(keys::delivery(&world.id("bob")), stored::json(&crate::relation::Delivery::default()));
    world.at("alice").commit(batch);
    world.refresh("alice", Scope::DUE);
    assert!(matches!(world.at("alice").notifications()[..], [NotificationEvent::RequestAccepted { .. }]));
}

#[test]
fn the_same_event_noted_twice_is_one_notification() {
    let world = World::with(&["alice"]);
    let alice = world.at("alice");
    alice.note(&undeliverable(1), START_MS);
    alice.note(&undeliverable(1), START_MS + 5);
    assert_eq!(alice.notifications().len(), 1);
    // Two requests that do not see each other both write.
    for ms in [7, 9] {
        let unique = RecordId::unique_part("twin");
        let mut batch = Batch::new();
        let event = undeliverable(2);
        batch.put(keys::notification(RecordId::from_parts(START_MS + ms, unique)), stored::json(&event));
        alice.commit(batch);
    }
    assert_eq!(alice.notifications(), [undeliverable(2), undeliverable(1)]);
}

#[test]
fn who_asks_again_and_again_is_in_the_list_once() {
    let mut world = World::with(&["alice", "bob"]);
    for _ in 0..3 {
        world.request("alice", "bob");
        world.end("alice", "bob");
    }
    assert_eq!(world.at("bob").notifications().len(), 1);
}

#[test]
fn the_oldest_go_and_strangers_push_out_nothing_but_strangers() {
    let world = World::with(&["alice"]);
    let alice = world.at("alice");
    alice.note(&undeliverable(0), START_MS);
    for number in 0..REQUEST_NOTIFICATIONS_KEPT + 5 {
        let event = NotificationEvent::FriendRequest { friend: stranger(number) };
        alice.note(&event, START_MS + 1 + number as u64);
    }
    let page = alice.notification_page(None, None);
    assert_eq!(page.unread as usize, REQUEST_NOTIFICATIONS_KEPT + 1);
    for number in 1..NOTIFICATIONS_KEPT + 3 {
        alice.note(&undeliverable(number), START_MS + 1_000 + number as u64);
    }
    assert_eq!(alice.notification_page(None, None).unread as usize, NOTIFICATIONS_KEPT);
}

#[test]
fn pages_are_newest_first_and_reading_goes_up_to_one() {
    let world = World::with(&["alice"]);
    let alice = world.at("alice");
    (0..5).for_each(|number| alice.note(&undeliverable(number), START_MS + number as u64));
    let first = alice.notification_page(Some("2"), None);
    assert_eq!((first.unread, first.notifications.len()), (5, 2));
    assert_eq!(first.notifications[0].event, undeliverable(4));
    let second = alice.notification_page(Some("2"), first.next.as_deref());
    assert_eq!(second.notifications[0].event, undeliverable(2));
    let third = alice.notification_page(Some("2"), second.next.as_deref());
    assert_eq!((third.notifications.len(), third.next), (1, None));

    let read = |id: RecordId| {
        block_on(notifications::mark_read(&alice.view(), &alice.account, id, START_MS + 9)).unwrap()
    };
    let (unread, batch) = read(second.notifications[0].id);
    alice.commit(batch);
    assert_eq!(unread, 2);
    let flags: Vec<bool> =
        alice.notification_page(None, None).notifications.iter().map(|one| one.read).collect();
    assert_eq!(flags, [false, false, true, true, true]);
    let (unread, batch) = read(third.notifications[0].id);
    assert_eq!((unread, batch.is_empty()), (2, true));
    let future = RecordId::from_parts(START_MS + HOUR_MS, [0; 10]);
    let refused = block_on(notifications::mark_read(&alice.view(), &alice.account, future, START_MS));
    assert_eq!(refused.map(|_| ()), Err(NotificationError::Future));
}

#[test]
fn an_open_client_hears_of_notifications() {
    let world = World::with(&["alice"]);
    let alice = world.at("alice");
    let show = || block_on(crate::changes::show(&alice.view(), &alice.account, START_MS)).unwrap();
    let before = show();
    alice.note(&undeliverable(1), START_MS);
    let after = show();
    assert_ne!(before.notifications, after.notifications);
    assert_eq!((before.unread, after.unread), (0, 1));
}

#[test]
fn a_kind_of_a_later_version_is_shown_as_unknown() {
    let world = World::with(&["alice"]);
    let mut batch = Batch::new();
    let id = RecordId::from_parts(START_MS, [1; 10]);
    batch.put(keys::notification(id), br#"{"kind":"from_the_future","x":1}"#.to_vec());
    world.at("alice").commit(batch);
    assert_eq!(world.at("alice").notifications(), [NotificationEvent::Unknown]);
}

#[test]
fn notifications_that_belong_together_have_one_group() {
    let world = World::with(&["alice"]);
    let alice = world.at("alice");
    let (bob, carol) = (stranger(1), stranger(2));
    let at = |name: &str| address(name);
    let events = [
        (NotificationEvent::Message { friend: bob.clone() }, "a"),
        (NotificationEvent::Message { friend: carol.clone() }, "a"),
        (NotificationEvent::FriendRequest { friend: bob.clone() }, "b"),
        (NotificationEvent::FriendRequest { friend: carol.clone() }, "b"),
        (NotificationEvent::FriendMoved { friend: bob.clone(), from: at("x"), address: at("y") }, "c"),
        (NotificationEvent::FriendRekeyed { friend: bob.clone(), serial: 1 }, "c"),
        (NotificationEvent::FriendRekeyed { friend: carol.clone(), serial: 1 }, "d"),
        (NotificationEvent::CertificateConflict { friend: bob.clone(), serial: 1 }, "e"),
        (NotificationEvent::CertificateConflict { friend: carol, serial: 1 }, "f"),
        (NotificationEvent::RequestAccepted { friend: bob, generation: 1 }, "g"),
    ];
    for (number, (event, _)) in events.iter().enumerate() {
        alice.note(event, START_MS + number as u64);
    }
    let page = alice.notification_page(None, None);
    let groups: Vec<&str> = page.notifications.iter().rev().map(|one| one.group.as_str()).collect();
    assert_eq!(groups.len(), events.len());
    for (one, (_, expected_one)) in groups.iter().zip(&events) {
        for (other, (_, expected_other)) in groups.iter().zip(&events) {
            assert_eq!(one == other, expected_one == expected_other, "{one} {other}");
        }
    }
}
