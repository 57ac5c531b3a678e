use super::Filter;
use super::truth::Truth;
use crate::formats::{Extra, Extras, LogType};
use crate::object::{ObjectFacts, ObjectRef};
use crate::parse::batch::{Batch, LineParser};

const EXTRAS: Extras = Extras::NONE;

fn facts() -> ObjectFacts {
    ObjectFacts::new(ObjectRef {
        bucket: "logs".to_owned(),
        key: "AWSLogs/123456789012/elasticloadbalancing/us-east-1/2026/10/07/x.log".to_owned(),
        version: "1".to_owned(),
    })
}

/// Two requests: one with every value that the tests name, one that reached no target.
fn batch() -> Batch {
    let lines = [
        r#"https 2026-10-07T11:45:00.186641Z app/shop/7f3c9a1e5b2d4860 192.0.2.10:40124 10.0.0.1:80 0.001 0.048 0.000 200 200 68 571 "GET https://www.example.com:443/a?b=1 HTTP/1.1" "curl/8.1" ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2 - "Root=1-5" "-" "-" 0 2026-10-07T11:45:00.137000Z "waf,forward" "-" "-" "10.0.0.1:80" "200" "-" "-" TID_1"#,
        r#"h2 2026-10-07T11:45:01.186641Z app/shop/7f3c9a1e5b2d4860 192.0.2.11:40124 - -1 -1 -1 503 - 68 571 "GET https://www.example.com:443/%C3%A4 HTTP/1.1" "-" - - - "Root=1-5" "-" "-" 0 2026-10-07T11:45:00.137000Z "-" "-" "-" "-" "-" "-" "-" TID_2"#,
        "",
    ];
    let plan = LogType::AlbAccess.plan_with(EXTRAS);
    let (mut batch, mut malformed) = (Batch::new(plan), Vec::new());
    LineParser::new(plan, None).push_block(lines.join("\n").as_bytes(), 0, &mut batch, &mut malformed);
    assert!(malformed.is_empty() && batch.rows() == 2, "{malformed:?}");
    batch
}

fn matches(text: &str) -> Vec<bool> {
    let filter = Filter::parse(text, EXTRAS).unwrap_or_else(|error| panic!("{error}"));
    let batch = batch();
    filter.of(batch.plan).unwrap().matches(&batch, &facts())
}

