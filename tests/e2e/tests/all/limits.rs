//! What is too much, and what is not understood: always a problem that says so.

use tidings_e2e::{Mode, Peer, Person, World, now_ms};
use tidings_protocol::paths;
use tidings_social::api::{Health, SetupState};
use tidings_social::limits::PENDING_STRANGERS;

tidings_e2e::tests![
    bodies_beyond_the_limit_are_refused,
    strangers_cannot_ask_without_end,
    what_is_not_understood_is_a_problem_that_says_so,
    health_and_the_description_are_public,
    heads_are_gets_without_bodies,
];

fn bodies_beyond_the_limit_are_refused(mode: Mode) {
    let world = World::new(mode, 1);
    let alice = world.owner("Alice");
    let before = alice.picture();
    let text = |bytes: usize| format!("{{\"text\":\"{}\"}}", "x".repeat(bytes - 11));
    alice.call("POST", "/api/posts").bytes(text(128 * 1024 + 1)).send().problem(413);
    // What is within the limit of the body is refused for what it says.
    alice.call("POST", "/api/posts").bytes(text(128 * 1024)).send().problem(422);
    for path in [paths::FRIENDSHIP, paths::NOTIFICATIONS] {
        let call = |bytes: usize| alice.deployment.call("POST", path).bytes(vec![b' '; bytes]);
        call(16 * 1024 + 1).send().problem(413);
        call(16 * 1024).send().problem(401);
    }
    let peer = Peer::start("Bob");
    peer.letter_with(&alice, paths::FRIENDSHIP, &"x".repeat(16 * 1024)).send().problem(413);
    mode.settle();
    assert_eq!(alice.picture(), before);
}

fn strangers_cannot_ask_without_end(mode: Mode) {
    let world = World::new(mode, 1);
    let alice = world.owner("Alice");
    let mut peer = Peer::start("Mallory");
    let mut ask_as_somebody_new = || {
        peer.person = Person::new("Mallory");
        peer.certificate = peer.person.certificate(&peer.address, now_ms());
        peer.request(&alice).send()
    };
    for _ in 0..PENDING_STRANGERS {
        let _ = ask_as_somebody_new().expect(200);
    }
    mode.settle();
    assert_eq!(alice.friends().len(), PENDING_STRANGERS);
    for _ in 0..3 {
        ask_as_somebody_new().problem(403);
    }
    mode.settle();
    let friends = alice.friends();
    assert_eq!(friends.len(), PENDING_STRANGERS);
    // Declining one makes room for another.
    let _ = alice.end(&friends[0].id).expect(204);
    mode.settle();
    let _ = ask_as_somebody_new().expect(200);
}

fn what_is_not_understood_is_a_problem_that_says_so(mode: Mode) {
    let world = World::new(mode, 1);
    let alice = world.owner("Alice");
    for body in ["{", "no json", "{\"text\":", "\u{0}"] {
        alice.call("POST", "/api/posts").bytes(body).send().problem(400);
    }
    for body in ["{}", "", "[]", "{\"text\":1}", "{\"text\":\"x\",\"surprise\":1}"] {
        alice.call("POST", "/api/posts").bytes(body).send().problem(422);
    }
    for path in
        ["/api", "/api/", "/api/nothing", "/api/posts/", "/api/friends/x/y/z", "/p2p/v1/nothing", "/p2p/v1/"]
    {
        alice.call("GET", path).send().problem(404);
    }
    for (method, path, allowed) in [
        ("PUT", "/api/posts", "GET, POST"),
        ("DELETE", "/api/feed", "GET"),
        ("GET", "/api/feed/refresh", "POST"),
        ("POST", "/api/profile", "GET, PUT"),
        ("PATCH", "/api/session", "GET, POST, DELETE"),
        ("GET", paths::FRIENDSHIP, "POST"),
        ("POST", paths::CHANGES, "GET"),
        ("POST", paths::DISCOVERY, "GET, HEAD"),
    ] {
        let answer = alice.call(method, path).send();
        answer.problem(405);
        assert_eq!(answer.header("allow"), Some(allowed), "{method} {path}");
    }
    for (method, path) in [
        ("DELETE", "/api/posts/not-an-id"),
        ("DELETE", "/api/posts/00000000000000000000000000"),
        ("DELETE", "/api/friends/not-an-id"),
        ("DELETE", "/api/friends/aaaaaaaaaaaaaaaaaaaaaaaaaa"),
        ("POST", "/api/friends/aaaaaaaaaaaaaaaaaaaaaaaaaa/accept"),
    ] {
        alice.call(method, path).send().problem(404);
    }
}

fn health_and_the_description_are_public(mode: Mode) {
    let world = World::new(mode, 1);
    let deployment = world.unclaimed("alice", &[]);
    let health: Health = deployment.call("GET", "/api/health").send().json(200);
    assert_eq!((health.status.as_str(), health.setup), ("ok", SetupState::Unclaimed));
    let described: serde_json::Value = deployment.call("GET", "/api/openapi.json").send().json(200);
    assert!(described["openapi"].as_str().is_some_and(|version| version.starts_with("3.1")));
}

fn heads_are_gets_without_bodies(mode: Mode) {
    let world = World::new(mode, 1);
    let alice = world.owner("Alice");
    for path in ["/api/feed", "/api/health", paths::DISCOVERY] {
        let (get, head) = (alice.call("GET", path).send(), alice.call("HEAD", path).send());
        assert_eq!((get.status, head.status), (200, 200), "{path}");
        assert_eq!(head.header("content-type"), get.header("content-type"), "{path}");
        assert!(head.body.is_empty(), "{path}");
    }
}
