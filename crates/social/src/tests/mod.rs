//! Whole deployments in memory: the real rules over the real ledger, on a clock that only the test moves.

mod audiences;
mod budget;
mod catching_up;
mod certificates;
mod compaction;
mod friendship;
mod guesses;
mod known_to_owner;
mod messages;
mod notifications;
mod operations;
mod outsiders;
mod posts;
mod public;
mod pulling;
mod retention;
mod saying;
mod setup;
mod stances;
mod strangers;
mod under;
mod under_owner;
mod under_riders;

use crate::access::{Access, AccessRandom};
use crate::account::{Account, SetupRecord};
use crate::api::{CertificateChange, FriendState, NewPost, Person, PostPage, RefreshReport};
use crate::certificates::InstallError;
use crate::feed::{self, PageRequest};
use crate::heads::Heads;
use crate::peer::PeerError;
use crate::pulls::{PullError, PullQuery};
use crate::sync::{self, PeerAnswer, PeerRequest, PullRequest, Scope, Task};
use crate::{Relation, friends, keys, peer, posts as own_posts, profile, pulls, stored, threads};
use pollster::block_on;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;
use tidings_ledger::testing::{ManualClock, MemoryStore, SeededRandom};
use tidings_ledger::{Batch, Budget, Clock, Direction, Ledger, Random, Stamp, Timing, View};
use tidings_protocol::request_signature::{RequestParts, sign_request};
use tidings_protocol::{
    Address, Certificate, Fingerprint, Head, Profile, PublicKey, PullAnswer, RecordId, Seed, Signed, paths,
};

const START_MS: u64 = 1_790_000_000_000;
const MINUTE_MS: u64 = 60_000;
const HOUR_MS: u64 = 60 * MINUTE_MS;

/// Hashed once: nobody signs in here, and hashing is slow by design.
static ACCESS: LazyLock<Access> = LazyLock::new(|| {
    let random = AccessRandom { password_salt: [0; 16], variable_salt: [0; 16], session_secret: [0; 32] };
    Access::new("unused password", None, &random).unwrap()
});

type TestLedger = Ledger<MemoryStore, ManualClock, SeededRandom>;
type TestView<'a> = View<'a, MemoryStore>;

/// One person's deployment.
struct Deployment {
    ledger: TestLedger,
    account: Account,
    identity: Seed,
    name: String,
}

impl Deployment {
    fn view(&self) -> TestView<'_> {
        block_on(self.ledger.view()).unwrap()
    }

    fn commit(&self, batch: Batch) {
        let mut view = self.view();
        block_on(self.ledger.commit(&mut view, batch)).unwrap();
    }

    fn relation(&self, who: &Fingerprint) -> Relation {
        block_on(Relation::load(&self.view(), who)).unwrap()
    }

    fn relations(&self) -> Vec<Relation> {
        block_on(Relation::load_all(&self.view())).unwrap()
    }

    fn person(&self) -> Person {
        let summary = block_on(profile::summary(&self.view(), &self.account)).unwrap();
        Person { id: summary.id, name: summary.name }
    }

    fn feed(&self, limit: &str, before: Option<&str>) -> PostPage {
        let request = PageRequest::parse(Some(limit), before).unwrap();
        block_on(feed::page(&self.view(), &self.account, self.person(), &request)).unwrap()
    }

    fn feed_texts(&self) -> Vec<String> {
        self.feed("100", None).posts.into_iter().map(|post| post.text().unwrap()).collect()
    }

    /// The head that friends are told.
    fn head(&self) -> Option<Head> {
        let relations = self.relations();
        let heads = block_on(Heads::load(&self.view(), &relations)).unwrap();
        relations.iter().filter_map(|relation| heads.of(relation)).max()
    }
}

/// Deployments that reach each other, a clock, and a count of what was sent.
struct World {
    timing: Timing,
    clock: ManualClock,
    random: SeededRandom,
    deployments: BTreeMap<String, Deployment>,
    down: BTreeSet<String>,
    sent: Vec<(String, Task)>,
    /// Who refuses everything, with which status, and for how many milliseconds.
    refuse: Option<(String, u16, u64)>,
}