#[test]
fn conditions_hold_for_the_events_that_sql_selects() {
    for (text, wanted) in [
        ("elb_status_code >= 500", [false, true]),
        ("ELB_STATUS_CODE < 500", [true, false]),
        ("\"elb_status_code\" = 200.0", [true, false]),
        ("200 < elb_status_code", [false, true]),
        ("-1 < elb_status_code and +1e2 < elb_status_code", [true, true]),
        ("target_status_code = 200", [true, false]),
        ("target_status_code <> 200", [false, false]),
        ("not target_status_code = 200", [false, false]),
        ("target_status_code is null", [false, true]),
        ("not (target_status_code is null)", [true, false]),
        ("(target_status_code = 200) is null", [false, true]),
        ("(target_status_code = 200) is not true", [false, true]),
        ("target_status_code in (200, 503)", [true, false]),
        ("target_status_code not in (404)", [true, false]),
        ("target_status_code not in (404, null)", [false, false]),
        ("target_status_code in (200, null)", [true, false]),
        ("elb_status_code in (200.5, 503.0)", [false, true]),
        ("elb_status_code between 200 and 299", [true, false]),
        ("elb_status_code not between 200 and 299", [false, true]),
        ("elb_status_code between null and 299", [false, false]),
        ("elb_status_code not between null and 299", [false, true]),
        ("elb_status_code = target_status_code", [true, false]),
        ("elb_status_code > target_processing_time", [true, false]),
        ("sent_bytes > received_bytes", [true, true]),
        ("timestamp > request_creation_time", [true, true]),
        ("target_processing_time >= 0.048", [true, false]),
        ("target_processing_time in (0.048)", [true, false]),
        ("type = 'h2'", [false, true]),
        ("type > 'h2'", [true, false]),
        ("type in ('h2', 'ws')", [false, true]),
        ("user_agent like 'curl/%'", [true, false]),
        ("user_agent not like 'wget%'", [true, false]),
        ("user_agent ilike 'CURL%'", [true, false]),
        ("request_url like '%/!%C3!%A_' escape '!'", [false, true]),
        ("timestamp < '2026-10-07 11:45:01'", [true, false]),
        ("timestamp = timestamp '2026-10-07T11:45:01.186641Z'", [false, true]),
        (
            "timestamp between '2026-10-07' and '2026-10-07 11:45:00.9'",
            [true, false],
        ),
        ("timestamp in ('2026-10-07 11:45:00.186641')", [true, false]),
        ("array_contains(actions_executed, 'waf')", [true, false]),
        ("not list_contains(actions_executed, 'waf')", [false, false]),
        ("actions_executed is null", [false, true]),
        ("source_line = 2", [false, true]),
        ("region = 'us-east-1' and account_id = '123456789012'", [true, true]),
        ("source_bucket like 'l_gs' and source_key like '%/x.log'", [true, true]),
        ("event_id like '%-0000000002'", [false, true]),
        ("event_id > region", [false, false]),
        ("extra_fields is null", [true, true]),
        (
            "type = 'https' or elb_status_code = 503 and user_agent = 'x'",
            [true, false],
        ),
        ("-- one\ntype = 'https' /* two */\n", [true, false]),
        ("true", [true, true]),
    ] {
        assert_eq!(matches(text), wanted, "{text}");
    }
}

#[test]
fn truth_values_combine_as_in_sql() {
    use Truth::{False, Null, True};
    let name = |truth| match truth {
        False => "false",
        Null => "null",
        True => "true",
    };
    let both = |condition: &str| {
        let is = |truth| matches(&format!("({condition}) is {truth}")) == [true; 2];
        let found = [False, Null, True].into_iter().filter(|truth| match truth {
            Null => is("unknown"),
            truth => is(name(*truth)),
        });
        found.collect::<Vec<_>>()
    };
    for (left, not) in [(False, True), (Null, Null), (True, False)] {
        assert_eq!(both(&format!("not {}", name(left))), [not]);
    }
    for (left, right, and, or) in [
        (False, False, False, False),
        (False, Null, False, Null),
        (False, True, False, True),
        (Null, Null, Null, Null),
        (Null, True, Null, True),
        (True, True, True, True),
    ] {
        for (left, right) in [(left, right), (right, left)] {
            let (one, other) = (name(left), name(right));
            assert_eq!(both(&format!("{one} and {other}")), [and], "{one} and {other}");
            assert_eq!(both(&format!("{one} or {other}")), [or], "{one} or {other}");
        }
    }
}

fn error(text: &str) -> String {
    match Filter::parse(text, EXTRAS) {
        Ok(filter) => panic!("{filter:?}"),
        Err(error) => error.to_string(),
    }
}

