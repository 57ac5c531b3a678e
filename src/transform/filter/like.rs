//! The patterns of LIKE and ILIKE.

use memchr::memmem::Finder;

/// A pattern, cut at each `%`.
#[derive(Debug, Clone)]
pub(super) struct Pattern {
    /// What the text begins with.
    first: Piece,
    /// What follows, in this order, each after any text.
    middle: Vec<Piece>,
    /// What the text ends with; `None` if the pattern has no `%`, so the first piece is the whole text.
    last: Option<Piece>,
    ignore_case: bool,
}

/// A part of a pattern between two `%`.
#[derive(Debug, Clone)]
enum Piece {
    /// These bytes.
    Literal(Box<Finder<'static>>),
    /// These bytes, with one character in place of each `None`.
    Wild(Vec<Option<u8>>),
}

impl Pattern {
    /// Parses a pattern; returns `None` if it ends with the escape character.
    pub(super) fn new(pattern: &str, escape: Option<char>, ignore_case: bool) -> Option<Self> {
        let pattern = if ignore_case {
            lowercase(pattern)
        } else {
            pattern.to_owned()
        };
        let mut pieces = vec![Vec::new()];
        let mut characters = pattern.chars();
        while let Some(character) = characters.next() {
            let literal = if Some(character) == escape {
                characters.next()?
            } else if character == '%' {
                pieces.push(Vec::new());
                continue;
            } else if character == '_' {
                add(&mut pieces, None);
                continue;
            } else {
                character
            };
            for byte in literal.encode_utf8(&mut [0; 4]).bytes() {
                add(&mut pieces, Some(byte));
            }
        }
        let mut pieces = pieces.into_iter().map(Piece::new);
        let first = pieces.next()?;
        let mut middle: Vec<_> = pieces.collect();
        let last = middle.pop();
        middle.retain(|piece| !piece.is_empty());
        Some(Self {
            first,
            middle,
            last,
            ignore_case,
        })
    }

    /// Returns whether a whole text, which is UTF-8, matches.
    pub(super) fn matches(&self, text: &[u8]) -> bool {
        if self.ignore_case {
            str::from_utf8(text).is_ok_and(|text| self.matches_as_is(lowercase(text).as_bytes()))
        } else {
            self.matches_as_is(text)
        }
    }

    fn matches_as_is(&self, text: &[u8]) -> bool {
        let Some(mut rest) = self.first.strip(text) else {
            return false;
        };
        let Some(last) = &self.last else {
            return rest.is_empty();
        };
        for piece in &self.middle {
            // The first place leaves the most text for the pieces that follow.
            match piece.find(rest) {
                Some(after) => rest = after,
                None => return false,
            }
        }
        last.ends(rest)
    }
}

fn add(pieces: &mut [Vec<Option<u8>>], byte: Option<u8>) {
    if let Some(piece) = pieces.last_mut() {
        piece.push(byte);
    }
}

/// Replaces each character by its lowercase form, always one character, as `DuckDB` does.
fn lowercase(text: &str) -> String {
    text.chars()
        .filter_map(|character| character.to_lowercase().next())
        .collect()
}

impl Piece {
    fn new(bytes: Vec<Option<u8>>) -> Self {
        match bytes.iter().copied().collect::<Option<Vec<u8>>>() {
            Some(literal) => Self::Literal(Box::new(Finder::new(&literal).into_owned())),
            None => Self::Wild(bytes),
        }
    }

    fn is_empty(&self) -> bool {
        match self {
            Self::Literal(literal) => literal.needle().is_empty(),
            Self::Wild(bytes) => bytes.is_empty(),
        }
    }

