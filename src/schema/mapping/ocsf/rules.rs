//! Rules for values that OCSF requires and no column contains: activities, results, decisions.

#![expect(clippy::unnecessary_wraps, reason = "rules have a fixed signature")]

use std::ops::Range;

use super::super::Input::{self, Null, Text};
use super::super::derive;

/// The number of values that OCSF does not define.
const OTHER: i32 = 99;
/// The class of requests.
pub(super) const HTTP_ACTIVITY: i32 = 4002;
/// The class of connections.
pub(super) const NETWORK_ACTIVITY: i32 = 4001;

/// An activity: its number, its name, and the name of its type.
struct Activity {
    id: i32,
    name: &'static str,
    type_name: &'static str,
}

const fn activity(id: i32, name: &'static str, type_name: &'static str) -> Activity {
    Activity { id, name, type_name }
}

/// The methods of HTTP Activity, and their activities.
const METHODS: [(&[u8], Activity); 8] = [
    (b"CONNECT", activity(1, "Connect", "HTTP Activity: Connect")),
    (b"DELETE", activity(2, "Delete", "HTTP Activity: Delete")),
    (b"GET", activity(3, "Get", "HTTP Activity: Get")),
    (b"HEAD", activity(4, "Head", "HTTP Activity: Head")),
    (b"OPTIONS", activity(5, "Options", "HTTP Activity: Options")),
    (b"POST", activity(6, "Post", "HTTP Activity: Post")),
    (b"PUT", activity(7, "Put", "HTTP Activity: Put")),
    (b"TRACE", activity(8, "Trace", "HTTP Activity: Trace")),
];
const NO_METHOD: Activity = activity(0, "Unknown", "HTTP Activity: Unknown");
const OTHER_METHOD: Activity = activity(OTHER, "Other", "HTTP Activity: Other");

const UNKNOWN: Activity = activity(0, "Unknown", "Network Activity: Unknown");
const OPEN: Activity = activity(1, "Open", "Network Activity: Open");
const CLOSE: Activity = activity(2, "Close", "Network Activity: Close");
const FAIL: Activity = activity(4, "Fail", "Network Activity: Fail");
const TRAFFIC: Activity = activity(6, "Traffic", "Network Activity: Traffic");

