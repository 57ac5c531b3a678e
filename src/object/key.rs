//! Facts about an object that its key reveals: log type, account, region, load balancer, end of the interval.
//!
//! Every layout of `docs/reference/formats.md` is recognized. A fact that the key does not contain is left out, never
//! guessed.

use crate::formats::{BalancerKind, LogType};
use crate::parse::line::time::timestamp_micros;

/// The facts that a key reveals.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeyFacts {
    /// The log type.
    pub log_type: Option<LogType>,
    /// The account that owns the load balancer.
    pub account: Option<String>,
    /// The load balancer's region.
    pub region: Option<String>,
    /// The load balancer: `app/name/id` or `net/name/id`, or the name of a Classic Load Balancer.
    pub load_balancer: Option<String>,
    /// The end of the interval that the object covers, in microseconds since 1970.
    pub end: Option<i64>,
}

/// The reason why a key shows that an object is not a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SkipByKey {
    /// The object that is written when logging is enabled.
    TestFile,
    /// A key that ends with a slash.
    FolderMarker,
}

/// Returns why the object is not a log, if the key alone shows it.
pub fn skip_by_key(key: &str) -> Option<SkipByKey> {
    if key.ends_with('/') {
        return Some(SkipByKey::FolderMarker);
    }
    let name = file_name(key);
    (name.starts_with("ELB") && name.ends_with("LogTestFile")).then_some(SkipByKey::TestFile)
}

/// The part of a log's file name between the account and the region.
const SERVICE: &str = "_elasticloadbalancing_";

/// Returns whether the file name is that of a load balancer log, even if not every part of it can be read.
pub fn names_a_log(key: &str) -> bool {
    file_name(key).contains(SERVICE)
}

/// Returns the address of the load balancer node that wrote the object with this key. Network Load Balancers do not name it.
pub fn node_address(key: &str) -> Option<&str> {
    let (_, rest) = file_name(key).split_once(SERVICE)?;
    let mut parts = rest.split('_');
    let (_region, _balancer, end) = (parts.next()?, parts.next()?, parts.next()?);
    interval_end(end)?;
    let (node, _random) = (parts.next()?, parts.next()?);
    parts.next().is_none().then_some(node)
}

impl KeyFacts {
    /// Reads a key.
    pub fn of(key: &str) -> Self {
        let mut facts = Self::default();
        facts.read_file_name(file_name(key));
        facts.read_folders(key);
        facts
    }

    /// Reads `{acct}_elasticloadbalancing_{region}_{load balancer}_{end}[_{node}]_{random}.log[.gz]`, which follows the
    /// [prefix](crate::formats::ObjectNaming::prefix) of the log type.
    fn read_file_name(&mut self, name: &str) {
        let name = name.strip_suffix(".gz").unwrap_or(name);
        let name = name.strip_suffix(".log").unwrap_or(name);
        let Some((account, rest)) = name.split_once(SERVICE) else {
            return;
        };
        let Some((region, rest)) = rest.split_once('_') else {
            return;
        };
        // A load balancer's name never contains an underscore.
        let mut parts = rest.split('_');
        let Some((load_balancer, end)) = parts.next().zip(parts.next()) else {
            return;
        };
        let Some(end) = interval_end(end) else { return };
        let (before, account) = account.rsplit_once(['_', '.']).unwrap_or(("", account));
        let (kind, load_balancer) = balancer(load_balancer);
        self.account = some(account);
        self.region = some(region);
        self.end = Some(end);
        self.log_type = LogType::from_file_name(before, kind);
        self.load_balancer = some(&load_balancer);
    }

