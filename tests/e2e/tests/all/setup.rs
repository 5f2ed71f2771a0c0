//! Becoming the owner, once.

use serde_json::{Value, json};
use tidings_e2e::{Mode, Owner, Person, World, at_once, now_ms};
use tidings_protocol::{Discovery, paths};
use tidings_social::api::{SetupState, SetupStatus};

tidings_e2e::tests![
    of_ten_clients_that_set_up_at_the_same_time_one_wins,
    a_second_setup_is_refused,
    refuses_a_setup_whose_parts_do_not_fit_together,
    before_setup_nothing_can_be_asked_of_it_by_others,
];

fn of_ten_clients_that_set_up_at_the_same_time_one_wins(mode: Mode) {
    let world = World::new(mode, 1);
    let deployment = world.unclaimed("contested", &[]);
    let people: Vec<Person> = (0..10).map(|number| Person::new(&format!("Claimant {number}"))).collect();
    let statuses = at_once(people.len(), |number| {
        Owner::setup_call(&deployment, &people[number], &deployment.address())
            .basic("admin", "password")
            .send()
            .status
    });
    let count = |status: u16| statuses.iter().filter(|s| **s == status).count();
    assert_eq!((count(201), count(409)), (1, 9), "{statuses:?}");
    let winner = statuses.iter().position(|status| *status == 201).unwrap();
    mode.settle();
    let discovery: Discovery = deployment.call("GET", paths::DISCOVERY).send().json(200);
    assert_eq!(discovery.certificate.unverified().identity, people[winner].public_key());
    assert_eq!(discovery.name, people[winner].name);
}

fn a_second_setup_is_refused(mode: Mode) {
    let world = World::new(mode, 1);
    let alice = world.owner("Alice");
    let mallory = Person::new("Mallory");
    let again = || Owner::setup_call(&alice.deployment, &mallory, &alice.deployment.address());
    again().send().problem(409);
    again().basic("admin", "password").send().problem(409);
    again().basic("admin", &alice.password).send().problem(409);
    mode.settle();
    let discovery: Discovery = alice.deployment.call("GET", paths::DISCOVERY).send().json(200);
    assert_eq!(discovery.certificate.unverified().identity, alice.person.public_key());
    assert!(alice.session().signed_in);
}

fn refuses_a_setup_whose_parts_do_not_fit_together(mode: Mode) {
    let world = World::new(mode, 1);
    let deployment = world.unclaimed("alice", &[]);
    let (person, address) = (Person::new("Alice"), deployment.address());
    let good = serde_json::to_value(Owner::setup_request(&person, &address)).unwrap();
    let with = |change: &dyn Fn(&mut Value)| {
        let mut request = good.clone();
        change(&mut request);
        request
    };
    let elsewhere = "http://127.0.0.1:1".parse().unwrap();
    let certificate = |c| serde_json::to_value(c).unwrap();
    let bad = [
        with(&|r| r["name"] = json!("")),
        with(&|r| r["name"] = json!("x".repeat(61))),
        with(&|r| r["password"] = json!("password")),
        with(&|r| r["password"] = json!("short")),
        with(&|r| r["certificate"]["serial"] = json!(1)),
        with(&|r| r["certificate"] = certificate(person.certificate(&elsewhere, 1))),
        with(&|r| r["certificate"] = certificate(person.certificate(&address, now_ms() + 86_400_000))),
        with(&|r| r["certificate"] = certificate(Person::new("Bob").certificate(&address, 1))),
        with(&|r| r["deployment_secret"] = json!("AAAA")),
        with(&|r| r["deployment_secret"] = json!(Person::new("Bob").key.expose_text())),
        with(&|r| r["surprise"] = json!(1)),
        json!({}),
    ];
    for request in bad {
        let call = deployment.call("POST", "/api/setup").basic("admin", "password").json(&request);
        call.send().problem(422);
    }
    let status: SetupStatus = deployment.call("GET", "/api/setup").send().json(200);
    assert_eq!(status.state, SetupState::Unclaimed);
    let alice = Owner::set_up(deployment, person, mode);
    mode.eventually("the good one works", || alice.is_set_up());
}

fn before_setup_nothing_can_be_asked_of_it_by_others(mode: Mode) {
    let world = World::new(mode, 1);
    let deployment = world.unclaimed("alice", &[]);
    deployment.call("GET", paths::DISCOVERY).send().problem(409);
    deployment.call("GET", paths::CHANGES).send().problem(409);
    for path in [paths::FRIENDSHIP, paths::NOTIFICATIONS] {
        deployment.call("POST", path).json(&json!({})).send().problem(409);
    }
}
