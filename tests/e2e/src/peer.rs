//! A deployment made by hand: it signs whatever it is told to, and keeps what it receives.

use crate::deployment::free_port;
use crate::http::{Answer, Call};
use crate::owner::Owner;
use crate::person::{Person, now_ms};
use serde::Serialize;
use serde_json::json;
use std::io::Read as _;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;
use tidings_protocol::request_signature::{ClaimedRequest, RequestParts, sign_request};
use tidings_protocol::{
    Address, Certificate, Change, Discovery, Fingerprint, Friendship, FriendshipMessage, Head, Listed,
    Notification, PROTOCOL_VERSION, PullAnswer, Seed, Signed, Stance, paths,
};
use tidings_social::api::FriendState;
use tiny_http::{Header, Request, Response, Server};

/// The most that is read of a request, in bytes.
const BODY_BYTES_MOST: u64 = 1 << 20;

/// A request that arrived at a [`Peer`].
#[derive(Debug, Clone)]
pub struct Received {
    /// The method.
    pub method: String,
    /// The path, without query.
    pub path: String,
    /// The query without `?`.
    pub query: String,
    /// All headers.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Received {
    /// Whether it is signed for `to` by the deployment key of `owner`.
    #[must_use]
    pub fn is_signed_by(&self, owner: &Person, to: &Fingerprint) -> bool {
        let parts = RequestParts {
            method: &self.method,
            path: &self.path,
            query: &self.query,
            headers: &self.headers,
            body: &self.body,
        };
        ClaimedRequest::parse(parts, to, now_ms() / 1_000).is_ok_and(|claimed| {
            claimed.from == owner.id() && claimed.verify(&owner.key.public_key()).is_ok()
        })
    }
}

/// What a [`Peer`] answers.
#[derive(Debug, Clone, Default)]
struct Answers {
    /// The discovery document; 404 if there is none.
    discovery: Option<Discovery>,
    /// Every pull is answered with these, and there is nothing more.
    changes: Vec<Change>,
    /// The head of the pulls.
    head: Option<Head>,
    /// When to pull once more.
    again_ms: Option<u64>,
    /// Of which ids the changes are all there is.
    listed: Option<Listed>,
    /// Whether cursors are known.
    forgetful: bool,
    /// How long every answer takes.
    silence: Duration,
    /// Everything but discovery is refused: with 429, and a wait in seconds.
    refusal_s: Option<u64>,
}

#[derive(Debug, Default)]
struct Shared {
    answers: Mutex<Answers>,
    received: Mutex<Vec<Received>>,
}

/// A deployment that is not the program under test. Its server ends with it.
pub struct Peer {
    /// Who is served there.
    pub person: Person,
    /// Where it is.
    pub address: Address,
    /// The certificate that goes along with its requests, and is in its discovery document.
    pub certificate: Signed<Certificate>,
    shared: Arc<Shared>,
    server: Arc<Server>,
    thread: Option<JoinHandle<()>>,
}

impl Peer {
    /// Starts one for somebody new.
    ///
    /// # Panics
    /// When no server can be started.
    #[must_use]
    pub fn start(name: &str) -> Self {
        let (person, port) = (Person::new(name), free_port());
        let server = Arc::new(Server::http((Ipv4Addr::LOCALHOST, port)).expect("a free port can be taken"));
        let address: Address = format!("http://127.0.0.1:{port}").parse().unwrap();
        let certificate = person.certificate(&address, now_ms());
        let shared = Arc::new(Shared::default());
        let thread = std::thread::spawn({
            let (server, shared) = (Arc::clone(&server), Arc::clone(&shared));
            move || server.incoming_requests().for_each(|request| serve(&shared, request))
        });
        let peer = Self { person, address, certificate, shared, server, thread: Some(thread) };
        peer.serve_discovery(Some(peer.discovery()));
        peer
    }

    /// Its discovery document.
    #[must_use]
    pub fn discovery(&self) -> Discovery {
        Discovery {
            versions: vec![PROTOCOL_VERSION],
            capabilities: Vec::new(),
            certificate: self.certificate.clone(),
            name: self.person.name.clone(),
            software: None,
        }
    }

