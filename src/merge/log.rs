//! The names of the files of a folder's log.

use std::collections::BTreeMap;

use crate::object::{Identity, hex};

use super::{Folder, Log};

const PLAN: &str = ".plan";
const DONE: &str = ".done";
const LEFT_OUT: &str = ".left";
const MARK: &str = ".mark";
const SURVIVED: &str = ".survived";

impl Folder {
    /// Returns the folder of the log below the destination, with a slash at its end.
    ///
    /// The bucket and the components of the source's folder stay as they are, except those that a file system understands
    /// differently. A payload may name any bucket.
    pub fn log(&self) -> String {
        let mut log = format!("_merge/{}/", component(&self.bucket));
        for part in self.prefix.split_terminator('/') {
            log.push_str(&component(part));
            log.push('/');
        }
        log
    }

    pub(super) fn plan(&self, number: u32) -> String {
        plan_name(&self.log(), number)
    }

    pub(super) fn done(&self, number: u32) -> String {
        done_name(&self.log(), number)
    }

    pub(super) fn mark(&self, identity: &Identity, mark: u8) -> String {
        format!("{}{identity}{MARK}{mark}", self.log())
    }

    pub(super) fn survived(&self, identity: &Identity, mark: u8) -> String {
        format!("{}{identity}{SURVIVED}{mark}", self.log())
    }

    pub(super) fn left_out(&self, identity: &Identity) -> String {
        format!("{}{identity}{LEFT_OUT}", self.log())
    }
}

/// Returns a bucket, or a component of a folder, as a component of a path.
fn component(text: &str) -> String {
    match text {
        "" => "%2F".to_owned(),
        "." => "%2E".to_owned(),
        ".." => "%2E%2E".to_owned(),
        _ => text.replace('%', "%25").replace('/', "%2F"),
    }
}

/// Returns the name of a plan in the log at this folder.
pub fn plan_name(log: &str, number: u32) -> String {
    format!("{log}{number:08}{PLAN}")
}

/// Returns the name of the file that says that a plan in the log at this folder is published.
pub fn done_name(log: &str, number: u32) -> String {
    format!("{log}{number:08}{DONE}")
}

/// Returns the number of the plan that a file of a log is about, and whether the file says that it is published.
pub fn plan_number(name: &str) -> Option<(u32, bool)> {
    let plan = name.strip_suffix(PLAN).and_then(number).map(|number| (number, false));
    plan.or_else(|| Some((number(name.strip_suffix(DONE)?)?, true)))
}

/// Returns the log that consists of files with these names. Other files are not part of it.
pub(super) fn of_names<'a>(names: impl Iterator<Item = &'a str>) -> Log {
    let mut log = Log::default();
    for name in names {
        if let Some((number, is_done)) = plan_number(name) {
            *log.plans.entry(number).or_default() |= is_done;
        } else if let Some((identity, _)) = name.split_once(MARK)
            && let Some(identity) = identity_of(identity)
        {
            count(&mut log.marks, identity);
        } else if let Some((identity, _)) = name.split_once(SURVIVED)
            && let Some(identity) = identity_of(identity)
        {
            count(&mut log.survived, identity);
        }
    }
    log
}

fn count(marks: &mut BTreeMap<Identity, u8>, identity: Identity) {
    let count = marks.entry(identity).or_default();
    *count = count.saturating_add(1);
}

fn number(digits: &str) -> Option<u32> {
    let is_number = digits.len() >= 8 && digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|_| is_number)
}

fn identity_of(digits: &str) -> Option<Identity> {
    let mut identity = Identity::default();
    for (byte, pair) in identity.0.iter_mut().zip(digits.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok()?;
    }
    (hex(&identity.0) == digits).then_some(identity)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(prefix: &str) -> Folder {
        Folder {
            bucket: "logs".to_owned(),
            prefix: prefix.to_owned(),
        }
    }

    #[test]
    fn the_log_of_a_folder_is_beside_the_tables() {
        assert_eq!(folder("").log(), "_merge/logs/");
        assert_eq!(folder("a/2026/11/29/").log(), "_merge/logs/a/2026/11/29/");
        let hostile = ["a//b/", "a/%2F/b/", "a/../", "a/%2E%2E/", "../../", "./", "/"];
        let logs: std::collections::BTreeSet<_> = hostile.iter().map(|prefix| folder(prefix).log()).collect();
        assert_eq!(logs.len(), hostile.len(), "{logs:?}");
        let buckets = ["..", ".", "", "../../x", "a/..", "/etc"].map(|bucket| {
            let prefix = "a/".to_owned();
            let bucket = bucket.to_owned();
            Folder { bucket, prefix }.log()
        });
        for log in logs.into_iter().chain(buckets) {
            let mut components = log.split_terminator('/');
            assert!(
                components.all(|component| !["", ".", ".."].contains(&component)),
                "{log}"
            );
        }
    }

    #[test]
    fn the_names_of_a_log_are_read_back() {
        let (folder, identity) = (folder("a/"), Identity([0xab; 16]));
        let names = [
            folder.plan(0),
            folder.plan(1),
            folder.done(0),
            folder.mark(&identity, 0),
            folder.mark(&identity, 1),
            folder.survived(&identity, 1),
            folder.left_out(&identity),
            "_merge/logs/a/note.txt".to_owned(),
            "_merge/logs/a/1.plan".to_owned(),
        ];
        let log = of_names(names.iter().map(|name| name.rsplit('/').next().unwrap()));
        assert_eq!(log.plans.into_iter().collect::<Vec<_>>(), [(0, true), (1, false)]);
        assert_eq!(log.marks.into_iter().collect::<Vec<_>>(), [(identity, 2)]);
        assert_eq!(log.survived.into_iter().collect::<Vec<_>>(), [(identity, 1)]);
    }
}
