//! Reads small objects ahead, on several threads, in the order in which they are used: the members of a merge, or the objects of
//! a pool of workers.
//!
//! A reader reserves the length of a member before it opens it, so the bytes in flight never exceed the bound. Only readers
//! wait for room. A member that is needed before a reader has claimed it is read by its user, so waiting cannot end in a
//! deadlock.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use crate::object::{ObjectRef, ObjectRequest};
use crate::storage::{Body, Source, StorageError};

use super::{IngestError, Member, Problem};

/// The maximum length of a member that is read whole.
const MAX_WHOLE: usize = 1024 * 1024;
/// A larger part of the bytes in flight is not given to one member.
const PARTS: usize = 8;
/// What a member counts at least: its key and its place in the queue take memory, too.
const MIN_COST: usize = 1024;

/// How small objects are read ahead.
#[derive(Debug, Clone, Copy)]
pub struct ReadAhead {
    /// The number of threads that read.
    pub readers: usize,
    /// The maximum number of bytes of objects that were read ahead. Objects of up to an eighth of it, and up to 1 MiB, are
    /// small; larger ones, and those of unknown size, are read while they are ingested.
    pub bytes: usize,
}

/// How a member is opened.
pub(super) type Open = fn(&Member<'_>) -> Result<Box<dyn Body>, StorageError>;

/// The bytes of a member, before they are needed.
#[derive(Default)]
pub(super) enum Fetched {
    /// None: it is read while it is ingested.
    #[default]
    Nothing,
    /// All of them.
    Whole(Arc<Whole>),
    /// It cannot be read.
    Failed(IngestError),
}

/// A member that was read whole.
pub(super) struct Whole {
    object: ObjectRef,
    bytes: Vec<u8>,
    verified: bool,
}

/// The queue that readers work on.
pub(super) struct Prefetch<'a> {
    members: &'a [Member<'a>],
    /// The members that are read whole, with their lengths, in the order of their use.
    queue: Vec<(usize, usize)>,
    limit: usize,
    open: Open,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// The number of entries of the queue that were claimed.
    claimed: usize,
    /// The entries after those that were taken without a claim, because several users take them in nearly their order.
    unclaimed: BTreeSet<usize>,
    /// The bytes of members that were claimed and not released.
    in_flight: usize,
    /// The members that were claimed and not taken; `None` while they are read.
    slots: BTreeMap<usize, Option<Fetched>>,
    /// Whether nothing is needed any more.
    is_closed: bool,
}

/// A member as it was fetched. Its bytes count as in flight until it is dropped.
pub(super) struct Taken<'p, 'a> {
    prefetch: &'p Prefetch<'a>,
    cost: usize,
    pub(super) fetched: Fetched,
}

