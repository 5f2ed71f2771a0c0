//! One emoji.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;
use std::str::FromStr;
use thiserror::Error;
use unicode_properties::{EmojiStatus, UnicodeEmoji};
use unicode_segmentation::UnicodeSegmentation;

/// The longest emoji in bytes of UTF-8: a family of four with skin tones has 41, subdivision flags 28.
const EMOJI_BYTES: usize = 64;

/// Asks for the coloured form of the character before it; fonts show most without it too.
const VARIATION_SELECTOR: char = '\u{fe0f}';

/// That a text is no emoji.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("is not one emoji")]
pub struct EmojiError;

/// One emoji: one extended grapheme cluster (Unicode Standard Annex 29) that begins with a character of the property Emoji
/// (Unicode Technical Standard 51), and is more than a digit, `#` or `*`. Variation selectors (U+FE0F) are left out, so that the
/// same emoji from two keyboards is one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Emoji(String);

impl Emoji {
    /// Its characters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Emoji {
    type Err = EmojiError;

    fn from_str(text: &str) -> Result<Self, EmojiError> {
        let bare: String = text.chars().filter(|c| *c != VARIATION_SELECTOR).collect();
        let first = bare.chars().next().ok_or(EmojiError)?;
        let is_emoji =
            !matches!(first.emoji_status(), EmojiStatus::NonEmoji | EmojiStatus::NonEmojiButEmojiComponent);
        // With a digit, `#` or `*` a keycap (U+20E3) has to follow.
        let is_more = !first.is_ascii() || bare.ends_with('\u{20e3}');
        let is_one = text.graphemes(true).count() == 1 && bare.graphemes(true).count() == 1;
        if bare.len() <= EMOJI_BYTES && is_emoji && is_more && is_one {
            Ok(Self(bare))
        } else {
            Err(EmojiError)
        }
    }
}

impl fmt::Display for Emoji {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for Emoji {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Emoji {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn emojis_of_all_makes_are_taken() {
        for text in ["👍", "❤", "👍🏽", "👨‍👩‍👧‍👦", "🇩🇪", "1⃣", "🏴󠁧󠁢󠁳󠁣󠁴󠁿", "😀", "🫠"]
        {
            assert_eq!(text.parse::<Emoji>().map(|emoji| emoji.to_string()), Ok(text.to_owned()));
        }
    }

    #[test]
    fn what_is_no_emoji_is_refused() {
        for text in
            ["", "a", "1", "#", "👍👍", "👍a", "a👍", " ", "\u{fe0f}", "\u{200d}", "\u{20e3}", "ok", "é"]
        {
            assert_eq!(text.parse::<Emoji>(), Err(EmojiError), "{text}");
        }
        let tall = format!("👍{}", "\u{200d}👍".repeat(20));
        assert_eq!(tall.parse::<Emoji>(), Err(EmojiError));
    }

    #[test]
    fn the_same_emoji_from_two_keyboards_is_one() {
        assert_eq!("❤️".parse::<Emoji>(), "❤".parse::<Emoji>());
        assert_eq!("1️⃣".parse::<Emoji>(), "1⃣".parse::<Emoji>());
    }
}
