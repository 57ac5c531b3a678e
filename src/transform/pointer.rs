//! Points to a place in the text of a setting.

use std::fmt;
use std::ops::Range;

use crate::escape::is_printable;

/// The most characters of a line that are shown before and after the place.
const CONTEXT: usize = 60;

/// The line of a setting's text that is at fault, with carets below the fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pointer {
    line: String,
    /// The number of characters before the first caret.
    before: usize,
    carets: usize,
}

impl Pointer {
    /// Points to a range of bytes. A range that is empty or ends after the text gets one caret.
    pub fn to(text: &str, at: Range<usize>) -> Self {
        let start = text.floor_char_boundary(at.start);
        let (before, rest) = text.split_at_checked(start).unwrap_or((text, ""));
        let before = before.rsplit('\n').next().unwrap_or_default();
        let rest = rest.split('\n').next().unwrap_or_default();
        let fault = rest.get(..rest.floor_char_boundary(at.len())).unwrap_or_default();
        let after = rest.strip_prefix(fault).unwrap_or_default();
        let skipped = before.chars().count().saturating_sub(CONTEXT);
        let mut line = String::new();
        let mut push = |text: &str, skip: usize, take: usize| {
            // A character that is not shown, or shown escaped, would move the carets.
            let shown = text.chars().skip(skip).take(take);
            let shown: String = shown.map(|c| if is_printable(c) { c } else { ' ' }).collect();
            line.push_str(&shown);
            shown.chars().count()
        };
        let before = push(before, skipped, CONTEXT);
        let carets = push(fault, 0, CONTEXT);
        push(after, 0, CONTEXT);
        Self {
            line: line.trim_end().to_owned(),
            before,
            carets: carets.max(1),
        }
    }
}

/// Shows two lines, both indented.
impl fmt::Display for Pointer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, before, carets } = self;
        write!(out, "  {line}\n  {:before$}{:^<carets$}", "", "")
    }
}

#[cfg(test)]
mod tests {
    use super::Pointer;

    #[test]
    fn carets_are_below_the_fault_in_its_own_line() {
        for (text, at, wanted) in [
            ("abc def", 4..7, "  abc def\n      ^^^"),
            ("abc", 3..3, "  abc\n     ^"),
            ("abc", 9..12, "  abc\n     ^"),
            ("", 0..0, "  \n  ^"),
            ("a\nbc\td\ne", 5..6, "  bc d\n     ^"),
            ("a = 'ä' x", 9..10, "  a = 'ä' x\n          ^"),
            ("a\nb", 0..3, "  a\n  ^"),
        ] {
            assert_eq!(Pointer::to(text, at).to_string(), wanted, "{text:?}");
        }
        let long = format!("{}x{}", "a".repeat(500), "b".repeat(500));
        let shown = format!("  {}x{}\n  {}^", "a".repeat(60), "b".repeat(60), " ".repeat(60));
        assert_eq!(Pointer::to(&long, 500..501).to_string(), shown);
    }
}
