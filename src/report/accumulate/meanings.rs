//! What a status code means if the load balancer itself responds with it.
//!
//! From <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-troubleshooting.html>, looked up on
//! 2026-11-30.

/// Returns the meaning of a status code in a sentence.
pub(super) const fn meaning(status: i32) -> Option<&'static str> {
    Some(match status {
        400 => {
            "The client sent a malformed request, such as one with an invalid header, or closed the connection while it sent the request."
        }
        401 => {
            "The user is not authenticated, and a rule denies such requests or the identity provider did not return the expected claims."
        }
        403 => "AWS WAF blocked the request, or a fixed response refused it.",
        405 => "The client used the method TRACE, which load balancers do not support.",
        408 => "The client did not send data before the idle timeout ended.",
        413 => "The target is a Lambda function, and the body of the request is larger than 1 MB.",
        414 => "The URL of the request, or its query string, is too long.",
        460 => {
            "The client closed the connection before the load balancer could respond, often because its timeout is shorter than the time that the target needs."
        }
        463 => "The header X-Forwarded-For has more than 30 addresses, often because requests go around in a loop.",
        464 => "The protocol of the request does not fit the protocol version of the target group.",
        500 => {
            "The load balancer could not evaluate the request: WAF or the identity provider failed, or there is an error in a rule."
        }
        501 => "The header Transfer-Encoding has a value that load balancers do not support.",
        502 => {
            "The target closed or reset the connection, or its response is malformed: a target that crashes, or whose keep-alive timeout is shorter than the load balancer's idle timeout."
        }
        503 => "There is no target to send the request to: the target group has none that is registered and in use.",
        504 => {
            "The target did not accept the connection within 10 seconds, or did not respond before the idle timeout ended."
        }
        505 => "The client used an unexpected version of HTTP.",
        507 => "The redirect URL is too long.",
        561 => "The identity provider returned an error code when the load balancer authenticated the user.",
        _ => return None,
    })
}
