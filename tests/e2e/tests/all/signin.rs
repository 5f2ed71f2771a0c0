//! Who is let in.

use tidings_e2e::{Answer, Deployment, Mode, Owner, Person, World, cookie_of, endpoints};
use tidings_social::api::{SessionStatus, SetupState, SetupStatus};
use tidings_social::limits::GUESSES_OF_ONE;

tidings_e2e::tests![
    refuses_wrong_passwords_wrong_user_names_and_none_at_all,
    the_default_login_ends_with_setup,
    the_session_cookie_is_for_this_deployments_pages_alone,
    a_session_changes_nothing_for_other_sites,
    a_password_changes_nothing_for_other_sites,
    a_changed_password_ends_every_session,
    refuses_passwords_that_are_too_short_too_long_or_the_default,
    away_from_loopback_nobody_is_let_in_without_an_owner_password,
    the_owner_password_signs_in_before_setup,
    a_changed_owner_password_resets_a_lost_password,
    wrong_passwords_shut_the_door_for_a_while_but_not_for_sessions,
];

/// What anybody may ask.
const PUBLIC: [(&str, &str); 5] = [
    ("GET", "/api/session"),
    ("GET", "/api/setup"),
    ("POST", "/api/setup"),
    ("GET", "/api/health"),
    ("GET", "/api/openapi.json"),
];

fn challenge(answer: &Answer) -> String {
    answer.problem(401);
    answer.header("www-authenticate").expect("a 401 has a challenge").to_owned()
}

fn refuses_wrong_passwords_wrong_user_names_and_none_at_all(mode: Mode) {
    let world = World::new(mode, 1);
    let alice = world.owner("Alice");
    alice.post("mine");
    mode.settle();
    let before = alice.picture();
    for (method, path) in endpoints() {
        if PUBLIC.contains(&(method.as_str(), path.as_str())) {
            continue;
        }
        let answer = alice.deployment.call(&method, &path).send();
        assert!(challenge(&answer).starts_with("Basic "), "{method} {path}");
    }
    let ask = || alice.deployment.call("GET", "/api/feed");
    for (user, password) in [
        ("admin", "wrong"),
        ("admin", "password"),
        ("admin", ""),
        ("alice", &alice.password),
        ("", &alice.password),
    ] {
        assert!(challenge(&ask().basic(user, password).send()).starts_with("Basic "), "{user}:{password}");
        let post = alice.deployment.call("POST", "/api/posts").basic(user, password);
        post.json(&serde_json::json!({ "text": "not mine" })).send().problem(401);
        alice.deployment.call("POST", "/api/session").basic(user, password).send().problem(401);
    }
    for authorization in ["Basic", "Basic %%%", "Bearer abc", "Basic YWRtaW4="] {
        ask().header("authorization", authorization).send().problem(401);
    }
    ask().header("cookie", "__Host-tidings=x; a=b").send().problem(401);

    // A script's request must not make the browser open its own window.
    let by_script = ask().header("sec-fetch-mode", "cors").send();
    assert!(!challenge(&by_script).starts_with("Basic"));
    let by_person = ask().header("sec-fetch-mode", "navigate").send();
    assert!(challenge(&by_person).starts_with("Basic"));
    mode.settle();
    assert_eq!(alice.picture(), before);
    let _ = alice.program_call("GET", "/api/feed").send().expect(200);
}

fn the_default_login_ends_with_setup(mode: Mode) {
    let world = World::new(mode, 1);
    let deployment = world.unclaimed("alice", &[]);
    let status: SetupStatus = deployment.call("GET", "/api/setup").send().json(200);
    assert_eq!((status.state, status.default_login), (SetupState::Unclaimed, true));
    let sign_in = |deployment: &Deployment, user: &str, password: &str| {
        deployment.call("POST", "/api/session").basic(user, password).send()
    };
    sign_in(&deployment, "admin", "Password").problem(401);
    sign_in(&deployment, "root", "password").problem(401);
    let _ = sign_in(&deployment, "admin", "password").expect(200);
    // Signed in, but there is nothing yet to be the owner of.
    deployment.call("GET", "/api/feed").basic("admin", "password").send().problem(409);
    deployment.call("GET", "/api/feed").send().problem(401);
    let alice = Owner::set_up(deployment, Person::new("Alice"), mode);
    mode.eventually("she is set up", || alice.is_set_up());
    sign_in(&alice.deployment, "admin", "password").problem(401);
    let status: SetupStatus = alice.deployment.call("GET", "/api/setup").send().json(200);
    assert_eq!((status.state, status.default_login), (SetupState::Ready, false));
}

