//! The endpoints of the owner API. `docs/openapi.json` describes the same ones; a test compares the two.

use tidings_api_http::Failure;

/// An endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Endpoint {
    /// Whether the deployment is set up.
    SetupStatus,
    /// Claims the deployment.
    Setup,
    /// Whether one is signed in.
    SessionStatus,
    /// Trades the password for a cookie.
    SignIn,
    /// Ends the session of this browser.
    SignOut,
    /// Chooses another password.
    ChangePassword,
    /// The certificate in force.
    Certificate,
    /// Puts a newer one in force.
    ChangeCertificate,
    /// One's own profile.
    Profile,
    /// Changes it.
    ChangeProfile,
    /// One's own posts.
    Posts,
    /// Writes one.
    WritePost,
    /// Writes another edition of one.
    EditPost,
    /// Withdraws one.
    DeletePost,
    /// What there is under a post.
    Thread,
    /// Asks the poster's deployment for it.
    RefreshThread,
    /// Writes a comment.
    WriteComment,
    /// Writes another edition of one.
    EditComment,
    /// Withdraws one.
    WithdrawComment,
    /// Hides one, or shows it again.
    HideComment,
    /// Sets or unsets a reaction.
    React,
    /// One's own and friends' posts.
    Feed,
    /// Does the network work.
    Refresh,
    /// What an open client polls.
    Changes,
    /// Friends and requests.
    Friends,
    /// Asks somebody.
    RequestFriend,
    /// Accepts a request.
    AcceptFriend,
    /// Cancels, declines, or ends.
    EndFriend,
    /// What the owner should know.
    Notifications,
    /// Marks some of it as read.
    ReadNotifications,
    /// Hears nothing more from somebody.
    BlockFriend,
    /// Hears from them again.
    UnblockFriend,
    /// Leaves what a friend writes out of the feed.
    MuteFriend,
    /// Takes it in again.
    UnmuteFriend,
    /// Friends under names.
    Circles,
    /// Makes a circle.
    CreateCircle,
    /// Calls it otherwise.
    RenameCircle,
    /// Deletes it.
    DeleteCircle,
    /// Puts a friend into it.
    AddToCircle,
    /// Takes them out.
    RemoveFromCircle,
    /// Private conversations.
    Conversations,
    /// The messages of one.
    Conversation,
    /// Writes one.
    SendMessage,
    /// Writes another edition of one.
    EditMessage,
    /// Withdraws one.
    WithdrawMessage,
    /// Notes how far the owner has read.
    ReadConversation,
    /// Clears it.
    ClearConversation,
    /// Tells the other one at once.
    RetryConversation,
    /// Invitations.
    Invitations,
    /// Makes one.
    Invite,
    /// Takes one back.
    RevokeInvitation,
    /// What the owner chose.
    Settings,
    /// Makes a choice.
    ChangeSettings,
    /// Whether the deployment works.
    Health,
    /// The description of all this.
    OpenApi,
}

/// Method, path, endpoint. A name in braces stands for one segment; there are at most three of them.
pub const ROUTES: [(&str, &str, Endpoint); 55] = [
    ("GET", "/api/setup", Endpoint::SetupStatus),
    ("POST", "/api/setup", Endpoint::Setup),
    ("GET", "/api/session", Endpoint::SessionStatus),
    ("POST", "/api/session", Endpoint::SignIn),
    ("DELETE", "/api/session", Endpoint::SignOut),
    ("PUT", "/api/password", Endpoint::ChangePassword),
    ("GET", "/api/certificate", Endpoint::Certificate),
    ("PUT", "/api/certificate", Endpoint::ChangeCertificate),
    ("GET", "/api/profile", Endpoint::Profile),
    ("PUT", "/api/profile", Endpoint::ChangeProfile),
    ("GET", "/api/posts", Endpoint::Posts),
    ("POST", "/api/posts", Endpoint::WritePost),
    ("PUT", "/api/posts/{id}", Endpoint::EditPost),
    ("DELETE", "/api/posts/{id}", Endpoint::DeletePost),
    ("GET", "/api/posts/{author}/{post}/thread", Endpoint::Thread),
    ("POST", "/api/posts/{author}/{post}/thread/refresh", Endpoint::RefreshThread),
    ("POST", "/api/posts/{author}/{post}/comments", Endpoint::WriteComment),
    ("PUT", "/api/posts/{author}/{post}/comments/{comment}", Endpoint::EditComment),
    ("DELETE", "/api/posts/{author}/{post}/comments/{comment}", Endpoint::WithdrawComment),
    ("PUT", "/api/posts/{author}/{post}/hidden", Endpoint::HideComment),
    ("PUT", "/api/posts/{author}/{post}/reactions", Endpoint::React),
    ("GET", "/api/feed", Endpoint::Feed),
    ("POST", "/api/feed/refresh", Endpoint::Refresh),
    ("GET", "/api/changes", Endpoint::Changes),
    ("GET", "/api/friends", Endpoint::Friends),
    ("POST", "/api/friends", Endpoint::RequestFriend),
    ("POST", "/api/friends/{id}/accept", Endpoint::AcceptFriend),
    ("DELETE", "/api/friends/{id}", Endpoint::EndFriend),
    ("GET", "/api/notifications", Endpoint::Notifications),
    ("PUT", "/api/notifications/read", Endpoint::ReadNotifications),
    ("PUT", "/api/friends/{id}/block", Endpoint::BlockFriend),
    ("DELETE", "/api/friends/{id}/block", Endpoint::UnblockFriend),
    ("PUT", "/api/friends/{id}/mute", Endpoint::MuteFriend),
    ("DELETE", "/api/friends/{id}/mute", Endpoint::UnmuteFriend),
    ("GET", "/api/circles", Endpoint::Circles),
    ("POST", "/api/circles", Endpoint::CreateCircle),
    ("PUT", "/api/circles/{id}", Endpoint::RenameCircle),
    ("DELETE", "/api/circles/{id}", Endpoint::DeleteCircle),
    ("PUT", "/api/circles/{id}/members/{member}", Endpoint::AddToCircle),
    ("DELETE", "/api/circles/{id}/members/{member}", Endpoint::RemoveFromCircle),
    ("GET", "/api/conversations", Endpoint::Conversations),
    ("GET", "/api/conversations/{id}/messages", Endpoint::Conversation),
    ("POST", "/api/conversations/{id}/messages", Endpoint::SendMessage),
    ("PUT", "/api/conversations/{id}/messages/{message}", Endpoint::EditMessage),
    ("DELETE", "/api/conversations/{id}/messages/{message}", Endpoint::WithdrawMessage),
    ("PUT", "/api/conversations/{id}/read", Endpoint::ReadConversation),
    ("POST", "/api/conversations/{id}/clear", Endpoint::ClearConversation),
    ("POST", "/api/conversations/{id}/retry", Endpoint::RetryConversation),
    ("GET", "/api/invitations", Endpoint::Invitations),
    ("POST", "/api/invitations", Endpoint::Invite),
    ("DELETE", "/api/invitations/{id}", Endpoint::RevokeInvitation),
    ("GET", "/api/settings", Endpoint::Settings),
    ("PUT", "/api/settings", Endpoint::ChangeSettings),
    ("GET", "/api/health", Endpoint::Health),
    ("GET", "/api/openapi.json", Endpoint::OpenApi),
];