/// Faulty expressions, each with a part of its message and its carets.
const FAULTS: &[(&str, &str, &str)] = &[
    (
        "elb_status >= 500",
        "there is no column elb_status; the nearest name is elb_status_code",
        "^^^^^^^^^^",
    ),
    (
        "type = 'h2' and zzzzzz = 1",
        "there is no column zzzzzz;",
        "                ^^^^^^",
    ),
    ("type = \"h2\"", "there is no column h2;", "       ^^^^"),
    ("status_class = '5xx'", "set ENRICH to status_class", "^^^^^^^^^^^^"),
    (
        "sample_weight > 1",
        "events are filtered before they are sampled",
        "^^^^^^^^^^^^^",
    ),
    (
        "elb_status_code = '500'",
        "elb_status_code is a number; write the value without quotes",
        "                  ^^^^^",
    ),
    (
        "user_agent = 5",
        "user_agent is text; write the value in single quotes",
        "             ^",
    ),
    (
        "user_agent in ('a', 5)",
        "user_agent is text; write the value in single quotes",
        "                    ^",
    ),
    (
        "timestamp > 5",
        "timestamp is a time; write it in UTC as '2026-10-07 11:45:00'",
        "            ^",
    ),
    (
        "timestamp > 'noon'",
        "timestamp is a time; write it in UTC as '2026-10-07 11:45:00'",
        "            ^^^^^^",
    ),
    (
        "elb_status_code > timestamp '2026-10-07'",
        "elb_status_code is a number",
        "                            ^^^^^^^^^^^^",
    ),
    (
        "user_agent = elb_status_code",
        "elb_status_code is an integer, and user_agent is text; they cannot be compared",
        "             ^^^^^^^^^^^^^^^",
    ),
    (
        "actions_executed = 'waf'",
        "write array_contains(actions_executed, 'text') or actions_executed IS NULL",
        "^^^^^^^^^^^^^^^^",
    ),
    (
        "array_contains(user_agent, 'x')",
        "user_agent is text, not a list; compare it",
        "               ^^^^^^^^^^",
    ),
    (
        "array_contains(actions_executed, 5)",
        "the item is a text in single quotes",
        "                                 ^",
    ),
    (
        "array_contains(actions_executed)",
        "array_contains takes a column of lists and a text",
        "^^^^^^^^^^^^^^",
    ),
    (
        "type = null",
        "no comparison with NULL is ever true; write IS NULL or IS NOT NULL",
        "       ^^^^",
    ),
    ("1 = 1", "neither side of the comparison is a column", "^"),
    ("type", "type is text is not a condition; compare it", "^^^^"),
    ("type and true", "type is text is not a condition; compare it", "^^^^"),
    ("5 or true", "a number is not a condition; compare it", "^"),
    (
        "(type = 'h2') = true",
        "this must be a column or a literal",
        " ^^^^^^^^^^^",
    ),
    (
        "elb_status_code + 1 > 5",
        "arithmetic is not part of the language",
        "^^^^^^^^^^^^^^^^^^^",
    ),
    (
        "elb_status_code * 2 > 5",
        "arithmetic is not part of the language",
        "                ^",
    ),
    ("-elb_status_code > 5", "only a number has a sign", " ^^^^^^^^^^^^^^^"),
    (
        "lower(user_agent) = 'x'",
        "the function lower is not part of the language",
        "^^^^^",
    ),
    (
        "type(user_agent) = 'x'",
        "the function type is not part of the language",
        "^^^^",
    ),
    ("type == 'h2'", "equality is written =", "     ^^"),
    (
        "case when true then true end",
        "case is not part of the language",
        "^^^^",
    ),
    (
        "type in (select 1)",
        "select is not part of the language",
        "         ^^^^^^",
    ),
    ("type in ()", "expected an expression, found )", "         ^"),
    (
        "type in (user_agent)",
        "the values of IN are literals",
        "         ^^^^^^^^^^",
    ),
    ("alb.type = 'h2'", "there is no column alb", "^^^"),
    ("type.elb = 'h2'", "columns are named without their table", "    ^"),
    ("type = 'h2", "unterminated string literal", "       ^"),
    ("type =", "expected an expression, found the end", "      ^"),
    (
        "type = 'h2' type",
        "expected AND, OR or the end, found type",
        "            ^^^^",
    ),
    ("type = 'h2')", "expected AND, OR or the end, found )", "           ^"),
    ("type = 'h2'; drop", "; is not part of the language", "           ^"),
    (
        "type like 'a!' escape '!'",
        "the pattern ends with its escape character",
        "          ^^^^",
    ),
    (
        "type like 'a' escape '!!'",
        "the escape is one character in single quotes",
        "                     ^^^^",
    ),
    (
        "type like user_agent",
        "the pattern of LIKE is a text in single quotes",
        "          ^^^^^^^^^^",
    ),
    (
        "elb_status_code like '5%'",
        "elb_status_code is an integer; LIKE compares texts",
        "^^^^^^^^^^^^^^^",
    ),
    (
        "sent_bytes = 1e999",
        "this is not a number that a column can have",
        "             ^^^^^",
    ),
    (
        "cipher_suite is null",
        "there is no column cipher_suite",
        "^^^^^^^^^^^^",
    ),
    (
        "elb_status_code = 200 and status = 'FAIL'",
        "no table has all columns: elb_status_code is in alb_access_log, clb_access_log; status is in alb_health_check_log",
        "                          ^^^^^^",
    ),
    ("", "the expression is empty", "^"),
    ("-- nothing", "the expression is empty", "^"),
];

