//! Somebody at their own deployment, as a client of theirs would be: every call in the types of the owner API.

use crate::deployment::Deployment;
use crate::http::{Answer, Call};
use crate::mode::Mode;
use crate::person::{Person, now_ms};
use serde_json::json;
use tidings_protocol::{Address, Fingerprint, RecordId};
use tidings_social::api::{
    CertificateChange, Changes, FriendList, FriendState, FriendView, InvitationList, InvitationView,
    NewFriend, NewInvitation, NewPost, NotificationEvent, NotificationPage, PostPage, PostView,
    ProfileChange, ProfileView, RefreshReport, RefreshRequest, RefreshScope, SessionStatus, Settings,
    SettingsChange, SetupRequest, SetupState, SetupStatus, WhoMayAsk,
};

/// The one user name.
const USER_NAME: &str = "admin";

/// The password of a deployment on loopback that nobody has set up.
const DEFAULT_PASSWORD: &str = "password";

/// What owners in tests choose.
const CHOSEN_PASSWORD: &str = "correct horse battery";

/// The most posts of a page.
const PAGE_MOST: usize = 100;

/// The owner of a deployment, signed in with the cookie that setup gave, as a browser is.
#[derive(Debug)]
pub struct Owner {
    /// Their deployment.
    pub deployment: Deployment,
    /// Who they are.
    pub person: Person,
    /// Their password.
    pub password: String,
    /// The session, as a browser sends it back: `name=value`.
    pub cookie: String,
    mode: Mode,
}

/// Everything an owner can see that a stranger might want to change.
#[derive(Debug, Clone, PartialEq)]
pub struct Picture {
    friends: FriendList,
    feed: Vec<PostView>,
    changes: Changes,
    tag: Option<String>,
}

impl Owner {
    /// Sets up a deployment with the default login: what a client does after the first sign-in.
    ///
    /// # Panics
    /// When it is refused.
    #[must_use]
    pub fn set_up(deployment: Deployment, person: Person, mode: Mode) -> Self {
        let status: SetupStatus = deployment.call("GET", "/api/setup").send().json(200);
        assert_eq!(status.state, SetupState::Unclaimed);
        let answer = Self::setup_call(&deployment, &person, &status.address)
            .basic(USER_NAME, DEFAULT_PASSWORD)
            .send()
            .expect(201);
        let cookie = cookie_of(&answer).expect("setup signs in");
        Self { deployment, person, password: CHOSEN_PASSWORD.to_owned(), cookie, mode }
    }

    /// Signs in to a deployment that has this person for its owner already, by an earlier setup of [`Self::set_up`].
    ///
    /// # Panics
    /// When it is refused.
    #[must_use]
    pub fn signed_in(deployment: Deployment, person: Person, mode: Mode) -> Self {
        let answer =
            deployment.call("POST", "/api/session").basic(USER_NAME, CHOSEN_PASSWORD).send().expect(200);
        let cookie = cookie_of(&answer).expect("signing in gives a session");
        Self { deployment, person, password: CHOSEN_PASSWORD.to_owned(), cookie, mode }
    }

    /// `GET /api/notifications`: what happened, the newest first.
    #[must_use]
    pub fn notifications(&self) -> Vec<NotificationEvent> {
        let page: NotificationPage = self.call("GET", "/api/notifications").send().json(200);
        page.notifications.into_iter().map(|one| one.event).collect()
    }

    /// `PUT /api/certificate`.
    #[must_use]
    pub fn install(&self, change: &CertificateChange) -> Answer {
        self.call("PUT", "/api/certificate").json(change).send()
    }

    /// The request that sets up a deployment for `person` at `address`; not signed in.
    #[must_use]
    pub fn setup_call(deployment: &Deployment, person: &Person, address: &Address) -> Call {
        deployment.call("POST", "/api/setup").json(&Self::setup_request(person, address))
    }

    /// The body that sets up a deployment for `person` at `address`.
    #[must_use]
    pub fn setup_request(person: &Person, address: &Address) -> SetupRequest {
        SetupRequest {
            name: person.name.clone(),
            password: CHOSEN_PASSWORD.to_owned(),
            certificate: person.certificate(address, now_ms()),
            deployment_secret: person.key.expose_text(),
        }
    }

