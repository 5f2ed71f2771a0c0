//! The OpenAPI 3.1 description of the owner API. Only the generator compiles this.

// Each function stands for an endpoint; its doc comment becomes the description.
#![allow(dead_code)]

use crate::api::{
    CertificateChange, CertificateDocument, CertificateStatus, Changes, CircleList, CircleName, CircleView,
    ClearRequest, CommentChange, CommentView, ConversationList, ConversationPage, FriendList, FriendView,
    Health, HideRequest, InvitationList, IssuedInvitation, MessageView, NewComment, NewFriend, NewInvitation,
    NewMessage, NewPost, NotificationPage, PasswordChange, PostChange, PostPage, PostView, ProfileChange,
    ProfileView, ReactionChange, ReadRequest, ReadThrough, RefreshReport, RefreshRequest, SessionStatus,
    Settings, SettingsChange, SetupRequest, SetupStatus, ThreadView, Unread,
};
use tidings_protocol::{Body, Problem};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{IntoParams, Modify, OpenApi, ToSchema};

/// Where a page begins and how long it is.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
struct PageQuery {
    /// How many at most; 1 to 100, 50 by default.
    limit: Option<u32>,
    /// The `next` of the page before.
    before: Option<String>,
}

/// The same, for lists that begin with the oldest.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
struct AfterQuery {
    /// How many at most; 1 to 100, 50 by default.
    limit: Option<u32>,
    /// The `next` of the page before.
    after: Option<String>,
}

