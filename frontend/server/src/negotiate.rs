//! Content negotiation: which encoding to send, and whether to send the body at all.

/// How a body is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Encoding {
    /// Brotli, the smallest.
    Brotli,
    /// Gzip, understood by everything.
    Gzip,
    /// As it is.
    Identity,
}

impl Encoding {
    /// The name in `Accept-Encoding` and `Content-Encoding`.
    pub fn token(self) -> &'static str {
        match self {
            Self::Brotli => "br",
            Self::Gzip => "gzip",
            Self::Identity => "identity",
        }
    }

    /// What the name of the encoded file ends with.
    pub fn suffix(self) -> &'static str {
        match self {
            Self::Brotli => ".br",
            Self::Gzip => ".gz",
            Self::Identity => "",
        }
    }

    /// Whether a coding in `Accept-Encoding` means this one. `x-gzip` is an old name of gzip (RFC 9110, 8.4.1.3).
    fn is_named(self, coding: &str) -> bool {
        coding.eq_ignore_ascii_case(self.token())
            || (self == Self::Gzip && coding.eq_ignore_ascii_case("x-gzip"))
    }
}

/// The encoding to send of those that exist, by `Accept-Encoding` (RFC 9110, 12.5.3).
///
/// The greatest weight wins, and of equal weights the smallest body. Identity is always possible and is what is sent
/// when nothing else is welcome, even if the request forbids it: an answer that costs more bytes is of more use than
/// a 406.
pub fn choose_encoding(accept_encoding: Option<&str>, available: &[Encoding]) -> Encoding {
    let Some(header) = accept_encoding else { return Encoding::Identity };
    let weights = Weights::parse(header);
    let mut best = (Encoding::Identity, weights.of_identity());
    for encoding in [Encoding::Gzip, Encoding::Brotli] {
        let weight = weights.of(encoding);
        if available.contains(&encoding) && weight > 0 && weight >= best.1 {
            best = (encoding, weight);
        }
    }
    best.0
}

/// Whether `Accept` welcomes a page. Without the header everything is welcome (RFC 9110, 12.5.1).
pub fn accepts_html(accept: Option<&str>) -> bool {
    let Some(header) = accept else { return true };
    let weight_of = |wanted: &str| weighted_items(header).find(|(item, _)| item.eq_ignore_ascii_case(wanted));
    ["text/html", "text/*", "*/*"]
        .iter()
        .find_map(|range| weight_of(range))
        .is_some_and(|(_, weight)| weight > 0)
}

/// Whether `If-None-Match` names the current tag, so that a 304 is enough (RFC 9110, 13.1.2). Tags are compared
/// weakly: a `W/` is ignored. What is malformed matches nothing.
pub fn none_match_holds_tag(if_none_match: Option<&str>, current: &str) -> bool {
    let Some(header) = if_none_match.map(str::trim) else { return false };
    if header == "*" {
        return true;
    }
    let mut rest = header;
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        rest = rest.strip_prefix("W/").unwrap_or(rest);
        // A tag may hold a comma, so the quotes decide where it ends.
        let Some(opened) = rest.strip_prefix('"') else { return false };
        let Some((tag, after)) = opened.split_once('"') else { return false };
        if current.strip_prefix('"').and_then(|c| c.strip_suffix('"')) == Some(tag) {
            return true;
        }
        rest = after;
    }
}

/// The weights of an `Accept-Encoding`, in thousandths.
struct Weights<'a>(Vec<(&'a str, u16)>);

impl<'a> Weights<'a> {
    fn parse(header: &'a str) -> Self {
        Self(weighted_items(header).collect())
    }

    /// The weight of a coding: as named, else as `*` says, else none.
    fn of(&self, encoding: Encoding) -> u16 {
        self.named(encoding).or(self.any()).unwrap_or(0)
    }

    /// The weight of the plain body. Not naming it does not forbid it, but prefers anything that is named.
    fn of_identity(&self) -> u16 {
        self.named(Encoding::Identity).or(self.any()).unwrap_or(0)
    }

    fn named(&self, encoding: Encoding) -> Option<u16> {
        self.0.iter().find(|(coding, _)| encoding.is_named(coding)).map(|(_, weight)| *weight)
    }

    fn any(&self) -> Option<u16> {
        self.0.iter().find(|(coding, _)| *coding == "*").map(|(_, weight)| *weight)
    }
}