/// Returns whether the first column is a method that OCSF defines.
pub(super) fn is_method(inputs: &[Input<'_>]) -> bool {
    let method = inputs.first().and_then(|input| input.text());
    method.is_some_and(|method| METHODS.iter().any(|(known, _)| *known == method))
}

/// The maximum length of an `ip_t` in bytes. IPv6 addresses that end with an IPv4 address have up to 45.
const MAX_IP: usize = 40;

/// Returns the whole text if it is an IP address that OCSF accepts.
pub(super) fn ip(text: &[u8]) -> Option<Range<usize>> {
    derive::ip(text).filter(|address| address.len() <= MAX_IP)
}

/// Returns whether the first column is an IP address that OCSF accepts.
pub(super) fn is_ip(inputs: &[Input<'_>]) -> bool {
    let text = inputs.first().and_then(|input| input.text());
    text.is_some_and(|text| ip(text).is_some())
}

/// Returns whether the first column is a host name that OCSF accepts: labels of letters, digits and inner hyphens,
/// separated by dots.
pub(super) fn is_hostname(inputs: &[Input<'_>]) -> bool {
    let Some(Text(name)) = inputs.first() else { return false };
    name.split(|byte| *byte == b'.').all(|label| {
        let (Some(first), Some(last)) = (label.first(), label.last()) else {
            return false;
        };
        let inner = label.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-');
        inner && *first != b'-' && *last != b'-'
    })
}

/// Returns whether the first column has a value.
pub(super) fn is_present(inputs: &[Input<'_>]) -> bool {
    inputs.first().is_some_and(|input| !input.is_null())
}

/// Returns the IP version of an address: 4 or 6.
pub(super) fn ip_version(inputs: &[Input<'_>]) -> Option<i32> {
    derive::version_of_ip(inputs.first()?.text()?)
}

/// Appends the name in `app/name/id`, any other text unchanged, or `Unknown` for null.
pub(super) fn balancer_name(inputs: &[Input<'_>], out: &mut Vec<u8>) -> bool {
    let elb = inputs.first().and_then(|input| input.text()).unwrap_or(b"Unknown");
    let mut parts = elb.split(|byte| *byte == b'/');
    out.extend_from_slice(match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(_), Some(name), Some(_), None) => name,
        _ => elb,
    });
    true
}

/// Returns a number as OCSF's `integer_t`, which has 32 bits, if it fits.
pub(super) fn small(inputs: &[Input<'_>]) -> Option<i32> {
    i32::try_from(inputs.first()?.integer()?).ok()
}

/// Returns seconds in whole milliseconds, as `integer_t`.
pub(super) fn small_millis(inputs: &[Input<'_>]) -> Option<i32> {
    i32::try_from(derive::millis_of_seconds(inputs)?).ok()
}

/// Returns the duration of a handshake in milliseconds if TLS was negotiated. The inputs are the duration in milliseconds
/// or seconds, and the protocol.
pub(super) fn handshake(inputs: &[Input<'_>]) -> Option<i32> {
    match inputs {
        [_, Null] => None,
        [Input::Integer(millis), _] => i32::try_from(*millis).ok(),
        _ => small_millis(inputs),
    }
}

/// Returns the number of a TLS alert if TLS was negotiated.
pub(super) fn alert(inputs: &[Input<'_>]) -> Option<i32> {
    let [_, Text(_)] = inputs else { return None };
    i32::try_from(derive::number(inputs)?).ok()
}

fn method(input: Option<&Input<'_>>) -> &'static Activity {
    match input.and_then(|input| input.text()) {
        None => &NO_METHOD,
        Some(verb) => METHODS
            .iter()
            .find(|(known, _)| *known == verb)
            .map_or(&OTHER_METHOD, |(_, activity)| activity),
    }
}

/// Appends the name of a request's activity; for a method that OCSF does not define, the method.
fn put_method_name(inputs: &[Input<'_>], out: &mut Vec<u8>) -> bool {
    let activity = method(inputs.first());
    let own = inputs.first().and_then(|input| input.text());
    out.extend_from_slice(own.filter(|_| activity.id == OTHER).unwrap_or(activity.name.as_bytes()));
    true
}

const fn type_uid(class: i32, activity: &Activity) -> i64 {
    class as i64 * 100 + activity.id as i64
}

/// Returns the result of a status code: 1 success, 2 failure, 0 unknown, 99 other.
fn result_of_code(input: Option<&Input<'_>>) -> i32 {
    match input.and_then(|input| input.integer()) {
        None => 0,
        Some(100..400) => 1,
        Some(400..600) => 2,
        Some(_) => OTHER,
    }
}

/// Returns the name of a result; none for other results, which the log names itself.
const fn result_name(result: i32) -> Option<&'static str> {
    match result {
        0 => Some("Unknown"),
        1 => Some("Success"),
        2 => Some("Failure"),
        _ => None,
    }
}

/// Requests: rules over `request_verb`, `elb_status_code` and the columns of security controls.
pub(super) mod request {
    use super::{HTTP_ACTIVITY, Input, method, put_method_name, result_name, result_of_code, small};

    pub(crate) fn activity_id(inputs: &[Input<'_>]) -> Option<i32> {
        Some(method(inputs.first()).id)
    }

    pub(crate) fn activity_name(inputs: &[Input<'_>], out: &mut Vec<u8>) -> bool {
        put_method_name(inputs, out)
    }

    pub(crate) fn type_uid(inputs: &[Input<'_>]) -> Option<i64> {
        Some(super::type_uid(HTTP_ACTIVITY, method(inputs.first())))
    }

    pub(crate) fn type_name(inputs: &[Input<'_>]) -> Option<&'static str> {
        Some(method(inputs.first()).type_name)
    }

    /// Returns the code of a response, or 0 for none, because OCSF requires a code.
    pub(crate) fn code(inputs: &[Input<'_>]) -> Option<i32> {
        Some(small(inputs).unwrap_or(0))
    }

    pub(crate) fn status_id(inputs: &[Input<'_>]) -> Option<i32> {
        Some(result_of_code(inputs.first()))
    }

    pub(crate) fn status(inputs: &[Input<'_>]) -> Option<&'static str> {
        result_name(result_of_code(inputs.first()))
    }

    /// The decision on a request: the numbers and names of action and disposition.
    struct Decision(i32, &'static str, i32, &'static str);

    /// Returns the decision in `actions_executed` and `error_reason`. If WAF blocked a request, its action is the last.
    /// <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-access-logs.html#actions-taken>
    fn decision(inputs: &[Input<'_>]) -> Decision {
        let [actions, error, ..] = inputs else {
            return Decision(0, "Unknown", 0, "Unknown");
        };
        let last = actions.items().iter().next_back();
        let error = error.text().unwrap_or_default();
        let refused = [b"Auth".as_slice(), b"JWT", b"JWKS"];
        match last {
            Some(b"waf") => Decision(2, "Denied", 2, "Blocked"),
            _ if refused.iter().any(|beginning| error.starts_with(beginning)) => {
                Decision(2, "Denied", 26, "Unauthorized")
            }
            Some(b"waf-failed") => Decision(2, "Denied", 27, "Error"),
            None => Decision(0, "Unknown", 0, "Unknown"),
            Some(_) => {
                let controls = [b"waf".as_slice(), b"waf-failed", b"authenticate", b"jwt-validation"];
                if actions.items().iter().any(|action| controls.contains(&action)) {
                    Decision(1, "Allowed", 1, "Allowed")
                } else {
                    Decision(1, "Allowed", 16, "No Action")
                }
            }
        }
    }

    pub(crate) fn action_id(inputs: &[Input<'_>]) -> Option<i32> {
        Some(decision(inputs).0)
    }

    pub(crate) fn action(inputs: &[Input<'_>]) -> Option<&'static str> {
        Some(decision(inputs).1)
    }

    pub(crate) fn disposition_id(inputs: &[Input<'_>]) -> Option<i32> {
        Some(decision(inputs).2)
    }

    pub(crate) fn disposition(inputs: &[Input<'_>]) -> Option<&'static str> {
        Some(decision(inputs).3)
    }
}

/// Declares the rules of a log of connections, given a function that returns a row's activity and result.
macro_rules! connection_rules {
    ($outcome:ident) => {
        pub(crate) fn activity_id(inputs: &[Input<'_>]) -> Option<i32> {
            Some($outcome(inputs).0.id)
        }

        pub(crate) fn activity_name(inputs: &[Input<'_>]) -> Option<&'static str> {
            Some($outcome(inputs).0.name)
        }

        pub(crate) fn type_uid(inputs: &[Input<'_>]) -> Option<i64> {
            Some(super::type_uid(NETWORK_ACTIVITY, $outcome(inputs).0))
        }

        pub(crate) fn type_name(inputs: &[Input<'_>]) -> Option<&'static str> {
            Some($outcome(inputs).0.type_name)
        }

        pub(crate) fn status_id(inputs: &[Input<'_>]) -> Option<i32> {
            Some($outcome(inputs).1)
        }

        pub(crate) fn status(inputs: &[Input<'_>]) -> Option<&'static str> {
            result_name($outcome(inputs).1)
        }
    };
}

/// TLS connections of an Application Load Balancer: rules over `tls_verify_status`.
pub(super) mod connection {
    use super::{Activity, FAIL, Input, NETWORK_ACTIVITY, OPEN, OTHER, UNKNOWN, result_name};

    /// Returns the activity, and the result of verifying the client's certificate.
    fn outcome(inputs: &[Input<'_>]) -> (&'static Activity, i32) {
        match inputs.first().and_then(|input| input.text()) {
            None => (&OPEN, 0),
            Some(b"Success") => (&OPEN, 1),
            Some(status) if status.starts_with(b"Failed:") => (&FAIL, 2),
            Some(_) => (&UNKNOWN, OTHER),
        }
    }

    connection_rules!(outcome);
}

/// TLS connections of a Network Load Balancer: rules over `tls_protocol_version` and `tls_handshake_time`. A line is
/// written when the connection ends; both are null if the handshake failed.
pub(super) mod session {
    use super::{Activity, CLOSE, FAIL, Input, NETWORK_ACTIVITY, result_name};

    fn outcome(inputs: &[Input<'_>]) -> (&'static Activity, i32) {
        if inputs.iter().any(|input| !input.is_null()) {
            (&CLOSE, 1)
        } else {
            (&FAIL, 2)
        }
    }

    connection_rules!(outcome);
}

/// Health checks: rules over `status`.
pub(super) mod check {
    use super::{Input, OTHER, result_name};

    fn result(inputs: &[Input<'_>]) -> i32 {
        match inputs.first().and_then(|input| input.text()) {
            None => 0,
            Some(b"PASS") => 1,
            Some(b"FAIL") => 2,
            Some(_) => OTHER,
        }
    }

    pub(crate) fn status_id(inputs: &[Input<'_>]) -> Option<i32> {
        Some(result(inputs))
    }

    pub(crate) fn status(inputs: &[Input<'_>]) -> Option<&'static str> {
        result_name(result(inputs))
    }
}

/// Classic entries, which are requests or connections: rules over [`derive::CLASSIC_REQUEST`], some of them after another
/// column.
pub(super) mod classic {
    use super::{
        Activity, HTTP_ACTIVITY, Input, NETWORK_ACTIVITY, TRAFFIC, derive, method, put_method_name, result_name,
        result_of_code, small, small_millis,
    };

    fn class(inputs: &[Input<'_>]) -> (i32, &'static str) {
        if derive::is_request(inputs) {
            (HTTP_ACTIVITY, "HTTP Activity")
        } else {
            (NETWORK_ACTIVITY, "Network Activity")
        }
    }

    fn activity(inputs: &[Input<'_>]) -> &'static Activity {
        if derive::is_request(inputs) {
            method(inputs.get(derive::CLASSIC_VERB))
        } else {
            &TRAFFIC
        }
    }

    pub(crate) fn class_uid(inputs: &[Input<'_>]) -> Option<i32> {
        Some(class(inputs).0)
    }

    pub(crate) fn class_name(inputs: &[Input<'_>]) -> Option<&'static str> {
        Some(class(inputs).1)
    }

    pub(crate) fn activity_id(inputs: &[Input<'_>]) -> Option<i32> {
        Some(activity(inputs).id)
    }

    pub(crate) fn activity_name(inputs: &[Input<'_>], out: &mut Vec<u8>) -> bool {
        if derive::is_request(inputs) {
            return put_method_name(inputs.get(derive::CLASSIC_VERB..).unwrap_or_default(), out);
        }
        out.extend_from_slice(TRAFFIC.name.as_bytes());
        true
    }

    pub(crate) fn type_uid(inputs: &[Input<'_>]) -> Option<i64> {
        Some(super::type_uid(class(inputs).0, activity(inputs)))
    }

    pub(crate) fn type_name(inputs: &[Input<'_>]) -> Option<&'static str> {
        Some(activity(inputs).type_name)
    }

    /// Returns the result of a request's code, or whether a connection reached a backend.
    fn result(inputs: &[Input<'_>]) -> i32 {
        let Some((backend, row)) = inputs.split_first() else {
            return 0;
        };
        if derive::is_request(row) {
            result_of_code(row.first())
        } else {
            i32::from(!backend.is_null())
        }
    }

    pub(crate) fn status_id(inputs: &[Input<'_>]) -> Option<i32> {
        Some(result(inputs))
    }

    pub(crate) fn status(inputs: &[Input<'_>]) -> Option<&'static str> {
        result_name(result(inputs))
    }

    pub(crate) fn code(inputs: &[Input<'_>]) -> Option<i32> {
        derive::is_request(inputs).then(|| small(inputs).unwrap_or(0))
    }

    /// Returns the first input, in seconds, as whole milliseconds; none for connections.
    pub(crate) fn latency(inputs: &[Input<'_>]) -> Option<i32> {
        let (_, row) = inputs.split_first()?;
        small_millis(inputs).filter(|_| derive::is_request(row))
    }

    /// Returns the first input, a number; none for connections.
    pub(crate) fn length(inputs: &[Input<'_>]) -> Option<i32> {
        let (bytes, row) = inputs.split_first()?;
        small(&[*bytes]).filter(|_| derive::is_request(row))
    }
}

#[cfg(test)]
mod tests;