macro_rules! endpoint {
    ($(#[$doc:meta])* $name:ident, $($description:tt)*) => {
        #[utoipa::path($($description)*)]
        $(#[$doc])*
        fn $name() {}
    };
}

endpoint!(
    /// Whether the deployment is set up, and the address its certificate has to name.
    get_setup, get, path = "/api/setup", tag = "setup", security(()),
    responses((status = 200, body = SetupStatus), (status = "default", body = Problem, content_type = "application/problem+json"))
);
endpoint!(
    /// Claims the deployment. Works once. Takes a moment, because it makes sure that nobody else was first.
    post_setup, post, path = "/api/setup", tag = "setup", security(("basic" = [])), request_body = SetupRequest,
    responses((status = 201, body = SessionStatus), (status = 409, body = Problem, content_type = "application/problem+json"),
              (status = "default", body = Problem, content_type = "application/problem+json"))
);
endpoint!(
    /// Whether this request is signed in. Never an error for want of a password.
    get_session, get, path = "/api/session", tag = "session", security((), ("basic" = []), ("cookie" = [])),
    responses((status = 200, body = SessionStatus), (status = "default", body = Problem, content_type = "application/problem+json"))
);
endpoint!(
    /// Trades the password for a session cookie.
    post_session, post, path = "/api/session", tag = "session", security(("basic" = [])),
    responses((status = 200, body = SessionStatus), (status = "default", body = Problem, content_type = "application/problem+json"))
);
endpoint!(
    /// Signs this browser out.
    delete_session, delete, path = "/api/session", tag = "session",
    responses((status = 204), (status = "default", body = Problem, content_type = "application/problem+json"))
);
endpoint!(
    /// Chooses another password; ends all other sessions.
    put_password, put, path = "/api/password", tag = "session", request_body = PasswordChange,
    responses((status = 200, body = SessionStatus), (status = "default", body = Problem, content_type = "application/problem+json"))
);
endpoint!(
    /// The certificate in force, and whether it names the address at which this deployment is reached.
    get_certificate, get, path = "/api/certificate", tag = "identity",
    responses((status = 200, body = CertificateStatus), (status = "default", body = Problem, content_type = "application/problem+json"))
);
endpoint!(
    /// Puts a newer certificate in force: after this deployment was moved to another address, or when its key may be in
    /// other hands. Friends are told.
    put_certificate, put, path = "/api/certificate", tag = "identity", request_body = CertificateChange,
    responses((status = 200, body = CertificateStatus), (status = 409, body = Problem, content_type = "application/problem+json", description = "The one in force is as new, or revokes the key"),
              (status = "default", body = Problem, content_type = "application/problem+json"))
);
endpoint!(
    /// One's own profile.
    get_profile, get, path = "/api/profile", tag = "profile",
    responses((status = 200, body = ProfileView), (status = "default", body = Problem, content_type = "application/problem+json"))
);
endpoint!(
    /// Changes one's own profile.
    put_profile, put, path = "/api/profile", tag = "profile", request_body = ProfileChange,
    responses((status = 200, body = ProfileView), (status = "default", body = Problem, content_type = "application/problem+json"))
);
endpoint!(
    /// One's own posts, newest first.
    get_posts, get, path = "/api/posts", tag = "posts", params(PageQuery),
    responses((status = 200, body = PostPage), (status = "default", body = Problem, content_type = "application/problem+json"))
);
endpoint!(
    /// Writes a post and tells friends. With an Idempotency-Key it can be repeated without writing it twice.
    post_posts, post, path = "/api/posts", tag = "posts", request_body = NewPost,
    params(("Idempotency-Key" = Option<String>, Header, description = "1 to 100 visible ASCII characters. A UUIDv7 (RFC 9562) tells when the post was written, and is recognised for ever and on every replica of a store; any other key for a day, and only where the first request can be seen.")),
    responses((status = 201, body = PostView), (status = 200, body = PostView, description = "That key was used before; this is what it made"),
              (status = "default", body = Problem, content_type = "application/problem+json"))
);
endpoint!(
    /// Writes another edition of a post, or changes whom it is for. It is shown as edited. Doing the same once more changes nothing.
    put_post, put, path = "/api/posts/{id}", tag = "posts", params(("id" = String, Path)), request_body = PostChange,
    responses((status = 200, body = PostView), (status = "default", body = Problem, content_type = "application/problem+json"))
);
endpoint!(
    /// Withdraws a post, here and with the next pull at every friend's.
    delete_post, delete, path = "/api/posts/{id}", tag = "posts", params(("id" = String, Path)),
    responses((status = 204), (status = "default", body = Problem, content_type = "application/problem+json"))
);
endpoint!(
    /// One's own and friends' posts, newest first: what is stored here, without asking anybody.
    get_feed, get, path = "/api/feed", tag = "feed", params(PageQuery),
    responses((status = 200, body = PostPage), (status = "default", body = Problem, content_type = "application/problem+json"))
);
endpoint!(
    /// Does the network work: delivers what is owed and pulls what is new.
    post_feed_refresh, post, path = "/api/feed/refresh", tag = "feed", request_body = Option<RefreshRequest>,
    responses((status = 200, body = RefreshReport), (status = "default", body = Problem, content_type = "application/problem+json"))
);
endpoint!(
    /// What an open client polls, with If-None-Match.
    get_changes, get, path = "/api/changes", tag = "feed",
    params(("If-None-Match" = Option<String>, Header, description = "The ETag of the last answer")),
    responses((status = 200, body = Changes), (status = 304, description = "Nothing changed"),
              (status = "default", body = Problem, content_type = "application/problem+json"))
);
endpoint!(
    /// Friends and requests.
    get_friends, get, path = "/api/friends", tag = "friends",
    responses((status = 200, body = FriendList), (status = "default", body = Problem, content_type = "application/problem+json"))
);
endpoint!(
    /// Asks somebody to be friends; accepts, if they asked already.
    post_friends, post, path = "/api/friends", tag = "friends", request_body = NewFriend,
    responses((status = 201, body = FriendView), (status = 200, body = FriendView, description = "Asked before, or friends already"),
              (status = "default", body = Problem, content_type = "application/problem+json"))
);
endpoint!(
    /// Accepts a friend request, after finding the requester at their address.
    accept_friend, post, path = "/api/friends/{id}/accept", tag = "friends", params(("id" = String, Path)),
    responses((status = 200, body = FriendView), (status = "default", body = Problem, content_type = "application/problem+json"))
);
endpoint!(
    /// Cancels or declines a request, or ends a friendship.
    delete_friend, delete, path = "/api/friends/{id}", tag = "friends", params(("id" = String, Path)),
    responses((status = 204), (status = "default", body = Problem, content_type = "application/problem+json"))
);
endpoint!(
    /// What the owner should know, newest first: requests, moved friends, alarms. At most 500 are kept.
    get_notifications, get, path = "/api/notifications", tag = "notifications", params(PageQuery),
    responses((status = 200, body = NotificationPage), (status = "default", body = Problem, content_type = "application/problem+json"))
);
endpoint!(
    /// Marks a notification, and all before it, as read.
    put_notifications_read, put, path = "/api/notifications/read", tag = "notifications", request_body = ReadRequest,
    responses((status = 200, body = Unread), (status = "default", body = Problem, content_type = "application/problem+json"))
);
endpoint!(
    /// Hears nothing more from somebody: ends what there is, and hides what they ask from now on. They cannot tell.
    block_friend, put, path = "/api/friends/{id}/block", tag = "friends", params(("id" = String, Path)),
    responses((status = 204), (status = "default", body = Problem, content_type = "application/problem+json"))
);
endpoint!(
    /// Hears from somebody again who was blocked.
    unblock_friend, delete, path = "/api/friends/{id}/block", tag = "friends", params(("id" = String, Path)),
    responses((status = 204), (status = "default", body = Problem, content_type = "application/problem+json"))
);
endpoint!(
    /// Leaves what a friend writes out of the feed. It is held all the same, and they cannot tell.
    mute_friend, put, path = "/api/friends/{id}/mute", tag = "friends", params(("id" = String, Path)),
    responses((status = 204), (status = "default", body = Problem, content_type = "application/problem+json"))
);
endpoint!(
    /// Takes what a friend writes into the feed again.
    unmute_friend, delete, path = "/api/friends/{id}/mute", tag = "friends", params(("id" = String, Path)),
    responses((status = 204), (status = "default", body = Problem, content_type = "application/problem+json"))
);
endpoint!(
    /// All circles. Nobody but the owner learns of them.
    get_circles, get, path = "/api/circles", tag = "circles",
    responses((status = 200, body = CircleList), (status = "default", body = Problem, content_type = "application/problem+json"))
);
endpoint!(
    /// Makes an empty circle. With an Idempotency-Key it can be repeated without making it twice. There are at most 50.
    post_circles, post, path = "/api/circles", tag = "circles", request_body = CircleName,
    params(("Idempotency-Key" = Option<String>, Header, description = "1 to 100 visible ASCII characters")),
    responses((status = 201, body = CircleView), (status = 200, body = CircleView, description = "That key was used before; this is what it made"),
              (status = "default", body = Problem, content_type = "application/problem+json"))
);
endpoint!(
    /// Calls a circle by another name.
    put_circle, put, path = "/api/circles/{id}", tag = "circles", params(("id" = String, Path)), request_body = CircleName,
    responses((status = 200, body = CircleView), (status = "default", body = Problem, content_type = "application/problem+json"))
);
endpoint!(
    /// Deletes a circle. With their next pull, posts that friends saw only because of it are taken from them.
    delete_circle, delete, path = "/api/circles/{id}", tag = "circles", params(("id" = String, Path)),
    responses((status = 204), (status = 409, body = Problem, content_type = "application/problem+json", description = "Too many posts would have to be taken back at once"),
              (status = "default", body = Problem, content_type = "application/problem+json"))
);
endpoint!(
    /// Puts a friend into a circle. With their next pull they have its posts, the newest 2,000 of the earlier ones included.
    put_circle_member, put, path = "/api/circles/{id}/members/{member}", tag = "circles",
    params(("id" = String, Path), ("member" = String, Path)),
    responses((status = 200, body = CircleView), (status = "default", body = Problem, content_type = "application/problem+json"))
);
endpoint!(
    /// Takes somebody out of a circle. With their next pull, posts that they saw only because of it are taken from them.
    delete_circle_member, delete, path = "/api/circles/{id}/members/{member}", tag = "circles",
    params(("id" = String, Path), ("member" = String, Path)),
    responses((status = 200, body = CircleView), (status = 409, body = Problem, content_type = "application/problem+json", description = "Too many posts would have to be taken back at once"),
              (status = "default", body = Problem, content_type = "application/problem+json"))
);
endpoint!(
    /// Private conversations, the one with the latest message first: what is stored here, without asking anybody.
    get_conversations, get, path = "/api/conversations", tag = "messages", params(PageQuery),
    responses((status = 200, body = ConversationList), (status = "default", body = Problem, content_type = "application/problem+json"))
);
endpoint!(
    /// The messages of one conversation, newest first.
    get_messages, get, path = "/api/conversations/{id}/messages", tag = "messages", params(("id" = String, Path), PageQuery),
    responses((status = 200, body = ConversationPage), (status = "default", body = Problem, content_type = "application/problem+json"))
);
endpoint!(
    /// Writes a message to a friend, who is told once the reply is out. With an Idempotency-Key it can be repeated without
    /// writing it twice.
    post_messages, post, path = "/api/conversations/{id}/messages", tag = "messages", request_body = NewMessage,
    params(("id" = String, Path), ("Idempotency-Key" = Option<String>, Header, description = "1 to 100 visible ASCII characters. A UUIDv7 (RFC 9562) tells when the message was written, and is recognised for ever and on every replica of a store; any other key for a day, and only where the first request can be seen.")),
    responses((status = 201, body = MessageView), (status = 200, body = MessageView, description = "That key was used before; this is what it made"),
              (status = 409, body = Problem, content_type = "application/problem+json", description = "They are no friend"), (status = "default", body = Problem, content_type = "application/problem+json"))
);
endpoint!(
    /// Writes another edition of one's own message. It says when it was edited.
    put_message, put, path = "/api/conversations/{id}/messages/{message}", tag = "messages", request_body = NewMessage,
    params(("id" = String, Path), ("message" = String, Path)),
    responses((status = 200, body = MessageView), (status = "default", body = Problem, content_type = "application/problem+json"))
);
endpoint!(
    /// Withdraws one's own message, here and with the next pull at the friend's.
    delete_message, delete, path = "/api/conversations/{id}/messages/{message}", tag = "messages", params(("id" = String, Path), ("message" = String, Path)),
    responses((status = 204), (status = "default", body = Problem, content_type = "application/problem+json"))
);
endpoint!(
    /// Notes how far the owner has read. The friend is told, unless the owner chose otherwise.
    put_conversation_read, put, path = "/api/conversations/{id}/read", tag = "messages", request_body = ReadThrough,
    params(("id" = String, Path)), responses((status = 204), (status = "default", body = Problem, content_type = "application/problem+json"))
);
endpoint!(
    /// Clears a conversation: for oneself, or for the friend too, who may choose to keep their copy; which of the two they did is
    /// shown with the conversation.
    post_conversation_clear, post, path = "/api/conversations/{id}/clear", tag = "messages", request_body = ClearRequest,
    params(("id" = String, Path)), responses((status = 204), (status = "default", body = Problem, content_type = "application/problem+json"))
);
endpoint!(
    /// Tells the friend at once what could not be delivered, whenever that would be tried again.
    post_conversation_retry, post, path = "/api/conversations/{id}/retry", tag = "messages", params(("id" = String, Path)),
    responses((status = 200, body = RefreshReport), (status = "default", body = Problem, content_type = "application/problem+json"))
);
endpoint!(
    /// What there is under a post, as far as it is known here: comments in the order in which they were written, and on the first page the
    /// reactions. `author` is the fingerprint of whose post it is.
    get_thread, get, path = "/api/posts/{author}/{post}/thread", tag = "threads",
    params(("author" = String, Path), ("post" = String, Path), AfterQuery),
    responses((status = 200, body = ThreadView), (status = "default", body = Problem, content_type = "application/problem+json"))
);
endpoint!(
    /// Asks the poster's deployment what there is under the post, at most every 30 seconds, and shows it. Of one's own posts everything is
    /// here already.
    post_thread_refresh, post, path = "/api/posts/{author}/{post}/thread/refresh", tag = "threads",
    params(("author" = String, Path), ("post" = String, Path)),
    responses((status = 200, body = ThreadView), (status = "default", body = Problem, content_type = "application/problem+json"))
);
endpoint!(
    /// Writes a comment. The poster's deployment is given it once the reply is out, and as often as it takes. With an Idempotency-Key it
    /// can be repeated without writing it twice.
    post_comments, post, path = "/api/posts/{author}/{post}/comments", tag = "threads", request_body = NewComment,
    params(("author" = String, Path), ("post" = String, Path), ("Idempotency-Key" = Option<String>, Header, description = "1 to 100 visible ASCII characters. A UUIDv7 (RFC 9562) tells when the comment was written, and is recognised for ever and on every replica of a store; any other key for a day, and only where the first request can be seen.")),
    responses((status = 201, body = CommentView), (status = 200, body = CommentView, description = "That key was used before; this is what it made"),
              (status = 409, body = Problem, content_type = "application/problem+json", description = "They are no friend"), (status = "default", body = Problem, content_type = "application/problem+json"))
);
endpoint!(
    /// Writes another edition of one's own comment. It says when it was edited.
    put_comment, put, path = "/api/posts/{author}/{post}/comments/{comment}", tag = "threads", request_body = CommentChange,
    params(("author" = String, Path), ("post" = String, Path), ("comment" = String, Path)),
    responses((status = 200, body = CommentView), (status = "default", body = Problem, content_type = "application/problem+json"))
);
endpoint!(
    /// Withdraws one's own comment.
    delete_comment, delete, path = "/api/posts/{author}/{post}/comments/{comment}", tag = "threads",
    params(("author" = String, Path), ("post" = String, Path), ("comment" = String, Path)),
    responses((status = 204), (status = "default", body = Problem, content_type = "application/problem+json"))
);
endpoint!(
    /// Hides somebody's comment under one's own post from everybody else, or shows it again.
    put_hidden, put, path = "/api/posts/{author}/{post}/hidden", tag = "threads", request_body = HideRequest,
    params(("author" = String, Path), ("post" = String, Path)),
    responses((status = 204), (status = "default", body = Problem, content_type = "application/problem+json"))
);
endpoint!(
    /// Sets or unsets one emoji of the owner's under a post. Said twice, it is the same.
    put_reaction, put, path = "/api/posts/{author}/{post}/reactions", tag = "threads", request_body = ReactionChange,
    params(("author" = String, Path), ("post" = String, Path)),
    responses((status = 204), (status = "default", body = Problem, content_type = "application/problem+json"))
);
endpoint!(
    /// Invitations that can be used, and for a month those that were used or are over.
    get_invitations, get, path = "/api/invitations", tag = "friends",
    responses((status = 200, body = InvitationList), (status = "default", body = Problem, content_type = "application/problem+json"))
);
endpoint!(
    /// Makes an invitation: a link by which one person becomes a friend at once. At most 50 can be used at a time.
    post_invitations, post, path = "/api/invitations", tag = "friends", request_body = NewInvitation,
    responses((status = 201, body = IssuedInvitation), (status = 409, body = Problem, content_type = "application/problem+json", description = "Too many can be used already"),
              (status = "default", body = Problem, content_type = "application/problem+json"))
);
endpoint!(
    /// Takes an invitation back. Who became a friend by it stays one.
    delete_invitation, delete, path = "/api/invitations/{id}", tag = "friends", params(("id" = String, Path)),
    responses((status = 204), (status = "default", body = Problem, content_type = "application/problem+json"))
);
endpoint!(
    /// What the owner chose.
    get_settings, get, path = "/api/settings", tag = "settings",
    responses((status = 200, body = Settings), (status = "default", body = Problem, content_type = "application/problem+json"))
);
endpoint!(
    /// Changes the members that are given.
    put_settings, put, path = "/api/settings", tag = "settings", request_body = SettingsChange,
    responses((status = 200, body = Settings), (status = "default", body = Problem, content_type = "application/problem+json"))
);
endpoint!(
    /// Whether the deployment works and is configured.
    get_health, get, path = "/api/health", tag = "health", security(()),
    responses((status = 200, body = Health), (status = "default", body = Problem, content_type = "application/problem+json"))
);
endpoint!(
    /// This document.
    get_openapi, get, path = "/api/openapi.json", tag = "health", security(()),
    responses((status = 200, content_type = "application/json", body = Object))
);

/// A page of posts for everybody: what `GET /p2p/v1/public` answers to anybody, and the app shows to visitors. docs/protocol.md
/// says more.
#[derive(ToSchema)]
struct PublicPage {
    /// Who is served here.
    certificate: CertificateDocument,
    /// The owner's name.
    name: String,
    /// The posts, newest first.
    posts: Vec<PostDocument>,
    /// The value of `before` for the next page; left out on the last one.
    #[schema(nullable = false)]
    next: Option<String>,
}

/// A signed post as it looks in JSON.
#[derive(ToSchema)]
struct PostDocument {
    /// `tidings/post/v1`.
    #[schema(rename = "type")]
    document_type: String,
    /// Its id, which tells when it was written.
    id: String,
    /// The identity of its author.
    author: String,
    /// The deployment key that signed it.
    key: String,
    /// What it says.
    body: Body,
    /// When this edition of it was written; left out for the first one.
    #[schema(nullable = false)]
    edited_ms: Option<u64>,
    /// The signature.
    signature: String,
}

struct SecuritySchemes;

impl Modify for SecuritySchemes {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let components = document.components.get_or_insert_default();
        components.add_security_scheme(
            "basic",
            SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Basic).build()),
        );
        components.add_security_scheme(
            "cookie",
            SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::with_description(
                "__Host-tidings-{id}",
                "Set by POST /api/session. The name ends in the first eight characters of the owner's id, so that \
                 several deployments on one loopback host do not sign each other out. State-changing requests by \
                 cookie need an Origin of this deployment.",
            ))),
        );
    }
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Tidings owner API",
        description = "What an owner's client says to their own deployment. Errors are problem details (RFC 9457). \
                       Times are unix milliseconds. The user name for HTTP Basic is admin.",
        license(name = "MIT OR Apache-2.0")
    ),
    paths(
        get_setup, post_setup, get_session, post_session, delete_session, put_password, get_certificate, put_certificate, get_profile, put_profile,
        get_posts, post_posts, put_post, delete_post, get_feed, post_feed_refresh, get_changes, get_friends, post_friends,
        accept_friend, delete_friend, block_friend, unblock_friend, mute_friend, unmute_friend,
        get_circles, post_circles, put_circle, delete_circle, put_circle_member, delete_circle_member, get_conversations, get_messages, post_messages, put_message,
        delete_message, put_conversation_read, post_conversation_clear, post_conversation_retry, get_invitations, post_invitations,
        delete_invitation, get_settings, put_settings, get_notifications, put_notifications_read, get_health,
        get_openapi, get_thread, post_thread_refresh, post_comments, put_comment, delete_comment, put_hidden, put_reaction
    ),
    components(schemas(PublicPage)),
    security(("basic" = []), ("cookie" = [])),
    modifiers(&SecuritySchemes)
)]
struct Document;

/// The document as indented JSON with a line feed at the end.
///
/// # Errors
/// When it cannot be written as JSON.
pub fn document() -> Result<String, serde_json::Error> {
    let mut text = Document::openapi().to_pretty_json()?;
    text.push('\n');
    Ok(text)
}
