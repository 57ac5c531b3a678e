//! The page of the example, of hostile figures, and of the largest ones.

use serde_json::{Value, json};

use super::*;
use crate::parse::line::time::timestamp_micros;

const EXAMPLE: &str = include_str!("../../../tests/golden/report/example.json");
const MAX_BYTES: usize = 1_000_000;

fn example() -> Value {
    serde_json::from_str(EXAMPLE).unwrap()
}

fn page(figures: Value) -> String {
    html(&serde_json::from_value(figures).unwrap())
}

/// Applies a change to every text that is not a time.
fn change_texts(value: &mut Value, change: &dyn Fn(&mut String)) {
    match value {
        Value::String(text) if timestamp_micros(text.as_bytes()).is_err() => change(text),
        Value::Array(values) => values.iter_mut().for_each(|value| change_texts(value, change)),
        Value::Object(members) => members.values_mut().for_each(|value| change_texts(value, change)),
        _ => {}
    }
}

/// Returns the text between two texts, the first time that they occur.
fn between<'a>(page: &'a str, start: &str, end: &str) -> &'a str {
    let (_, rest) = page.split_once(start).unwrap();
    rest.split_once(end).unwrap().0
}

#[test]
fn the_page_of_the_example_has_every_part() {
    let page = page(example());
    for (title, id) in [
        ("Over time", "time"),
        ("Load balancers and target groups", "balancers"),
        ("Errors that load balancers made", "errors"),
        ("Paths, clients, user agents and hosts", "visitors"),
        ("Actions, redirects, AWS WAF and authentication", "rules"),
        ("TLS", "tls"),
        ("Health checks", "health"),
        ("Suspicious requests", "suspicious"),
        ("What was read", "input"),
    ] {
        assert!(
            page.contains(&format!("<section id=\"{id}\"><h2>{title}</h2>")),
            "{title}"
        );
        assert!(page.contains(&format!("<a href=\"#{id}\">")), "{title}");
    }
    // Numbers, texts and times of the example.
    for shown in [
        "Shop, 7 October 2026",
        "2026-10-07 00:00</time> to ",
        "app/shop/50dc6c495c0c9188",
        "The client closed the connection before the target responded.",
        "action forward: 308, LambdaUnhandled (action forward): 2",
        "TLSv1.1 (deprecated)",
        "TargetError: 50, RequestTimedOut: 6",
        "100 or more",
        "?q=&lt;script&gt;alert(1)&lt;/script&gt;",
        "target_status_code",
        "skipped: outside of the time range",
        "cannot list s3://my-logs/old/: access denied",
        "are within 1 % of the value at their rank",
        "a standard error of 1.6 %",
        "texts are cut after 256 bytes",
    ] {
        assert!(page.contains(shown), "{shown}");
    }
    assert_eq!(
        page,
        html(&serde_json::from_str(EXAMPLE).unwrap()),
        "the same figures give the same bytes"
    );
}

#[test]
fn a_part_without_data_is_left_out() {
    for (part, gone) in [
        ("timeline", "id=\"time\""),
        ("load_balancers", "Slowest paths by load balancer"),
        ("target_groups", "<h3>Target groups</h3>"),
        ("slowest_paths", "<h3>Slowest paths</h3>"),
        ("paths", "<h3>Paths</h3>"),
        ("clients", "<h3>Clients</h3>"),
        ("user_agents", "<h3>User agents</h3>"),
        ("hosts", "<h3>Hosts</h3>"),
        ("actions", "<h3>Actions</h3>"),
        ("redirects", "<h3>Responses with 3xx</h3>"),
        ("waf", "<h3>AWS WAF</h3>"),
        ("authentication", "<h3>Authentication</h3>"),
        ("error_reasons", "<h3>Error reasons</h3>"),
        ("own_errors", "<h3>4xx and 5xx by status code</h3>"),
        ("tls", "id=\"tls\""),
        ("health", "id=\"health\""),
        ("suspicious", "id=\"suspicious\""),
    ] {
        let mut figures = example();
        assert!(page(figures.clone()).contains(gone), "{gone}");
        figures.as_object_mut().unwrap().remove(part).unwrap();
        assert!(!page(figures).contains(gone), "{gone}");
    }
    let figures = example();
    let mut least = json!({"read": {"objects": 0, "bytes": 0, "lines": 0, "events": 0, "quarantined": 0, "blank": 0, "failed": 0, "corrupt": 0}});
    for name in ["format_version", "program", "title", "bounds"] {
        least[name] = figures[name].clone();
    }
    let page = page(least);
    assert_eq!(
        page.matches("<section").count(),
        1,
        "only the part about what was read is left"
    );
    assert!(page.contains("No events."));
}