#[test]
fn errors_point_to_the_fault() {
    let mut wrong = Vec::new();
    for (text, message, carets) in FAULTS {
        let shown = error(text);
        let (found, place) = shown.split_once('\n').unwrap();
        if !found.contains(message) || place != format!("  {text}\n  {carets}") {
            wrong.push(format!("{message}, {carets}:\n{shown}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let shown = error("elb_status_code >= 500\n  and type = 5\n  and true");
    assert_eq!(
        shown,
        "type is text; write the value in single quotes\n    and type = 5\n               ^"
    );
}

#[test]
fn the_column_of_an_enrichment_is_known_if_it_is_asked_for() {
    let extras = Extras::NONE.with(Extra::StatusClass);
    let filter = Filter::parse("status_class = '5xx'", extras).unwrap();
    assert!(filter.applies_to(LogType::ClbAccess.plan_with(extras)));
    assert!(!filter.applies_to(LogType::NlbAccess.plan_with(extras)));
}

#[test]
fn every_column_can_be_named() {
    for log_type in LogType::ALL {
        for column in &log_type.plan().columns {
            let filter = Filter::parse(&format!("{} is not null", column.name), EXTRAS);
            let filter = filter.unwrap_or_else(|error| panic!("{error}"));
            assert!(filter.of(log_type.plan()).is_some(), "{}", column.name);
        }
    }
}

#[test]
fn the_canonical_text_does_not_depend_on_spaces_and_letter_case() {
    let canonical = |text| Filter::parse(text, EXTRAS).unwrap().canonical().to_owned();
    let text = canonical("TYPE='h2'  and elb_status_code IN (1,2) -- note");
    assert_eq!(text, "type = 'h2' AND elb_status_code IN (1, 2)");
    assert_eq!(canonical(&text), text);
}

#[test]
fn no_expression_overflows_the_stack() {
    let (many, deep) = (20_000, 200_000);
    for text in [
        "(".repeat(many),
        format!("{}true{}", "(".repeat(many), ")".repeat(many)),
        format!("{}true", "not ".repeat(10_000)),
        format!("{}5", "- ".repeat(many)),
        format!("true{}", " is true".repeat(6_000)),
        format!("true{}", " is null".repeat(990 / 2)),
        format!("type{}", "=type".repeat(10_000)),
        format!("type{}", "=type".repeat(499)),
        format!("elb_status_code{} > 5", "+1".repeat(990)),
        format!("type between {}", "type between ".repeat(450)),
        "array_contains(".repeat(4_000),
        "in (".repeat(10_000),
        "'".repeat(deep),
        "a".repeat(60_000),
        "\"".repeat(60_000),
    ] {
        error(&text);
    }
    // Long, but neither deep nor large.
    for text in [
        format!("true{}", " and true".repeat(499)),
        format!("true{}", " or true and true".repeat(240)),
        format!("elb_status_code in (0{})", ",1".repeat(30_000)),
        format!("{}true{}", "(".repeat(40), ")".repeat(40)),
        format!("{}true", "not ".repeat(40)),
    ] {
        let found = Filter::parse(&text, EXTRAS);
        assert!(found.is_ok(), "{}", found.unwrap_err());
    }
}
