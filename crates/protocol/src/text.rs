//! What counts as acceptable text from a person.

use thiserror::Error;

/// Why a text is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TextError {
    /// Nothing but white space where something is needed.
    #[error("must not be empty")]
    Empty,
    /// More characters than allowed.
    #[error("has {got} characters, at most {most} are allowed")]
    TooLong {
        /// Unicode scalar values found.
        got: usize,
        /// Unicode scalar values allowed.
        most: usize,
    },
    /// More bytes of UTF-8 than allowed.
    #[error("has {got} bytes, at most {most} are allowed")]
    TooManyBytes {
        /// Bytes found.
        got: usize,
        /// Bytes allowed.
        most: usize,
    },
    /// A control character other than line feed and tab, or a bidirectional override that would garble its surroundings.
    #[error("contains the character U+{0:04X}, which is not allowed")]
    Forbidden(u32),
}

/// Checks that `text` has at least one visible character, at most `most` Unicode scalar values, and none that could
/// break out of its place on a screen. `lines` allows line feeds and tabs.
///
/// # Errors
/// Says what is wrong, in words fit for the person who typed it.
pub fn check_text(text: &str, most: usize, lines: bool) -> Result<(), TextError> {
    if text.trim().is_empty() {
        return Err(TextError::Empty);
    }
    check_optional_text(text, most, lines)
}

/// As [`check_text`], for texts that may be empty.
pub(crate) fn check_optional_text(text: &str, most: usize, lines: bool) -> Result<(), TextError> {
    let got = text.chars().count();
    if got > most {
        return Err(TextError::TooLong { got, most });
    }
    match text.chars().find(|&c| is_forbidden(c, lines)) {
        Some(c) => Err(TextError::Forbidden(c as u32)),
        None => Ok(()),
    }
}

/// Checks the size of `text` in UTF-8, where a character may take four bytes.
///
/// # Errors
/// [`TextError::TooManyBytes`].
pub fn check_bytes(text: &str, most: usize) -> Result<(), TextError> {
    let got = text.len();
    if got > most { Err(TextError::TooManyBytes { got, most }) } else { Ok(()) }
}

fn is_forbidden(c: char, lines: bool) -> bool {
    match c {
        '\n' | '\t' => !lines,
        // Overrides and embeddings; isolates (U+2066..2069) close themselves at the end of a paragraph and may stay.
        '\u{202a}'..='\u{202e}' => true,
        _ => c.is_control(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_characters_and_not_bytes() {
        assert_eq!(check_text("äöü", 3, false), Ok(()));
        assert_eq!(check_text("äöüß", 3, false), Err(TextError::TooLong { got: 4, most: 3 }));
    }

    #[test]
    fn refuses_blank_and_control_characters() {
        assert_eq!(check_text(" \u{2003}", 9, false), Err(TextError::Empty));
        assert_eq!(check_text("a\u{0}b", 9, true), Err(TextError::Forbidden(0)));
        assert_eq!(check_text("a\nb", 9, false), Err(TextError::Forbidden(10)));
        assert_eq!(check_text("a\nb", 9, true), Ok(()));
        assert_eq!(check_text("a\u{202e}b", 9, true), Err(TextError::Forbidden(0x202e)));
    }
}
