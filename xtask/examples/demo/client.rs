//! An owner's client: what the browser does, in a few calls.

use anyhow::{Context as _, Result, bail};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::cell::Cell;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tidings_protocol::{Certificate, Fingerprint, Seed};
use tidings_social::api::{
    FriendList, FriendState, NewFriend, NewPost, PostPage, ProfileView, RefreshReport, RefreshRequest,
    SetupRequest, SetupState, SetupStatus,
};
use ureq::http::{Request, Response};
use ureq::{Agent, Body};

/// How long something may take that needs several deployments.
const LIMIT: Duration = Duration::from_secs(30);

/// How long to wait between two looks.
const PAUSE: Duration = Duration::from_millis(200);

/// The login of a deployment that nobody has set up.
const FIRST_PASSWORD: &str = "password";

/// One owner, signed in to their deployment.
pub struct OwnerClient {
    agent: Agent,
    address: String,
    name: String,
    password: String,
    /// Told by the deployment; asked once.
    id: Cell<Option<Fingerprint>>,
}

impl OwnerClient {
    /// Sets up a deployment for somebody, unless that was done in an earlier demo.
    pub fn set_up(address: &str, name: &str) -> Result<Self> {
        let agent =
            Agent::config_builder().http_status_as_error(false).timeout_global(Some(LIMIT)).build().into();
        let password = format!("{}-demo", name.to_lowercase());
        let client =
            Self { agent, address: address.to_owned(), name: name.to_owned(), password, id: Cell::new(None) };
        let status: SetupStatus = client.get("/api/setup")?;
        if status.state == SetupState::Unclaimed {
            client.claim(&status)?;
        }
        Ok(client)
    }

    /// Makes an identity, here and not there, and claims the deployment with it.
    fn claim(&self, status: &SetupStatus) -> Result<()> {
        // A real client shows the identity as 24 words. Nobody will want these people back, so it is forgotten.
        let identity = random_seed()?;
        let deployment = random_seed()?;
        let serial = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis().try_into()?;
        let certificate =
            Certificate::issue(&identity, deployment.public_key(), status.address.clone(), serial)?;
        let request = SetupRequest {
            name: self.name.clone(),
            password: self.password.clone(),
            certificate,
            deployment_secret: deployment.expose_text(),
        };
        let _: serde_json::Value = self.send("POST", "/api/setup", FIRST_PASSWORD, Some(&request))?;
        Ok(())
    }

    /// The owner's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where the deployment is.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// What to sign in with.
    pub fn password(&self) -> &str {
        &self.password
    }

    /// The fingerprint of the owner's identity.
    fn id(&self) -> Result<Fingerprint> {
        if let Some(id) = self.id.get() {
            return Ok(id);
        }
        let profile: ProfileView = self.get("/api/profile")?;
        self.id.set(Some(profile.id));
        Ok(profile.id)
    }

    /// Whether both sides hold the other for a friend.
    pub fn is_friend_of(&self, other: &Self) -> Result<bool> {
        Ok(self.state_of(other)? == Some(FriendState::Friends)
            && other.state_of(self)? == Some(FriendState::Friends))
    }

    fn state_of(&self, other: &Self) -> Result<Option<FriendState>> {
        let id = other.id()?;
        let list: FriendList = self.get("/api/friends")?;
        Ok(list.friends.iter().find(|friend| friend.id == id).map(|friend| friend.state))
    }

    /// Asks somebody.
    pub fn request_friendship(&self, other: &Self) -> Result<()> {
        let greeting = format!("It is me, {}.", self.name);
        let request = NewFriend { address: other.address.clone(), greeting: Some(greeting) };
        let _: serde_json::Value = self.send("POST", "/api/friends", &self.password, Some(&request))?;
        Ok(())
    }

    /// Accepts somebody, once they have asked and are known to live where they say.
    pub fn accept(&self, other: &Self) -> Result<()> {
        let what = format!("{} to hear from {}", self.name, other.name);
        self.wait_until(&what, || Ok(self.state_of(other)? == Some(FriendState::Incoming)))?;
        let path = format!("/api/friends/{}/accept", other.id()?);
        let _: serde_json::Value = self.send("POST", &path, &self.password, None::<&()>)?;
        Ok(())
    }

    /// Waits until an acceptance has arrived.
    pub fn wait_for_friendship(&self, other: &Self) -> Result<()> {
        let what = format!("{} and {} to be friends", self.name, other.name);
        self.wait_until(&what, || self.is_friend_of(other))
    }

    /// Writes a post.
    pub fn post(&self, text: &str) -> Result<()> {
        let post = NewPost { text: text.to_owned(), ..NewPost::default() };
        let _: serde_json::Value = self.send("POST", "/api/posts", &self.password, Some(&post))?;
        Ok(())
    }

    /// How many posts the owner has written.
    pub fn posts(&self) -> Result<usize> {
        Ok(self.get::<PostPage>("/api/posts")?.posts.len())
    }

    /// Waits until the feed holds so many posts.
    pub fn wait_for_feed(&self, posts: usize) -> Result<()> {
        let what = format!("{} posts in the feed of {}", posts, self.name);
        self.wait_until(&what, || Ok(self.get::<PostPage>("/api/feed")?.posts.len() >= posts))
    }

    /// Looks until something has come true, letting the deployment do what is due in between.
    fn wait_until(&self, what: &str, come_true: impl Fn() -> Result<bool>) -> Result<()> {
        let start = Instant::now();
        while !come_true()? {
            if start.elapsed() > LIMIT {
                bail!("waited {} s in vain for {what}", LIMIT.as_secs());
            }
            let request = RefreshRequest::default();
            let _: RefreshReport = self.send("POST", "/api/feed/refresh", &self.password, Some(&request))?;
            if come_true()? {
                break;
            }
            std::thread::sleep(PAUSE);
        }
        Ok(())
    }

    fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        self.send("GET", path, &self.password, None::<&()>)
    }

    /// Sends a request and reads the answer. A problem becomes an error in its own words.
    fn send<T: DeserializeOwned>(
        &self,
        method: &str,
        path: &str,
        password: &str,
        body: Option<&impl Serialize>,
    ) -> Result<T> {
        let bytes = body.map(serde_json::to_vec).transpose()?.unwrap_or_default();
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.address))
            .header("authorization", basic(password));
        if body.is_some() {
            request = request.header("content-type", "application/json");
        }
        let answer = self.agent.run(request.body(bytes)?).with_context(|| format!("{method} {path}"))?;
        read(answer).with_context(|| format!("{method} {path} at {}", self.address))
    }
}

fn read<T: DeserializeOwned>(mut answer: Response<Body>) -> Result<T> {
    let text = answer.body_mut().read_to_string()?;
    if !answer.status().is_success() {
        bail!("{}: {text}", answer.status());
    }
    serde_json::from_str(&text).with_context(|| format!("the answer is not what was expected: {text}"))
}

/// The header value for HTTP Basic (RFC 7617).
fn basic(password: &str) -> String {
    format!("Basic {}", data_encoding::BASE64.encode(format!("admin:{password}").as_bytes()))
}

fn random_seed() -> Result<Seed> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|error| anyhow::anyhow!("no randomness: {error}"))?;
    Ok(Seed::from_bytes(bytes))
}
