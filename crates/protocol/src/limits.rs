//! Every limit of the protocol, with its unit and its reason. `docs/protocol.md` lists the same numbers.

/// A person's name, in Unicode scalar values. Long enough for full names in any script, short enough for one line.
pub const NAME_CHARS: usize = 60;

/// What a person says about themselves, in Unicode scalar values.
pub const BIO_CHARS: usize = 500;

/// The greeting of a friend request, in Unicode scalar values. A stranger writes it, so it stays small.
pub const GREETING_CHARS: usize = 500;

/// The same greeting in bytes of UTF-8: what a stranger may have kept here for them.
pub const GREETING_BYTES: usize = 1_000;

/// A friendship in bytes of its JSON: the fixed members, a name and a greeting in which every character is escaped, and
/// room for members of later versions. Strangers' ones are kept, so they are bounded as a whole.
pub const FRIENDSHIP_BYTES: usize = 3_072;

/// The secret of an invitation, in bytes: nobody guesses 128 random bits.
pub const INVITATION_TOKEN_BYTES: usize = 16;

/// The text of a post, in Unicode scalar values.
pub const POST_CHARS: usize = 5_000;

/// What readers are warned of before they see a post, in Unicode scalar values: a line.
pub const WARNING_CHARS: usize = 200;

/// The text of a comment, in Unicode scalar values.
pub const COMMENT_CHARS: usize = 2_000;

/// A comment in bytes of its JSON: the longest text, and room for members of later versions. What one friend writes under a post is
/// kept by its poster and given to others, so it is bounded as a whole; it has to fit into [`REQUEST_BODY_BYTES`] anyway.
pub const COMMENT_BYTES: usize = 12 * 1024;

/// A reaction in bytes of its JSON: one with the longest name has about 700.
pub const REACTION_BYTES: usize = 1_024;

/// Interactions in one request. With the longest comments fewer fit into [`REQUEST_BODY_BYTES`].
pub const INTERACTIONS_AT_ONCE: usize = 16;

/// Comments on a page of a thread: nearly every thread is one page, so that one conditional request tells of all of it.
pub const THREAD_PAGE_COMMENTS: usize = 500;

/// The comments of a page of a thread, with the certificates of their authors, in bytes of their JSON.
pub const THREAD_PAGE_BYTES: usize = 256 * 1024;

/// The same of the reactions on the first page: some 350 people. Together they stay well below [`ANSWER_BODY_BYTES`].
pub const THREAD_REACTIONS_BYTES: usize = 384 * 1024;

/// Kinds of emoji that a summary of a thread counts: what fits below a post.
pub const SUMMARY_EMOJIS: usize = 12;

/// An address (origin) in bytes: 253 for the name, 8 for `https://`, 6 for the port, rounded.
pub const ADDRESS_BYTES: usize = 270;

/// The certificate header in bytes of its base64url text. A certificate of today has about 500.
pub const CERTIFICATE_HEADER_BYTES: usize = 2_048;

/// Deployment keys that one certificate revokes. Who had more of them stolen needs another identity.
pub const REVOKED_KEYS: usize = 8;

/// The body of a request between deployments, in bytes. Notifications and friendship messages are far smaller.
pub const REQUEST_BODY_BYTES: usize = 16 * 1024;

/// The body of an answer between deployments, in bytes: what a reader buffers before it gives up.
pub const ANSWER_BODY_BYTES: usize = 1024 * 1024;

/// The records of one pull answer, together, in bytes of their JSON. Leaves room below [`ANSWER_BODY_BYTES`].
pub const PULL_PAGE_BYTES: usize = 512 * 1024;

/// The most changes in one pull answer.
pub const PULL_PAGE_CHANGES: usize = 200;

/// The posts on a page of those for everybody: what fits on a few screens, and is looked up one by one.
pub const PUBLIC_PAGE_POSTS: usize = 20;

/// A cursor in bytes. Readers keep it as it is, so its size is part of the agreement.
pub const CURSOR_BYTES: usize = 200;

/// How far a request's `created` may lie from the receiver's clock, in seconds, either way.
pub const REQUEST_AGE_SECONDS: u64 = 300;

/// How far in the future a head or a record's time may lie, in milliseconds, before it is refused.
pub const FUTURE_TOLERANCE_MS: u64 = 300_000;

/// The greatest integer that every JSON implementation carries exactly (RFC 8785 section 3.2.2.3): 2^53 - 1.
pub const MAX_SAFE_INTEGER: u64 = (1 << 53) - 1;

/// How deep a signed document nests, in levels: the document itself is the first one. Parsers of JSON stop somewhere (RFC 8259
/// section 9), ours at 128, and a document is put into answers that have levels of their own.
pub const DOCUMENT_LEVELS: usize = 64;