impl<'a> Prefetch<'a> {
    /// Calls `consume` while readers fetch the `wanted` members, which it takes in this order, or nearly.
    pub(super) fn run<T>(
        members: &'a [Member<'a>],
        wanted: &[usize],
        how: ReadAhead,
        open: Open,
        consume: impl FnOnce(&Self) -> T,
    ) -> T {
        let max = MAX_WHOLE.min(how.bytes / PARTS);
        let queue = wanted.iter().filter_map(|number| {
            let size = usize::try_from(members.get(*number)?.request.size?).ok()?;
            (size <= max).then_some((*number, size))
        });
        let prefetch = Self {
            members,
            queue: queue.collect(),
            limit: how.bytes,
            open,
            state: Mutex::default(),
            changed: Condvar::new(),
        };
        thread::scope(|scope| {
            for _ in 0..how.readers.min(prefetch.queue.len()) {
                // The consumer reads what no reader has claimed, so it can do without them.
                if thread::Builder::new().spawn_scoped(scope, || prefetch.work()).is_err() {
                    break;
                }
            }
            let _close = CloseOnDrop(&prefetch);
            consume(&prefetch)
        })
    }

    /// Returns a member as it was fetched.
    pub(super) fn take(&self, number: usize) -> Taken<'_, 'a> {
        let Ok(position) = self.queue.binary_search_by_key(&number, |(number, _)| *number) else {
            return self.taken(0, Fetched::Nothing);
        };
        let size = self.queue.get(position).map_or(0, |(_, size)| *size);
        let mut state = self.lock();
        if state.claimed == position && self.claim(&mut state).is_some() {
            drop(state);
            return self.taken(cost(size), self.fetch(number, size));
        }
        if position >= state.claimed {
            state.unclaimed.insert(position);
        }
        while matches!(state.slots.get(&number), Some(None)) {
            state = self.wait(state);
        }
        match state.slots.remove(&number).flatten() {
            Some(fetched) => self.taken(cost(size), fetched),
            None => self.taken(0, Fetched::Nothing),
        }
    }

    const fn taken(&self, cost: usize, fetched: Fetched) -> Taken<'_, 'a> {
        Taken {
            prefetch: self,
            cost,
            fetched,
        }
    }

    /// Fetches members until none is left.
    fn work(&self) {
        let mut state = self.lock();
        while !state.is_closed && state.claimed < self.queue.len() {
            let Some((number, size)) = self.claim(&mut state) else {
                if state.claimed < self.queue.len() {
                    state = self.wait(state);
                }
                continue;
            };
            state.slots.insert(number, None);
            drop(state);
            let fetched = self.fetch(number, size);
            state = self.lock();
            state.slots.insert(number, Some(fetched));
            self.changed.notify_all();
        }
    }

    /// Claims the next member of the queue if there is room for it.
    fn claim(&self, state: &mut State) -> Option<(usize, usize)> {
        while state.unclaimed.remove(&state.claimed) {
            state.claimed += 1;
        }
        let (number, size) = *self.queue.get(state.claimed)?;
        if state.in_flight > 0 && state.in_flight + cost(size) > self.limit {
            return None;
        }
        state.claimed += 1;
        state.in_flight += cost(size);
        Some((number, size))
    }

    fn fetch(&self, number: usize, size: usize) -> Fetched {
        let Some(member) = self.members.get(number) else {
            return Fetched::Nothing;
        };
        let panicked = |_| Fetched::Failed(Problem::Panic.of(&member.request.unidentified()));
        catch_unwind(AssertUnwindSafe(|| fetch(member, size, self.open))).unwrap_or_else(panicked)
    }

    fn wait<'s>(&self, state: MutexGuard<'s, State>) -> MutexGuard<'s, State> {
        self.changed.wait(state).unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const fn cost(size: usize) -> usize {
    if size < MIN_COST { MIN_COST } else { size }
}

/// Lets the readers end, also if the consumer panics.
struct CloseOnDrop<'p, 'a>(&'p Prefetch<'a>);

impl Drop for CloseOnDrop<'_, '_> {
    fn drop(&mut self) {
        self.0.lock().is_closed = true;
        self.0.changed.notify_all();
    }
}

impl Drop for Taken<'_, '_> {
    fn drop(&mut self) {
        self.fetched = Fetched::Nothing;
        self.prefetch.lock().in_flight -= self.cost;
        self.prefetch.changed.notify_all();
    }
}

/// Reads a member whole, unless it is longer than expected.
fn fetch(member: &Member<'_>, size: usize, open: Open) -> Fetched {
    let mut body = match open(member) {
        Ok(body) => body,
        Err(error) => return Fetched::Failed(Problem::Unreadable(error).of(&member.request.unidentified())),
    };
    let mut bytes = Vec::with_capacity(size);
    loop {
        match body.next_chunk() {
            Ok(Some(chunk)) if chunk.len() > size - bytes.len() => return Fetched::Nothing,
            Ok(Some(chunk)) => bytes.extend_from_slice(chunk),
            Ok(None) => break,
            Err(error) => return Fetched::Failed(Problem::Unreadable(error).of(body.object())),
        }
    }
    Fetched::Whole(Arc::new(Whole {
        object: body.object().clone(),
        bytes,
        verified: body.is_verified(),
    }))
}

/// The source of a member, which may have been read whole already.
pub(super) struct MemberSource<'a> {
    member: &'a Member<'a>,
    whole: Option<Arc<Whole>>,
    open: Open,
    /// How often it was opened.
    opened: AtomicUsize,
}