fn the_session_cookie_is_for_this_deployments_pages_alone(mode: Mode) {
    let world = World::new(mode, 1);
    let mut alice = world.owner("Alice");
    let answer = alice.sign_in(&alice.password);
    let cookie = answer.header("set-cookie").expect("a session").to_owned();
    assert!(cookie.starts_with("__Host-"), "{cookie}");
    let attributes: Vec<&str> = cookie.split(';').skip(1).map(str::trim).collect();
    for attribute in ["HttpOnly", "Secure", "SameSite=Strict", "Path=/"] {
        assert!(attributes.contains(&attribute), "{attribute} is missing in {cookie}");
    }
    assert!(!attributes.iter().any(|attribute| attribute.to_lowercase().starts_with("domain")));
    let status: SessionStatus = answer.clone().json(200);
    assert!(status.signed_in);

    alice.cookie = format!("other=1; {}; more=2", cookie_of(&answer).unwrap());
    assert!(alice.session().signed_in);
    let mut broken = cookie_of(&answer).unwrap();
    let last = broken.pop().unwrap();
    broken.push(if last == 'A' { 'E' } else { 'A' });
    alice.deployment.call("GET", "/api/feed").header("cookie", &broken).send().problem(401);

    let ended = alice.call("DELETE", "/api/session").send().expect(204);
    let ended = ended.header("set-cookie").unwrap().to_owned();
    assert_eq!(ended.split('=').next(), cookie.split('=').next());
    assert!(ended.contains("=;") && ended.contains("Max-Age=0"), "{ended}");
    // Nobody is signed in at all: no news, and no complaint.
    let nobody: SessionStatus = alice.deployment.call("GET", "/api/session").send().json(200);
    assert!(!nobody.signed_in && nobody.owner.is_none());
}

fn a_session_changes_nothing_for_other_sites(mode: Mode) {
    let world = World::new(mode, 1);
    let alice = world.owner("Alice");
    let post = || alice.post_call("from somewhere").without("origin");
    let port = alice.deployment.port();
    let other_port = format!("http://127.0.0.1:{}", port + 1);
    for origin in
        ["https://evil.example", "null", &other_port, "", &format!("https://evil.example/127.0.0.1:{port}")]
    {
        post().header("origin", origin).send().problem(403);
    }
    post().send().problem(403);
    let own = alice.deployment.origin();
    post().header("origin", &own).header("origin", "https://evil.example").send().problem(403);
    for (method, path) in endpoints() {
        if method != "GET" && path != "/api/setup" && path != "/api/session" {
            let call = alice.call(&method, &path).without("origin").header("origin", "https://evil.example");
            call.send().problem(403);
        }
    }
    alice.call("DELETE", "/api/session").without("origin").send().problem(403);
    mode.settle();
    assert!(alice.feed().is_empty());
    let _ = post().header("origin", &own).send().expect(201);
    // Reading is left to the browser's own rules.
    let _ = alice.call("GET", "/api/feed").header("origin", "https://evil.example").send().expect(200);
}

fn a_password_changes_nothing_for_other_sites(mode: Mode) {
    let world = World::new(mode, 1);
    let alice = world.owner("Alice");
    let post =
        |text: &str| alice.program_call("POST", "/api/posts").json(&serde_json::json!({ "text": text }));
    post("no").header("origin", "https://evil.example").send().problem(403);
    post("no").header("origin", "null").send().problem(403);
    let _ = post("own page").header("origin", &alice.deployment.origin()).send().expect(201);
    let _ = post("program").send().expect(201);
    mode.settle();
    let mut texts = alice.texts();
    texts.sort();
    assert_eq!(texts, ["own page", "program"]);
}

fn a_changed_password_ends_every_session(mode: Mode) {
    let world = World::new(mode, 1);
    let mut alice = world.owner("Alice");
    let (old_password, old_cookie) = (alice.password.clone(), alice.cookie.clone());
    let _ = alice.change_password("another good one").expect(200);
    assert_ne!(alice.cookie, old_cookie);
    mode.settle();
    assert!(alice.session().signed_in);
    alice.deployment.call("GET", "/api/feed").header("cookie", &old_cookie).send().problem(401);
    alice.sign_in(&old_password).problem(401);
    let _ = alice.sign_in("another good one").expect(200);
}

fn refuses_passwords_that_are_too_short_too_long_or_the_default(mode: Mode) {
    let world = World::new(mode, 1);
    let mut alice = world.owner("Alice");
    for password in ["", "seven77", "password", &"x".repeat(201)] {
        alice.change_password(password).problem(422);
    }
    let _ = alice.sign_in(&alice.password).expect(200);
}

fn away_from_loopback_nobody_is_let_in_without_an_owner_password(mode: Mode) {
    let world = World::new(mode, 1);
    let alice = world.owner("Alice");
    let elsewhere = [
        ("host", "alice.example"),
        ("host", "192.0.2.1:3000"),
        ("x-forwarded-for", "203.0.113.7"),
        ("forwarded", "for=203.0.113.7"),
    ];
    for (name, value) in elsewhere {
        for (method, path) in endpoints() {
            if path == "/api/openapi.json" {
                continue;
            }
            let call = alice.deployment.call(&method, &path).header(name, value);
            let call = call.basic("admin", &alice.password).header("cookie", &alice.cookie);
            let problem = call.send().problem(503);
            assert!(problem.detail.contains("owner_password"), "{method} {path}: {}", problem.detail);
        }
    }
    assert!(alice.session().signed_in, "on loopback nothing has changed");
}