    /// Chooses what is found when somebody looks who is served there.
    pub fn serve_discovery(&self, discovery: Option<Discovery>) {
        self.shared.answers.lock().unwrap().discovery = discovery;
    }

    /// Chooses what every pull is answered with.
    pub fn serve_changes(&self, changes: Vec<Change>, head: Head) {
        let mut answers = self.shared.answers.lock().unwrap();
        answers.changes = changes;
        answers.head = Some(head);
    }

    /// Chooses whether pulls with a cursor are refused, and those without answered with all there is.
    pub fn forget_cursors(&self, forgetful: bool) {
        let mut answers = self.shared.answers.lock().unwrap();
        (answers.forgetful, answers.listed) = (forgetful, forgetful.then(Listed::default));
    }

    /// Chooses how long every answer takes.
    pub fn keep_silent(&self, silence: Duration) {
        self.shared.answers.lock().unwrap().silence = silence;
    }

    /// Chooses whether everything is refused, and for how many seconds.
    pub fn want_to_be_left_alone(&self, refusal_s: Option<u64>) {
        self.shared.answers.lock().unwrap().refusal_s = refusal_s;
    }

    /// Chooses after which time it wants to be pulled from once more, in milliseconds.
    pub fn want_to_be_asked_again(&self, again_ms: Option<u64>) {
        self.shared.answers.lock().unwrap().again_ms = again_ms;
    }

    /// The requests to a path so far.
    #[must_use]
    pub fn received(&self, path: &str) -> Vec<Received> {
        let received = self.shared.received.lock().unwrap();
        received.iter().filter(|request| request.path == path).cloned().collect()
    }

    /// A request to an owner's deployment, yet to be signed: with the certificate, now.
    #[must_use]
    pub fn letter(&self, to: &Owner, method: &str, path: &str) -> Letter {
        Letter {
            call: to.deployment.call(method, path),
            from: self.person.id(),
            to: to.id(),
            certificate: Some(self.certificate.clone()),
            key: self.person.key.clone(),
            created_s: now_ms() / 1_000,
        }
    }

    /// The same with a JSON body.
    #[must_use]
    pub fn letter_with(&self, to: &Owner, path: &str, body: &impl Serialize) -> Letter {
        let letter = self.letter(to, "POST", path);
        Letter { call: letter.call.json(body), ..letter }
    }

    /// Its signed stance towards an owner.
    #[must_use]
    pub fn stance(
        &self,
        to: &Owner,
        order: (u64, u64),
        stance: Stance,
        greeting: Option<&str>,
    ) -> FriendshipMessage {
        let friendship = Friendship {
            from: self.person.public_key(),
            to: to.id(),
            generation: order.0,
            sequence: order.1,
            stance,
            name: self.person.name.clone(),
            greeting: greeting.map(str::to_owned),
            created_ms: now_ms(),
        };
        FriendshipMessage {
            friendship: Signed::sign(friendship, &self.person.key).unwrap(),
            invitation: None,
        }
    }

    /// A friend request to an owner: the first word between them.
    #[must_use]
    pub fn request(&self, to: &Owner) -> Letter {
        self.letter_with(to, paths::FRIENDSHIP, &self.stance(to, (1, 1), Stance::Wanted, Some("hello")))
    }

    /// A notification to an owner.
    #[must_use]
    pub fn notification(&self, to: &Owner, head: Head) -> Letter {
        self.letter_with(to, paths::NOTIFICATIONS, &Notification { head })
    }

    /// Becomes a friend of an owner, and is at rest with them.
    ///
    /// # Panics
    /// When it is refused.
    pub fn befriend(&self, owner: &Owner, mode: crate::Mode) {
        let _ = self.request(owner).send().expect(200);
        let id = self.person.id();
        mode.eventually("the request is shown", || owner.friend(&id).is_some());
        let _ = owner.accept(&id).expect(200);
        mode.eventually("they are friends", || {
            owner.friend(&id).is_some_and(|friend| friend.state == FriendState::Friends)
        });
        // Reads what there is, so that nothing is owed to either side.
        let _ = self.letter(owner, "GET", paths::CHANGES).send().expect(200);
        mode.settle();
        owner.come_to_rest();
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.server.unblock();
        if let Some(thread) = self.thread.take() {
            _ = thread.join();
        }
    }
}

