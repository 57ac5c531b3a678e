//! Each rule on rows that AWS writes, and on rows for which it has no value.

use super::*;
use crate::parse::line::Span;
use crate::schema::mapping::Items;

/// Returns action and disposition, as numbers and names, of a request with these actions and this error.
fn decision(actions: &[&str], error: Option<&str>) -> (i32, &'static str, i32, &'static str) {
    let mut text = Vec::new();
    let spans: Vec<_> = actions
        .iter()
        .map(|action| {
            let start = text.len();
            text.extend_from_slice(action.as_bytes());
            Span::new(start, text.len())
        })
        .collect();
    let actions = if spans.is_empty() {
        Null
    } else {
        Input::List(Items::new(&spans, &text))
    };
    let inputs = [actions, error.map_or(Null, |error| Text(error.as_bytes()))];
    (
        request::action_id(&inputs).unwrap(),
        request::action(&inputs).unwrap(),
        request::disposition_id(&inputs).unwrap(),
        request::disposition(&inputs).unwrap(),
    )
}

const ALLOWED: (i32, &str, i32, &str) = (1, "Allowed", 1, "Allowed");
const NO_ACTION: (i32, &str, i32, &str) = (1, "Allowed", 16, "No Action");
const BLOCKED: (i32, &str, i32, &str) = (2, "Denied", 2, "Blocked");
const UNAUTHORIZED: (i32, &str, i32, &str) = (2, "Denied", 26, "Unauthorized");
const ERROR: (i32, &str, i32, &str) = (2, "Denied", 27, "Error");
const UNKNOWN_DECISION: (i32, &str, i32, &str) = (0, "Unknown", 0, "Unknown");

#[test]
fn waf_denies_a_request_if_it_is_the_last_action() {
    assert_eq!(decision(&["waf"], None), BLOCKED);
    assert_eq!(decision(&["authenticate", "waf"], None), BLOCKED);
    assert_eq!(decision(&["waf", "forward"], None), ALLOWED);
    // If WAF fails, requests pass only if it is configured to fail open.
    assert_eq!(decision(&["waf-failed"], Some("WAFConnectionTimeout")), ERROR);
    assert_eq!(
        decision(&["waf-failed", "forward"], Some("WAFConnectionTimeout")),
        ALLOWED
    );
}

#[test]
fn authentication_denies_a_request_if_it_reports_the_error() {
    assert_eq!(decision(&["authenticate"], Some("AuthInvalidCookie")), UNAUTHORIZED);
    assert_eq!(
        decision(&["waf", "authenticate"], Some("AuthMissingHostHeader")),
        UNAUTHORIZED
    );
    assert_eq!(
        decision(&["jwt-validation"], Some("JWTSignatureValidationFailed")),
        UNAUTHORIZED
    );
    assert_eq!(decision(&["jwt-validation"], Some("JWKSRequestTimeout")), UNAUTHORIZED);
    assert_eq!(decision(&["authenticate", "forward"], None), ALLOWED);
    assert_eq!(decision(&["jwt-validation", "forward"], None), ALLOWED);
    // An error of the Lambda function is not a decision on the request.
    assert_eq!(decision(&["forward"], Some("LambdaInvalidResponse")), NO_ACTION);
}

#[test]
fn without_a_security_control_there_is_no_decision() {
    for action in ["forward", "redirect", "fixed-response", "some-new-action"] {
        assert_eq!(decision(&[action], None), NO_ACTION, "{action}");
    }
    assert_eq!(decision(&[], None), UNKNOWN_DECISION);
    assert_eq!(decision(&[], Some("LambdaUnhandled")), UNKNOWN_DECISION);
    assert_eq!(request::action_id(&[]), Some(0));
}

#[test]
fn a_balancer_name_is_between_two_slashes() {
    let name = |elb: Option<&str>| {
        let mut out = Vec::new();
        assert!(balancer_name(&[elb.map_or(Null, |elb| Text(elb.as_bytes()))], &mut out));
        String::from_utf8(out).unwrap()
    };
    assert_eq!(name(Some("app/shop/7f3c9a1e5b2d4860")), "shop");
    assert_eq!(name(Some("net/edge/05d2b7c9e8f14a36")), "edge");
    // A Classic Load Balancer has only a name.
    for whole in ["shop-classic", "app/shop", "app/a/b/c", "é/", ""] {
        assert_eq!(name(Some(whole)), whole);
    }
    assert_eq!(name(None), "Unknown");
}

