//! A component that does by path what the embedded host's tests want to see.
//!
//! The first segment of the path after `/probe` names the act; the query is its argument.

use spin_sdk::http::conversions::TryFromIncomingRequest as _;
use spin_sdk::http::{
    Headers, IncomingRequest, Method, OutgoingResponse, Request, Response, ResponseOutparam,
};
use spin_sdk::http_component;
use spin_sdk::key_value::{Error, Store};

#[http_component]
async fn probe(request: IncomingRequest, out: ResponseOutparam) {
    let path = request.path_with_query().unwrap_or_default();
    if path.starts_with("/probe/stream") {
        return stream(path.split_once('?').map_or("", |(_, argument)| argument), out).await;
    }
    let answer = match Request::try_from_incoming_request(request).await {
        Ok(request) => dispatch(request).await,
        Err(error) => text(598, &format!("{error:?}")),
    };
    send(answer, out).await;
}

async fn dispatch(request: Request) -> Response {
    let path = request.path().to_owned();
    let argument = request.query().to_owned();
    let act = path.rsplit('/').next().unwrap_or_default().to_owned();
    answer(&act, &argument, request).await.unwrap_or_else(|error| text(599, &error))
}

/// Begins an answer of ten bytes with five, waits, and gives the rest; or loops forever.
async fn stream(then: &str, out: ResponseOutparam) {
    use futures_util::SinkExt as _;
    let headers = Headers::new();
    let _ = headers.set("content-length", &[b"10".to_vec()]);
    let response = OutgoingResponse::new(headers);
    let mut body = response.take_body();
    out.set(response);
    let _ = body.send(b"first".to_vec()).await;
    match then {
        "loop" => loop {
            std::hint::black_box(then);
        },
        "trap" => std::process::abort(),
        _ => std::thread::sleep(std::time::Duration::from_millis(1_500)),
    }
    let _ = body.send(b"later".to_vec()).await;
}

async fn send(answer: Response, out: ResponseOutparam) {
    let headers: Vec<_> =
        answer.headers().map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec())).collect();
    let Ok(headers) = Headers::from_list(&headers) else { return };
    let response = OutgoingResponse::new(headers);
    let _ = response.set_status_code(*answer.status());
    // A failure means that the client has gone.
    let _ = out.set_with_body(response, answer.into_body()).await;
}

async fn answer(act: &str, argument: &str, request: Request) -> Result<Response, String> {
    match act {
        "headers" => Ok(echo_headers(&request)),
        "body" => Ok(text(200, &request.body().len().to_string())),
        "get" | "set" | "delete" | "exists" | "keys" | "read-own-write" => {
            store(act, argument, request.body()).map_err(|error| describe(&error))
        }
        "open" => Store::open(argument).map(|_| text(200, "opened")).map_err(|error| describe(&error)),
        "variable" => match spin_sdk::variables::get(argument) {
            Ok(value) => Ok(text(200, &value)),
            Err(error) => Err(format!("{error:?}")),
        },
        "environment" => Ok(text(200, &std::env::var(argument).unwrap_or_default())),
        "call" => call(argument).await,
        "file" => std::fs::read_to_string(argument).map(|found| text(200, &found)).map_err(|e| e.to_string()),
        "write-file" => {
            std::fs::write(argument, "x").map(|()| text(200, "written")).map_err(|e| e.to_string())
        }
        "connect" => {
            std::net::TcpStream::connect(argument).map(|_| text(200, "connected")).map_err(|e| e.to_string())
        }
        "print" => {
            println!("printed to stdout: {argument}");
            eprintln!("printed to stderr: {argument}");
            Ok(text(200, "printed"))
        }
        "memory" => Ok(text(200, &allocate(argument).to_string())),
        "count" => Ok(text(200, &count().to_string())),
        "sleep" => {
            std::thread::sleep(std::time::Duration::from_millis(argument.parse().unwrap_or_default()));
            Ok(text(200, "slept"))
        }
        "loop" => loop {
            std::hint::black_box(argument);
        },
        "trap" => std::process::abort(),
        _ => Ok(text(200, "probe")),
    }
}

fn text(status: u16, text: &str) -> Response {
    Response::builder().status(status).header("content-length", text.len().to_string()).body(text).build()
}

fn echo_headers(request: &Request) -> Response {
    let headers: Vec<_> = request
        .headers()
        .map(|(name, value)| (name.to_owned(), value.as_str().unwrap_or_default().to_owned()))
        .collect();
    text(200, &serde_json::json!(headers).to_string())
}

fn store(act: &str, key: &str, body: &[u8]) -> Result<Response, Error> {
    let store = Store::open_default()?;
    match act {
        "set" => store.set(key, body).map(|()| text(200, "set")),
        "delete" => store.delete(key).map(|()| text(200, "deleted")),
        "exists" => store.exists(key).map(|is_there| text(200, &is_there.to_string())),
        "keys" => store.get_keys().map(|keys| text(200, &keys.join("\n"))),
        "read-own-write" => {
            store.set(key, body)?;
            let same = store.get(key)?.as_deref() == Some(body);
            let listed = store.get_keys()?.iter().any(|listed| listed == key);
            Ok(text(200, &format!("{same} {listed}")))
        }
        _ => Ok(match store.get(key)? {
            Some(value) => Response::builder().status(200).body(value).build(),
            None => text(404, "no such key"),
        }),
    }
}

fn describe(error: &Error) -> String {
    format!("{error:?}")
}

/// Fetches a URL, following at most three redirects as a component has to do it: by itself.
async fn call(url: &str) -> Result<Response, String> {
    let mut url = url.to_owned();
    for _ in 0..3 {
        let request = Request::builder().method(Method::Get).uri(&url).build();
        let response: Response = spin_sdk::http::send(request).await.map_err(|error| format!("{error:?}"))?;
        match response.header("location").and_then(|location| location.as_str()) {
            Some(location) => url = location.to_owned(),
            None => return Ok(text(*response.status(), &String::from_utf8_lossy(response.body()))),
        }
    }
    Err("too many redirects".to_owned())
}

/// Takes memory, in MiB, and touches it.
fn allocate(mebibytes: &str) -> usize {
    let wanted: usize = mebibytes.parse().unwrap_or_default();
    let taken: Vec<Vec<u8>> = (0..wanted).map(|_| std::hint::black_box(vec![1; 1 << 20])).collect();
    taken.len()
}

/// How often this instance has been asked: always once, for each request has an instance of its own.
fn count() -> u32 {
    static ASKED: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    ASKED.fetch_add(1, std::sync::atomic::Ordering::Relaxed) + 1
}
