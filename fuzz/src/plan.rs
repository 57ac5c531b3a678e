//! Fuzzes any bytes as the files of a destination: plans, the layout, and names. No panic, what is read survives being
//! written, and no name leads out of the folder of the logs.

use std::path::{Component, Path};

use alb_ingest::layout::Layout;
use alb_ingest::merge::plan::Plan;
use alb_ingest::merge::{Folder, done_name, plan_name, plan_number};
use alb_ingest::object::{KeyFacts, ObjectRef, skip_by_key};

/// Runs the target on one input.
pub fn run(bytes: &[u8]) {
    if let Ok(plan) = Plan::decode(bytes) {
        assert_eq!(Plan::decode(&plan.encode()).as_ref(), Ok(&plan));
        assert_eq!(plan.identities().count(), plan.members.len());
        assert!(plan.failed().count() <= plan.members.len());
        let _ = plan.balance().is_even();
    }
    if let Ok(layout) = Layout::decode(&"out", bytes) {
        assert_eq!(Layout::decode(&"out", &layout.encode()).ok().as_ref(), Some(&layout));
        assert_eq!(layout.fingerprint().len(), 16);
    }
    if let Ok(text) = str::from_utf8(bytes) {
        names(text);
    }
}

/// Reads a text as a key and as the names that a listing of a log has.
fn names(text: &str) {
    let _ = (KeyFacts::of(text), skip_by_key(text));
    let (bucket, key) = text.split_once('\n').unwrap_or(("logs", text));
    let (folder, name) = Folder::of(bucket, key);
    assert_eq!(format!("{}{name}", folder.prefix), key);
    let log = folder.log();
    let mut components = Path::new(&log).components();
    assert!(components.all(|part| matches!(part, Component::Normal(_))), "{log}");
    assert!(
        log.starts_with("_merge/") && log.ends_with('/') && !log.contains("//"),
        "{log}"
    );
    let _ = folder.object(name, text).identity();
    if let Some((number, is_done)) = plan_number(name) {
        let own = if is_done {
            done_name("", number)
        } else {
            plan_name("", number)
        };
        assert_eq!(plan_number(&own), Some((number, is_done)));
    }
    let object = ObjectRef {
        bucket: bucket.to_owned(),
        key: key.to_owned(),
        version: String::new(),
    };
    let shown = object.to_string();
    assert!(!shown.contains(char::is_control), "{shown:?}");
}