/// A head of a given time, and the `number`-th of it.
#[must_use]
pub fn head_at(ms: u64, number: u16) -> Head {
    let mut bytes = [0; 12];
    bytes[..6].copy_from_slice(&ms.to_be_bytes()[2..]);
    bytes[6..8].copy_from_slice(&number.to_be_bytes());
    Head::from_bytes(bytes)
}

/// A request that is not signed yet, so that everything about its signature can still be wrong.
#[derive(Debug, Clone)]
pub struct Letter {
    /// What is sent.
    pub call: Call,
    /// Who claims to send it.
    pub from: Fingerprint,
    /// Whom it names as the receiver.
    pub to: Fingerprint,
    /// What goes along.
    pub certificate: Option<Signed<Certificate>>,
    /// What it is signed with.
    pub key: Seed,
    /// When it claims to be signed, in unix seconds.
    pub created_s: u64,
}

impl Letter {
    /// The same without a certificate.
    #[must_use]
    pub fn without_certificate(self) -> Self {
        Self { certificate: None, ..self }
    }

    /// Signs it.
    #[must_use]
    pub fn sign(self) -> Call {
        let (path, query) = self.call.path.split_once('?').unwrap_or((&self.call.path, ""));
        let parts = RequestParts {
            method: &self.call.method,
            path,
            query,
            headers: &[],
            body: self.call.body.as_deref().unwrap_or_default(),
        };
        let signed =
            sign_request(parts, &self.from, &self.to, self.certificate.as_ref(), &self.key, self.created_s);
        signed.iter().fold(self.call.clone(), |call, (name, value)| call.header(name, value))
    }

    /// Signs and sends it.
    #[must_use]
    #[track_caller]
    pub fn send(self) -> Answer {
        self.sign().send()
    }
}

fn serve(shared: &Shared, mut request: Request) {
    let (path, query) = request.url().split_once('?').unwrap_or((request.url(), ""));
    let mut received = Received {
        method: request.method().to_string(),
        path: path.to_owned(),
        query: query.to_owned(),
        headers: request.headers().iter().map(|h| (h.field.to_string(), h.value.to_string())).collect(),
        body: Vec::new(),
    };
    // A request that breaks off is kept as far as it came.
    _ = request.as_reader().take(BODY_BYTES_MOST).read_to_end(&mut received.body);
    let silence = shared.answers.lock().unwrap().silence;
    std::thread::sleep(silence);
    let (body, refusal_s) = {
        let answers = shared.answers.lock().unwrap();
        let refusal_s = answers.refusal_s.filter(|_| received.path != paths::DISCOVERY);
        (answer(&answers, &received), refusal_s)
    };
    shared.received.lock().unwrap().push(received);
    let header = |name: &str, value: &str| Header::from_bytes(name, value).expect("a header");
    // Whoever asked may be gone.
    _ = match (refusal_s, body) {
        (Some(seconds), _) => {
            let refused = Response::from_string("not now").with_status_code(429);
            request.respond(refused.with_header(header("retry-after", &seconds.to_string())))
        }
        (None, Ok(body)) => request
            .respond(Response::from_string(body).with_header(header("content-type", "application/json"))),
        (None, Err(status)) => request.respond(Response::from_string("no").with_status_code(status)),
    };
}

/// What goes out, or the status without.
fn answer(answers: &Answers, received: &Received) -> Result<String, u16> {
    match received.path.as_str() {
        paths::DISCOVERY => {
            let discovery = answers.discovery.as_ref().ok_or(404_u16)?;
            Ok(serde_json::to_string(discovery).unwrap())
        }
        paths::FRIENDSHIP | paths::NOTIFICATIONS => Ok(json!({}).to_string()),
        paths::CHANGES if answers.forgetful && received.query.contains("since=") => Err(400),
        paths::CHANGES => {
            let answer = PullAnswer {
                changes: answers.changes.clone(),
                listed: answers.listed,
                cursor: "made-by-hand".to_owned(),
                head: answers.head,
                more: false,
                again_ms: answers.again_ms,
                friendship: None,
            };
            Ok(serde_json::to_string(&answer).unwrap())
        }
        _ => Err(404),
    }
}
