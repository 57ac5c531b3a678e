use super::{Ingest, OnCorrupt, Options, Problem, Target};
use crate::object::ObjectRef;
use crate::parse::input::{ReadError, Reader};
use crate::storage::{Sink, Staged, StorageError};

/// A sink that must not be used.
struct Nowhere;

impl Sink for Nowhere {
    fn stage(&self, key: &str, _source: &ObjectRef) -> Result<Box<dyn Staged>, StorageError> {
        panic!("{key} was staged")
    }

    fn event_limit(&self) -> Option<usize> {
        None
    }
}

#[test]
fn a_reading_thread_that_ends_early_fails_the_object_even_with_salvage() {
    for on_corrupt in [OnCorrupt::Salvage, OnCorrupt::Strict] {
        let options = Options {
            on_corrupt,
            ..Options::default()
        };
        let target = Target {
            options: &options,
            events: &Nowhere,
            quarantine: &Nowhere,
        };
        let object = ObjectRef {
            bucket: "bucket".to_owned(),
            key: "object.log.gz".to_owned(),
            version: String::new(),
        };
        let mut ingest = Ingest::begin(object, target).ok().unwrap();
        ingest.reader = Reader::ends_early().unwrap();
        let error = ingest
            .push(&[0x1f, 0x8b, 8, 0])
            .and_then(|()| ingest.finish())
            .unwrap_err();
        assert!(
            matches!(*error.problem, Problem::Read(ReadError::ThreadEnded)),
            "{error}"
        );
        assert!(!error.problem.is_retryable());
    }
}