    /// Who they are to others.
    #[must_use]
    pub fn id(&self) -> Fingerprint {
        self.person.id()
    }

    /// A request by their browser, with the session.
    #[must_use]
    pub fn call(&self, method: &str, path: &str) -> Call {
        let call = self.deployment.call(method, path).header("cookie", &self.cookie);
        if method == "GET" { call } else { call.header("origin", &self.deployment.origin()) }
    }

    /// A request by a program, with the password.
    #[must_use]
    pub fn program_call(&self, method: &str, path: &str) -> Call {
        self.deployment.call(method, path).basic(USER_NAME, &self.password)
    }

    /// Whether the deployment knows that it is set up.
    #[must_use]
    pub fn is_set_up(&self) -> bool {
        let status: SetupStatus = self.deployment.call("GET", "/api/setup").send().json(200);
        status.state == SetupState::Ready
    }

    /// `GET /api/session`.
    #[must_use]
    pub fn session(&self) -> SessionStatus {
        self.call("GET", "/api/session").send().json(200)
    }

    /// `GET /api/profile`.
    #[must_use]
    pub fn profile(&self) -> ProfileView {
        self.call("GET", "/api/profile").send().json(200)
    }

    /// `PUT /api/profile`.
    #[track_caller]
    pub fn change_profile(&self, name: &str, bio: &str) -> ProfileView {
        let change = ProfileChange { name: name.to_owned(), bio: bio.to_owned() };
        self.call("PUT", "/api/profile").json(&change).send().json(200)
    }

    /// The request that writes a post.
    #[must_use]
    pub fn post_call(&self, text: &str) -> Call {
        self.call("POST", "/api/posts").json(&NewPost { text: text.to_owned(), ..NewPost::default() })
    }

    /// `POST /api/posts`.
    #[track_caller]
    pub fn post(&self, text: &str) -> PostView {
        self.post_call(text).send().json(201)
    }

    /// `DELETE /api/posts/{id}`.
    #[must_use]
    pub fn delete_post(&self, id: &RecordId) -> Answer {
        self.call("DELETE", &format!("/api/posts/{id}")).send()
    }

    /// All of `GET /api/posts`, newest first.
    #[must_use]
    pub fn posts(&self) -> Vec<PostView> {
        self.pages("/api/posts", PAGE_MOST)
    }

    /// All of `GET /api/feed`, newest first.
    #[must_use]
    pub fn feed(&self) -> Vec<PostView> {
        self.pages("/api/feed", PAGE_MOST)
    }

    /// All pages of a list of posts, each of at most `limit`.
    ///
    /// # Panics
    /// When a page is longer than it may be.
    #[must_use]
    pub fn pages(&self, path: &str, limit: usize) -> Vec<PostView> {
        let mut posts = Vec::new();
        let mut before = String::new();
        loop {
            let page: PostPage = self.call("GET", &format!("{path}?limit={limit}{before}")).send().json(200);
            assert!(page.posts.len() <= limit);
            posts.extend(page.posts);
            let Some(next) = page.next else { return posts };
            before = format!("&before={next}");
        }
    }

    /// The texts in the feed, newest first.
    #[must_use]
    pub fn texts(&self) -> Vec<String> {
        self.feed().iter().filter_map(PostView::text).collect()
    }

    /// Whether a text is in the feed.
    #[must_use]
    pub fn reads(&self, text: &str) -> bool {
        self.texts().iter().any(|t| t == text)
    }

    /// `POST /api/feed/refresh`.
    #[track_caller]
    pub fn refresh(&self, scope: RefreshScope) -> RefreshReport {
        self.call("POST", "/api/feed/refresh").json(&RefreshRequest { scope }).send().json(200)
    }

    /// What an open tab does: looks at what is due, and does it.
    ///
    /// # Panics
    /// When a request is refused.
    pub fn tick(&self) {
        let changes = self.changes();
        if changes.dirty > 0 || changes.next_due_ms.is_some_and(|due_ms| due_ms <= now_ms()) {
            let _ = self.refresh(RefreshScope::Due);
        }
    }

    /// Lets an open tab work until nothing is left to do now.
    ///
    /// # Panics
    /// When it never comes to that.
    pub fn come_to_rest(&self) {
        self.mode.eventually("nothing is left to do", || {
            self.tick();
            let changes = self.changes();
            changes.dirty == 0 && changes.next_due_ms.is_none_or(|due_ms| due_ms > now_ms() + 60_000)
        });
    }