impl World {
    fn with(names: &[&str]) -> Self {
        Self::timed(names, Timing::local())
    }

    /// Over stores that keep to other times.
    fn timed(names: &[&str], timing: Timing) -> Self {
        let mut world = Self {
            timing,
            clock: ManualClock::at(START_MS),
            random: SeededRandom::new(7),
            deployments: BTreeMap::new(),
            down: BTreeSet::new(),
            sent: Vec::new(),
            refuse: None,
        };
        for name in names {
            let deployment = world.found(name);
            world.deployments.insert((*name).to_owned(), deployment);
        }
        world
    }

    /// Has somebody's store maintained until everything is merged that can be, and what was merged is gone.
    fn compact(&self, who: &str) -> usize {
        let (ledger, mut merged) = (&self.at(who).ledger, 0);
        for round in 0..40 {
            self.clock.advance(if round % 10 == 9 { 2 * ledger.timing().grace_ms() } else { 1_000 });
            let mut view = self.at(who).view();
            merged += block_on(ledger.maintain(&mut view, Budget::default())).unwrap().merged;
        }
        merged
    }

    /// Two friends who have pulled from each other.
    fn of_friends(a: &str, b: &str) -> Self {
        let mut world = Self::with(&[a, b]);
        world.befriend(a, b);
        world.sent.clear();
        world
    }

    fn now_ms(&self) -> u64 {
        self.clock.now_ms()
    }

    fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.random.fill(&mut bytes);
        bytes
    }

    /// A deployment that is set up, without the waiting of a real setup (and with a password that nobody needs).
    fn found(&self, name: &str) -> Deployment {
        let ledger = Ledger::new(MemoryStore::new(), self.clock.clone(), self.random.clone(), self.timing);
        let (identity, key) = (Seed::from_bytes(self.bytes()), Seed::from_bytes(self.bytes()));
        let certificate =
            Certificate::issue(&identity, key.public_key(), address(name), self.now_ms()).unwrap();
        let own = Profile {
            author: identity.public_key(),
            key: key.public_key(),
            name: name.to_owned(),
            bio: String::new(),
            updated_ms: self.now_ms(),
        };
        let mut batch = Batch::new();
        batch.put(keys::profile(), Signed::sign(own, &key).unwrap().to_json());
        let account = install(&ledger, certificate, &key, batch);
        Deployment { ledger, account, identity, name: name.to_owned() }
    }

    /// The owner's identity signs a certificate of the next serial for another deployment key.
    fn rekey(&mut self, name: &str, key: &Seed) {
        self.install(name, key, &address(name), Vec::new()).unwrap();
    }

    /// The same at another address, or revoking keys.
    fn install(
        &mut self,
        name: &str,
        key: &Seed,
        at: &Address,
        revoked: Vec<PublicKey>,
    ) -> Result<(), InstallError> {
        let now_ms = self.now_ms();
        let deployment = self.deployments.get_mut(name).unwrap();
        let serial = now_ms.max(deployment.account.certificate().unverified().serial + 1);
        let certificate =
            Certificate::issue_revoking(&deployment.identity, key.public_key(), at.clone(), serial, revoked);
        let change = CertificateChange {
            certificate: certificate.unwrap(),
            deployment_secret: Some(key.expose_text()),
        };
        let view = deployment.view();
        let installed = crate::certificates::install(&view, &deployment.account, change, at, now_ms);
        let (_, batch) = block_on(installed)?;
        deployment.commit(batch);
        deployment.account = block_on(Account::load(&deployment.view())).unwrap().unwrap();
        Ok(())
    }

    /// A head that somebody could have now.
    fn head_now(&self) -> Head {
        Head::from_bytes(Stamp::at_ms(self.now_ms()).to_bytes())
    }

    fn at(&self, name: &str) -> &Deployment {
        &self.deployments[name]
    }

    fn id(&self, name: &str) -> Fingerprint {
        self.at(name).account.fingerprint()
    }

    fn state(&self, of: &str, towards: &str) -> Option<FriendState> {
        self.at(of).relation(&self.id(towards)).state()
    }

    fn request(&mut self, from: &str, to: &str) {
        let discovery = block_on(peer::discovery(&self.at(to).view(), &self.at(to).account)).unwrap();
        let asking = self.at(from);
        let relation = asking.relation(&self.id(to));
        let batch = friends::request(
            &asking.account,
            from,
            &relation,
            &discovery,
            friends::Asking { greeting: Some("hello".into()), invitation: None },
            self.now_ms(),
        );
        asking.commit(batch.unwrap());
        self.refresh(from, Scope::only(self.id(to)));
    }

    fn accept(&mut self, who: &str, from: &str) {
        let requester = self.id(from);
        self.refresh(who, Scope::only(requester));
        let accepting = self.at(who);
        let relation = accepting.relation(&requester);
        accepting.commit(friends::accept(&accepting.account, who, &relation, self.now_ms()).unwrap());
        self.refresh(who, Scope::only(requester));
    }

    fn end(&mut self, who: &str, with: &str) {
        let other = self.id(with);
        let ending = self.at(who);
        let relation = ending.relation(&other);
        let batch = block_on(friends::end(&ending.view(), &ending.account, who, &relation, self.now_ms()));
        ending.commit(batch.unwrap());
        self.refresh(who, Scope::only(other));
    }

    fn befriend(&mut self, a: &str, b: &str) {
        self.request(a, b);
        self.accept(b, a);
        self.refresh(a, Scope::DUE);
        self.refresh(b, Scope::DUE);
        assert_eq!(self.state(a, b), Some(FriendState::Friends));
        assert_eq!(self.state(b, a), Some(FriendState::Friends));
    }

    /// Writes a post without telling anybody yet.
    fn write(&self, who: &str, text: &str) -> RecordId {
        self.clock.advance(1);
        let writing = self.at(who);
        let new = NewPost { text: text.to_owned(), ..NewPost::default() };
        let view = writing.view();
        let written = own_posts::write(
            &view,
            &writing.account,
            writing.person(),
            new,
            None,
            self.now_ms(),
            self.bytes(),
        );
        let (written, batch) = block_on(written).unwrap();
        writing.commit(batch);
        written.post.id
    }

    /// What the edge does for a refresh.
    fn refresh(&mut self, who: &str, scope: Scope) -> RefreshReport {
        let sent = RefCell::default();
        let deployment = self.at(who);
        let peers = Network { world: self, who, sent: &sent };
        let (ledger, account) = (&deployment.ledger, &deployment.account);
        let (view, clock, random) = (deployment.view(), &self.clock, &self.random);
        let refreshed = block_on(sync::refresh(ledger, view, account, scope, &peers, clock, random));
        let report = refreshed.unwrap().report;
        self.sent.extend(sent.into_inner());
        report
    }

    fn deliver(&self, from: &str, request: &PeerRequest) -> PeerAnswer {
        let receiver = self.deployments.values().find(|d| *d.account.address() == request.address);
        if let Some((name, status, wait_ms)) = &self.refuse
            && receiver.is_some_and(|receiver| receiver.name == *name)
        {
            let (status, retry_after_ms) = (*status, Some(*wait_ms));
            return PeerAnswer::Refused { status, reason: "not now".into(), retry_after_ms };
        }
        match receiver {
            Some(receiver) if !self.down.contains(&receiver.name) => {
                self.receive(from, receiver, request).unwrap_or_else(refused)
            }
            _ => PeerAnswer::Unreachable { reason: "nobody there".into() },
        }
    }

    /// Signs a request as the edge of `from` does, and handles it as the edge of `receiver` does.
    fn receive(
        &self,
        from: &str,
        receiver: &Deployment,
        request: &PeerRequest,
    ) -> Result<PeerAnswer, PeerError> {
        let sender = &self.at(from).account;
        let (mut view, account, now_ms) = (receiver.view(), &receiver.account, self.now_ms());
        let (method, path) = match &request.task {
            Task::Discover => return Ok(PeerAnswer::Discovery(block_on(peer::discovery(&view, account))?)),
            Task::Friendship(_) => ("POST", paths::FRIENDSHIP),
            Task::Notify(_) => ("POST", paths::NOTIFICATIONS),
            Task::Pull(_) => ("GET", paths::CHANGES),
            Task::Interact(_) => ("POST", paths::INTERACTIONS),
            Task::Thread(_) => ("GET", paths::POSTS),
        };
        let parts = RequestParts { method, path, query: "", headers: &[], body: b"" };
        let certificate = request.with_certificate.then(|| sender.certificate());
        let own = sender.fingerprint();
        let headers =
            sign_request(parts, &own, &request.to, certificate, sender.deployment_key(), now_ms / 1_000);
        let parts = RequestParts { headers: &headers, ..parts };
        let verified = match block_on(peer::authenticate(&view, account, parts, now_ms)) {
            Ok(verified) => verified,
            Err(refusal) => {
                let batch = block_on(crate::certificates::alarm(&view, &refusal, now_ms))?;
                block_on(receiver.ledger.commit(&mut view, batch))?;
                return Err(refusal);
            }
        };
        let (answer, batch) = match &request.task {
            Task::Discover => return Ok(PeerAnswer::Unreachable { reason: "not signed".into() }),
            Task::Friendship(message) => {
                let (answer, batch) =
                    block_on(peer::receive_friendship(&view, account, &verified, message, now_ms))?;
                (PeerAnswer::Friendship(answer), batch)
            }
            Task::Notify(notification) => {
                let received = peer::receive_notification(&view, account, &verified, *notification, now_ms);
                let (answer, batch) = block_on(received)?;
                (PeerAnswer::Notification(answer), batch)
            }
            Task::Interact(handover) => {
                let received = threads::receive(&view, account, &verified, &handover.message, now_ms);
                let (answer, batch) = block_on(received)?;
                (PeerAnswer::Interactions(answer), batch)
            }
            Task::Thread(asked) => {
                verified.require_friend()?;
                let after = asked.after.as_deref();
                let shown = threads::page(&view, account, verified.relation(), asked.post, after);
                match block_on(shown) {
                    Ok(shown) if asked.tag == Some(shown.tag()) => return Ok(PeerAnswer::Unchanged),
                    Ok(shown) => {
                        let text = serde_json::to_string(&shown).unwrap();
                        let page = serde_json::from_str(&text).unwrap();
                        return Ok(PeerAnswer::Thread { page, tag: Some(shown.tag()) });
                    }
                    Err(error) => {
                        let reason = error.to_string();
                        return Ok(PeerAnswer::Refused { status: 404, reason, retry_after_ms: None });
                    }
                }
            }
            Task::Pull(pull) => {
                verified.require_friend()?;
                let query = query_of(pull);
                let given = block_on(pulls::before_answer(&view, verified.relation(), &query))?;
                block_on(receiver.ledger.commit(&mut view, given))?;
                match block_on(pulls::answer(
                    &view,
                    account,
                    verified.relation(),
                    &query,
                    receiver.ledger.timing(),
                    now_ms,
                )) {
                    Ok((answer, mut batch)) => {
                        batch.merge(block_on(verified.learn(&view, now_ms))?);
                        let tag = Some(answer.tag());
                        if pull.tag == tag {
                            block_on(receiver.ledger.commit(&mut view, batch))?;
                            return Ok(PeerAnswer::Unchanged);
                        }
                        (PeerAnswer::Changes { answer: Box::new(over_the_wire(&answer)), tag }, batch)
                    }
                    Err(error) => {
                        let reason = error.to_string();
                        let (status, retry_after_ms) = match error {
                            PullError::TooOften { retry_after_s } => (429, Some(retry_after_s * 1_000)),
                            _ => (400, None),
                        };
                        return Ok(PeerAnswer::Refused { status, reason, retry_after_ms });
                    }
                }
            }
        };
        block_on(receiver.ledger.commit(&mut view, batch))?;
        Ok(answer)
    }

    /// What somebody answers to a friend's pull, without noting it.
    fn answer(&self, from: &str, to: &str, since: Option<&str>) -> Result<pulls::StoredAnswer, PullError> {
        let query = PullQuery::parse(since, None, None)?;
        let from = self.at(from);
        let (relation, timing) = (from.relation(&self.id(to)), from.ledger.timing());
        let view = from.view();
        let answered = pulls::answer(&view, &from.account, &relation, &query, timing, self.now_ms());
        block_on(answered).map(|(answer, _)| answer)
    }

    fn notifications_by(&self, who: &str) -> usize {
        self.sent.iter().filter(|(from, task)| from == who && matches!(task, Task::Notify(_))).count()
    }

    fn pulls_by(&self, who: &str) -> usize {
        self.sent.iter().filter(|(from, task)| from == who && matches!(task, Task::Pull(_))).count()
    }
}

