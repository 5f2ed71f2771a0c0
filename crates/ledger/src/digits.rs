//! Numbers and bytes as text whose order as bytes is the order of what it stands for.
//!
//! Base 64 with the digits `-`, `0`-`9`, `A`-`Z`, `_`, `a`-`z`, which ascend in ASCII and are harmless in keys of every
//! store and in URLs. The usual base 64 alphabets do not keep the order, and names are too short for base 32.

const DIGITS: &[u8; 64] = b"-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz";

/// The digit of the lowest six bits of `value`.
fn digit(value: u128) -> char {
    char::from(DIGITS[(value & 63) as usize])
}

fn value_of(digit: u8) -> Option<u8> {
    let value = match digit {
        b'-' => 0,
        b'0'..=b'9' => digit - b'0' + 1,
        b'A'..=b'Z' => digit - b'A' + 11,
        b'_' => 37,
        b'a'..=b'z' => digit - b'a' + 38,
        _ => return None,
    };
    Some(value)
}

/// Appends `value` in `width` digits, most significant first. Higher bits than fit are left out.
pub(crate) fn push_number(text: &mut String, value: u128, width: usize) {
    for place in (0..width).rev() {
        text.push(digit(value >> (6 * place)));
    }
}

/// Reads a number of at most 21 digits.
pub(crate) fn parse_number(text: &[u8]) -> Option<u128> {
    if text.is_empty() || text.len() > 21 {
        return None;
    }
    text.iter().try_fold(0_u128, |number, &digit| Some(number << 6 | u128::from(value_of(digit)?)))
}

/// Appends `bytes`, three bytes to four digits; the last digit of a shorter rest is filled with zero bits.
pub(crate) fn push_bytes(text: &mut String, bytes: &[u8]) {
    for chunk in bytes.chunks(3) {
        let bits = chunk.iter().fold(0_u128, |bits, &byte| bits << 8 | u128::from(byte));
        let width = chunk.len() + 1;
        push_number(text, bits << (6 * width - 8 * chunk.len()), width);
    }
}

/// Reads what [`push_bytes`] wrote; refuses every other spelling of the same bytes.
pub(crate) fn parse_bytes(text: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() * 3 / 4);
    for chunk in text.chunks(4) {
        let count = chunk.len().checked_sub(1).filter(|count| *count > 0)?;
        let spare = 6 * chunk.len() - 8 * count;
        let bits = parse_number(chunk)?;
        if bits & ((1 << spare) - 1) != 0 {
            return None;
        }
        bytes.extend((0..count).rev().map(|place| (bits >> (spare + 8 * place)) as u8));
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn digits_ascend_and_are_read_back() {
        assert!(DIGITS.windows(2).all(|pair| pair[0] < pair[1]));
        for (value, digit) in DIGITS.iter().enumerate() {
            assert_eq!(value_of(*digit), Some(value as u8));
        }
        assert_eq!((0..=255_u8).filter(|byte| value_of(*byte).is_some()).count(), 64);
    }

    #[test]
    fn refuses_a_second_spelling_of_the_same_bytes() {
        assert_eq!(parse_bytes(b"--"), Some(vec![0]));
        assert_eq!(parse_bytes(b"-0"), None);
        assert_eq!(parse_bytes(b"-"), None);
        assert_eq!(parse_bytes(b"=="), None);
    }

    proptest! {
        #[test]
        fn bytes_keep_their_order_and_are_read_back(a: Vec<u8>, b: Vec<u8>) {
            let (mut x, mut y) = (String::new(), String::new());
            push_bytes(&mut x, &a);
            push_bytes(&mut y, &b);
            prop_assert_eq!(a.cmp(&b), x.cmp(&y));
            prop_assert_eq!(parse_bytes(x.as_bytes()), Some(a));
        }

        #[test]
        fn numbers_are_read_back(value: u64) {
            let mut text = String::new();
            push_number(&mut text, u128::from(value), 11);
            prop_assert_eq!(parse_number(text.as_bytes()), Some(u128::from(value)));
        }
    }
}
