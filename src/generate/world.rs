//! The load balancer that writes a log, and everything that all lines of the log share.

use super::rng::{Rng, Stream};
use super::text;
use super::traffic::Traffic;
use crate::formats::{BalancerKind, Format};

/// The target groups; the last is a Lambda function.
const GROUPS: [&str; 5] = ["shop-web", "shop-api", "shop-assets", "shop-live", "orders-fn"];
/// The number of the target group that is a Lambda function.
pub(super) const LAMBDA: usize = 4;
/// The number of the target group that serves web sockets.
pub(super) const LIVE: usize = 3;

/// The values that all lines of a log share, derived from the seed and the traffic alone.
#[derive(Debug)]
pub(super) struct World {
    pub(super) seed: u64,
    /// The seed of this node's lines from the start on. Nodes of a load balancer share clients, not connections.
    pub(super) node_seed: u64,
    pub(super) start: u64,
    pub(super) step: u64,
    pub(super) node: String,
    /// The load balancer as it appears on the line: `app/name/id`, or the name alone.
    pub(super) elb: String,
    /// The ARN of each target group.
    pub(super) groups: Vec<String>,
    /// The ARN of each certificate.
    pub(super) certificates: Vec<String>,
    /// The ARN of the Lambda function.
    pub(super) function: String,
    /// Whether the load balancer supports TLS 1.3: Application Load Balancers since March 2023, Classic ones never.
    pub(super) modern: bool,
}

impl World {
    pub(super) fn new(seed: u64, traffic: &Traffic, format: &Format) -> Self {
        let balancer = &traffic.balancer;
        let (region, account) = (&balancer.region, &balancer.account);
        let mut names = Rng::of(seed, Stream::Name, 0);
        let groups = GROUPS.iter().map(|name| {
            format!(
                "arn:aws:elasticloadbalancing:{region}:{account}:targetgroup/{name}/{:016x}",
                names.next()
            )
        });
        let groups = groups.collect();
        let mut certificate = || {
            let id = format!("{:032x}", u128::from(names.next()) << 64 | u128::from(names.next()));
            let parts: Vec<_> = [0..8, 8..12, 12..16, 16..20, 20..32]
                .into_iter()
                .filter_map(|at| id.get(at))
                .collect();
            format!("arn:aws:acm:{region}:{account}:certificate/{}", parts.join("-"))
        };
        Self {
            seed,
            node_seed: balancer.node.bytes().fold(seed ^ traffic.start, |seed, byte| {
                Rng::of(seed, Stream::Name, byte.into()).next()
            }),
            start: traffic.start,
            step: traffic.step,
            node: balancer.node.clone(),
            elb: balancer.elb(format),
            groups,
            certificates: vec![certificate(), certificate()],
            function: format!("arn:aws:lambda:{region}:{account}:function:orders-fn"),
            modern: format.objects.balancer != BalancerKind::Classic
                && traffic.start >= text::at((2023, 3, 22), (0, 0, 0)),
        }
    }

    /// Returns the name of a target group.
    pub(super) fn group_name(group: usize) -> &'static str {
        GROUPS.get(group).copied().unwrap_or("-")
    }

    /// Returns the time of a line. Times ascend, except for the few lines that were written late.
    pub(super) const fn time(&self, number: u64, rng: &mut Rng) -> u64 {
        let late = if rng.chance(80) { 1_500_000 } else { 60_000 };
        self.start + number * self.step + rng.below(late)
    }
}