    /// Returns the text after the piece, if it begins with it.
    fn strip<'a>(&self, text: &'a [u8]) -> Option<&'a [u8]> {
        match self {
            Self::Literal(literal) => text.strip_prefix(literal.needle()),
            Self::Wild(bytes) => strip_wild(bytes, text),
        }
    }

    /// Returns the text after the first place of the piece.
    fn find<'a>(&self, text: &'a [u8]) -> Option<&'a [u8]> {
        match self {
            Self::Literal(literal) => {
                let at = literal.find(text)?;
                text.get(at + literal.needle().len()..)
            }
            Self::Wild(bytes) => starts(text).find_map(|from| strip_wild(bytes, from)),
        }
    }

    /// Returns whether a text ends with the piece.
    fn ends(&self, text: &[u8]) -> bool {
        match self {
            Self::Literal(literal) => text.ends_with(literal.needle()),
            Self::Wild(bytes) => {
                let characters = bytes.iter().filter(|byte| byte.is_none_or(begins_character)).count();
                // The piece has as many characters as its place at the end.
                let starts = (0..text.len())
                    .rev()
                    .filter(|at| text.get(*at).copied().is_some_and(begins_character));
                let start = starts.take(characters).last();
                let end = start.and_then(|start| text.get(start..)).unwrap_or_default();
                strip_wild(bytes, end).is_some_and(<[u8]>::is_empty)
            }
        }
    }
}

/// Returns whether a byte is the first of a character in UTF-8.
const fn begins_character(byte: u8) -> bool {
    byte & 0xc0 != 0x80
}

/// Returns the text from each character on, and its end.
fn starts(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let starts = (0..=text.len()).filter_map(|at| text.get(at..));
    starts.filter(|from| from.first().copied().is_none_or(begins_character))
}

fn strip_wild<'a>(bytes: &[Option<u8>], mut text: &'a [u8]) -> Option<&'a [u8]> {
    for byte in bytes {
        let (first, mut rest) = text.split_first()?;
        match byte {
            Some(byte) if byte != first => return None,
            Some(_) => {}
            None => {
                while rest.first().is_some_and(|byte| !begins_character(*byte)) {
                    rest = rest.get(1..)?;
                }
            }
        }
        text = rest;
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::Pattern;

    /// Matches character by character, as the standard describes it.
    fn reference(pattern: &[char], text: &[char]) -> bool {
        match pattern.split_first() {
            None => text.is_empty(),
            Some(('%', rest)) => (0..=text.len()).any(|at| reference(rest, &text[at..])),
            Some((first, rest)) => text
                .split_first()
                .is_some_and(|(character, after)| (*first == '_' || first == character) && reference(rest, after)),
        }
    }

    #[test]
    fn patterns_match_as_the_definition_does() {
        let mut state = 1_u64;
        let mut draw = |alphabet: &[char], most: u64| {
            let mut next = || {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                state >> 33
            };
            let len = next() % (most + 1);
            let pick = |number: u64| alphabet[usize::try_from(number).unwrap() % alphabet.len()];
            (0..len).map(|_| pick(next())).collect::<Vec<_>>()
        };
        let mut matches = 0;
        for _ in 0..50_000 {
            let pattern = draw(&['a', 'b', 'ä', '%', '_', '%'], 7);
            let text = draw(&['a', 'b', 'ä', '€'], 8);
            let (shown, joined) = (pattern.iter().collect::<String>(), text.iter().collect::<String>());
            let wanted = reference(&pattern, &text);
            let compiled = Pattern::new(&shown, None, false).unwrap();
            assert_eq!(compiled.matches(joined.as_bytes()), wanted, "{joined:?} like {shown:?}");
            matches += usize::from(wanted);
        }
        assert!(matches > 5_000, "{matches}");
    }

    #[test]
    fn an_escaped_character_stands_for_itself() {
        let matches =
            |pattern, escape, text: &str| Pattern::new(pattern, escape, false).unwrap().matches(text.as_bytes());
        assert!(matches("100!%", Some('!'), "100%"));
        assert!(!matches("100!%", Some('!'), "100"));
        assert!(matches("a!!_", Some('!'), "a!b"));
        assert!(matches("%%a", Some('%'), "%a"));
        assert!(matches("a\\b", None, "a\\b"));
        assert!(Pattern::new("a!", Some('!'), false).is_none());
    }

    #[test]
    fn case_is_ignored_on_request() {
        let pattern = Pattern::new("%BOT_É%", None, true).unwrap();
        assert!(pattern.matches("GoogleBot/é1".as_bytes()));
        assert!(!pattern.matches(b"GoogleBot/e1"));
    }
}
