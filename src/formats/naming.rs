//! Facts about the log objects of a log type: how they are named and compressed.

use super::LogType;
use super::closed::closed_enum;

closed_enum! {
    /// A kind of load balancer.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum BalancerKind {
        /// An Application Load Balancer.
        Application,
        /// A Network Load Balancer.
        Network,
        /// A Classic Load Balancer.
        Classic,
    }
}

/// How the objects of a log type are named and compressed.
#[derive(Debug)]
pub struct ObjectNaming {
    /// The part of the file name before the account, such as `conn_log`; empty if the name begins with the account.
    pub prefix: &'static str,
    /// The kind of load balancer that writes the log.
    pub balancer: BalancerKind,
    /// Whether the file name contains the address of the load balancer node.
    pub node_address: bool,
    /// Whether the objects are gzip. Others are plain text.
    pub gzip: bool,
}

/// The custom sources of Amazon Security Lake that a log type's events belong to.
///
/// A source accepts events of one OCSF class, and its name has at most 20 characters.
/// <https://docs.aws.amazon.com/security-lake/latest/userguide/custom-sources.html>
/// <https://docs.aws.amazon.com/security-lake/latest/APIReference/API_CreateCustomLogSource.html>
#[derive(Debug, Clone, Copy)]
pub enum LakeSources {
    /// All events are of one class and belong to this source.
    One(&'static str),
    /// The table contains both requests and connections, which belong to a source each.
    ByClass {
        /// The source for HTTP Activity.
        requests: &'static str,
        /// The source for Network Activity.
        connections: &'static str,
    },
}

impl BalancerKind {
    /// Returns the first part of the load balancer's resource id: `app` of `app/name/id`, which is `app.name.id` in a
    /// file name. A Classic Load Balancer is identified by its name alone.
    pub const fn id_prefix(self) -> Option<&'static str> {
        match self {
            Self::Application => Some("app"),
            Self::Network => Some("net"),
            Self::Classic => None,
        }
    }
}

impl LogType {
    /// Returns the log type that a file name indicates, given the part before the account and the kind of load balancer.
    ///
    /// The part before the account may begin with anything, because objects get copied and renamed.
    pub fn from_file_name(before_account: &str, balancer: BalancerKind) -> Option<Self> {
        let named = Self::ALL.into_iter().find(|log_type| {
            let prefix = log_type.format().objects.prefix;
            !prefix.is_empty() && before_account.ends_with(prefix)
        });
        named.or_else(|| {
            Self::ALL.into_iter().find(|log_type| {
                let objects = &log_type.format().objects;
                objects.prefix.is_empty() && objects.balancer == balancer
            })
        })
    }
}
