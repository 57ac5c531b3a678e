//! Members that fail contribute nothing and do not disturb the others.

use std::io::{self, Write};
use std::time::Duration;

use alb_ingest::deadline::Deadline;
use alb_ingest::formats::ALB_ACCESS;
use alb_ingest::ingest::{Member, MemberOutcome, MergeOptions, Problem, Target, merge_objects};
use alb_ingest::object::{Counts, ObjectRef};
use alb_ingest::parse::input::ReadError;
use alb_ingest::storage::{Committed, ErrorKind, Operation, Sink, Staged, StorageError};

use super::{Manner, Stored, WAYS, alone, assert_same, merge, merge_with};
use crate::common::{Memory, gzip, json};
use crate::objects::{access, accesses, broken, key, strict};

fn small(number: usize) -> Stored {
    Stored::new(&key(&ALB_ACCESS), number, gzip(&accesses(10)))
}

/// An object whose first events are written before its last bytes are read.
fn large(number: usize) -> Stored {
    Stored::new(&key(&ALB_ACCESS), number, accesses(1_200))
}

/// An object of two gzip members, of which the second and larger one is corrupt at its end.
fn corrupt(number: usize) -> Stored {
    let mut bytes = [gzip(&accesses(40)), gzip(&accesses(1_500))].concat();
    let last = bytes.len() - 8;
    bytes[last] ^= 1;
    Stored::new(&key(&ALB_ACCESS), number, bytes)
}

fn mostly_malformed(number: usize) -> Stored {
    let text: String = (0..60).map(|number| broken(number) + "\n").collect();
    let text = access(1) + "\n" + &text;
    Stored::new(&key(&ALB_ACCESS), number, text.into_bytes())
}

/// Returns what the outcomes of the others must be without the objects at these positions.
fn without(objects: Vec<Stored>, failing: &[usize]) -> Vec<Stored> {
    let rest = objects.into_iter().enumerate();
    let rest = rest.filter(|(number, _)| !failing.contains(number));
    rest.map(|(_, object)| object).collect()
}

#[test]
fn members_that_fail_contribute_nothing() {
    let changed = Stored {
        etag: "other".to_owned(),
        ..small(1)
    };
    let text = b"this is a text, and not the log of a load balancer\n".to_vec();
    let gone = ErrorKind::NotFound;
    // Each with a part of its error, and whether a later look tries again.
    let failing = || {
        [
            (small(1).with(Manner::Refuses(gone)), "it does not go on", false),
            (large(1).with(Manner::Refuses(ErrorKind::Refused)), "it does not", true),
            (small(1).with(Manner::Breaks(ErrorKind::Unavailable)), "it does", true),
            (large(1).with(Manner::Breaks(ErrorKind::Overwritten)), "it does", false),
            (large(1).with(Manner::Breaks(ErrorKind::Unavailable)), "it does", true),
            (small(1).with(Manner::Panics), "internal error", false),
            (large(1).with(Manner::Panics), "internal error", false),
            (mostly_malformed(1), "are malformed as alb_access_log", false),
            (Stored::new("some/file.log", 1, text.clone()), "name the table", false),
        ]
    };
    let rest = || vec![small(0), large(2), small(3), corrupt(4)];
    let wanted = alone(&rest(), &json());
    let check = |object: Stored, reason: &str, is_left_out: bool, way| {
        let mut objects = rest();
        objects.insert(1, object);
        let merged = merge(&objects, &json(), way);
        let (MemberOutcome::Failed(error) | MemberOutcome::LeftOut(error)) = merged.outcomes()[1] else {
            panic!("{reason}: {:?}", merged.outcomes()[1])
        };
        assert!(error.to_string().contains(reason), "{error}");
        let is = matches!(merged.outcomes()[1], MemberOutcome::LeftOut(_));
        assert_eq!(is, is_left_out, "{error}");
        let mut merged = merged;
        merged.result.as_mut().unwrap().remove(1);
        assert_same(&wanted, &merged, |_, bytes| bytes.to_vec());
        assert!(objects.iter().all(|object| object.opened() <= 3), "{reason}");
    };
    for way in WAYS {
        for (object, reason, is_left_out) in failing() {
            check(object, reason, is_left_out, way);
        }
    }
    check(changed, "overwritten since it was listed", false, WAYS[3]);
    let changed = Stored {
        etag: "other".to_owned(),
        ..large(1)
    };
    check(changed, "overwritten since it was listed", false, WAYS[0]);
}

