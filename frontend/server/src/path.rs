//! From a request target to a path that may be looked up, or to a refusal.

use percent_encoding::percent_decode_str;

/// Why a request target names no path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadPath {
    /// It does not begin with a slash.
    NotAbsolute,
    /// A percent sign is not followed by two hexadecimal digits.
    BrokenEscape,
    /// It is not UTF-8 once decoded.
    NotUtf8,
    /// It holds a control character or a backslash, which no file here has.
    ForbiddenCharacter,
    /// An escaped slash would change where the segments end.
    EscapedSlash,
    /// A segment is `.` or `..`, plain or escaped: it would step out of the tree.
    Traversal,
}

impl BadPath {
    /// What to tell the one who asked.
    pub fn explain(self) -> &'static str {
        match self {
            Self::NotAbsolute => "The path must begin with a slash.",
            Self::BrokenEscape => "A percent sign must be followed by two hexadecimal digits.",
            Self::NotUtf8 => "The decoded path is not UTF-8.",
            Self::ForbiddenCharacter => "The path holds a control character or a backslash.",
            Self::EscapedSlash => "The path holds an escaped slash.",
            Self::Traversal => "The path holds a segment that would step out of the tree.",
        }
    }
}

/// The decoded path of a request target, its query left off.
pub fn decode(target: &str) -> Result<String, BadPath> {
    let raw = target.split(['?', '#']).next().unwrap_or_default();
    if !raw.starts_with('/') {
        return Err(BadPath::NotAbsolute);
    }
    check_escapes(raw)?;
    let path = percent_decode_str(raw).decode_utf8().map_err(|_| BadPath::NotUtf8)?.into_owned();
    if path.chars().any(|c| c.is_control() || c == '\\') {
        return Err(BadPath::ForbiddenCharacter);
    }
    if path.split('/').any(|segment| segment == "." || segment == "..") {
        return Err(BadPath::Traversal);
    }
    Ok(path)
}

/// Whether a path belongs to another component, so that this one must not answer a typo in it with a page.
pub fn is_reserved(path: &str) -> bool {
    ["/api", "/p2p", "/.well-known"]
        .iter()
        .any(|prefix| path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
}

/// Whether a path looks like a file rather than like a page of the app: it lies among the assets, or its last segment
/// has an extension.
pub fn looks_like_file(path: &str) -> bool {
    path.starts_with("/assets/") || path.rsplit('/').next().is_some_and(|last| last.contains('.'))
}

/// Refuses escapes that are broken, and those that hide a slash.
fn check_escapes(raw: &str) -> Result<(), BadPath> {
    for escape in raw.split('%').skip(1) {
        let digits = escape.as_bytes().get(..2).unwrap_or_default();
        if digits.len() < 2 || !digits.iter().all(u8::is_ascii_hexdigit) {
            return Err(BadPath::BrokenEscape);
        }
        if digits.eq_ignore_ascii_case(b"2f") {
            return Err(BadPath::EscapedSlash);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_escapes_and_drops_the_query() {
        assert_eq!(decode("/caf%C3%A9?x=%zz").unwrap(), "/café");
        assert_eq!(decode("/").unwrap(), "/");
    }

    #[test]
    fn refuses_every_spelling_of_a_step_out_of_the_tree() {
        for target in ["/..", "/../x", "/a/../b", "/%2e%2e/x", "/.%2E/x", "/a/%2e/b", "/./x", "/..?x"] {
            assert_eq!(decode(target), Err(BadPath::Traversal), "{target}");
        }
    }

    #[test]
    fn refuses_what_no_file_is_called() {
        assert_eq!(decode(""), Err(BadPath::NotAbsolute));
        assert_eq!(decode("http://elsewhere.example/"), Err(BadPath::NotAbsolute));
        assert_eq!(decode("/%"), Err(BadPath::BrokenEscape));
        assert_eq!(decode("/%4"), Err(BadPath::BrokenEscape));
        assert_eq!(decode("/%g1"), Err(BadPath::BrokenEscape));
        assert_eq!(decode("/%é"), Err(BadPath::BrokenEscape));
        assert_eq!(decode("/%ff"), Err(BadPath::NotUtf8));
        assert_eq!(decode("/a%00b"), Err(BadPath::ForbiddenCharacter));
        assert_eq!(decode("/a%0d%0ab"), Err(BadPath::ForbiddenCharacter));
        assert_eq!(decode("/..\\x"), Err(BadPath::ForbiddenCharacter));
        assert_eq!(decode("/..%5cx"), Err(BadPath::ForbiddenCharacter));
        assert_eq!(decode("/..%2fx"), Err(BadPath::EscapedSlash));
        assert_eq!(decode("/..%2Fx"), Err(BadPath::EscapedSlash));
    }

    #[test]
    fn an_escape_is_decoded_only_once() {
        assert_eq!(decode("/%252e%252e/x").unwrap(), "/%2e%2e/x");
    }

    #[test]
    fn reserves_the_paths_of_the_other_components_and_nothing_more() {
        for path in ["/api", "/api/", "/api/x", "/p2p", "/p2p/v2/x", "/.well-known", "/.well-known/tidings/x"]
        {
            assert!(is_reserved(path), "{path}");
        }
        for path in ["/", "/apiary", "/p2", "/p2pp", "/.well-knownx"] {
            assert!(!is_reserved(path), "{path}");
        }
    }

    #[test]
    fn tells_files_from_pages() {
        assert!(looks_like_file("/assets/missing"));
        assert!(looks_like_file("/robots.txt"));
        assert!(!looks_like_file("/friends/alice"));
        assert!(!looks_like_file("/v1.2/friends"));
    }
}
