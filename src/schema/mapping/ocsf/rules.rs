//! What OCSF asks for and no column says: activities, results, what was allowed.

#![expect(clippy::unnecessary_wraps, reason = "the signatures of rules")]

use std::net::IpAddr;
use std::ops::Range;

use super::super::Input::{self, Null, Text};
use super::super::derive;

/// The number for what OCSF has no word for.
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

/// The methods that HTTP Activity has, and what it calls them.
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

/// Whether the first column is a method that OCSF knows.
pub(super) fn is_method(inputs: &[Input<'_>]) -> bool {
    let method = inputs.first().and_then(|input| input.text());
    method.is_some_and(|method| METHODS.iter().any(|(known, _)| *known == method))
}

/// The longest `ip_t`, in bytes: the longest IPv6 address that ends in one of IPv4 has 45.
const IP_LENGTH: usize = 40;

/// The whole text where it is an IP address as OCSF takes one.
pub(super) fn ip(text: &[u8]) -> Option<Range<usize>> {
    derive::ip(text).filter(|address| address.len() <= IP_LENGTH)
}

/// Whether the first column is an IP address as OCSF takes one.
pub(super) fn is_ip(inputs: &[Input<'_>]) -> bool {
    let text = inputs.first().and_then(|input| input.text());
    text.is_some_and(|text| ip(text).is_some())
}

/// Whether the first column is a host name as OCSF takes one: letters, digits and hyphens, with dots between.
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

/// Whether the first column has a value.
pub(super) fn is_present(inputs: &[Input<'_>]) -> bool {
    inputs.first().is_some_and(|input| !input.is_null())
}

/// The version of IP of an address: 4 or 6.
pub(super) fn ip_version(inputs: &[Input<'_>]) -> Option<i32> {
    let address: IpAddr = str::from_utf8(inputs.first()?.text()?).ok()?.parse().ok()?;
    Some(if address.is_ipv4() { 4 } else { 6 })
}

/// The name in `app/name/id`; anything else whole, `Unknown` where there is nothing.
pub(super) fn balancer_name(inputs: &[Input<'_>], out: &mut Vec<u8>) -> bool {
    let elb = inputs.first().and_then(|input| input.text()).unwrap_or(b"Unknown");
    let mut parts = elb.split(|byte| *byte == b'/');
    out.extend_from_slice(match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(_), Some(name), Some(_), None) => name,
        _ => elb,
    });
    true
}

/// A number as OCSF's `integer_t`, which has 32 bits; none for one that does not fit.
pub(super) fn small(inputs: &[Input<'_>]) -> Option<i32> {
    i32::try_from(inputs.first()?.integer()?).ok()
}

/// Whole milliseconds of seconds, as `integer_t`.
pub(super) fn small_millis(inputs: &[Input<'_>]) -> Option<i32> {
    i32::try_from(derive::millis_of_seconds(inputs)?).ok()
}

/// A handshake's milliseconds, where TLS was agreed on: columns of milliseconds or seconds, and the protocol.
pub(super) fn handshake(inputs: &[Input<'_>]) -> Option<i32> {
    match inputs {
        [_, Null] => None,
        [Input::Integer(millis), _] => i32::try_from(*millis).ok(),
        _ => small_millis(inputs),
    }
}

/// The number of a TLS alert, where TLS was agreed on.
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

/// The name of a request's activity; for a method that OCSF does not know, the method.
fn put_method_name(inputs: &[Input<'_>], out: &mut Vec<u8>) -> bool {
    let activity = method(inputs.first());
    let own = inputs.first().and_then(|input| input.text());
    out.extend_from_slice(own.filter(|_| activity.id == OTHER).unwrap_or(activity.name.as_bytes()));
    true
}

const fn type_uid(class: i32, activity: &Activity) -> i64 {
    class as i64 * 100 + activity.id as i64
}

/// The result of a status code: 1 success, 2 failure, 0 unknown, 99 other.
fn result_of_code(input: Option<&Input<'_>>) -> i32 {
    match input.and_then(|input| input.integer()) {
        None => 0,
        Some(100..400) => 1,
        Some(400..600) => 2,
        Some(_) => OTHER,
    }
}

/// OCSF's word for a result; none for another, which the log names itself.
const fn result_name(result: i32) -> Option<&'static str> {
    match result {
        0 => Some("Unknown"),
        1 => Some("Success"),
        2 => Some("Failure"),
        _ => None,
    }
}

/// Requests: rules over `request_verb`, `elb_status_code` and what security controls said.
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

    /// OCSF wants a code of every answer: 0 stands for none.
    pub(crate) fn code(inputs: &[Input<'_>]) -> Option<i32> {
        Some(small(inputs).unwrap_or(0))
    }

    pub(crate) fn status_id(inputs: &[Input<'_>]) -> Option<i32> {
        Some(result_of_code(inputs.first()))
    }

    pub(crate) fn status(inputs: &[Input<'_>]) -> Option<&'static str> {
        result_name(result_of_code(inputs.first()))
    }

    /// What decided on a request: the numbers and names of action and disposition.
    struct Decision(i32, &'static str, i32, &'static str);

    /// From `actions_executed` and `error_reason`. A request that WAF refused ends with its action.
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

/// The rules of a log of connections, from a function that gives a row's activity and result.
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

    /// The activity, and the result of verifying the client's certificate.
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
/// written when the connection ends; both are null where the handshake failed.
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

/// Classic entries, which are requests or connections: rules over [`derive::CLASSIC_REQUEST`], and one column in front
/// where they need it.
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

    /// The result of a request is that of its code; of a connection, whether it reached a backend.
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

    /// Whole milliseconds of seconds in front, in requests.
    pub(crate) fn latency(inputs: &[Input<'_>]) -> Option<i32> {
        let (_, row) = inputs.split_first()?;
        small_millis(inputs).filter(|_| derive::is_request(row))
    }

    /// A number in front, in requests.
    pub(crate) fn length(inputs: &[Input<'_>]) -> Option<i32> {
        let (bytes, row) = inputs.split_first()?;
        small(&[*bytes]).filter(|_| derive::is_request(row))
    }
}

#[cfg(test)]
mod tests;
