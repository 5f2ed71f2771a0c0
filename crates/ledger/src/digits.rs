//! Numbers and bytes as text whose order as bytes is the order of what it stands for.
//!
//! Base 64 with the digits `-`, `0`-`9`, `A`-`Z`, `_`, `a`-`z`, which ascend in ASCII and are harmless in keys of every
//! store and in URLs. The usual base 64 alphabets do not keep the order, and names are too short for base 32.

use crate::few::Few;

const DIGITS: &[u8; 64] = b"-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz";

/// The digit of the lowest six bits of `value`.
fn digit(value: u128) -> char {
    char::from(DIGITS[(value & 63) as usize])
}

/// What stands for a byte that is no digit: more than any digit's value.
const NONE: u8 = 0xff;

/// The values of all bytes as digits. A listing has some ten thousand of them.
const VALUES: [u8; 256] = {
    let mut values = [NONE; 256];
    let mut value = 0;
    while value < DIGITS.len() {
        values[DIGITS[value] as usize] = value as u8;
        value += 1;
    }
    values
};

/// Appends `value` in `width` digits, most significant first. Higher bits than fit are left out.
pub(crate) fn push_number(text: &mut String, value: u128, width: usize) {
    for place in (0..width).rev() {
        text.push(digit(value >> (6 * place)));
    }
}

/// Reads a number of one to ten digits.
#[inline]
pub(crate) fn parse_number<const N: usize>(text: &[u8; N]) -> Option<u64> {
    const { assert!(N > 0 && N <= 10) };
    let (mut number, mut seen) = (0, 0);
    for &digit in text {
        let value = VALUES[usize::from(digit)];
        seen |= value;
        number = number << 6 | u64::from(value);
    }
    // Only what is no digit has more than six bits.
    if seen < 64 { Some(number) } else { None }
}

/// Appends `bytes`, three bytes to four digits; the last digit of a shorter rest is filled with zero bits.
pub(crate) fn push_bytes(text: &mut String, bytes: &[u8]) {
    for chunk in bytes.chunks(3) {
        let bits = chunk.iter().fold(0_u128, |bits, &byte| bits << 8 | u128::from(byte));
        let width = chunk.len() + 1;
        push_number(text, bits << (6 * width - 8 * chunk.len()), width);
    }
}

/// Adds at most `N` bytes that [`push_bytes`] wrote to an empty list; refuses every other spelling of the same bytes.
#[inline]
pub(crate) fn parse_bytes<const N: usize>(text: &[u8], bytes: &mut Few<u8, N>) -> Option<()> {
    let (chunks, rest) = text.as_chunks();
    for chunk in chunks {
        let [.., a, b, c] = (parse_number::<4>(chunk)? as u32).to_be_bytes();
        bytes.push(a)?;
        bytes.push(b)?;
        bytes.push(c)?;
    }
    match *rest {
        [] => Some(()),
        // One byte and four spare bits, or two and two: they are zero.
        [a, b] => {
            let bits = parse_number(&[a, b]).filter(|bits| bits & 0xf == 0)?;
            bytes.push((bits >> 4) as u8)
        }
        [a, b, c] => {
            let bits = parse_number(&[a, b, c]).filter(|bits| bits & 0x3 == 0)?;
            bytes.push((bits >> 10) as u8)?;
            bytes.push((bits >> 2) as u8)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse<const N: usize>(text: &str) -> Option<Vec<u8>> {
        let mut bytes = Few::<u8, N>::new();
        parse_bytes(text.as_bytes(), &mut bytes).map(|()| bytes.to_vec())
    }

    #[test]
    fn digits_ascend_and_are_read_back() {
        assert!(DIGITS.windows(2).all(|pair| pair[0] < pair[1]));
        for (value, digit) in DIGITS.iter().enumerate() {
            assert_eq!(parse_number(&[*digit]), Some(value as u64));
        }
        assert_eq!((0..=255_u8).filter(|byte| parse_number(&[*byte]).is_some()).count(), 64);
    }

    #[test]
    fn refuses_a_second_spelling_of_the_same_bytes() {
        let parse = parse::<4>;
        assert_eq!(parse("--"), Some(vec![0]));
        for text in ["-0", "-", "==", "--0", "-----", "--------"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn bytes_keep_their_order_and_are_read_back(
            a in proptest::collection::vec(any::<u8>(), 0..13),
            b in proptest::collection::vec(any::<u8>(), 0..13),
        ) {
            let (mut x, mut y) = (String::new(), String::new());
            push_bytes(&mut x, &a);
            push_bytes(&mut y, &b);
            prop_assert_eq!(a.cmp(&b), x.cmp(&y));
            prop_assert_eq!(parse::<12>(&x), Some(a));
        }

        #[test]
        fn numbers_are_read_back(value: u64) {
            let mut text = String::new();
            let value = value >> 4;
            push_number(&mut text, u128::from(value), 10);
            prop_assert_eq!(parse_number::<10>(text.as_bytes().try_into().unwrap()), Some(value));
        }
    }
}
