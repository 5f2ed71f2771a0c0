//! The embedded host as components and clients see it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // Here a broken assumption is a failed test.

mod common;

use common::{App, Client, Host, WITH_STORE, eventually, manifest, send};
use std::time::{Duration, Instant};

fn app(component: &str) -> App {
    App::new(&manifest("", component, ""))
}

fn headers_seen(host: &Host, path: &str, sent: &[(&str, &str)]) -> Vec<(String, String)> {
    let answer = send(&host.url, "GET", path, sent, b"");
    assert_eq!(answer.status, 200);
    serde_json::from_slice(&answer.body).unwrap()
}

fn header<'a>(headers: &'a [(String, String)], name: &str) -> Vec<&'a str> {
    headers.iter().filter(|(found, _)| found == name).map(|(_, value)| value.as_str()).collect()
}

#[test]
fn component_is_told_how_it_was_reached_and_clients_cannot_lie_about_it() {
    let host = app("").serve();
    let lies = [
        ("spin-path-info", "lie"),
        ("Spin-Full-Url", "lie"),
        ("spin-path-match-x", "lie"),
        ("x-mine", "kept"),
    ];
    let headers = headers_seen(&host, "/probe/headers?a=1", &lies);
    let full_url = format!("{}/probe/headers?a=1", host.url);
    for (name, expected) in [
        ("spin-full-url", full_url.as_str()),
        ("spin-path-info", "/headers"),
        ("spin-matched-route", "/probe/..."),
        ("spin-raw-component-route", "/probe/..."),
        ("spin-component-route", "/probe"),
        ("spin-base-path", "/"),
        ("x-mine", "kept"),
    ] {
        assert_eq!(header(&headers, name), [expected], "{name}");
    }
    assert!(header(&headers, "spin-client-addr")[0].starts_with("127.0.0.1:"));
    assert!(header(&headers, "spin-path-match-x").is_empty());
}

#[test]
fn routes_have_spins_meaning() {
    let routes = r#"
        [[trigger.http]]
        route = "/people/:name/headers"
        component = "probe"
        [[trigger.http]]
        route = "/exact"
        component = "probe"
        [[trigger.http]]
        route = { private = true }
        component = "hidden"
        [component.hidden]
        source = "not-built.wasm"
    "#;
    let host = App::new(&manifest("", "", routes)).serve();
    let headers = headers_seen(&host, "/people/bob/headers", &[]);
    assert_eq!(header(&headers, "spin-path-match-name"), ["bob"]);
    assert_eq!(header(&headers, "spin-path-info"), [""]);
    assert_eq!(host.get("/exact").text(), "probe");
    for path in ["/", "/exact/more", "/people/bob", "/prober", "/hidden"] {
        host.get(path).assert_problem(404);
    }
}

#[test]
fn every_request_has_an_instance_of_its_own() {
    let host = app("").serve();
    let mut client = Client::connect(&host.url);
    for _ in 0..3 {
        assert_eq!(client.send("GET", "/probe/count", &[], b"").text(), "1");
    }
}

#[test]
fn answers_keep_their_content_length_and_head_has_no_body() {
    let host = app("").serve();
    let mut client = Client::connect(&host.url);
    let answer = client.send("GET", "/probe/x", &[], b"");
    assert_eq!((answer.headers["content-length"].as_str(), answer.text()), ("5", "probe"));
    let answer = client.send("HEAD", "/probe/x", &[], b"");
    assert_eq!((answer.headers["content-length"].as_str(), answer.body.len()), ("5", 0));
    assert_eq!(client.send("GET", "/probe/x", &[], b"").text(), "probe", "the connection is still good");
}

#[test]
fn answers_are_streamed() {
    let host = app("").serve();
    let mut client = Client::connect(&host.url);
    let head = client.head("GET", "/probe/stream", &[]);
    client.write(head.as_bytes());
    let begun = Instant::now();
    assert_eq!(client.read_until("first"), "first", "what is there comes at once");
    assert!(begun.elapsed() < Duration::from_millis(1_200), "{:?}", begun.elapsed());
    assert_eq!(client.read_until("later"), "later");
}