/// What stands in the places of a pattern's names, in their order; empty where there is none.
pub type Names<'p> = [&'p str; 3];

/// The endpoint for a request, and the names in its path.
///
/// # Errors
/// 404 when there is none at this path, 405 when there is one with another method.
pub fn find<'p>(method: &str, path: &'p str) -> Result<(Endpoint, Names<'p>), Failure> {
    // A reply to HEAD is that to GET, of which the host drops the body (RFC 9110 section 9.3.2).
    let wanted = if method == "HEAD" { "GET" } else { method };
    let mut allowed = Vec::new();
    for (route_method, pattern, endpoint) in ROUTES {
        if let Some(names) = matches(pattern, path) {
            if route_method == wanted {
                return Ok((endpoint, names));
            }
            allowed.push(route_method);
        }
    }
    Err(if allowed.is_empty() { Failure::not_found(path) } else { Failure::method_not_allowed(&allowed) })
}

/// Whether the path fits the pattern, and what stands in the places of its names.
fn matches<'p>(pattern: &str, path: &'p str) -> Option<Names<'p>> {
    let mut names = Names::default();
    let mut places = names.iter_mut();
    let (mut wanted, mut found) = (pattern.split('/'), path.split('/'));
    loop {
        match (wanted.next(), found.next()) {
            (None, None) => return Some(names),
            (Some(name), Some(segment)) if name.starts_with('{') && !segment.is_empty() => {
                *places.next()? = segment;
            }
            (Some(a), Some(b)) if a == b => {}
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_endpoints_and_tells_missing_ones_from_wrong_methods() {
        assert_eq!(find("POST", "/api/friends/abc/accept"), Ok((Endpoint::AcceptFriend, ["abc", "", ""])));
        assert_eq!(find("PUT", "/api/circles/a/members/b"), Ok((Endpoint::AddToCircle, ["a", "b", ""])));
        assert_eq!(find("HEAD", "/api/health"), Ok((Endpoint::Health, ["", "", ""])));
        let edit = (Endpoint::EditComment, ["a", "b", "c"]);
        assert_eq!(find("PUT", "/api/posts/a/b/comments/c"), Ok(edit));
        let status = |method, path| find(method, path).unwrap_err().problem.status;
        assert_eq!(status("GET", "/api/nothing"), 404);
        assert_eq!(status("GET", "/api/posts/"), 404);
        assert_eq!(status("PATCH", "/api/posts"), 405);
        let headers = find("PUT", "/api/session").unwrap_err().headers;
        assert_eq!(headers, [("allow", "GET, POST, DELETE".to_owned())]);
    }

    #[test]
    fn the_openapi_document_describes_exactly_these_endpoints() {
        let document: serde_json::Value =
            serde_json::from_str(include_str!("../../../docs/openapi.json")).unwrap();
        let mut described: Vec<(String, String)> = Vec::new();
        for (path, methods) in document["paths"].as_object().unwrap() {
            described.extend(methods.as_object().unwrap().keys().map(|m| (m.to_uppercase(), path.clone())));
        }
        let mut served: Vec<(String, String)> =
            ROUTES.iter().map(|(method, path, _)| ((*method).to_owned(), (*path).to_owned())).collect();
        described.sort();
        served.sort();
        assert_eq!(described, served);
    }
}
