//! The log types that Elastic Load Balancing writes.

use super::closed::closed_enum;
use super::{ALB_ACCESS, ALB_CONNECTION, ALB_HEALTH_CHECK, CLB_ACCESS, Format, NLB_ACCESS};

closed_enum! {
    /// A log type. The order is the order in which detection tries them.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum LogType {
        /// The access log of an Application Load Balancer.
        AlbAccess,
        /// The connection log of an Application Load Balancer.
        AlbConnection,
        /// The health check log of an Application Load Balancer.
        AlbHealthCheck,
        /// The TLS access log of a Network Load Balancer.
        NlbAccess,
        /// The access log of a Classic Load Balancer.
        ClbAccess,
    }
}

impl LogType {
    /// Returns the table that describes the log type.
    pub const fn format(self) -> &'static Format {
        match self {
            Self::AlbAccess => &ALB_ACCESS,
            Self::AlbConnection => &ALB_CONNECTION,
            Self::AlbHealthCheck => &ALB_HEALTH_CHECK,
            Self::NlbAccess => &NLB_ACCESS,
            Self::ClbAccess => &CLB_ACCESS,
        }
    }

    /// Returns the name of the log type's table, such as `alb_access_log`.
    pub const fn table(self) -> &'static str {
        self.format().name
    }

    /// Returns the log type whose table has that name.
    pub fn from_table(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|log_type| log_type.table() == name)
    }
}