#[test]
fn any_number_of_members_at_fault_costs_one_restart() {
    let objects = || {
        let mut objects = Vec::new();
        for number in 0..60 {
            objects.push(match number % 6 {
                0 => mostly_malformed(number),
                1 => large(number).with(Manner::Breaks(ErrorKind::Overwritten)),
                2 => corrupt(number),
                3 => large(number).with(Manner::Panics),
                4 => large(number),
                _ => small(number),
            });
        }
        objects
    };
    let failing: Vec<_> = (0..60).filter(|number| matches!(number % 6, 0 | 1 | 3)).collect();
    let wanted = alone(&without(objects(), &failing), &json());
    for way in [WAYS[0], WAYS[3]] {
        let objects = objects();
        let mut merged = merge(&objects, &json(), way);
        let mut number = 0;
        merged.result.as_mut().unwrap().retain(|(_, outcome)| {
            let is_failing = failing.contains(&number);
            assert_eq!(matches!(outcome, MemberOutcome::Failed(_)), is_failing, "{number}");
            number += 1;
            !is_failing
        });
        assert_same(&wanted, &merged, |_, bytes| bytes.to_vec());
        let opened: Vec<_> = objects.iter().map(Stored::opened).collect();
        assert!(opened.iter().all(|opened| *opened <= 3), "{opened:?}");
    }
}

#[test]
fn a_member_that_breaks_after_its_rehearsal_costs_another_restart() {
    let objects = [
        small(0),
        mostly_malformed(1),
        large(2).with(Manner::BreaksFrom(2, ErrorKind::Overwritten)),
        small(3),
    ];
    let merged = merge(&objects, &json(), WAYS[0]);
    assert!(matches!(merged.outcomes()[1], MemberOutcome::Failed(_)));
    assert!(matches!(merged.outcomes()[2], MemberOutcome::Failed(_)));
    let mut merged = merged;
    merged.result.as_mut().unwrap().drain(1..3);
    let wanted = alone(&[small(0), small(3)], &json());
    assert_same(&wanted, &merged, |_, bytes| bytes.to_vec());
}

#[test]
fn corrupt_members_are_salvaged_as_alone() {
    let cut = |number: usize, bytes: usize| {
        let mut object = large(number);
        object.bytes = gzip(&object.bytes);
        object.bytes.truncate(object.bytes.len() - bytes);
        object.request.size = Some(object.bytes.len() as u64);
        object
    };
    let objects = || [small(0), corrupt(1), cut(2, 9), small(3), corrupt(4), cut(5, 700)];
    for way in WAYS {
        let objects = objects();
        let wanted = alone(&objects, &json());
        let merged = merge(&objects, &json(), way);
        assert_same(&wanted, &merged, |_, bytes| bytes.to_vec());
        let MemberOutcome::Ingested(ledger) = merged.outcomes()[1] else {
            panic!("not salvaged")
        };
        let fault = ledger.corruption.unwrap().fault;
        assert!(matches!(fault, ReadError::Corrupt { .. }));
        assert_eq!((ledger.events, ledger.quarantined), (40, 1_500));
        // In strict mode they fail.
        let merged = merge(&objects, &strict(), way);
        for number in [1, 2, 4, 5] {
            assert!(matches!(merged.outcomes()[number], MemberOutcome::Failed(_)));
        }
    }
}