fn the_owner_password_signs_in_before_setup(mode: Mode) {
    let world = World::new(mode, 1);
    let deployment = world.unclaimed("alice", &[("owner_password", "from the deploy")]);
    let elsewhere = |method: &str, path: &str| deployment.call(method, path).header("host", "alice.example");
    let status: SetupStatus = elsewhere("GET", "/api/setup").send().json(200);
    assert_eq!((status.state, status.default_login), (SetupState::Unclaimed, false));
    assert_eq!(status.address.as_str(), "https://alice.example");
    for call in [deployment.call("POST", "/api/session"), elsewhere("POST", "/api/session")] {
        call.clone().basic("admin", "password").send().problem(401);
        let _ = call.basic("admin", "from the deploy").send().expect(200);
    }
    let person = Person::new("Alice");
    let setup = || Owner::setup_call(&deployment, &person, &status.address).header("host", "alice.example");
    setup().send().problem(401);
    setup().basic("admin", "password").send().problem(401);
    setup().basic("admin", "from the deploy").header("origin", "https://evil.example").send().problem(403);
    let made: SessionStatus =
        setup().basic("admin", "from the deploy").header("origin", "https://alice.example").send().json(201);
    assert_eq!(made.owner.unwrap().address.as_str(), "https://alice.example");
    mode.settle();
    // From now on the chosen password counts, and the variable no more.
    elsewhere("GET", "/api/feed").basic("admin", "from the deploy").send().problem(401);
    let _ = elsewhere("GET", "/api/feed").basic("admin", "correct horse battery").send().expect(200);
}

fn a_changed_owner_password_resets_a_lost_password(mode: Mode) {
    let world = World::new(mode, 1);
    let mut alice = world.owner("Alice");
    let lost = alice.password.clone();
    alice.deployment.stop();
    alice.deployment.set_variables(&[("owner_password", "a new beginning")]);
    alice.deployment.restart();
    alice.sign_in(&lost).problem(401);
    let answer = alice.sign_in("a new beginning").expect(200);
    alice.cookie = cookie_of(&answer).unwrap();
    assert!(answer.json::<SessionStatus>(200).password_reset);
    let _ = alice.change_password("never lose this one").expect(200);
    mode.settle();
    assert!(!alice.session().password_reset);
    alice.sign_in("a new beginning").problem(401);
    let _ = alice.sign_in("never lose this one").expect(200);
    alice.deployment.stop();
    alice.deployment.restart();
    let _ = alice.sign_in("never lose this one").expect(200);
    alice.sign_in(&lost).problem(401);

    // Away from loopback it is let in as well now.
    let elsewhere = alice.program_call("GET", "/api/session").header("host", "alice.example").send();
    assert!(elsewhere.json::<SessionStatus>(200).signed_in);
}

fn wrong_passwords_shut_the_door_for_a_while_but_not_for_sessions(mode: Mode) {
    let world = World::new(mode, 1);
    let mut alice = world.owner("Alice");
    alice.deployment.stop();
    alice.deployment.set_variables(&[("owner_password", "from the deploy")]);
    alice.deployment.restart();
    // On loopback nobody is counted; another host name is enough to come from elsewhere.
    let elsewhere =
        |method: &str, path: &str| alice.deployment.call(method, path).header("host", "alice.example");
    let password = "from the deploy";
    let cookie =
        cookie_of(&elsewhere("POST", "/api/session").basic("admin", password).send().expect(200)).unwrap();
    let _ = elsewhere("GET", "/api/feed").basic("admin", password).send().expect(200);
    let mut heard = 0;
    let refused = loop {
        let answer = elsewhere("GET", "/api/feed").basic("admin", "a guess").send();
        if answer.status == 429 {
            break answer;
        }
        answer.problem(401);
        heard += 1;
        // Over a stale store a few more are heard than over one that shows each of them at once.
        assert!(heard < 1_000, "the door stays open");
    };
    if mode == Mode::Strong {
        assert_eq!(heard, GUESSES_OF_ONE);
    }
    let problem = refused.problem(429);
    assert!(problem.problem_type.ends_with(":too-many-guesses"), "{}", problem.problem_type);
    let seconds: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=900).contains(&seconds), "{seconds}");
    mode.settle();
    elsewhere("GET", "/api/feed").basic("admin", password).send().problem(429);
    elsewhere("POST", "/api/session").basic("admin", password).send().problem(429);
    // Who is signed in stays so, and on the machine itself nothing is shut.
    let _ = elsewhere("GET", "/api/feed").header("cookie", &cookie).send().expect(200);
    let _ = alice.deployment.call("GET", "/api/feed").basic("admin", password).send().expect(200);
}
