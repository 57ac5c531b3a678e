//! Text from outside, escaped for terminals, reports and logs.
//!
//! Keys, paths, bucket names and the messages of services may contain anything: newlines that forge a line of a report,
//! sequences that control a terminal, characters that reverse the direction of text. Whatever shows such a text shows it
//! through this module.

use std::fmt::{self, Write as _};
use std::path::Path;

/// Characters that are shown as they are although [`str::escape_debug`] would escape them.
const KEPT: [char; 3] = ['"', '\'', '\\'];

/// Bytes as one line of printable text: a control character or an invisible one becomes `\n`, `\u{1b}` and so on, an
/// invalid byte `\xFF`. Escaping the result again changes nothing.
#[derive(Debug, Clone, Copy)]
pub struct Escaped<'a>(&'a [u8]);

/// Returns the text in a form that is safe to show.
pub fn escaped<T: AsRef<[u8]> + ?Sized>(text: &T) -> Escaped<'_> {
    Escaped(text.as_ref())
}

/// Returns the path in a form that is safe to show.
pub fn escaped_path(path: &Path) -> Escaped<'_> {
    Escaped(path.as_os_str().as_encoded_bytes())
}

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for chunk in self.0.utf8_chunks() {
            for piece in chunk.valid().split_inclusive(KEPT) {
                let text = piece.trim_end_matches(KEPT);
                write!(out, "{}", text.escape_debug())?;
                out.write_str(piece.get(text.len()..).unwrap_or_default())?;
            }
            for byte in chunk.invalid() {
                write!(out, "\\x{byte:02X}")?;
            }
        }
        Ok(())
    }
}

/// Returns the same JSON with every character escaped that is not safe to show. Line feeds between values stay.
pub fn escaped_json(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for character in json.chars() {
        let plain = character == '\n' || character == ' ' || is_printable(character);
        if plain {
            text.push(character);
        } else {
            for unit in character.encode_utf16(&mut [0; 2]) {
                // Writing to a String does not fail.
                let _ = write!(text, "\\u{unit:04x}");
            }
        }
    }
    text
}

/// Returns whether a text is a plain name that may be repeated: nothing that a server could smuggle into a log.
pub fn is_name(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'/' | b'+' | b'=');
    (1..=128).contains(&text.len()) && text.bytes().all(plain)
}

/// Returns whether a character is shown as it is. The first character of the text is not a combining one.
pub(crate) fn is_printable(character: char) -> bool {
    character.is_ascii_graphic() || (!character.is_ascii() && character.escape_debug().count() == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_controls_a_terminal_is_left() {
        for (text, shown) in [
            ("a/b c-ü-日本.log", "a/b c-ü-日本.log"),
            ("cafe\u{301}", "cafe\u{301}"),
            (r#"it's "a\b""#, r#"it's "a\b""#),
            ("a\nfailed  b", r"a\nfailed  b"),
            ("\r\t\0", r"\r\t\0"),
            ("\u{1b}]0;title\u{7}", r"\u{1b}]0;title\u{7}"),
            ("\u{7f}\u{9b}31m", r"\u{7f}\u{9b}31m"),
            ("\u{202e}gnp\u{2028}\u{feff}", r"\u{202e}gnp\u{2028}\u{feff}"),
            ("'\u{1b}\"\u{1b}\\\u{1b}", r#"'\u{1b}"\u{1b}\\u{1b}"#),
        ] {
            assert_eq!(escaped(text).to_string(), shown);
            assert_eq!(escaped(shown).to_string(), shown, "once is enough");
        }
        assert_eq!(escaped(b"a\xff\x1b").to_string(), r"a\xFF\u{1b}");
        assert_eq!(escaped_path(Path::new("a\n/b")).to_string(), r"a\n/b");
        for character in (0..0x2100).filter_map(char::from_u32) {
            let shown = escaped(&format!("a{character}\"{character}")).to_string();
            assert!(!shown.contains(char::is_control), "{character:?}: {shown:?}");
        }
    }

    #[test]
    fn escaped_json_has_the_same_values() {
        let value = serde_json::json!({"key\u{9b}": "\u{1b}]0;\u{7}\u{7f}\u{9b}\u{202e}\u{e0001}\n\"\\ü日"});
        for json in [value.to_string(), format!("{value:#}")] {
            let text = escaped_json(&json);
            assert!(
                !text.contains(|char: char| char.is_control() && char != '\n'),
                "{text:?}"
            );
            assert!(
                !text.contains(['\u{202e}', '\u{e0001}']) && text.contains("ü日"),
                "{text:?}"
            );
            assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), value);
        }
    }
}