    /// `GET /api/changes`.
    #[must_use]
    pub fn changes(&self) -> Changes {
        self.call("GET", "/api/changes").send().json(200)
    }

    /// `GET /api/friends`.
    #[must_use]
    pub fn friends(&self) -> Vec<FriendView> {
        self.friend_list().friends
    }

    /// `GET /api/friends`, with those who are blocked.
    #[must_use]
    pub fn friend_list(&self) -> FriendList {
        self.call("GET", "/api/friends").send().json(200)
    }

    /// One of the friends or requests.
    #[must_use]
    pub fn friend(&self, who: &Fingerprint) -> Option<FriendView> {
        self.friends().into_iter().find(|friend| friend.id == *who)
    }

    /// How far it has come with another owner.
    #[must_use]
    pub fn state_of(&self, other: &Self) -> Option<FriendState> {
        self.friend(&other.id()).map(|friend| friend.state)
    }

    /// `POST /api/friends`.
    #[must_use]
    pub fn request(&self, address: &str, greeting: Option<&str>) -> Answer {
        let new = NewFriend { address: address.to_owned(), greeting: greeting.map(str::to_owned) };
        self.call("POST", "/api/friends").json(&new).send()
    }

    /// `POST /api/friends/{id}/accept`.
    #[must_use]
    pub fn accept(&self, who: &Fingerprint) -> Answer {
        self.call("POST", &format!("/api/friends/{who}/accept")).send()
    }

    /// `DELETE /api/friends/{id}`.
    #[must_use]
    pub fn end(&self, who: &Fingerprint) -> Answer {
        self.call("DELETE", &format!("/api/friends/{who}")).send()
    }

    /// `PUT /api/friends/{id}/block`.
    #[must_use]
    pub fn block(&self, who: &Fingerprint) -> Answer {
        self.call("PUT", &format!("/api/friends/{who}/block")).send()
    }

    /// `DELETE /api/friends/{id}/block`.
    #[must_use]
    pub fn unblock(&self, who: &Fingerprint) -> Answer {
        self.call("DELETE", &format!("/api/friends/{who}/block")).send()
    }

    /// `POST /api/invitations`.
    #[must_use]
    pub fn invite(&self, new: &NewInvitation) -> Answer {
        self.call("POST", "/api/invitations").json(new).send()
    }

    /// `GET /api/invitations`.
    #[must_use]
    pub fn invitations(&self) -> Vec<InvitationView> {
        let list: InvitationList = self.call("GET", "/api/invitations").send().json(200);
        list.invitations
    }

    /// `PUT /api/settings`: whose friend requests are taken.
    pub fn let_ask(&self, who_may_ask: WhoMayAsk) {
        let change = SettingsChange { who_may_ask: Some(who_may_ask), ..SettingsChange::default() };
        let settings: Settings = self.call("PUT", "/api/settings").json(&change).send().json(200);
        assert_eq!(settings.who_may_ask, who_may_ask);
    }

    /// Signs in with a password, and takes the cookie.
    #[must_use]
    pub fn sign_in(&self, password: &str) -> Answer {
        self.deployment.call("POST", "/api/session").basic(USER_NAME, password).send()
    }

    /// `PUT /api/password`, by cookie; keeps the new cookie and the new password when it is accepted.
    pub fn change_password(&mut self, password: &str) -> Answer {
        let answer = self.call("PUT", "/api/password").json(&json!({ "password": password })).send();
        if let Some(cookie) = cookie_of(&answer) {
            self.cookie = cookie;
            self.password = password.to_owned();
        }
        answer
    }

    /// Everything that somebody else might change.
    ///
    /// # Panics
    /// When something cannot be read.
    #[must_use]
    pub fn picture(&self) -> Picture {
        let changes = self.call("GET", "/api/changes").send();
        let tag = changes.header("etag").map(str::to_owned);
        let friends = self.friend_list();
        Picture { friends, feed: self.feed(), changes: changes.json(200), tag }
    }
}

/// What a browser would send back of the cookie in an answer.
#[must_use]
pub fn cookie_of(answer: &Answer) -> Option<String> {
    let cookie = answer.header("set-cookie")?;
    cookie.split(';').next().map(str::to_owned)
}
