//! Recovery words: an identity's seed as 24 English words (BIP-39), for paper.

use crate::keys::Seed;
use bip39::Mnemonic;
use thiserror::Error;

/// Why recovery words are refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RecoveryError {
    /// Not 24 words.
    #[error("there are {got} words, expected 24")]
    Count {
        /// Words found.
        got: usize,
    },
    /// A word that is not in the list, or words whose checksum does not fit.
    #[error("the words do not belong together: check their spelling and order")]
    Invalid,
}

/// The 24 words for an identity's seed. They are the BIP-39 English encoding of the 32 bytes themselves: the seed is
/// not stretched, because it is random to begin with.
///
/// # Errors
/// Never for 32 bytes; the error is passed on instead of a panic.
pub fn words(identity: &Seed) -> Result<String, RecoveryError> {
    Mnemonic::from_entropy(identity.expose()).map(|m| m.to_string()).map_err(|_| RecoveryError::Invalid)
}

/// The seed for 24 words; upper case and any white space between them are fine.
///
/// # Errors
/// Says whether the count or the words themselves are wrong.
pub fn seed(words: &str) -> Result<Seed, RecoveryError> {
    let words = words.split_whitespace().map(str::to_lowercase).collect::<Vec<_>>();
    if words.len() != 24 {
        return Err(RecoveryError::Count { got: words.len() });
    }
    let mnemonic = Mnemonic::parse_normalized(&words.join(" ")).map_err(|_| RecoveryError::Invalid)?;
    let bytes = mnemonic.to_entropy().try_into().map_err(|_| RecoveryError::Invalid)?;
    Ok(Seed::from_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twenty_four_words_come_back_as_the_seed() {
        let seed_bytes = [0x80; 32];
        let text = words(&Seed::from_bytes(seed_bytes)).unwrap();
        // The published BIP-39 vector for 32 bytes of 0x80.
        assert!(text.starts_with("letter advice cage absurd") && text.ends_with("acoustic bless"), "{text}");
        let typed = format!("  {}\n", text.to_uppercase().replace(' ', "  "));
        assert_eq!(seed(&typed).unwrap().expose(), &seed_bytes);
    }

    #[test]
    fn refuses_missing_misspelt_and_swapped_words() {
        let text = words(&Seed::from_bytes([0x80; 32])).unwrap();
        assert_eq!(seed("letter advice").unwrap_err(), RecoveryError::Count { got: 2 });
        assert_eq!(seed(&text.replace("bless", "bles")).unwrap_err(), RecoveryError::Invalid);
        assert_eq!(
            seed(&text.replacen("letter advice", "advice letter", 1)).unwrap_err(),
            RecoveryError::Invalid
        );
    }
}