#[test]
fn answer_that_breaks_off_is_not_taken_for_a_whole_one() {
    let app = app("");
    let host = Host::start(tidings::server::ServeOptions {
        handler_time: Duration::from_millis(500),
        ..app.options()
    });
    for path in ["/probe/stream?trap", "/probe/stream?loop"] {
        let mut client = Client::connect(&host.url);
        let head = client.head("GET", path, &[]);
        client.write(head.as_bytes());
        assert!(client.read(false).is_err(), "{path}");
    }
}

#[test]
fn small_answers_on_kept_connections_do_not_wait_for_acknowledgements() {
    let host = app("").serve();
    let mut client = Client::connect(&host.url);
    client.send("GET", "/probe/x", &[], b"");
    let mut times: Vec<_> = (0..21)
        .map(|_| {
            let begun = Instant::now();
            client.send("GET", "/probe/x", &[], b"");
            begun.elapsed()
        })
        .collect();
    times.sort();
    // A delayed acknowledgement costs 40 ms.
    assert!(times[10] < Duration::from_millis(35), "{times:?}");
}

#[test]
fn store_keeps_what_is_set() {
    let host = app(WITH_STORE).serve();
    assert_eq!(host.post("/probe/set?a", b"value").text(), "set");
    assert_eq!(host.get("/probe/get?a").text(), "value");
    assert_eq!(host.get("/probe/exists?a").text(), "true");
    assert_eq!(host.get("/probe/exists?b").text(), "false");
    assert_eq!(host.get("/probe/get?b").status, 404);
    assert_eq!(host.post("/probe/set?b", b"").text(), "set");
    assert_eq!(host.get("/probe/keys").text(), "a\nb");
    assert_eq!(host.get("/probe/delete?a").text(), "deleted");
    assert_eq!(host.get("/probe/keys").text(), "b");
    let long = "k".repeat(256);
    assert!(host.post(&format!("/probe/set?{long}"), b"x").text().contains("256 bytes"));
    assert!(host.post("/probe/set?big", &vec![0; 1_000_001]).text().contains("1000001 bytes"));
    assert_eq!(host.post("/probe/set?big", &vec![0; 1_000_000]).text(), "set");
}

#[test]
fn store_is_denied_to_a_component_without_the_grant() {
    let host = app("").serve();
    assert_eq!(host.get("/probe/open?default").text(), "Error::AccessDenied");
    let host = app(WITH_STORE).serve();
    assert_eq!(host.get("/probe/open?default").text(), "opened");
    assert_eq!(host.get("/probe/open?other").text(), "Error::AccessDenied");
}

#[test]
fn stale_reads_still_show_a_request_its_own_writes() {
    let app = app(WITH_STORE);
    let host = Host::start(tidings::server::ServeOptions { stale_seconds: 1.0, ..app.options() });
    for number in 0..20 {
        assert_eq!(host.post(&format!("/probe/read-own-write?k{number}"), b"mine").text(), "true true");
    }
    host.post("/probe/set?k", b"new");
    let missed = (0..20).filter(|_| host.get("/probe/get?k").status == 404).count();
    assert!(missed > 0, "right after a write most requests do not see it");
    assert!(eventually(|| (0..10).all(|_| host.get("/probe/get?k").text() == "new")));
}

#[test]
fn variables_and_environment_are_the_components_own() {
    let component = r#"
        environment = { PLACE = "here" }
        [component.probe.variables]
        greeting = "{{ word }}, world"
    "#;
    let app = App::new(&manifest("word = { default = 'hello', secret = true }", component, ""));
    let host = Host::start(app.options());
    assert_eq!(host.get("/probe/variable?greeting").text(), "hello, world");
    assert!(host.get("/probe/variable?word").text().contains("Undefined"), "the app's, not the component's");
    assert!(host.get("/probe/variable?No").text().contains("InvalidName"));
    assert_eq!(host.get("/probe/environment?PLACE").text(), "here");
    assert_eq!(host.get("/probe/environment?PATH").text(), "", "nothing of the host's environment is seen");
    drop(host);
    let mut options = app.options();
    options.variables = vec![("word".to_owned(), "goodbye".to_owned())];
    assert_eq!(Host::start(options).get("/probe/variable?greeting").text(), "goodbye, world");
}

