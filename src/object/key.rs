//! What an object's key tells: log type, account, region, load balancer, end of the interval.
//!
//! Every layout of `docs/reference/formats.md` is read; what a key does not tell is left out, and never guessed.

use crate::formats::{ALB_ACCESS, ALB_CONNECTION, ALB_HEALTH_CHECK, CLB_ACCESS, Format, NLB_ACCESS};
use crate::parse::line::time::timestamp_micros;

/// What a key tells.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeyFacts {
    /// The table's name, if the key tells the log type.
    pub table: Option<&'static str>,
    /// The account that owns the load balancer.
    pub account: Option<String>,
    /// The load balancer's region.
    pub region: Option<String>,
    /// The load balancer: `app/name/id` or `net/name/id`, or the name of a Classic one.
    pub load_balancer: Option<String>,
    /// The end of the interval that the object covers, microseconds since 1970.
    pub end: Option<i64>,
}

/// Why an object is no log, as its key tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SkipByKey {
    /// The object that is written when logging is enabled.
    TestFile,
    /// A key that ends in a slash.
    FolderMarker,
}

/// Whether the key alone tells that the object is no log.
pub fn skip_by_key(key: &str) -> Option<SkipByKey> {
    if key.ends_with('/') {
        return Some(SkipByKey::FolderMarker);
    }
    let name = file_name(key);
    (name.starts_with("ELB") && name.ends_with("LogTestFile")).then_some(SkipByKey::TestFile)
}

impl KeyFacts {
    /// Reads a key.
    pub fn of(key: &str) -> Self {
        let mut facts = Self::default();
        facts.read_file_name(file_name(key));
        facts.read_folders(key);
        facts
    }

    /// The table that the key tells.
    pub fn format(&self) -> Option<&'static Format> {
        self.table.and_then(Format::by_name)
    }

    /// `{acct}_elasticloadbalancing_{region}_{load balancer}_{end}[_{node}]_{random}.log[.gz]`, behind `conn_log` or
    /// `health_check_log` for those types.
    fn read_file_name(&mut self, name: &str) {
        let name = name.strip_suffix(".gz").unwrap_or(name);
        let name = name.strip_suffix(".log").unwrap_or(name);
        let Some((account, rest)) = name.split_once("_elasticloadbalancing_") else {
            return;
        };
        let Some((region, rest)) = rest.split_once('_') else {
            return;
        };
        // No load balancer's name holds an underscore.
        let mut parts = rest.split('_');
        let Some((load_balancer, end)) = parts.next().zip(parts.next()) else {
            return;
        };
        let Some(end) = interval_end(end) else { return };
        let (prefix, account) = account.rsplit_once(['_', '.']).unwrap_or(("", account));
        self.account = some(account);
        self.region = some(region);
        self.end = Some(end);
        let mut id = load_balancer.splitn(3, '.');
        let (format, load_balancer) = match (id.next(), id.next(), id.next()) {
            (Some("app"), Some(name), Some(id)) => (&ALB_ACCESS, format!("app/{name}/{id}")),
            (Some("net"), Some(name), Some(id)) => (&NLB_ACCESS, format!("net/{name}/{id}")),
            _ => (&CLB_ACCESS, load_balancer.to_owned()),
        };
        let format = if prefix.ends_with("conn_log") {
            &ALB_CONNECTION
        } else if prefix.ends_with("health_check_log") {
            &ALB_HEALTH_CHECK
        } else {
            format
        };
        self.table = Some(format.name);
        self.load_balancer = some(&load_balancer);
    }

    /// `AWSLogs/[o-{org}/]{acct}/elasticloadbalancing/{region}/…`, or `aws-account-id={acct}` and `region={region}`.
    fn read_folders(&mut self, key: &str) {
        let mut folders = key.split('/').peekable();
        while let Some(folder) = folders.next() {
            if let Some(account) = folder
                .strip_prefix("aws-account-id=")
                .or_else(|| folder.strip_prefix("account-id="))
            {
                self.account = self.account.take().or_else(|| some(account));
            } else if let Some(region) = folder.strip_prefix("region=") {
                self.region = self.region.take().or_else(|| some(region));
            } else if folder == "elasticloadbalancing" {
                let region = folders.peek().filter(|next| next.contains('-') && !next.contains('='));
                self.region = self.region.take().or_else(|| region.and_then(|region| some(region)));
            } else if folder.len() == 12
                && folder.bytes().all(|byte| byte.is_ascii_digit())
                && folders.peek() == Some(&"elasticloadbalancing")
            {
                self.account = self.account.take().or_else(|| some(folder));
            }
        }
    }
}

