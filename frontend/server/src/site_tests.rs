//! The promises of the frontend component, one test each.

use super::*;

const INDEX: &str = r#"{ "files": {
    "/index.html": { "type": "text/html; charset=utf-8", "tag": "page", "cache": "revalidate", "size": 900, "br": 300, "gzip": 400 },
    "/assets/index-BcD3Fa_9.js": { "type": "text/javascript; charset=utf-8", "tag": "script", "cache": "immutable", "size": 9000, "br": 3000, "gzip": 4000 },
    "/assets/inter-Q1w2E3r4.woff2": { "type": "font/woff2", "tag": "font", "cache": "immutable", "size": 20000 },
    "/icon.png": { "type": "image/png", "tag": "icon", "cache": "day", "size": 700 }
} }"#;

const SCRIPT: &str = "/assets/index-BcD3Fa_9.js";

fn get(target: &str) -> Request {
    Request { target: target.to_owned(), ..Request::default() }
}

fn answer(request: &Request) -> Reply {
    Site::from_json(INDEX.as_bytes()).unwrap().answer(request)
}

#[test]
fn serves_the_page_at_the_root_and_asks_for_revalidation() {
    let reply = answer(&get("/"));
    assert_eq!(reply.status, 200);
    assert_eq!(reply.body, Body::File("/index.html".to_owned()));
    assert_eq!(reply.header("content-type"), Some("text/html; charset=utf-8"));
    assert_eq!(reply.header("content-length"), Some("900"));
    assert_eq!(reply.header("cache-control"), Some("no-cache"));
    assert_eq!(reply.header("etag"), Some("\"page\""));
    assert_eq!(reply.header("vary"), Some("accept-encoding"));
    assert_eq!(reply.header("content-encoding"), None);
}

#[test]
fn keeps_hashed_names_for_good_and_icons_for_a_day() {
    assert_eq!(answer(&get(SCRIPT)).header("cache-control"), Some("public, max-age=31536000, immutable"));
    assert_eq!(answer(&get("/icon.png")).header("cache-control"), Some("public, max-age=86400"));
}

#[test]
fn sends_the_encoding_asked_for_with_its_own_tag_and_length() {
    let request = Request { accept_encoding: Some("gzip, br".to_owned()), ..get(SCRIPT) };
    let reply = answer(&request);
    assert_eq!(reply.body, Body::File(format!("{SCRIPT}.br")));
    assert_eq!(reply.header("content-encoding"), Some("br"));
    assert_eq!(reply.header("content-length"), Some("3000"));
    assert_eq!(reply.header("etag"), Some("\"script-br\""));
    let request = Request { accept_encoding: Some("gzip".to_owned()), ..get(SCRIPT) };
    let reply = answer(&request);
    assert_eq!(reply.body, Body::File(format!("{SCRIPT}.gz")));
    assert_eq!(reply.header("etag"), Some("\"script-gzip\""));
}

#[test]
fn sends_what_has_no_variant_as_it_is_and_does_not_vary() {
    let request = Request { accept_encoding: Some("br".to_owned()), ..get("/assets/inter-Q1w2E3r4.woff2") };
    let reply = answer(&request);
    assert_eq!(reply.header("content-encoding"), None);
    assert_eq!(reply.header("vary"), None);
}

#[test]
fn answers_304_only_for_the_tag_of_the_encoding_it_would_send() {
    let mut request = Request {
        accept_encoding: Some("br".to_owned()),
        if_none_match: Some("\"old\", \"page-br\"".to_owned()),
        ..get("/")
    };
    let reply = answer(&request);
    assert_eq!((reply.status, &reply.body), (304, &Body::Empty));
    assert_eq!(reply.header("etag"), Some("\"page-br\""));
    assert_eq!(reply.header("cache-control"), Some("no-cache"));
    assert_eq!(reply.header("vary"), Some("accept-encoding"));
    assert_eq!(reply.header("content-length"), None);
    request.accept_encoding = None;
    assert_eq!(answer(&request).status, 200);
}

#[test]
fn opens_the_page_for_addresses_inside_the_app() {
    for target in ["/friends", "/friends/", "/p/123?from=feed", "/caf%C3%A9", "/apiary"] {
        let reply = answer(&get(target));
        assert_eq!((reply.status, &reply.body), (200, &Body::File("/index.html".to_owned())), "{target}");
        assert_eq!(reply.header("cache-control"), Some("no-cache"), "{target}");
    }
}

#[test]
fn never_answers_a_missing_file_or_a_foreign_path_with_the_page() {
    for target in [
        "/assets/gone-12345678.js",
        "/assets/x",
        "/robots.txt",
        "/api/typo",
        "/api",
        "/p2p/v1/x",
        "/.well-known/x",
    ] {
        let reply = answer(&get(target));
        assert_eq!(reply.status, 404, "{target}");
        assert_eq!(reply.header("content-type"), Some("application/problem+json"), "{target}");
        assert_eq!(reply.header("cache-control"), Some("no-store"), "{target}");
    }
}

#[test]
fn does_not_send_a_page_to_one_who_wants_data() {
    let request = Request { accept: Some("application/json".to_owned()), ..get("/friends") };
    assert_eq!(answer(&request).status, 404);
}

#[test]
fn serves_only_what_the_index_names() {
    for target in ["/files.json", "/index.html.br", "/assets/index-BcD3Fa_9.js.gz", "/Index.html"] {
        assert_eq!(answer(&get(target)).status, 404, "{target}");
    }
    for target in ["/../etc/passwd", "/%2e%2e/etc/passwd", "/assets/..%2findex.html", "/%00"] {
        assert_eq!(answer(&get(target)).status, 400, "{target}");
    }
}

#[test]
fn head_gets_the_headers_of_get_and_no_body() {
    for target in ["/", SCRIPT, "/friends", "/robots.txt"] {
        let head = answer(&Request { verb: Verb::Head, ..get(target) });
        let got = answer(&get(target));
        assert_eq!((head.status, head.headers), (got.status, got.headers), "{target}");
        assert_eq!(head.body, Body::Empty, "{target}");
    }
}

#[test]
fn refuses_other_methods_and_names_those_it_takes() {
    let reply = answer(&Request { verb: Verb::Other, ..get("/") });
    assert_eq!(reply.status, 405);
    assert_eq!(reply.header("allow"), Some("GET, HEAD"));
    assert_eq!(reply.header("content-type"), Some("application/problem+json"));
}

#[test]
fn every_reply_carries_the_security_headers() {
    let known = Request { if_none_match: Some("*".to_owned()), ..get("/") };
    let requests =
        [get("/"), known, get("/nothing.png"), get("/%"), Request { verb: Verb::Other, ..get("/") }];
    for request in requests {
        let reply = answer(&request);
        let policy = reply.header("content-security-policy").unwrap();
        assert!(
            policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"),
            "{policy}"
        );
        assert!(!policy.contains("unsafe") && !policy.contains("http"), "{policy}");
        assert_eq!(reply.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(reply.header("referrer-policy"), Some("no-referrer"));
        assert_eq!(reply.header("cross-origin-opener-policy"), Some("same-origin"));
        assert_eq!(reply.header("cross-origin-resource-policy"), Some("same-origin"));
        assert!(reply.header("permissions-policy").unwrap().contains("camera=(self)"));
        assert_eq!(reply.header("strict-transport-security"), None);
    }
}

#[test]
fn says_what_is_wrong_with_an_index_it_cannot_read() {
    assert!(Site::from_json(b"{ \"files\": { \"/x\": {} } }").is_err());
    assert!(Site::from_json(b"").is_err());
}
