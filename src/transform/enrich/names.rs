//! The names that the rules for user agents have themselves. Any other name is text of a client: some rules take whatever is at a
//! place of the user agent, such as the first word of an app.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use regex_syntax::ParserBuilder;
use regex_syntax::hir::literal::Extractor;
use regex_syntax::hir::{Capture, Hir, HirKind};

use super::agent::{Agent, FAMILIES, SYSTEMS, Wanted, examined, rules};

static FAMILY_NAMES: LazyLock<BTreeSet<String>> = LazyLock::new(|| names(FAMILIES));
static SYSTEM_NAMES: LazyLock<BTreeSet<String>> = LazyLock::new(|| names(SYSTEMS));

/// Returns whether a rule has a name of a family.
pub(in crate::transform) fn is_family(name: &[u8]) -> bool {
    str::from_utf8(name).is_ok_and(|name| FAMILY_NAMES.contains(name))
}

/// Returns whether a rule has a name of an operating system.
pub(in crate::transform) fn is_system(name: &[u8]) -> bool {
    str::from_utf8(name).is_ok_and(|name| SYSTEM_NAMES.contains(name))
}

/// Returns the family of a user agent, as the column `user_agent_family` has it, if a rule has its name.
pub(in crate::transform) fn family(agent: &[u8]) -> Option<String> {
    let wanted = Wanted {
        family: true,
        system: false,
        bot: false,
    };
    let facts = Agent::of(examined(agent), wanted);
    facts
        .family()
        .filter(|name| is_family(name.as_bytes()))
        .map(str::to_owned)
}

/// Returns the names of the rules of a list.
fn names(list: &'static str) -> BTreeSet<String> {
    rules(list).flat_map(|(regex, name)| names_of(regex, name)).collect()
}

/// Returns the names of a rule: its own, or the texts of its first group, as far as they are a few fixed ones.
fn names_of(regex: &str, name: Option<&str>) -> Vec<String> {
    /// What a name has in place of the text of the first group.
    const GROUP: &str = "$1";
    let name = name.unwrap_or(GROUP);
    if !name.contains(GROUP) {
        return vec![name.trim().to_owned()];
    }
    // The lists are ASCII, and the tables of Unicode are not needed.
    let parsed = ParserBuilder::new().unicode(false).utf8(false).build().parse(regex);
    let group = parsed.ok().and_then(|regex| first_group(&regex).cloned());
    let texts = group.iter().flat_map(fixed_texts);
    texts.map(|text| name.replace(GROUP, &text).trim().to_owned()).collect()
}

/// Returns what the first group of a regular expression contains.
fn first_group(regex: &Hir) -> Option<&Hir> {
    match regex.kind() {
        HirKind::Capture(Capture { sub, .. }) => Some(sub),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => parts.iter().find_map(first_group),
        HirKind::Repetition(repetition) => first_group(&repetition.sub),
        HirKind::Empty | HirKind::Literal(_) | HirKind::Class(_) | HirKind::Look(_) => None,
    }
}

/// Returns the texts that a regular expression matches; of its alternatives, those that match a few fixed ones.
fn fixed_texts(regex: &Hir) -> Vec<String> {
    let alternatives = match regex.kind() {
        HirKind::Alternation(alternatives) => alternatives.as_slice(),
        _ => std::slice::from_ref(regex),
    };
    let extractor = Extractor::new();
    let all = alternatives.iter().map(|alternative| extractor.extract(alternative));
    let fixed = all.filter(regex_syntax::hir::literal::Seq::is_exact);
    let texts = fixed.flat_map(|texts| texts.literals().unwrap_or_default().to_vec());
    texts
        .filter_map(|text| String::from_utf8(text.into_bytes()).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_that_a_rule_has_are_known() {
        for name in [
            "Chrome",
            "Firefox",
            "curl",
            "Mobile Safari",
            "Explorer for ArcGIS",
            "Googlebot",
            "Boto",
        ] {
            assert!(is_family(name.as_bytes()), "{name}");
        }
        for name in [
            "",
            "Canary",
            "Canarybot",
            "CanarySpider",
            ".{0,200}",
            "$1",
            "$1 for ArcGIS",
            "Chrome ",
        ] {
            assert!(!is_family(name.as_bytes()), "{name}");
        }
        for name in ["Windows", "iOS", "Ubuntu", "FreeBSD", "Samsung"] {
            assert!(is_system(name.as_bytes()), "{name}");
        }
        assert!(!is_system(b"Canary"));
        assert!(!is_family(b"\xff"));
    }

    #[test]
    fn a_rule_without_fixed_texts_has_no_names() {
        assert_eq!(names_of("^(.{0,200})/x", None), Vec::<String>::new());
        assert_eq!(
            names_of("^([A-Z]pple|Pear|Figs?)/(\\d+)", Some("$1 OS")),
            ["Pear OS", "Figs OS", "Fig OS"]
        );
        assert_eq!(names_of("no group", Some(" A ")), ["A"]);
        assert_eq!(names_of("no group", None), Vec::<String>::new());
    }

    #[test]
    fn families_that_a_client_chose_are_not_returned() {
        assert_eq!(family(b"curl/8.1").as_deref(), Some("curl"));
        for agent in [
            "Canary7Secret/12 CFNetwork/1",
            "Mozilla/5.0 Canary7Bot/1.0",
            "my-canary/1",
            "",
        ] {
            assert_eq!(family(agent.as_bytes()), None, "{agent}");
        }
    }
}
