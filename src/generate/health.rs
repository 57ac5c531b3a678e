//! Health checks of targets, which pass most of the time and sometimes fail for a while.

use super::record::{Record, Write};
use super::rng::{Rng, Stream};
use super::text;
use super::world::{LAMBDA, World};

/// The number of targets, including the Lambda function.
const TARGETS: u64 = 8;
/// The number of consecutive checks of a target with the same state.
const STREAK: u64 = 6;

/// Failures of targets: status code, reason, microseconds.
static FAILURES: [(u64, (&str, &str, u64)); 6] = [
    (4, ("-", "TimedOut", 5_000_000)),
    (4, ("503", "TargetError", 8_000)),
    (2, ("404", "ResponseCodeMismatch", 3_000)),
    (1, ("-", "ConnectionReset", 1_200)),
    (1, ("200", "ResponseStringMismatch", 4_000)),
    (1, ("502", "TargetError", 1_100_000)),
];

/// A health check of a target.
#[derive(Debug)]
pub(super) struct Check {
    time: u64,
    target: u64,
    nanos: u64,
    failure: Option<(&'static str, &'static str, u64)>,
}

impl Check {
    const fn lambda(&self) -> bool {
        self.target == TARGETS - 1
    }

    const fn group(&self) -> usize {
        match self.target {
            7 => LAMBDA,
            5 | 6 => 1,
            _ => 0,
        }
    }
}

impl Record for Check {
    const VALUES: &'static [(&'static str, Write<Self>)] = &[
        ("type", |check, _, out| {
            let kind = match check.target {
                7 => "lambda",
                6 => "grpc",
                5 => "h2",
                4 => "https",
                _ => "http",
            };
            out.extend_from_slice(kind.as_bytes());
        }),
        ("time", |check, _, out| text::time(out, check.time)),
        ("latency", |check, _, out| {
            text::number(out, check.nanos / 1_000_000_000);
            out.push(b'.');
            text::padded(out, check.nanos % 1_000_000_000, 9);
        }),
        ("target_addr", |check, world, out| {
            if check.lambda() {
                out.extend_from_slice(world.function.as_bytes());
            } else {
                out.extend_from_slice(b"10.0.");
                text::number(out, 1 + check.target % 2);
                out.push(b'.');
                text::number(out, 20 + 13 * check.target);
                out.extend_from_slice(if check.group() == 0 { b":8080" } else { b":9000" });
            }
        }),
        ("target_group_id", |check, _, out| {
            out.extend_from_slice(World::group_name(check.group()).as_bytes());
        }),
        ("status", |check, _, out| {
            out.extend_from_slice(if check.failure.is_some() { b"FAIL" } else { b"PASS" });
        }),
        ("status_code", |check, _, out| {
            // A gRPC target responds with a gRPC status.
            let passed = if check.target == 6 { "0" } else { "200" };
            out.extend_from_slice(check.failure.map_or(passed, |(code, ..)| code).as_bytes());
        }),
        ("reason_code", |check, _, out| {
            out.extend_from_slice(check.failure.map_or("-", |(_, reason, _)| reason).as_bytes());
        }),
        ("elb", |_, world, out| out.extend_from_slice(world.elb.as_bytes())),
        ("ip_address", |_, world, out| {
            out.extend_from_slice(world.node.as_bytes());
        }),
    ];

    fn draw(world: &World, number: u64, rng: &mut Rng) -> Self {
        let (target, round) = (number % TARGETS, number / TARGETS);
        let mut state = Rng::of(world.seed, Stream::Target, (round + target) / STREAK * TARGETS + target);
        let failure = state.chance(150).then(|| state.weighted(&FAILURES));
        let micros = failure.map_or(2_000, |(.., micros)| micros);
        Self {
            time: world.time(number, rng),
            target,
            nanos: micros * 1000 + rng.skewed(30_000_000),
            failure,
        }
    }

    fn time(&self) -> u64 {
        self.time
    }
}