#[test]
fn host_names_are_labels_of_letters_digits_and_inner_hyphens() {
    for name in [
        "example.com",
        "a",
        "www-2.Example.com",
        "10.0.0.1",
        "xn--bcher-kva.example",
    ] {
        assert!(is_hostname(&[Text(name.as_bytes())]), "{name}");
    }
    for name in [
        "",
        ".",
        "a.",
        ".a",
        "a..b",
        "-a.b",
        "a-.b",
        "a_b.c",
        "[2001:db8::1]",
        "bücher.example",
        "a b",
        "a:80",
    ] {
        assert!(!is_hostname(&[Text(name.as_bytes())]), "{name}");
    }
    assert!(!is_hostname(&[Null]) && !is_hostname(&[]));
}

#[test]
fn addresses_longer_than_ocsf_allows_are_rejected() {
    let longest = "0000:0000:0000:0000:0000:ffff:192.0.2.10";
    assert_eq!(longest.len(), MAX_IP);
    assert!(is_ip(&[Text(longest.as_bytes())]) && is_ip(&[Text(b"::1")]) && is_ip(&[Text(b"192.0.2.1")]));
    let longer = "0000:0000:0000:0000:0000:ffff:192.0.2.100";
    assert!(!is_ip(&[Text(longer.as_bytes())]) && !is_ip(&[Text(b"unix:")]) && !is_ip(&[Null]));
    assert_eq!(ip_version(&[Text(longer.as_bytes())]), Some(6));
}

/// Returns number, name, type number and type name of a method's activity.
fn activity_of(verb: Input<'_>) -> (i32, String, i64, &'static str) {
    let inputs = [verb];
    let mut name = Vec::new();
    assert!(request::activity_name(&inputs, &mut name));
    (
        request::activity_id(&inputs).unwrap(),
        String::from_utf8(name).unwrap(),
        request::type_uid(&inputs).unwrap(),
        request::type_name(&inputs).unwrap(),
    )
}

#[test]
fn methods_unknown_to_ocsf_name_their_activity() {
    let expected = |id, name: &str, uid, type_name| (id, name.to_owned(), uid, type_name);
    assert_eq!(
        activity_of(Text(b"GET")),
        expected(3, "Get", 400_203, "HTTP Activity: Get")
    );
    for verb in ["PATCH", "get", ""] {
        let other = expected(99, verb, 400_299, "HTTP Activity: Other");
        assert_eq!(activity_of(Text(verb.as_bytes())), other);
        assert!(!is_method(&[Text(verb.as_bytes())]));
    }
    assert_eq!(
        activity_of(Null),
        expected(0, "Unknown", 400_200, "HTTP Activity: Unknown")
    );
    assert!(is_method(&[Text(b"TRACE")]) && !is_method(&[Null]));
}

#[test]
fn status_codes_determine_the_result() {
    let result = |code| (request::status_id(&[code]).unwrap(), request::status(&[code]));
    for (code, expected) in [
        (101, (1, Some("Success"))),
        (399, (1, Some("Success"))),
        (400, (2, Some("Failure"))),
        (561, (2, Some("Failure"))),
        (0, (99, None)),
        (600, (99, None)),
    ] {
        assert_eq!(result(Input::Integer(code)), expected, "{code}");
    }
    assert_eq!(result(Null), (0, Some("Unknown")));
    assert_eq!(
        (request::code(&[Input::Integer(460)]), request::code(&[Null])),
        (Some(460), Some(0))
    );
}

/// Returns the columns of [`derive::CLASSIC_REQUEST`] with one of them set.
fn classic_row(place: usize, value: Input<'static>) -> [Input<'static>; 6] {
    let mut row = [Null; 6];
    row[place] = value;
    row
}

/// Returns a row after another column.
fn after(first: Input<'static>, row: [Input<'static>; 6]) -> Vec<Input<'static>> {
    [&[first], row.as_slice()].concat()
}