/// A refusal as its reader takes it apart.
fn refused(error: PeerError) -> PeerAnswer {
    let reason = error.to_string();
    match error {
        PeerError::Superseded { known, .. } | PeerError::Conflicting { known, .. } => {
            PeerAnswer::Superseded { certificate: known, reason }
        }
        PeerError::Signature(_) => PeerAnswer::Refused { status: 401, reason, retry_after_ms: None },
        PeerError::TooManyNotifications { retry_after_s }
        | PeerError::TooManyInteractions { retry_after_s } => {
            PeerAnswer::Refused { status: 429, reason, retry_after_ms: Some(retry_after_s * 1_000) }
        }
        _ => PeerAnswer::Refused { status: 403, reason, retry_after_ms: None },
    }
}

/// A question as it arrives.
fn query_of(request: &PullRequest) -> PullQuery {
    let (held, oldest) = (request.held.map(|head| head.to_string()), request.oldest.map(|id| id.to_string()));
    PullQuery::parse(request.since.as_deref(), held.as_deref(), oldest.as_deref()).unwrap()
}

/// How one deployment reaches the others.
struct Network<'w> {
    world: &'w World,
    who: &'w str,
    sent: &'w RefCell<Vec<(String, Task)>>,
}

impl sync::Peers for Network<'_> {
    async fn send_all(&self, _: &Account, requests: Vec<PeerRequest>) -> Vec<(PeerRequest, PeerAnswer)> {
        let sent = requests.iter().map(|request| (self.who.to_owned(), request.task.clone()));
        self.sent.borrow_mut().extend(sent);
        let answered = requests.into_iter().map(|request| {
            let answer = self.world.deliver(self.who, &request);
            (request, answer)
        });
        answered.collect()
    }
}

/// An answer as its reader takes it apart.
fn over_the_wire(answer: &pulls::StoredAnswer) -> PullAnswer {
    serde_json::from_slice(&serde_json::to_vec(answer).unwrap()).unwrap()
}

/// Puts a certificate and its key in force.
fn install(ledger: &TestLedger, certificate: Signed<Certificate>, key: &Seed, mut batch: Batch) -> Account {
    let record = SetupRecord { certificate, deployment_secret: key.expose_text(), access: ACCESS.clone() };
    let set_up = RecordId::from_parts(record.certificate.unverified().serial, [0; 10]);
    batch.put(keys::setup(set_up), stored::json(&record));
    let mut view = block_on(ledger.view()).unwrap();
    block_on(ledger.commit(&mut view, batch)).unwrap();
    block_on(Account::load(&view)).unwrap().unwrap()
}

fn address(name: &str) -> Address {
    format!("https://{name}.example").parse().unwrap()
}