#[test]
fn no_text_of_the_figures_becomes_markup() {
    let elements = |page: &str| {
        let names = page
            .split('<')
            .skip(1)
            .map(|rest| rest.split([' ', '>']).next().unwrap().to_owned());
        names.collect::<Vec<_>>()
    };
    let plain = page(example());
    for attack in [
        "<script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        "' onload='alert(1)",
        "</td></title></style></script><svg/onload=alert(1)>",
        "\u{202e}\u{0}\r\n<!--",
    ] {
        let mut figures = example();
        // Names keep their meaning, and every text is in the page.
        change_texts(&mut figures, &|text| *text = format!("{text}{attack}"));
        let page = page(figures);
        assert_eq!(elements(&page), elements(&plain), "{attack}");
        assert!(
            !page.contains(attack) && !page.contains('\u{202e}') && !page.contains('\0'),
            "{attack}"
        );
    }
}

#[test]
fn the_largest_page_is_small() {
    let mut figures = example();
    let timeline = figures["timeline"].take();
    grow(&mut figures);
    change_texts(&mut figures, &|text| *text = "\"<'>&".repeat(52));
    let mut interval = timeline["intervals"][0].clone();
    grow(&mut interval);
    interval["latency"] =
        json!({"count": 1, "p50": 1_234.567_891, "p90": 12.345_678, "p95": 23.456_789, "p99": 34.567_891, "max": 1e6});
    let intervals = (0..240).map(|number: i64| {
        let mut interval = interval.clone();
        let start = 1_791_331_200_000_000 + number * 60_000_000;
        interval["start"] = json!(super::super::Time(start));
        interval
    });
    figures["timeline"] = json!({"interval_seconds": 60, "intervals": intervals.collect::<Vec<_>>()});
    let page = page(figures);
    assert!(page.len() < MAX_BYTES, "{} bytes", page.len());
    assert!(page.len() > MAX_BYTES / 4, "{} bytes", page.len());
}

/// Makes every list and every count large.
fn grow(value: &mut Value) {
    match value {
        Value::Array(values) => {
            values.iter_mut().for_each(grow);
            *values = values
                .iter()
                .cycle()
                .take(if values.is_empty() { 0 } else { 100 })
                .cloned()
                .collect();
        }
        Value::Object(members) => members.iter_mut().for_each(|(name, value)| match name.as_str() {
            "status" | "format_version" | "max_text_bytes" => {}
            _ => grow(value),
        }),
        Value::Number(number) if number.is_u64() => *value = json!(9_876_543_210_u64),
        _ => {}
    }
}

#[test]
fn the_policy_allows_exactly_the_style_and_the_script_of_the_page() {
    let page = page(example());
    let policy = between(&page, "Content-Security-Policy\" content=\"", "\"").replace("&#39;", "'");
    let style = between(&page, "<style>", "</style>");
    let script = between(&page, "<script>", "</script>");
    assert_eq!(page.matches("<style").count() + page.matches("<script").count(), 2);
    let [script_hash, style_hash] = [script, style].map(|text| STANDARD.encode(Sha256::digest(text)));
    assert_eq!(
        policy,
        format!(
            "default-src 'none'; script-src 'sha256-{script_hash}'; style-src 'sha256-{style_hash}'; img-src data:; base-uri 'none'; \
             form-action 'none'"
        )
    );
    // Styles of elements are not allowed, and nothing is loaded.
    for absent in ["url(", "@import", "fetch(", "XMLHttpRequest", "eval("] {
        assert!(!STYLE.contains(absent) && !SCRIPT.contains(absent), "{absent}");
    }
    for tag in page.split('<').skip(1).filter_map(|rest| rest.split_once('>')) {
        let names = tag.0.split('"').step_by(2).flat_map(|names| names.split([' ', '=']));
        for name in names.skip(1) {
            assert!(
                !name.starts_with("on") && !["style", "src", "srcset"].contains(&name),
                "{}",
                tag.0
            );
        }
    }
}
