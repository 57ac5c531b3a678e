use std::collections::BTreeSet;

use super::*;
use crate::formats::Extra;

const ALL: Wanted = Wanted {
    family: true,
    system: true,
    bot: true,
};

fn bot(agent: &str) -> Option<(&'static str, &'static str)> {
    Agent::of(agent.as_bytes(), ALL).bot()
}

#[test]
fn families_and_systems_are_those_of_uap_core() {
    for (agent, family, system) in [
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/128.0.0.0 Safari/537.36",
            Some("Chrome"),
            Some("Windows"),
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1",
            Some("Mobile Safari"),
            Some("iOS"),
        ),
        (
            "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:126.0) Gecko/20100101 Firefox/126.0",
            Some("Firefox"),
            Some("Ubuntu"),
        ),
        ("curl/8.5.0", Some("curl"), None),
        ("", None, None),
        ("-", None, None),
        ("no-such-agent", None, None),
    ] {
        let facts = Agent::of(agent.as_bytes(), ALL);
        assert_eq!(facts.family(), family, "{agent}");
        assert_eq!(facts.system(), system, "{agent}");
    }
}

#[test]
fn the_longest_pattern_decides_which_bot_it_is() {
    for (agent, found) in [
        (
            "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
            Some(("Googlebot", "search-engine")),
        ),
        (
            "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2; +https://openai.com/gptbot)",
            Some(("GPTBot", "ai-crawler")),
        ),
        (
            "Mozilla/5.0 (compatible; ClaudeBot/1.0; +claudebot@anthropic.com)",
            Some(("ClaudeBot", "ai-crawler")),
        ),
        (
            "W3C-checklink/4.5 [4.160] libwww-perl/5.823",
            Some(("W3C-checklink", "monitoring")),
        ),
        // Only at the start.
        ("curl/8.5.0", Some(("curl", "http-library"))),
        ("not curl/8.5.0", None),
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/128.0.0.0 Safari/537.36",
            None,
        ),
        ("", None),
    ] {
        assert_eq!(bot(agent), found, "{agent}");
    }
}

#[test]
fn the_kinds_of_bots_are_those_that_are_documented() {
    let kinds: BTreeSet<_> = Bots::list().facts.iter().map(|(_, kind)| *kind).collect();
    let documented: BTreeSet<_> = Extra::BotKind.column().known.iter().copied().collect();
    assert_eq!(kinds, documented);
    for (name, _) in &Bots::list().facts {
        let clean = |byte: u8| !byte.is_ascii_control() && byte != b'"' && byte != b'\\';
        assert!(!name.is_empty() && name.bytes().all(clean), "{name:?}");
    }
    assert!(Bots::list().facts.len() > 1_000);
    assert!(Bots::list().others.len() < 30, "most patterns are texts");
}

#[test]
fn only_the_start_of_a_user_agent_counts() {
    let agent = |filler: usize| format!("{} Googlebot/2.1", "x".repeat(filler));
    let found = |agent: &str| bot(str::from_utf8(examined(agent.as_bytes())).unwrap());
    assert!(found(&agent(1_000)).is_some());
    assert!(found(&agent(1_024)).is_none());
    // A character is not cut.
    let text = format!("{}é", "x".repeat(1_023));
    assert_eq!(examined(text.as_bytes()).len(), 1_023);
    let whole = format!("{}é", "x".repeat(1_022));
    assert_eq!(examined(whole.as_bytes()), whole.as_bytes());
}

#[test]
fn only_what_is_wanted_is_looked_up() {
    let wanted = Wanted {
        family: false,
        system: false,
        bot: true,
    };
    let facts = Agent::of(b"curl/8.5.0 of this test", wanted);
    assert_eq!((facts.family(), facts.system()), (None, None));
    assert_eq!(facts.bot(), Some(("curl", "http-library")));
    // The rest is added to what is known.
    let facts = Agent::of(b"curl/8.5.0 of this test", ALL);
    assert_eq!(facts.family(), Some("curl"));
}

/// Every list is matched in linear time, and only the start of a text is looked at.
#[expect(clippy::disallowed_methods, reason = "the test is about time")]
#[test]
fn hostile_user_agents_take_no_longer_than_others() {
    let pieces = [
        "a",
        "Mozilla/5.0 (",
        "((((;;;;))))",
        "Version/1.2.3.4.5.6 ",
        "CFNetwork/1 Darwin Chrome Safari MSIE Edge Mobile Android ",
        "\u{1F600}",
        "bot bot/",
    ];
    for piece in pieces {
        let agent = piece.repeat(10_240 / piece.len());
        let start = std::time::Instant::now();
        let examined = examined(agent.as_bytes());
        Agent::of(examined, ALL);
        // Usually below a millisecond; without optimization, and with building the lists, far below this.
        assert!(start.elapsed().as_secs() < 20, "{piece}");
        assert!(examined.len() <= MAX_BYTES);
    }
}