#[test]
fn bytes_damaged_in_transit_are_read_again() {
    for way in WAYS {
        let damaged = |number| {
            let object = corrupt(number);
            let bytes = [gzip(&accesses(40)), gzip(&accesses(1_500))].concat();
            Stored { bytes, ..object }.with(Manner::FlipsOnce)
        };
        let objects = [small(0), damaged(1), small(2)];
        let merged = merge(&objects, &json(), way);
        let intact = damaged(1);
        let intact = Stored {
            manner: Manner::Regular,
            ..intact
        };
        let wanted = alone(&[small(0), intact, small(2)], &json());
        assert_same(&wanted, &merged, |_, bytes| bytes.to_vec());
    }
}

/// A destination that fails when it is written to, or committed.
struct Fails {
    writing: bool,
}

impl Sink for Fails {
    fn stage(&self, _key: &str, _source: &ObjectRef) -> Result<Box<dyn Staged>, StorageError> {
        Ok(Box::new(Self { writing: self.writing }))
    }

    fn event_limit(&self) -> Option<usize> {
        None
    }
}

impl Write for Fails {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.writing {
            return Err(full().into());
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Staged for Fails {
    fn commit(self: Box<Self>, _counts: &Counts) -> Result<Committed, StorageError> {
        Err(full())
    }
}

fn full() -> StorageError {
    StorageError::new(Operation::Write, "there", ErrorKind::Unavailable, "the disk is full")
}

#[test]
fn a_destination_that_fails_fails_the_merge() {
    let objects = [small(0), small(1)];
    let options = json();
    let members = objects.each_ref().map(|object| Member {
        request: &object.request,
        source: object,
    });
    for writing in [true, false] {
        let quarantine = Memory::default();
        let target = Target {
            options: &options,
            events: &Fails { writing },
            quarantine: &quarantine,
        };
        let how = MergeOptions {
            deadline: Deadline::NONE,
            readers: 1,
            prefetch_bytes: 1 << 20,
        };
        let error = merge_objects(&members, target, &how, &|_| ()).unwrap_err();
        assert!(
            matches!(error, Problem::Destination(_)) && error.is_retryable(),
            "{error}"
        );
        assert!(quarantine.files().is_empty());
    }
}

#[test]
fn nothing_is_committed_after_the_deadline() {
    let objects = [small(0), large(1), small(2)];
    let how = MergeOptions {
        deadline: Deadline::after(std::time::Duration::ZERO),
        readers: 2,
        prefetch_bytes: 1 << 20,
    };
    let merged = merge_with(&objects, &json(), &how, &|_| ());
    assert!(matches!(merged.result, Err(Problem::OutOfTime)));
    assert!(merged.files.is_empty());
}

/// A destination that takes longer than there is time.
struct Slow(Memory);

impl Sink for Slow {
    fn stage(&self, key: &str, source: &ObjectRef) -> Result<Box<dyn Staged>, StorageError> {
        std::thread::sleep(Duration::from_millis(400));
        self.0.stage(key, source)
    }

    fn event_limit(&self) -> Option<usize> {
        None
    }
}

/// The deadline passes after the last line was read.
#[test]
fn nothing_is_committed_if_the_deadline_passes_before_the_commit() {
    let object = small(0);
    let sink = Slow(Memory::default());
    let options = json();
    let target = Target {
        options: &options,
        events: &sink,
        quarantine: &sink,
    };
    let how = MergeOptions {
        deadline: Deadline::after(Duration::from_millis(300)),
        readers: 0,
        prefetch_bytes: 0,
    };
    let member = Member {
        request: &object.request,
        source: &object,
    };
    let merged = merge_objects(&[member], target, &how, &|_| ());
    assert!(matches!(merged, Err(Problem::OutOfTime)), "{merged:?}");
    assert!(sink.0.files().is_empty());
}
