//! Requests to one's own deployment, signed in.

use super::{basic, read};
use crate::limits::{SETUP_GLANCE, SETUP_SEEN_TIME};
use anyhow::Context as _;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::io::Write as _;
use std::time::{Duration, Instant};
use tidings_protocol::Address;
use ureq::http::Response;
use ureq::{Agent, Body};

/// Somebody signed in to their own deployment.
pub struct Session {
    agent: Agent,
    own: Address,
    /// What proves who they are: names and values of headers.
    proof: Vec<(&'static str, String)>,
    /// Until when the deployment may not know that it was set up: its store may be stale.
    unseen_until: Option<Instant>,
}

impl Session {
    /// With the password.
    pub fn with_password(agent: Agent, own: Address, password: &str) -> Self {
        let proof = vec![("authorization", basic(password))];
        Self { agent, own, proof, unseen_until: None }
    }

    /// With the cookie that came with the reply to a setup. Passwords are not the way here: while the setup cannot be seen
    /// everywhere, the new one counts as wrong, and wrong ones are counted.
    pub fn begun_by(agent: Agent, own: Address, setup: &Response<Body>) -> Self {
        let cookies = setup.headers().get_all("set-cookie").into_iter();
        let pairs = cookies.filter_map(|cookie| cookie.to_str().ok()?.split(';').next());
        let cookie = pairs.collect::<Vec<_>>().join("; ");
        let proof = vec![("cookie", cookie), ("origin", own.to_string())];
        Self { agent, own, proof, unseen_until: Some(Instant::now() + SETUP_SEEN_TIME) }
    }

    /// What is at a path.
    ///
    /// # Errors
    /// When the deployment cannot be reached, or refuses.
    pub fn get<T: DeserializeOwned>(&self, path: &str) -> anyhow::Result<T> {
        read(self.patiently(|| {
            let request = self.agent.get(self.own.join(path));
            self.proof.iter().fold(request, |request, (name, value)| request.header(*name, value)).call()
        })?)
    }

    /// The reply to a JSON body.
    ///
    /// # Errors
    /// When the deployment cannot be reached.
    pub fn post(&self, path: &str, body: &impl Serialize) -> anyhow::Result<Response<Body>> {
        self.patiently(|| {
            let request = self.agent.post(self.own.join(path));
            self.proof
                .iter()
                .fold(request, |request, (name, value)| request.header(*name, value))
                .send_json(body)
        })
    }

    /// The reply to a `DELETE`.
    ///
    /// # Errors
    /// When the deployment cannot be reached.
    pub fn delete(&self, path: &str) -> anyhow::Result<Response<Body>> {
        self.patiently(|| {
            let request = self.agent.delete(self.own.join(path));
            self.proof.iter().fold(request, |request, (name, value)| request.header(*name, value)).call()
        })
    }

    /// Sends once; after a setup, again and again while the deployment knows nothing of it, and so nobody who could be signed
    /// in: 401, and nothing was done.
    fn patiently(
        &self,
        send: impl Fn() -> Result<Response<Body>, ureq::Error>,
    ) -> anyhow::Result<Response<Body>> {
        let mut told = false;
        loop {
            let reply = send().with_context(|| format!("could not reach {}", self.own))?;
            let is_unseen = reply.status().as_u16() == 401;
            let left = self
                .unseen_until
                .map_or(Duration::ZERO, |until| until.saturating_duration_since(Instant::now()));
            if !is_unseen || left.is_zero() {
                return Ok(reply);
            }
            if !told {
                told = true;
                let wait = "waiting until the deployment's store shows everywhere that it was set up; on a cloud host that \
                            takes a minute";
                // With nobody left to read standard error there is nobody to tell.
                let _ = writeln!(std::io::stderr(), "{wait}");
            }
            std::thread::sleep(SETUP_GLANCE.min(left));
        }
    }
}
