//! Writes HTML and SVG. Markup is made of literals only; every other text is escaped on its way into the page.

use std::fmt::{self, Display, Write as _};

use crate::escape::escaped;

/// The most bytes of a text that the page shows, in their escaped form. A client can send a URL of 16 KB, and the page must stay
/// small.
const MAX_ESCAPED_BYTES: usize = 256;

/// An attribute of an element: its name, and a value that is escaped.
pub(super) type Attribute<'a> = (&'static str, &'a dyn Display);

/// A page, or a part of one, that is being written.
#[derive(Debug, Default)]
pub(super) struct Html(String);

impl Html {
    /// Appends markup that is part of the program.
    pub(super) fn markup(&mut self, literal: &'static str) {
        self.0.push_str(literal);
    }

    /// Appends a text, which may come from a client.
    pub(super) fn text(&mut self, text: impl Display) {
        // Writing to a String does not fail.
        let _ = write!(Escaping(&mut self.0), "{text}");
    }

    /// Appends a part that was written before.
    pub(super) fn part(&mut self, part: &Self) {
        self.0.push_str(&part.0);
    }

    /// Appends a line break.
    pub(super) fn line(&mut self) {
        self.0.push('\n');
    }

    /// Appends an element with what `inside` writes.
    pub(super) fn element(&mut self, tag: &'static str, attributes: &[Attribute], inside: impl FnOnce(&mut Self)) {
        self.start(tag, attributes);
        self.0.push('>');
        inside(self);
        self.0.push_str("</");
        self.0.push_str(tag);
        self.0.push('>');
    }

    /// Appends an element with a text.
    pub(super) fn leaf(&mut self, tag: &'static str, attributes: &[Attribute], text: impl Display) {
        self.element(tag, attributes, |html| html.text(text));
    }

    /// Appends an SVG element without content.
    pub(super) fn shape(&mut self, tag: &'static str, attributes: &[Attribute]) {
        self.start(tag, attributes);
        self.0.push_str("/>");
    }

    fn start(&mut self, tag: &'static str, attributes: &[Attribute]) {
        self.0.push('<');
        self.0.push_str(tag);
        for (name, value) in attributes {
            let value = value.to_string();
            if value.is_empty() && *name == "class" {
                continue;
            }
            self.0.push(' ');
            self.0.push_str(name);
            self.0.push_str("=\"");
            self.text(value);
            self.0.push('"');
        }
    }

    /// Returns the page.
    pub(super) fn finish(self) -> String {
        self.0
    }
}

/// Escapes what is written to it for text and for quoted attributes. Characters that no reader sees, that change the direction
/// of text or that are control characters are shown in the form of [`escaped`].
struct Escaping<'a>(&'a mut String);

impl fmt::Write for Escaping<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for character in escaped(text).to_string().chars() {
            match reference(character) {
                Some(reference) => self.0.push_str(reference),
                None => self.0.push(character),
            }
        }
        Ok(())
    }
}

/// Returns the character reference of a character that has a meaning in HTML.
const fn reference(character: char) -> Option<&'static str> {
    match character {
        '&' => Some("&amp;"),
        '<' => Some("&lt;"),
        '>' => Some("&gt;"),
        '"' => Some("&quot;"),
        '\'' => Some("&#39;"),
        _ => None,
    }
}

/// Returns the text, shortened if it is long.
pub(super) fn shortened(text: &str) -> String {
    let mut bytes = 0;
    let end = text.char_indices().find_map(|(at, character)| {
        bytes += match reference(character) {
            Some(reference) => reference.len(),
            None => character.escape_debug().count().max(character.len_utf8()),
        };
        (bytes > MAX_ESCAPED_BYTES).then_some(at)
    });
    match end.and_then(|end| text.split_at_checked(end)) {
        None => text.to_owned(),
        Some((shown, rest)) => format!("{shown}… ({} more characters)", rest.chars().count()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str) -> String {
        let mut html = Html::default();
        html.element("b", &[("title", &text)], |html| html.text(text));
        html.finish()
    }

    #[test]
    fn text_of_clients_ends_neither_elements_nor_attributes() {
        for (text, safe) in [
            ("/shop?a=1&b=2", "/shop?a=1&amp;b=2"),
            ("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"),
            (
                "\"><img src=x onerror=alert(1)>",
                "&quot;&gt;&lt;img src=x onerror=alert(1)&gt;",
            ),
            ("' onmouseover='alert(1)", "&#39; onmouseover=&#39;alert(1)"),
            (
                "</title></style></svg><svg/onload=1>",
                "&lt;/title&gt;&lt;/style&gt;&lt;/svg&gt;&lt;svg/onload=1&gt;",
            ),
            ("<!-- ]]> -->", "&lt;!-- ]]&gt; --&gt;"),
            ("&lt;b&gt; &#60;", "&amp;lt;b&amp;gt; &amp;#60;"),
            ("a\u{202e}b\0\r\n\u{feff}", "a\\u{202e}b\\0\\r\\n\\u{feff}"),
            ("日本 ü", "日本 ü"),
        ] {
            assert_eq!(written(text), format!("<b title=\"{safe}\">{safe}</b>"));
        }
    }

    #[test]
    fn no_character_leaves_the_text() {
        for character in (0..0x2100).filter_map(char::from_u32) {
            let page = written(&format!("a{character}b"));
            assert_eq!(page.matches(['<', '>', '"']).count(), 6, "{character:?}: {page}");
            assert!(!page.contains('\''), "{character:?}: {page}");
            assert!(!page.contains(char::is_control), "{character:?}: {page}");
        }
    }

    #[test]
    fn a_long_text_is_shortened_between_characters() {
        for (text, shown, rest) in [
            ("ü/日".to_owned(), "ü/日".to_owned(), 0),
            ("a".repeat(256), "a".repeat(256), 0),
            ("ü".repeat(1_000), "ü".repeat(128), 872),
            ("\"".repeat(100), "\"".repeat(42), 58),
            ("\u{202e}".repeat(100), "\u{202e}".repeat(32), 68),
        ] {
            let expected = if rest == 0 {
                shown
            } else {
                format!("{shown}… ({rest} more characters)")
            };
            assert_eq!(shortened(&text), expected);
            assert!(written(&expected).len() <= 2 * (MAX_ESCAPED_BYTES + 40));
        }
    }
}