impl<'a> MemberSource<'a> {
    pub(super) const fn new(member: &'a Member<'a>, whole: Option<Arc<Whole>>, open: Open) -> Self {
        Self {
            member,
            whole,
            open,
            opened: AtomicUsize::new(0),
        }
    }

    /// Allows the bytes that were read already to be used again, if they were good enough for the first use.
    pub(super) fn begin_again(&self) {
        let _ = self.opened.compare_exchange(1, 0, Ordering::Relaxed, Ordering::Relaxed);
    }
}

impl Source for MemberSource<'_> {
    /// Returns the bytes that were read already. They are read anew only if they are not known to be those at rest.
    fn open(&self, _: &ObjectRequest) -> Result<Box<dyn Body>, StorageError> {
        let opened = self.opened.fetch_add(1, Ordering::Relaxed);
        match &self.whole {
            Some(whole) if whole.verified || opened == 0 => Ok(Box::new(WholeBody {
                whole: Arc::clone(whole),
                is_read: false,
            })),
            _ => (self.open)(self.member),
        }
    }
}

/// The body of a member that was read whole.
struct WholeBody {
    whole: Arc<Whole>,
    is_read: bool,
}

impl Body for WholeBody {
    fn object(&self) -> &ObjectRef {
        &self.whole.object
    }

    fn bytes(&self) -> Option<u64> {
        Some(self.whole.bytes.len() as u64)
    }

    fn next_chunk(&mut self) -> Result<Option<&[u8]>, StorageError> {
        let is_read = std::mem::replace(&mut self.is_read, true);
        Ok((!is_read && !self.whole.bytes.is_empty()).then_some(&self.whole.bytes))
    }

    fn is_verified(&self) -> bool {
        self.whole.verified
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;
    use crate::storage::{ErrorKind, Operation};

    const SIZE: usize = 100;

    /// Objects of as many bytes as expected. It takes note of those that were opened; the first waits for a message.
    struct Watched {
        opened: Mutex<Vec<String>>,
        release: Mutex<mpsc::Receiver<()>>,
    }

    impl Source for Watched {
        fn open(&self, request: &ObjectRequest) -> Result<Box<dyn Body>, StorageError> {
            self.opened.lock().unwrap().push(request.key.clone());
            if request.key == "0" {
                self.release.lock().unwrap().recv().unwrap();
            }
            let kind = ErrorKind::NotFound;
            Err(StorageError::new(Operation::Read, request.key.clone(), kind, "gone"))
        }
    }

    fn request(number: usize) -> ObjectRequest {
        ObjectRequest {
            size: Some(SIZE as u64),
            key: number.to_string(),
            ..ObjectRequest::default()
        }
    }

    #[test]
    fn a_reader_leaves_out_what_another_user_took_before_it() {
        let (release, receiver) = mpsc::channel();
        let watched = Watched {
            opened: Mutex::default(),
            release: Mutex::new(receiver),
        };
        let requests: Vec<_> = (0..4).map(request).collect();
        let source = &watched;
        let members: Vec<_> = requests.iter().map(|request| Member { request, source }).collect();
        let how = ReadAhead {
            readers: 1,
            bytes: MIN_COST * PARTS,
        };
        let open: Open = |member| member.source.open(member.request);
        Prefetch::run(&members, &[0, 1, 2, 3], how, open, |prefetch| {
            while watched.opened.lock().unwrap().is_empty() {
                thread::yield_now();
            }
            // The only reader waits in the first member, so nothing else was claimed.
            assert!(matches!(prefetch.take(2).fetched, Fetched::Nothing));
            release.send(()).unwrap();
            for number in [0, 1, 3] {
                assert!(matches!(prefetch.take(number).fetched, Fetched::Failed(_)), "{number}");
            }
            assert_eq!(prefetch.lock().in_flight, 0);
        });
        // The one that was taken is read by its user, and not by the reader.
        assert_eq!(*watched.opened.lock().unwrap(), ["0", "1", "3"]);
    }
}