#[test]
fn classic_entries_with_any_value_of_a_request_are_requests() {
    for place in 0..6 {
        let value = if place < 2 { Input::Integer(504) } else { Text(b"-") };
        let row = classic_row(place, value);
        assert_eq!(
            (classic::class_uid(&row), classic::class_name(&row)),
            (Some(4002), Some("HTTP Activity"))
        );
        assert_eq!(classic::code(&row), Some(if place == 0 { 504 } else { 0 }));
        assert_eq!(classic::length(&after(Input::Integer(7), row)), Some(7));
        assert_eq!(classic::latency(&after(Input::Float(0.0125), row)), Some(13));
    }
    let row = classic_row(derive::CLASSIC_VERB, Text(b"DELETE"));
    assert_eq!(
        (classic::activity_id(&row), classic::type_uid(&row)),
        (Some(2), Some(400_202))
    );
    // The code decides, not whether the request reached a backend.
    let failed = classic_row(0, Input::Integer(503));
    assert_eq!(classic::status_id(&after(Text(b"10.0.0.1"), failed)), Some(2));
    assert_eq!(
        classic::status(&after(Null, classic_row(0, Input::Integer(200)))),
        Some("Success")
    );
}

#[test]
fn classic_tcp_entries_are_traffic_without_http_values() {
    let row = [Null; 6];
    assert_eq!(
        (classic::class_uid(&row), classic::class_name(&row)),
        (Some(4001), Some("Network Activity"))
    );
    assert_eq!(
        (classic::activity_id(&row), classic::type_uid(&row)),
        (Some(6), Some(400_106))
    );
    assert_eq!(classic::type_name(&row), Some("Network Activity: Traffic"));
    let mut name = Vec::new();
    assert!(classic::activity_name(&row, &mut name));
    assert_eq!(name, b"Traffic");
    assert_eq!(classic::code(&row), None);
    assert_eq!(classic::length(&after(Input::Integer(7), row)), None);
    assert_eq!(classic::latency(&after(Input::Float(0.0125), row)), None);
    assert_eq!(classic::status(&after(Text(b"10.0.0.1"), row)), Some("Success"));
    assert_eq!(classic::status(&after(Null, row)), Some("Unknown"));
}

#[test]
fn handshakes_and_alerts_require_a_tls_version() {
    let negotiated = Text(b"tlsv13");
    // Milliseconds are integers, seconds are floats.
    assert_eq!(handshake(&[Input::Integer(42), negotiated]), Some(42));
    assert_eq!(handshake(&[Input::Float(0.0425), negotiated]), Some(43));
    for inputs in [
        [Input::Integer(42), Null],
        [Input::Float(0.0425), Null],
        [Null, negotiated],
        [Input::Integer(1 << 31), negotiated],
        [Input::Float(-1.0), negotiated],
    ] {
        assert_eq!(handshake(&inputs), None, "{inputs:?}");
    }
    assert_eq!(alert(&[Text(b"40"), negotiated]), Some(40));
    for inputs in [
        [Text(b"40"), Null],
        [Null, negotiated],
        [Text(b"close_notify"), negotiated],
        [Text(b"4294967296"), negotiated],
    ] {
        assert_eq!(alert(&inputs), None, "{inputs:?}");
    }
}

#[test]
fn connection_outcomes_follow_the_log() {
    let verified = |status| {
        let inputs = [status];
        (
            connection::activity_name(&inputs),
            connection::type_uid(&inputs),
            connection::status(&inputs),
        )
    };
    assert_eq!(
        verified(Text(b"Success")),
        (Some("Open"), Some(400_101), Some("Success"))
    );
    assert_eq!(
        verified(Text(b"Failed:ClientCertExpired")),
        (Some("Fail"), Some(400_104), Some("Failure"))
    );
    assert_eq!(verified(Null), (Some("Open"), Some(400_101), Some("Unknown")));
    // An unknown status is neither success nor failure.
    assert_eq!(verified(Text(b"Skipped")), (Some("Unknown"), Some(400_100), None));
    assert_eq!(connection::status_id(&[Text(b"Skipped")]), Some(99));
    let ended = |inputs: &[Input<'_>]| (session::activity_id(inputs), session::status_id(inputs));
    assert_eq!(ended(&[Text(b"tlsv12"), Input::Integer(3)]), (Some(2), Some(1)));
    assert_eq!(ended(&[Null, Input::Integer(3)]), (Some(2), Some(1)));
    assert_eq!(ended(&[Null, Null]), (Some(4), Some(2)));
    assert_eq!(check::status(&[Text(b"PASS")]), Some("Success"));
    assert_eq!(check::status_id(&[Text(b"DRAINING")]), Some(99));
}
