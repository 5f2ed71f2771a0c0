use super::*;
use tidings_ledger::Timing;

fn config(owner_password: Option<&str>, public_address: Option<&str>) -> Config {
    Config {
        owner_password: owner_password.map(str::to_owned),
        public_address: public_address.map(|text| text.parse().unwrap()),
        timing: Timing::local(),
    }
}

fn request(method: &str, authority: &str, headers: &[(&str, &str)]) -> Request {
    Request {
        method: method.to_owned(),
        path: "/api/posts".to_owned(),
        query: String::new(),
        headers: headers.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect(),
        authority: Some(authority.to_owned()),
        body: Vec::new(),
    }
}

const LOCAL: (&str, &str) = ("spin-client-addr", "127.0.0.1:50000");

fn basic(user_and_password: &str) -> String {
    format!("Basic {}", BASE64.encode(user_and_password.as_bytes()))
}

fn founder(headers: &[(&str, &str)], config: &Config) -> Result<Founder, u16> {
    let request = request("POST", "127.0.0.1:3000", headers);
    let origin = Origin::of(&request, config).map_err(|f| f.problem.status)?;
    require_founder(&request, config, &origin).map_err(|f| f.problem.status)
}

#[test]
fn loopback_needs_client_and_host_on_loopback_and_no_proxy_between() {
    let is_local = |authority: &str, headers: &[(&str, &str)]| {
        Origin::of(&request("GET", authority, headers), &config(None, None))
            .is_ok_and(|origin| origin.loopback)
    };
    assert!(is_local("127.0.0.1:3000", &[LOCAL]));
    assert!(is_local("localhost:3000", &[("spin-client-addr", "[::1]:50000")]));
    assert!(is_local("127.0.0.1:3000", &[("spin-client-addr", "::ffff:127.0.0.1")]));
    assert!(!is_local("127.0.0.1:3000", &[]));
    assert!(!is_local("127.0.0.1:3000", &[("spin-client-addr", "192.168.1.7:50000")]));
    assert!(!is_local("evil.example:3000", &[LOCAL]));
    assert!(!is_local("127.0.0.1:3000", &[LOCAL, ("x-forwarded-for", "203.0.113.9")]));
    assert!(!is_local("127.0.0.1:3000", &[LOCAL, LOCAL]));
}

#[test]
fn away_from_loopback_without_a_password_nobody_gets_in() {
    let failure = Origin::of(&request("GET", "alice.example", &[LOCAL]), &config(None, None)).unwrap_err();
    assert_eq!(failure.problem.status, 503);
    assert!(failure.problem.detail.contains("owner_password"));
    let public = config(None, Some("https://alice.example"));
    assert!(Origin::of(&request("GET", "127.0.0.1:3000", &[LOCAL]), &public).is_err());
    let with_password = config(Some("secret"), None);
    let origin = Origin::of(&request("GET", "alice.example", &[]), &with_password).unwrap();
    assert_eq!((origin.address.as_str(), origin.loopback), ("https://alice.example", false));
}

#[test]
fn the_default_login_founds_on_loopback_and_nowhere_else() {
    let default = basic("admin:password");
    assert!(founder(&[LOCAL, ("authorization", &default)], &config(None, None)).is_ok());
    assert_eq!(founder(&[LOCAL, ("authorization", &default)], &config(Some("other"), None)).err(), Some(401));
    assert_eq!(founder(&[("authorization", &default)], &config(None, None)).err(), Some(503));
    assert_eq!(founder(&[LOCAL], &config(None, None)).err(), Some(401));
}

#[test]
fn malformed_credentials_are_401_and_not_an_error_inside() {
    for value in
        ["", "Basic", "Basic !!!", "Bearer abc", &basic("nocolon"), &basic("root:password"), "Basic /w=="]
    {
        assert_eq!(
            founder(&[LOCAL, ("authorization", value)], &config(None, None)).err(),
            Some(401),
            "{value}"
        );
    }
}

#[test]
fn scripts_in_a_browser_get_no_basic_challenge() {
    let challenge = |headers: &[(&str, &str)]| {
        unauthorized(&request("GET", "127.0.0.1:3000", headers), "x").headers[0]
            .1
            .split(' ')
            .next()
            .unwrap()
            .to_owned()
    };
    assert_eq!(challenge(&[]), "Basic");
    assert_eq!(challenge(&[("sec-fetch-mode", "navigate")]), "Basic");
    assert_eq!(challenge(&[("sec-fetch-mode", "cors")]), "Session");
}

#[test]
fn changes_must_come_from_our_own_pages() {
    let allowed = |method: &str, origin: Option<&str>, by_cookie: bool| {
        let mut headers = vec![LOCAL];
        headers.extend(origin.map(|value| ("origin", value)));
        let request = request(method, "127.0.0.1:3000", &headers);
        let own = Origin { address: "http://127.0.0.1:3000".parse().unwrap(), loopback: true };
        refuse_other_sites(&request, &own, None, by_cookie).is_ok()
    };
    assert!(allowed("GET", Some("https://evil.example"), true));
    assert!(allowed("POST", Some("http://127.0.0.1:3000"), true));
    assert!(!allowed("POST", Some("http://127.0.0.1:3001"), true));
    assert!(!allowed("POST", Some("null"), true));
    assert!(!allowed("POST", None, true));
    assert!(allowed("POST", None, false));
    assert!(!allowed("POST", Some("https://evil.example"), false));
}