/// `yyyymmddThhmmZ` as microseconds since 1970.
fn interval_end(stamp: &str) -> Option<i64> {
    let [y0, y1, y2, y3, m0, m1, d0, d1, b'T', h0, h1, n0, n1, b'Z'] = *stamp.as_bytes() else {
        return None;
    };
    timestamp_micros(&[
        y0, y1, y2, y3, b'-', m0, m1, b'-', d0, d1, b'T', h0, h1, b':', n0, n1, b':', b'0', b'0', b'Z',
    ])
    .ok()
}

fn file_name(key: &str) -> &str {
    key.rsplit('/').next().unwrap_or_default()
}

fn some(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(
        key: &str,
    ) -> (
        Option<&'static str>,
        Option<String>,
        Option<String>,
        Option<String>,
        bool,
    ) {
        let facts = KeyFacts::of(key);
        (
            facts.table,
            facts.account,
            facts.region,
            facts.load_balancer,
            facts.end.is_some(),
        )
    }

    fn all(
        table: &'static str,
        region: &str,
        load_balancer: &str,
    ) -> (
        Option<&'static str>,
        Option<String>,
        Option<String>,
        Option<String>,
        bool,
    ) {
        (
            Some(table),
            Some("123456789012".into()),
            Some(region.into()),
            Some(load_balancer.into()),
            true,
        )
    }

    #[test]
    fn every_layout_tells_its_facts() {
        let folders = "AWSLogs/123456789012/elasticloadbalancing/us-east-1/2026/10/07";
        for (name, expected) in [
            (
                "123456789012_elasticloadbalancing_us-east-1_app.web.50dc6c495c0c9188_20261007T0715Z_192.0.2.1_4c8scnzy.log.gz",
                all("alb_access_log", "us-east-1", "app/web/50dc6c495c0c9188"),
            ),
            (
                "conn_log_123456789012_elasticloadbalancing_us-east-1_app.web.50dc_20261007T0715Z_192.0.2.1_4c8scnzy.log.gz",
                all("alb_connection_log", "us-east-1", "app/web/50dc"),
            ),
            (
                "conn_log.123456789012_elasticloadbalancing_us-east-1_app.web.50dc_20261007T0715Z_192.0.2.1_4c8scnzy.log.gz",
                all("alb_connection_log", "us-east-1", "app/web/50dc"),
            ),
            (
                "health_check_log_123456789012_elasticloadbalancing_us-gov-west-1_app.web.50dc_20261007T0715Z_192.0.2.1_4c8.log.gz",
                all("alb_health_check_log", "us-gov-west-1", "app/web/50dc"),
            ),
            (
                "123456789012_elasticloadbalancing_us-east-1_net.tls.c6e7_20261007T0715Z_4c8scnzy.log.gz",
                all("nlb_access_log", "us-east-1", "net/tls/c6e7"),
            ),
            (
                "123456789012_elasticloadbalancing_us-east-1_old-one_20261007T0715Z_192.0.2.1_4c8scnzy.log",
                all("clb_access_log", "us-east-1", "old-one"),
            ),
        ] {
            for prefix in ["", "some/prefix/", "AWSLogs/o-abc123/"] {
                assert_eq!(facts(&format!("{prefix}{folders}/{name}")), expected, "{name}");
                assert_eq!(facts(&format!("{prefix}{name}")), expected, "{name}");
            }
        }
        let vended =
            "AWSLogs/aws-account-id=123456789012/elasticloadbalancing/region=eu-west-1/year=2026/month=10/x.gz";
        assert_eq!(
            facts(vended),
            (None, Some("123456789012".into()), Some("eu-west-1".into()), None, false)
        );
        let unnamed = "AWSLogs/123456789012/elasticloadbalancing/eu-west-1/2026/10/07/renamed.gz";
        assert_eq!(
            facts(unnamed),
            (None, Some("123456789012".into()), Some("eu-west-1".into()), None, false)
        );
        assert_eq!(facts("access.log"), (None, None, None, None, false));
        assert_eq!(facts("_elasticloadbalancing__"), (None, None, None, None, false));
    }

    #[test]
    fn the_stamp_is_the_end_of_the_interval() {
        assert_eq!(
            interval_end("20261007T0715Z"),
            timestamp_micros(b"2026-10-07T07:15:00Z").ok()
        );
        assert_eq!(interval_end("20261307T0715Z"), None);
        assert_eq!(interval_end("2026100707152"), None);
    }

    #[test]
    fn test_files_and_folders_are_no_logs() {
        for key in [
            "AWSLogs/1/ELBAccessLogTestFile",
            "ELBConnectionLogTestFile",
            "p/AWSLogs/1/ELBHealthCheckLogTestFile",
        ] {
            assert_eq!(skip_by_key(key), Some(SkipByKey::TestFile), "{key}");
        }
        assert_eq!(skip_by_key("AWSLogs/"), Some(SkipByKey::FolderMarker));
        assert_eq!(skip_by_key("AWSLogs/ELBAccessLogTestFile/x.log"), None);
    }
}
