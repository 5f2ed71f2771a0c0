//! Requests that components send: whom they can reach, and whom they cannot.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // Here a broken assumption is a failed test.

mod common;

use common::{App, Host, manifest};
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use tidings::server::ServeOptions;

/// A host whose probe may call what `grants` say; with or without access to private networks.
fn host(grants: &[&str], allow_private_network: bool) -> (App, Host) {
    let app = App::new(&manifest("", &format!("allowed_outbound_hosts = {grants:?}"), ""));
    let host = Host::start(ServeOptions { allow_private_network, ..app.options() });
    (app, host)
}

/// A server that gives every connection the same answer, until the test ends.
fn server(answer: String) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            _ = stream.read(&mut [0; 4096]);
            _ = stream.write_all(answer.as_bytes());
        }
    });
    port
}

fn greeting() -> u16 {
    server("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello".to_owned())
}

fn call(host: &Host, url: &str) -> String {
    host.get(&format!("/probe/call?{url}")).text().to_owned()
}

#[test]
fn reaches_what_is_granted() {
    let (_app, host) = host(&["http://127.0.0.1:*", "http://localhost:*"], true);
    let port = greeting();
    assert_eq!(call(&host, &format!("http://127.0.0.1:{port}/")), "hello");
    assert_eq!(call(&host, &format!("http://localhost:{port}/path")), "hello");
}

#[test]
fn grants_may_come_from_variables() {
    let app = App::new(&manifest(
        "local = { default = 'https://localhost' }",
        "allowed_outbound_hosts = ['https://*:*', '{{ local }}']",
        "",
    ));
    let url = format!("http://127.0.0.1:{}/", greeting());
    let harmless = Host::start(ServeOptions { allow_private_network: true, ..app.options() });
    assert!(call(&harmless, &url).contains("HttpRequestDenied"));
    drop(harmless);
    let variables = vec![("local".to_owned(), "http://127.0.0.1:*".to_owned())];
    let open = Host::start(ServeOptions { allow_private_network: true, variables, ..app.options() });
    assert_eq!(call(&open, &url), "hello");
}

#[test]
fn refuses_what_is_not_granted() {
    let port = greeting();
    let (_app, host) = host(&[&format!("http://127.0.0.1:{port}"), "https://*.example.com"], true);
    for url in [
        format!("http://127.0.0.1:{}/", greeting()),
        format!("http://localhost:{port}/"),
        format!("https://127.0.0.1:{port}/"),
        "https://example.org/".to_owned(),
        "http://a.example.com/".to_owned(),
    ] {
        assert!(call(&host, &url).contains("HttpRequestDenied"), "{url}");
    }
}

#[test]
fn refuses_private_addresses_however_they_are_written() {
    let (_app, host) = host(&["*://*:*"], false);
    let port = greeting();
    for name in [
        "127.0.0.1",
        "localhost",
        "127.1",
        "0x7f000001",
        "2130706433",
        "0177.0.0.1",
        "0.0.0.0",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::]",
        "10.0.0.1",
        "169.254.169.254",
        "[fe80::1]",
        "[fd00::1]",
    ] {
        let found = call(&host, &format!("http://{name}:{port}/"));
        // Some of the odd forms are no valid authority or no name at all, which is as good.
        let refused = ["DestinationIpProhibited", "HttpRequestUriInvalid", "DnsError"];
        assert!(refused.iter().any(|reason| found.contains(reason)), "{name}: {found}");
    }
    for name in ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "169.254.169.254"] {
        let found = call(&host, &format!("http://{name}:{port}/"));
        assert!(found.contains("DestinationIpProhibited"), "{name}: {found}");
    }
}

#[test]
fn a_redirect_passes_through_the_same_checks() {
    let there = greeting();
    let redirect =
        |to: &str| server(format!("HTTP/1.1 302 Found\r\nlocation: {to}\r\ncontent-length: 0\r\n\r\n"));
    let (_app, host) = host(&["http://127.0.0.1:*"], true);
    let good = redirect(&format!("http://127.0.0.1:{there}/"));
    assert_eq!(call(&host, &format!("http://127.0.0.1:{good}/")), "hello");
    let bad = redirect(&format!("http://localhost:{there}/"));
    assert!(call(&host, &format!("http://127.0.0.1:{bad}/")).contains("HttpRequestDenied"));
}

#[test]
fn tells_why_a_call_failed() {
    let (_app, host) = host(&["*://*:*"], true);
    let unused = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    assert!(call(&host, &format!("http://127.0.0.1:{unused}/")).contains("ConnectionRefused"));
    assert!(call(&host, &format!("https://127.0.0.1:{}/", greeting())).contains("Tls"));
    let broken = server("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhello".to_owned());
    let answer = host.get(&format!("/probe/call?http://127.0.0.1:{broken}/"));
    assert_ne!(answer.status, 200, "half an answer is none: {answer:?}");
}

mod tls {
    use super::*;
    use rustls::pki_types::pem::PemObject as _;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};
    use std::process::{Command, Stdio};
    use std::sync::Arc;

    const AUTHORITY: &str = include_str!("fixtures/test-authority.pem");
    const STRANGER: &str = include_str!("fixtures/stranger-authority.pem");

    /// A server for `localhost` whose certificate was signed by [`AUTHORITY`].
    fn tls_server() -> u16 {
        let certificate = CertificateDer::from_pem_slice(include_bytes!("fixtures/localhost.pem")).unwrap();
        let key = PrivateKeyDer::from_pem_slice(include_bytes!("fixtures/localhost.key")).unwrap();
        let config =
            rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
                .with_safe_default_protocol_versions()
                .unwrap()
                .with_no_client_auth()
                .with_single_cert(vec![certificate], key)
                .unwrap();
        let config = Arc::new(config);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let connection = rustls::ServerConnection::new(Arc::clone(&config)).unwrap();
                let mut stream = rustls::StreamOwned::new(connection, stream.unwrap());
                if stream.read(&mut [0; 4096]).is_ok() {
                    _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nsecret");
                }
            }
        });
        port
    }

    fn call_with_authorities(port: u16, authorities: &str) -> String {
        let app = App::new(&manifest("", "allowed_outbound_hosts = ['https://*:*']", ""));
        app.write("authorities.pem", authorities);
        let program =
            common::Program::start_with(&app, &["--allow-private-network"], |command: &mut Command| {
                command.env("SSL_CERT_FILE", "authorities.pem").stdin(Stdio::null());
            });
        common::send(&program.url, "GET", &format!("/probe/call?https://localhost:{port}/"), &[], b"")
            .text()
            .to_owned()
    }

    #[test]
    fn believes_the_authorities_that_the_machine_trusts_and_no_others() {
        let port = tls_server();
        assert_eq!(call_with_authorities(port, AUTHORITY), "secret");
        let refused = call_with_authorities(port, STRANGER);
        assert!(refused.contains("Tls"), "{refused}");
    }
}
