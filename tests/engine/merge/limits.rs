//! The bounds of a merge: partitions, and bytes that are read ahead.

use std::sync::Arc;

use alb_ingest::deadline::Deadline;
use alb_ingest::formats::ALB_ACCESS;
use alb_ingest::ingest::{Member, MemberOutcome, MergeOptions, Target, merge_objects};
use alb_ingest::object::{ObjectRef, ObjectRequest};
use alb_ingest::parse::line::time::date_text;
use alb_ingest::storage::{Body, ErrorKind, Source, StorageError};

use super::{InFlight, Manner, Merged, Stored, WAYS, alone, assert_same, merge};
use crate::common::{Memory, json};
use crate::objects::{access_at, accesses, key};

/// Returns an object with an event on each of these days, and no time in its key.
fn days(number: usize, days: std::ops::Range<i64>) -> Stored {
    let day = |day| access_at(&format!("{}T12:00:00Z", date_text(20_000 + day)), "a") + "\n";
    let text: String = days.map(day).collect();
    Stored::new("some/file.log", number, text.into_bytes())
}

#[test]
fn a_member_without_room_for_its_partitions_is_left_to_a_later_merge() {
    let left_out = |merged: &mut Merged, number| match merged.result.as_mut().unwrap().remove(number).1 {
        MemberOutcome::LeftOut(error) => assert!(error.to_string().contains("a later merge takes it"), "{error}"),
        other => panic!("{other:?}"),
    };
    for way in WAYS {
        let objects = [
            days(0, 0..90),
            days(1, 85..101),
            days(2, 10..50),
            days(3, 0..401),
            days(4, 90..100),
            days(5, 100..101),
        ];
        let mut merged = merge(&objects, &json(), way);
        left_out(&mut merged, 5);
        match merged.result.as_mut().unwrap().remove(3).1 {
            MemberOutcome::Failed(error) => assert!(error.to_string().contains("split the file"), "{error}"),
            other => panic!("{other:?}"),
        }
        left_out(&mut merged, 1);
        let taken = [days(0, 0..90), days(2, 10..50), days(4, 90..100)];
        assert_same(&alone(&taken, &json()), &merged, |_, bytes| bytes.to_vec());
        assert!(objects.iter().all(|object| object.opened() <= 3));
    }
}

#[test]
fn the_first_member_may_have_the_partitions_of_an_object() {
    let objects = [days(0, 0..300), days(1, 10..20), days(2, 299..301)];
    let mut merged = merge(&objects, &json(), WAYS[3]);
    let last = merged.result.as_mut().unwrap().pop().unwrap().1;
    assert!(matches!(last, MemberOutcome::LeftOut(_)), "{last:?}");
    assert_same(&alone(&objects[..2], &json()), &merged, |_, bytes| bytes.to_vec());
}

#[test]
fn the_quarantine_of_a_merge_has_a_bounded_number_of_outputs() {
    let on_day = |number: usize| {
        let day = date_text(20_000 + i64::try_from(number).unwrap());
        let key = crate::objects::key_at(&ALB_ACCESS, &format!("{day}T11:45:00Z"));
        let event = access_at("2026-10-07T11:42:13Z", "a");
        let text = format!("{event}\nmalformed\n");
        Stored::new(&key, number, text.into_bytes())
    };
    let objects: Vec<_> = (0..102).map(on_day).collect();
    let options = alb_ingest::ingest::Options {
        partition_by: alb_ingest::ingest::PartitionBy::None,
        ..json()
    };
    let mut merged = merge(&objects, &options, WAYS[3]);
    let late = merged.result.as_mut().unwrap().split_off(100);
    assert!(
        late.iter()
            .all(|(_, outcome)| matches!(outcome, MemberOutcome::LeftOut(_)))
    );
    assert_eq!(merged.files.len(), 101);
    assert_same(&alone(&objects[..100], &options), &merged, |_, bytes| bytes.to_vec());
}

/// A source that counts the bytes that its bodies have returned.
struct Counted {
    stored: Stored,
    in_flight: Arc<InFlight>,
}

struct CountedBody(Box<dyn Body>, Arc<InFlight>);

impl Source for Counted {
    fn open(&self, object: &ObjectRequest) -> Result<Box<dyn Body>, StorageError> {
        let body = self.stored.open(object)?;
        Ok(Box::new(CountedBody(body, Arc::clone(&self.in_flight))))
    }
}

impl Body for CountedBody {
    fn object(&self) -> &ObjectRef {
        self.0.object()
    }

    fn bytes(&self) -> Option<u64> {
        self.0.bytes()
    }

    fn next_chunk(&mut self) -> Result<Option<&[u8]>, StorageError> {
        let chunk = self.0.next_chunk()?;
        self.1.add(chunk.map_or(0, <[u8]>::len));
        Ok(chunk)
    }

    fn is_verified(&self) -> bool {
        self.0.is_verified()
    }
}

/// Merges objects; returns the most bytes that were read and not yet ingested.
fn most_in_flight(objects: Vec<Stored>, readers: usize, prefetch_bytes: usize) -> (usize, Merged) {
    let in_flight = Arc::new(InFlight::default());
    let counted: Vec<_> = objects
        .into_iter()
        .map(|stored| Counted {
            stored,
            in_flight: Arc::clone(&in_flight),
        })
        .collect();
    let members: Vec<_> = counted
        .iter()
        .map(|counted| Member {
            request: &counted.stored.request,
            source: counted,
        })
        .collect();
    let how = MergeOptions {
        deadline: Deadline::NONE,
        readers,
        prefetch_bytes,
    };
    let options = json();
    let events = Memory::default();
    let target = Target {
        options: &options,
        events: &events,
        quarantine: &events.below("_quarantine/"),
    };
    let result = merge_objects(&members, target, &how, &|len| in_flight.remove(len));
    let files = events.files();
    (in_flight.most(), Merged { files, result })
}

#[test]
fn the_bytes_that_are_read_ahead_are_bounded() {
    let objects = || {
        (0..80)
            .map(|number| Stored::new(&key(&ALB_ACCESS), number, accesses(10 + number)))
            .collect::<Vec<_>>()
    };
    let whole: usize = objects().iter().map(|object| object.bytes.len()).sum();
    let (all, wanted) = most_in_flight(objects(), 8, 64 << 20);
    for bound in [200_000, 400_000] {
        assert!(whole > 2 * bound);
        let (most, merged) = most_in_flight(objects(), 8, bound);
        assert!(most <= bound, "{most} of {bound} bytes");
        assert!(most > bound / 2, "{most} of {bound} bytes");
        assert!(merged.files == wanted.files);
    }
    assert!(all <= whole);
    // Without readers, one member is read at a time.
    let largest = objects().iter().map(|object| object.bytes.len()).max().unwrap();
    let (most, merged) = most_in_flight(objects(), 0, 400_000);
    assert_eq!(most, largest);
    assert!(merged.files == wanted.files);
}

#[test]
fn a_member_that_is_longer_than_it_was_listed_is_streamed() {
    let longer = |number| {
        let mut object = Stored::new(&key(&ALB_ACCESS), number, accesses(900));
        object.request.size = Some(100);
        object
    };
    let objects = [longer(0), longer(1), longer(2).with(Manner::Breaks(ErrorKind::Refused))];
    let (most, mut merged) = most_in_flight(objects.into(), 2, 100_000);
    assert!(most < accesses(900).len() * 2, "{most}");
    merged.result.as_mut().unwrap().truncate(2);
    let wanted = alone(&[longer(0), longer(1)], &json());
    assert_same(&wanted, &merged, |_, bytes| bytes.to_vec());
}