/// The items of a weighted list and their weights in thousandths. An unreadable weight counts as none.
fn weighted_items(header: &str) -> impl Iterator<Item = (&str, u16)> {
    header.split(',').filter_map(|item| {
        let mut parts = item.split(';').map(str::trim);
        let name = parts.next().filter(|name| !name.is_empty())?;
        let weight = parts
            .find_map(|part| part.strip_prefix("q=").or(part.strip_prefix("Q=")))
            .map_or(1000, |q| parse_weight(q).unwrap_or(0));
        Some((name, weight))
    })
}

/// A weight like `0.75` in thousandths: from 0 to 1 with at most three decimals (RFC 9110, 12.4.2).
fn parse_weight(q: &str) -> Option<u16> {
    let (whole, decimals) = q.split_once('.').unwrap_or((q, ""));
    if decimals.len() > 3 || !decimals.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let thousandths: u16 = format!("{decimals:0<3}").parse().ok()?;
    match whole {
        "0" => Some(thousandths),
        "1" if thousandths == 0 => Some(1000),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Encoding::{Brotli, Gzip, Identity};

    fn choose(accept_encoding: &str) -> Encoding {
        choose_encoding(Some(accept_encoding), &[Brotli, Gzip])
    }

    #[test]
    fn prefers_the_smallest_of_equal_weights() {
        assert_eq!(choose("gzip, deflate, br, zstd"), Brotli);
        assert_eq!(choose("br;q=0.5, gzip;q=0.5"), Brotli);
        assert_eq!(choose("gzip"), Gzip);
        assert_eq!(choose("X-GZIP"), Gzip);
        assert_eq!(choose("*"), Brotli);
    }

    #[test]
    fn obeys_weights() {
        assert_eq!(choose("br;q=0.5, gzip;q=0.8"), Gzip);
        assert_eq!(choose("br;q=0, gzip"), Gzip);
        assert_eq!(choose("br;q=0, *"), Gzip);
        assert_eq!(choose("gzip;q=0.2, identity;q=0.9"), Identity);
        assert_eq!(choose("*;q=0"), Identity);
        assert_eq!(choose("br ; q=1.000 , gzip;q=0.999"), Brotli);
        assert_eq!(choose("br;q=0.001"), Brotli);
    }

    #[test]
    fn sends_the_plain_body_when_nothing_else_is_asked_for_or_exists() {
        assert_eq!(choose_encoding(None, &[Brotli, Gzip]), Identity);
        assert_eq!(choose(""), Identity);
        assert_eq!(choose("zstd, deflate"), Identity);
        assert_eq!(choose_encoding(Some("br, gzip"), &[]), Identity);
        assert_eq!(choose_encoding(Some("br, gzip"), &[Gzip]), Gzip);
        assert_eq!(choose("identity;q=0"), Identity);
    }

    #[test]
    fn an_unreadable_weight_counts_as_refused() {
        for weight in ["2", "1.001", "0.1234", "-1", "", "x", "0,5"] {
            assert_eq!(choose(&format!("br;q={weight}")), Identity, "{weight}");
        }
    }

    #[test]
    fn matches_tags_in_lists_weakly_and_with_commas_inside() {
        let holds = |header| none_match_holds_tag(Some(header), "\"abc-br\"");
        assert!(holds("\"abc-br\""));
        assert!(holds("W/\"abc-br\""));
        assert!(holds("\"x\", \"abc-br\""));
        assert!(holds("\"x,y\" ,W/\"z\",\t\"abc-br\""));
        assert!(holds(" * "));
    }

    #[test]
    fn matches_nothing_else() {
        let holds = |header| none_match_holds_tag(Some(header), "\"abc-br\"");
        assert!(!none_match_holds_tag(None, "\"abc-br\""));
        for header in ["", "\"abc\"", "abc-br", "\"abc-br", "\"x\", *", "w/\"abc-br\"", "\"abc\"-br\""] {
            assert!(!holds(header), "{header}");
        }
    }

    #[test]
    fn knows_who_wants_a_page() {
        assert!(accepts_html(None));
        assert!(accepts_html(Some("*/*")));
        assert!(accepts_html(Some("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8")));
        assert!(!accepts_html(Some("application/json")));
        assert!(!accepts_html(Some("image/avif,image/webp")));
        assert!(!accepts_html(Some("text/html;q=0, */*")));
    }
}