    /// Reads `AWSLogs/[o-{org}/]{acct}/elasticloadbalancing/{region}/…`, or `aws-account-id={acct}` and
    /// `region={region}`. Vended logs have either, and a suffix of any folders in place of the region.
    fn read_folders(&mut self, key: &str) {
        let mut folders = key.split('/').peekable();
        while let Some(folder) = folders.next() {
            if let Some(account) = ["aws-account-id=", "account-id=", "accountid="]
                .into_iter()
                .find_map(|name| folder.strip_prefix(name))
            {
                self.account = self.account.take().or_else(|| some(account));
            } else if let Some(region) = folder.strip_prefix("region=") {
                self.region = self.region.take().or_else(|| some(region));
            } else if folder == "elasticloadbalancing" {
                let region = folders.peek().filter(|next| is_region(next));
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

/// Returns the kind of a load balancer and its name as it appears on a line, given its name as it appears in a file name:
/// `app.name.id` is `app/name/id`, and everything else the name of a Classic Load Balancer.
fn balancer(name: &str) -> (BalancerKind, String) {
    let mut id = name.splitn(3, '.');
    if let (Some(prefix), Some(name), Some(id)) = (id.next(), id.next(), id.next())
        && let Some(kind) = BalancerKind::ALL
            .into_iter()
            .find(|kind| kind.id_prefix() == Some(prefix))
    {
        return (kind, format!("{prefix}/{name}/{id}"));
    }
    (BalancerKind::Classic, name.to_owned())
}

/// Returns `yyyymmddThhmmZ` as microseconds since 1970.
pub fn interval_end(stamp: &str) -> Option<i64> {
    let [y0, y1, y2, y3, m0, m1, d0, d1, b'T', h0, h1, n0, n1, b'Z'] = *stamp.as_bytes() else {
        return None;
    };
    timestamp_micros(&[
        y0, y1, y2, y3, b'-', m0, m1, b'-', d0, d1, b'T', h0, h1, b':', n0, n1, b':', b'0', b'0', b'Z',
    ])
    .ok()
}

/// Returns whether a folder is named like a region: `us-east-1`, `us-gov-west-1`. A vended log may have a folder of the
/// user's own in its place, such as `my-folder`.
fn is_region(folder: &str) -> bool {
    let mut parts = folder.rsplit('-');
    let number = parts.next().unwrap_or_default();
    let words: Vec<_> = parts.collect();
    let is_word = |word: &&str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase());
    matches!(number.as_bytes(), [b'0'..=b'9']) && words.len() >= 2 && words.iter().all(is_word)
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

    /// The facts of a current file name of the account 123456789012.
    fn facts(log_type: LogType, region: &str, load_balancer: &str, end: &str) -> KeyFacts {
        KeyFacts {
            log_type: Some(log_type),
            account: Some("123456789012".into()),
            region: Some(region.into()),
            load_balancer: Some(load_balancer.into()),
            end: interval_end(end),
        }
    }

    #[test]
    fn every_layout_reveals_its_facts() {
        let folders = "AWSLogs/123456789012/elasticloadbalancing/us-east-1/2026/10/07";
        for (name, log_type, region, load_balancer) in [
            (
                "123456789012_elasticloadbalancing_us-east-1_app.web.50dc6c495c0c9188_20261007T0715Z_192.0.2.1_4c8scnzy.log.gz",
                LogType::AlbAccess,
                "us-east-1",
                "app/web/50dc6c495c0c9188",
            ),
            (
                "conn_log_123456789012_elasticloadbalancing_us-east-1_app.web.50dc_20261007T0715Z_192.0.2.1_4c8scnzy.log.gz",
                LogType::AlbConnection,
                "us-east-1",
                "app/web/50dc",
            ),
            (
                "conn_log.123456789012_elasticloadbalancing_us-east-1_app.web.50dc_20261007T0715Z_192.0.2.1_4c8scnzy.log.gz",
                LogType::AlbConnection,
                "us-east-1",
                "app/web/50dc",
            ),
            (
                "health_check_log_123456789012_elasticloadbalancing_us-gov-west-1_app.web.50dc_20261007T0715Z_192.0.2.1_4c8.log.gz",
                LogType::AlbHealthCheck,
                "us-gov-west-1",
                "app/web/50dc",
            ),
            (
                "123456789012_elasticloadbalancing_us-east-1_net.tls.c6e7_20261007T0715Z_4c8scnzy.log.gz",
                LogType::NlbAccess,
                "us-east-1",
                "net/tls/c6e7",
            ),
            (
                "123456789012_elasticloadbalancing_us-east-1_old-one_20261007T0715Z_192.0.2.1_4c8scnzy.log",
                LogType::ClbAccess,
                "us-east-1",
                "old-one",
            ),
        ] {
            let expected = facts(log_type, region, load_balancer, "20261007T0715Z");
            let node = (log_type != LogType::NlbAccess).then_some("192.0.2.1");
            assert_eq!(node_address(name), node, "{name}");
            for prefix in ["", "some/prefix/", "AWSLogs/o-abc123/"] {
                assert_eq!(KeyFacts::of(&format!("{prefix}{folders}/{name}")), expected, "{name}");
                assert_eq!(KeyFacts::of(&format!("{prefix}{name}")), expected, "{name}");
            }
        }
    }

    #[test]
    fn folders_reveal_account_and_region() {
        let expected = KeyFacts {
            account: Some("123456789012".into()),
            region: Some("eu-west-1".into()),
            ..KeyFacts::default()
        };
        for key in [
            "AWSLogs/aws-account-id=123456789012/elasticloadbalancing/region=eu-west-1/year=2026/month=10/x.gz",
            "AWSLogs/123456789012/elasticloadbalancing/eu-west-1/2026/10/07/renamed.gz",
        ] {
            assert_eq!(KeyFacts::of(key), expected, "{key}");
        }
        for key in ["access.log", "_elasticloadbalancing__"] {
            assert_eq!(KeyFacts::of(key), KeyFacts::default(), "{key}");
        }
    }

    /// The layouts of the page on vended logs in S3, read 2026-11-29, and the names of its variables.
    #[test]
    fn keys_of_vended_logs_reveal_account_and_region() {
        let facts = |region: Option<&str>| KeyFacts {
            account: Some("123456789012".into()),
            region: region.map(Into::into),
            ..KeyFacts::default()
        };
        let hive = "AWSLogs/aws-account-id=123456789012/elasticloadbalancing";
        for (folders, region) in [
            (
                "AWSLogs/123456789012/elasticloadbalancing/us-east-1/2026/09/10".to_owned(),
                Some("us-east-1"),
            ),
            (
                "MyLogPrefix/AWSLogs/123456789012/elasticloadbalancing/us-gov-west-1/2026/09/10".to_owned(),
                Some("us-gov-west-1"),
            ),
            (
                format!("{hive}/region=us-east-1/year=2026/month=09/day=10"),
                Some("us-east-1"),
            ),
            (format!("{hive}/my-folder/year=2026/month=09/day=10"), None),
            (
                "AWSLogs/123456789012/elasticloadbalancing/my-folder-x/2026/09/10".to_owned(),
                None,
            ),
            (
                "p/accountid=123456789012/region=eu-west-1/year=2026/hour=07".to_owned(),
                Some("eu-west-1"),
            ),
        ] {
            for name in ["a.json.gz", "a.log.gz", "a"] {
                assert_eq!(
                    KeyFacts::of(&format!("{folders}/{name}")),
                    facts(region),
                    "{folders}/{name}"
                );
            }
        }
    }

    #[test]
    fn the_time_in_a_file_name_is_the_end_of_the_interval() {
        assert_eq!(
            interval_end("20261007T0715Z"),
            timestamp_micros(b"2026-10-07T07:15:00Z").ok()
        );
        assert_eq!(interval_end("20261307T0715Z"), None);
        assert_eq!(interval_end("2026100707152"), None);
    }

    #[test]
    fn test_files_and_folder_markers_are_skipped() {
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
