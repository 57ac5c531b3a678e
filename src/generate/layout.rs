//! Where the objects of a log type lie and what they look like from outside.

use super::rng::{Rng, Stream};
use super::text::{Date, SECOND};
use super::traffic::Balancer;
use crate::formats::Format;

/// What the key and the packing of a log type's objects look like.
#[derive(Debug)]
pub(super) struct Layout {
    table: &'static str,
    /// What the file name begins with.
    prefix: &'static str,
    /// The kind of load balancer, as it stands before its name: `app`, `net`, or nothing for Classic.
    pub(super) kind: &'static str,
    /// Whether the file name tells the node.
    node: bool,
    /// Whether the objects are gzip.
    pub(super) gzip: bool,
}

/// The kind of Classic Load Balancers: their names stand alone.
pub(super) const CLASSIC: &str = "";

static LAYOUTS: [Layout; 5] = [
    Layout {
        table: "alb_access_log",
        prefix: "",
        kind: "app",
        node: true,
        gzip: true,
    },
    Layout {
        table: "alb_connection_log",
        prefix: "conn_log_",
        kind: "app",
        node: true,
        gzip: true,
    },
    Layout {
        table: "alb_health_check_log",
        prefix: "health_check_log_",
        kind: "app",
        node: true,
        gzip: true,
    },
    Layout {
        table: "nlb_access_log",
        prefix: "",
        kind: "net",
        node: false,
        gzip: true,
    },
    Layout {
        table: "clb_access_log",
        prefix: "",
        kind: CLASSIC,
        node: true,
        gzip: false,
    },
];

impl Layout {
    /// The layout of a format; a format not listed lies where access logs lie.
    pub(super) fn of(format: &Format) -> &'static Self {
        static OTHER: Layout = Layout {
            table: "",
            prefix: "",
            kind: "app",
            node: true,
            gzip: true,
        };
        LAYOUTS
            .iter()
            .find(|layout| layout.table == format.name)
            .unwrap_or(&OTHER)
    }

    /// The load balancer as it stands on the line.
    pub(super) fn elb(&self, balancer: &Balancer) -> String {
        match self.kind {
            CLASSIC => balancer.name.clone(),
            kind => format!("{kind}/{}/{}", balancer.name, balancer.id),
        }
    }

    fn key(&self, balancer: &Balancer, end: u64, random: &str) -> String {
        let Balancer {
            account, region, node, ..
        } = balancer;
        let Date { year, month, day } = Date::of(end);
        let (hour, minute) = (end / (3600 * SECOND) % 24, end / (60 * SECOND) % 60);
        let elb = self.elb(balancer).replace('/', ".");
        let prefix = self.prefix;
        let node = if self.node { format!("_{node}") } else { String::new() };
        let extension = if self.gzip { "log.gz" } else { "log" };
        format!(
            "AWSLogs/{account}/elasticloadbalancing/{region}/{year:04}/{month:02}/{day:02}/\
             {prefix}{account}_elasticloadbalancing_{region}_{elb}_{year:04}{month:02}{day:02}T{hour:02}{minute:02}Z\
             {node}_{random}.{extension}"
        )
    }
}

/// The key that a load balancer gives an object whose interval ends at `end`, in microseconds since 1970. The seed
/// stands for the random part, which differs from object to object.
pub fn object_key(format: &Format, balancer: &Balancer, end: u64, seed: u64) -> String {
    let layout = Layout::of(format);
    let named = [layout.table, &layout.elb(balancer), &balancer.node].concat();
    let mut rng = named.bytes().fold(Rng::of(seed, Stream::Name, end), |mut rng, byte| {
        Rng::of(rng.next(), Stream::Name, byte.into())
    });
    let random = (0..8).filter_map(|_| {
        u32::try_from(rng.below(36))
            .ok()
            .and_then(|digit| char::from_digit(digit, 36))
    });
    layout.key(balancer, end, &random.collect::<String>())
}
