//! What a user agent says about itself: its family and its operating system by the rules of uap-core, and the bot that it claims to
//! be by the patterns of crawler-user-agents. Both lists are in `data/`.

#![expect(
    clippy::expect_used,
    reason = "the lists are part of the program, and a test builds them"
)]

use std::sync::{Arc, LazyLock, Mutex, OnceLock, PoisonError};

use aho_corasick::{AhoCorasick, AhoCorasickKind};
use regex::Regex;
use ua_parser::{os, user_agent};

use crate::transform::memo::Memo;

/// How much of a user agent is looked at: those of browsers and bots are shorter, and the time for a longer one is bounded.
const MAX_BYTES: usize = 1024;
/// The bytes of user agents whose facts the process keeps.
const KNOWN_BYTES: usize = 1 << 20;

pub(super) const FAMILIES: &str = include_str!("../../../data/uap-core/families.tsv");
pub(super) const SYSTEMS: &str = include_str!("../../../data/uap-core/systems.tsv");
const BOTS: &str = include_str!("../../../data/crawler-user-agents/bots.tsv");

/// The facts about user agents that the process has met lately.
static KNOWN: LazyLock<Mutex<Memo<Arc<Agent>>>> = LazyLock::new(|| Mutex::new(Memo::new(KNOWN_BYTES)));

/// What is known about a user agent.
#[derive(Debug, Default)]
pub(super) struct Agent {
    family: OnceLock<Option<Box<str>>>,
    system: OnceLock<Option<Box<str>>>,
    bot: OnceLock<Option<(&'static str, &'static str)>>,
}

/// The facts that are wanted. The lists of others are not even loaded.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted {
    pub(super) family: bool,
    pub(super) system: bool,
    pub(super) bot: bool,
}

impl Agent {
    /// Returns the facts about a user agent, given what [`examined`] returns for it.
    pub(super) fn of(agent: &[u8], wanted: Wanted) -> Arc<Self> {
        let facts = {
            let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(known.get(agent, Arc::default))
        };
        facts.learn(as_text(agent), wanted);
        facts
    }

    /// Finds out what is wanted and not known yet.
    fn learn(&self, agent: &str, wanted: Wanted) {
        let name = |name: &str| (!name.trim().is_empty()).then(|| name.trim().into());
        if wanted.family {
            self.family
                .get_or_init(|| families().extract(agent).and_then(|found| name(&found.family)));
        }
        if wanted.system {
            self.system
                .get_or_init(|| systems().extract(agent).and_then(|found| name(&found.os)));
        }
        if wanted.bot {
            self.bot.get_or_init(|| Bots::list().find(agent));
        }
    }

    pub(super) fn family(&self) -> Option<&str> {
        self.family.get()?.as_deref()
    }

    pub(super) fn system(&self) -> Option<&str> {
        self.system.get()?.as_deref()
    }

    /// Returns name and kind of the bot.
    pub(super) fn bot(&self) -> Option<(&'static str, &'static str)> {
        *self.bot.get()?
    }
}

/// Returns the part of a user agent that is looked at.
pub(super) fn examined(agent: &[u8]) -> &[u8] {
    match agent.split_at_checked(MAX_BYTES) {
        Some((start, rest)) if !rest.is_empty() => {
            // Without a character that is cut.
            let whole = str::from_utf8(start).map_or_else(|error| error.valid_up_to(), str::len);
            start.get(..whole).unwrap_or_default()
        }
        _ => agent,
    }
}

/// Returns a text of a batch, which is UTF-8.
fn as_text(agent: &[u8]) -> &str {
    str::from_utf8(agent).unwrap_or_default()
}

/// Returns the cells of the rows of a list, without its first line, which names its source.
fn rows(list: &'static str) -> impl Iterator<Item = std::str::Split<'static, char>> {
    list.lines().skip(1).map(|row| row.split('\t'))
}

/// Returns the rules of a list: a regular expression, and what replaces the text of its first group.
pub(super) fn rules(list: &'static str) -> impl Iterator<Item = (&'static str, Option<&'static str>)> {
    rows(list).map(|mut cells| (cells.next().unwrap_or_default(), cells.next()))
}

fn families() -> &'static user_agent::Extractor<'static> {
    static FAMILY_RULES: LazyLock<user_agent::Extractor<'static>> = LazyLock::new(|| {
        let parsers = rules(FAMILIES).map(|(regex, replacement)| user_agent::Parser {
            regex: regex.into(),
            family_replacement: replacement.map(Into::into),
            ..user_agent::Parser::default()
        });
        let builder = user_agent::Builder::new().push_all(parsers);
        builder
            .expect("the rules are regular expressions")
            .build()
            .expect("the rules are few")
    });
    &FAMILY_RULES
}

fn systems() -> &'static os::Extractor<'static> {
    static SYSTEM_RULES: LazyLock<os::Extractor<'static>> = LazyLock::new(|| {
        let parsers = rules(SYSTEMS).map(|(regex, replacement)| os::Parser {
            regex: regex.into(),
            os_replacement: replacement.map(Into::into),
            ..os::Parser::default()
        });
        let builder = os::Builder::new().push_all(parsers);
        builder
            .expect("the rules are regular expressions")
            .build()
            .expect("the rules are few")
    });
    &SYSTEM_RULES
}

/// The patterns of bots.
struct Bots {
    /// Name and kind of each bot.
    facts: Vec<(&'static str, &'static str)>,
    /// The texts that patterns match.
    texts: AhoCorasick,
    /// The number of the bot of each text.
    text_of: Vec<usize>,
    /// The patterns that are not a few texts, and the numbers of their bots.
    others: Vec<(Regex, usize)>,
}

impl Bots {
    fn list() -> &'static Self {
        static LIST: LazyLock<Bots> = LazyLock::new(Bots::new);
        &LIST
    }

    fn new() -> Self {
        let (mut bots, mut texts, mut text_of, mut others) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for mut cells in rows(BOTS) {
            let (kind, name) = (cells.next().unwrap_or_default(), cells.next().unwrap_or_default());
            let mut forms = cells.peekable();
            if forms.next_if_eq(&"").is_some() {
                let pattern = forms.next().unwrap_or_default();
                others.push((
                    Regex::new(pattern).expect("the pattern is a regular expression"),
                    bots.len(),
                ));
            }
            for text in forms {
                texts.push(text);
                text_of.push(bots.len());
            }
            bots.push((name, kind));
        }
        let mut builder = AhoCorasick::builder();
        let texts = builder.kind(Some(AhoCorasickKind::ContiguousNFA)).build(texts);
        Self {
            facts: bots,
            texts: texts.expect("the patterns are few"),
            text_of,
            others,
        }
    }

    /// Returns name and kind of the bot whose pattern matches the longest text; of several, the first in the list.
    fn find(&self, agent: &str) -> Option<(&'static str, &'static str)> {
        let texts = self.texts.find_overlapping_iter(agent);
        let texts = texts.filter_map(|found| Some((found.len(), *self.text_of.get(found.pattern().as_usize())?)));
        let others = self.others.iter();
        let others = others.filter_map(|(pattern, bot)| Some((pattern.find(agent)?.len(), *bot)));
        let longest = texts.chain(others).min_by_key(|(len, bot)| (usize::MAX - len, *bot));
        longest.and_then(|(_, bot)| self.facts.get(bot).copied())
    }
}

#[cfg(test)]
mod tests;