#[test]
fn files_are_seen_read_only() {
    let app = app(r#"files = [{ source = "dist", destination = "/" }]"#);
    app.write("dist/index.html", "the page");
    app.write("secret", "not shown");
    let host = Host::start(app.options());
    assert_eq!(host.get("/probe/file?/index.html").text(), "the page");
    for path in ["/secret", "/../secret", "/dist/../../secret", "/etc/passwd"] {
        assert_eq!(host.get(&format!("/probe/file?{path}")).status, 599, "{path}");
    }
    for path in ["/index.html", "/new"] {
        assert_eq!(host.get(&format!("/probe/write-file?{path}")).status, 599, "{path}");
    }
    assert_eq!(std::fs::read_to_string(app.directory.path().join("dist/index.html")).unwrap(), "the page");
}

#[test]
fn files_may_be_globs() {
    let app = app(r#"files = ["notes/*.txt"]"#);
    app.write("notes/a.txt", "a note");
    app.write("notes/a.key", "not shown");
    let host = app.serve();
    assert_eq!(host.get("/probe/file?/notes/a.txt").text(), "a note");
    assert_eq!(host.get("/probe/file?/notes/a.key").status, 599);
}

#[test]
fn components_have_no_sockets() {
    let app = app("allowed_outbound_hosts = [\"*://*:*\"]");
    let host = Host::start(tidings::server::ServeOptions { allow_private_network: true, ..app.options() });
    let answer = host.get(&format!("/probe/connect?{}", host.url.strip_prefix("http://").unwrap()));
    assert_eq!(answer.status, 599, "{answer:?}");
}

#[test]
fn failing_component_is_answered_for() {
    let host = app("").serve();
    let mut client = Client::connect(&host.url);
    client.send("GET", "/probe/trap", &[], b"").assert_problem(500);
    assert_eq!(client.send("GET", "/probe/x", &[], b"").status, 200, "only that request is concerned");
}

#[test]
fn memory_is_limited() {
    let host = app("").serve();
    assert_eq!(host.get("/probe/memory?100").text(), "100");
    host.get("/probe/memory?128").assert_problem(500);
}

#[test]
fn time_is_limited_even_for_a_busy_component_which_hinders_nobody() {
    let app = app("");
    let host =
        Host::start(tidings::server::ServeOptions { handler_time: Duration::from_secs(2), ..app.options() });
    std::thread::scope(|scope| {
        // More of them than there are threads to run them.
        let busy: Vec<_> =
            (0..6).map(|_| scope.spawn(|| (Instant::now(), host.get("/probe/loop")))).collect();
        std::thread::sleep(Duration::from_millis(200));
        let begun = Instant::now();
        assert_eq!(host.get("/probe/x").status, 200);
        assert!(begun.elapsed() < Duration::from_millis(1_500), "{:?}", begun.elapsed());
        for busy in busy {
            let (begun, answer) = busy.join().unwrap();
            answer.assert_problem(504);
            assert!(begun.elapsed() < Duration::from_secs(5));
        }
    });
    host.get("/probe/sleep?5000").assert_problem(504);
    assert_eq!(host.get("/probe/sleep?100").text(), "slept");
}

const MEBIBYTE: usize = 1 << 20;

#[test]
fn request_body_may_be_ten_mebibytes() {
    let host = app("").serve();
    let mut client = Client::connect(&host.url);
    let body = vec![b'x'; 10 * MEBIBYTE];
    assert_eq!(client.send("POST", "/probe/body", &[], &body).text(), (10 * MEBIBYTE).to_string());
}

#[test]
fn longer_request_body_is_refused_by_its_content_length() {
    let host = app("").serve();
    let mut client = Client::connect(&host.url);
    let body = vec![b'x'; 10 * MEBIBYTE + 1];
    client.send("POST", "/probe/body", &[], &body).assert_problem(413);
}

#[test]
fn longer_request_body_is_refused_before_it_is_sent_where_the_client_asks() {
    let host = app("").serve();
    let mut client = Client::connect(&host.url);
    let head =
        client.head("POST", "/probe/body", &[("content-length", "20000000"), ("expect", "100-continue")]);
    client.write(head.as_bytes());
    client.read(false).unwrap().assert_problem(413);
}

#[test]
fn longer_request_body_is_refused_when_it_comes_in_chunks() {
    let host = app("").serve();
    let mut client = Client::connect(&host.url);
    let head = client.head("POST", "/probe/body", &[("transfer-encoding", "chunked")]);
    client.write(head.as_bytes());
    let mut chunk = b"100000\r\n".to_vec();
    chunk.extend(std::iter::repeat_n(b'x', MEBIBYTE));
    chunk.extend(b"\r\n");
    for _ in 0..12 {
        client.write(&chunk);
    }
    client.write(b"0\r\n\r\n");
    client.read(false).unwrap().assert_problem(413);
}

#[test]
fn malformed_requests_get_a_client_error() {
    let host = app("").serve();
    for request in [
        "nonsense\r\n\r\n",
        "GET /probe/x HTTP/1.1\r\nhost: x\r\ncontent-length: x\r\n\r\n",
        "GET /probe/x HTTP/1.1\r\nhost: a b\r\n\r\n",
        "GET /probe/x HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n",
    ] {
        let mut client = Client::connect(&host.url);
        client.write(request.as_bytes());
        assert_eq!(client.read(false).unwrap().status, 400, "{request:?}");
    }
    let mut client = Client::connect(&host.url);
    client.write(b"CONNECT x:1 HTTP/1.1\r\nhost: x\r\n\r\n");
    assert_eq!(client.read(false).unwrap().status, 404);
    let mut client = Client::connect(&host.url);
    client.write(b"GET /probe/x HTTP/1.1\r\n\r\n");
    assert_eq!(client.read(false).unwrap().status, 200, "a missing host is localhost, as in Spin");
}

#[test]
fn many_requests_at_once_are_all_answered() {
    let host = app(WITH_STORE).serve();
    std::thread::scope(|scope| {
        let requests: Vec<_> = (0..300)
            .map(|n| {
                scope.spawn({
                    let host = &host;
                    move || host.post(&format!("/probe/set?{n:03}"), b"x")
                })
            })
            .collect();
        for request in requests {
            assert_eq!(request.join().unwrap().text(), "set");
        }
    });
    assert_eq!(host.get("/probe/keys").text().lines().count(), 300);
}

#[test]
fn stopping_lets_requests_finish_that_have_begun() {
    let mut host = app("").serve();
    let url = host.url.clone();
    let slow = std::thread::spawn(move || send(&url, "GET", "/probe/sleep?1500", &[], b""));
    std::thread::sleep(Duration::from_millis(500));
    host.ask_to_stop();
    std::thread::sleep(Duration::from_millis(100));
    assert!(std::net::TcpStream::connect(host.url.strip_prefix("http://").unwrap()).is_err(), "nobody new");
    assert_eq!(slow.join().unwrap().text(), "slept");
}

#[test]
fn says_what_is_wrong_with_an_app() {
    let component_error = |component: &str| {
        let app = app(component);
        format!("{:#}", Host::try_start(app.options()).map(|_| ()).unwrap_err())
    };
    assert!(component_error("files = [\"none/*\"]").contains("none/*"));
    assert!(component_error("allowed_outbound_hosts = [\"{{ nothing }}\"]").contains("\"nothing\""));
    assert!(component_error("allowed_outbound_hosts = [\"example.com\"]").contains("scheme"));

    let app = App::new(&manifest("", "", "").replace("probe.wasm", "missing.wasm"));
    let error = format!("{:#}", Host::try_start(app.options()).map(|_| ()).unwrap_err());
    assert!(error.contains("missing.wasm") && error.contains("build"), "{error}");
    app.write("missing.wasm", "(component)");
    let error = format!("{:#}", Host::try_start(app.options()).map(|_| ()).unwrap_err());
    assert!(error.contains("incoming-handler") || error.contains("cannot be compiled"), "{error}");
}
