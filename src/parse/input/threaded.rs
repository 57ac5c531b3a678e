//! An [`ObjectReader`] on a thread of its own, beside the thread that works on the text.
//!
//! Chunks go there, blocks come back, each in the order that it has on one thread, so that the same pieces come out.
//! Both ways are bounded, and the buffers go round. Every end is said: a channel that closes without a word is
//! [`ReadError::ThreadEnded`], never the end of the object.

use std::io;
use std::mem;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread::{Builder, JoinHandle};

use super::{Cut, ObjectReader, Piece, ReadError, Sink};

/// The bytes that go to the thread at a time; smaller chunks are gathered.
pub(super) const CHUNK: usize = 128 * 1024;
/// Chunks under way to the thread.
const CHUNKS: usize = 2;
/// Answers under way from the thread, which are mostly blocks. Besides, one block is filled, one waits for its place,
/// and one is worked on: with so many and three more, memory has a bound.
const ANSWERS: usize = 4;

/// What the thread is to do.
pub(super) enum Command {
    Read(Vec<u8>),
    Finish,
    Salvage,
}

/// What the thread did.
pub(super) enum Event {
    /// The first bytes of the buffer are whole lines.
    Lines {
        buffer: Vec<u8>,
        len: usize,
        offset: u64,
    },
    LongLine {
        offset: u64,
    },
    LongLinePart(Vec<u8>),
    LongLineEnd,
    /// A chunk is read; its buffer.
    Read(Vec<u8>),
    Fault(ReadError),
    Finished,
    Salvaged(Cut),
}

/// The thread's ends of the channels.
pub(super) struct Ends {
    pub(super) orders: Receiver<Command>,
    pub(super) answers: SyncSender<Event>,
    /// Buffers of blocks that were worked on.
    used: Receiver<Vec<u8>>,
}

/// An [`ObjectReader`] on a thread of its own. Its methods are those of the reader.
#[derive(Debug)]
pub(super) struct ThreadedReader {
    orders: SyncSender<Command>,
    answers: Receiver<Event>,
    used: Sender<Vec<u8>>,
    /// The chunk that is gathered.
    chunk: Vec<u8>,
    /// Buffers of chunks that were read.
    idle: Vec<Vec<u8>>,
    /// The fault that the thread told.
    fault: Option<ReadError>,
    /// Behind the channels, which are dropped first: the thread then ends.
    _thread: JoinOnDrop,
}

impl ThreadedReader {
    /// Goes on with the reader on a new thread, if there can be one, and leaves a new reader in its place.
    pub(super) fn spawn(reader: &mut ObjectReader) -> io::Result<Self> {
        // Given away only when the thread is there to take it.
        let (give, take) = sync_channel(1);
        let threaded = Self::spawn_with(move |ends| {
            if let Ok(reader) = take.recv() {
                Worker { reader, ends }.work();
            }
        })?;
        // Were the thread gone already, the first order would tell.
        let _ = give.send(mem::take(reader));
        Ok(threaded)
    }

    /// Does this work on a new thread.
    pub(super) fn spawn_with(work: impl FnOnce(Ends) + Send + 'static) -> io::Result<Self> {
        // An order more than there are chunks, so that sending one never waits: the thread may be waiting itself.
        let (orders, theirs) = sync_channel(CHUNKS + 1);
        let (answer, answers) = sync_channel(ANSWERS);
        let (used, back) = channel();
        let ends = Ends {
            orders: theirs,
            answers: answer,
            used: back,
        };
        let thread = Builder::new().name("read".to_owned()).spawn(move || work(ends))?;
        Ok(Self {
            orders,
            answers,
            used,
            chunk: Vec::with_capacity(CHUNK),
            idle: vec![Vec::new(); CHUNKS],
            fault: None,
            _thread: JoinOnDrop(Some(thread)),
        })
    }

    pub(super) fn push<E: From<ReadError>>(&mut self, mut bytes: &[u8], sink: &mut impl Sink<E>) -> Result<(), E> {
        while !bytes.is_empty() {
            let room = CHUNK.saturating_sub(self.chunk.len());
            let (now, later) = bytes.split_at(room.min(bytes.len()));
            self.chunk.extend_from_slice(now);
            bytes = later;
            if self.chunk.len() >= CHUNK {
                self.send_chunk(sink)?;
            }
        }
        Ok(())
    }

    pub(super) fn finish<E: From<ReadError>>(&mut self, sink: &mut impl Sink<E>) -> Result<(), E> {
        if let Some(fault) = self.fault {
            return Err(fault.into());
        }
        self.send_chunk(sink)?;
        self.order(Command::Finish)?;
        while !matches!(self.answer(sink)?, End::Finished) {}
        Ok(())
    }

    pub(super) fn salvage<E: From<ReadError>>(&mut self, sink: &mut impl Sink<E>) -> Result<Cut, E> {
        self.order(Command::Salvage)?;
        loop {
            if let End::Salvaged(cut) = self.answer(sink)? {
                return Ok(cut);
            }
        }
    }

    /// Sends the chunk that was gathered. Until the thread is ready for it, works on what comes back.
    fn send_chunk<E: From<ReadError>>(&mut self, sink: &mut impl Sink<E>) -> Result<(), E> {
        let next = loop {
            if let Some(idle) = self.idle.pop() {
                break idle;
            }
            self.answer(sink)?;
        };
        let chunk = mem::replace(&mut self.chunk, next);
        self.order(Command::Read(chunk))?;
        Ok(())
    }

    fn order(&self, order: Command) -> Result<(), ReadError> {
        self.orders.send(order).map_err(|_| ReadError::ThreadEnded)
    }

    /// Waits for an answer and hands it on.
    fn answer<E: From<ReadError>>(&mut self, sink: &mut impl Sink<E>) -> Result<End, E> {
        match self.answers.recv().map_err(|_| ReadError::ThreadEnded)? {
            Event::Lines {
                mut buffer,
                len,
                offset,
            } => {
                sink.lines(&mut buffer, len, offset)?;
                // A thread that is gone needs no buffer; the next answer tells.
                let _ = self.used.send(buffer);
            }
            Event::LongLine { offset } => sink.piece(Piece::LongLine { offset })?,
            Event::LongLinePart(part) => sink.piece(Piece::LongLinePart(&part))?,
            Event::LongLineEnd => sink.piece(Piece::LongLineEnd)?,
            Event::Read(mut chunk) => {
                chunk.clear();
                self.idle.push(chunk);
            }
            Event::Fault(fault) => {
                self.fault = Some(fault);
                return Err(fault.into());
            }
            Event::Finished => return Ok(End::Finished),
            Event::Salvaged(cut) => return Ok(End::Salvaged(cut)),
        }
        Ok(End::Not)
    }
}

/// Whether an answer ends something.
enum End {
    Not,
    Finished,
    Salvaged(Cut),
}

/// A thread that is waited for. What it panicked with was said when it did.
#[derive(Debug)]
struct JoinOnDrop(Option<JoinHandle<()>>);

impl Drop for JoinOnDrop {
    fn drop(&mut self) {
        let _ = self.0.take().map(JoinHandle::join);
    }
}

/// What runs on the thread.
struct Worker {
    reader: ObjectReader,
    ends: Ends,
}

impl Worker {
    /// Follows the orders until nobody gives any.
    fn work(mut self) {
        let mut outbox = Outbox(&self.ends);
        let mut faulty = false;
        while let Ok(order) = self.ends.orders.recv() {
            let done = match order {
                // Behind a fault nothing is read, and it is told once.
                Command::Read(chunk) if faulty => outbox.send(Event::Read(chunk)),
                Command::Finish if faulty => Ok(()),
                Command::Read(chunk) => {
                    let read = self.reader.push_to(&chunk, &mut outbox);
                    read.and_then(|()| outbox.send(Event::Read(chunk)))
                }
                Command::Finish => {
                    let finished = self.reader.finish_to(&mut outbox);
                    finished.and_then(|()| outbox.send(Event::Finished))
                }
                Command::Salvage => {
                    let cut = self.reader.salvage_to(&mut outbox);
                    cut.and_then(|cut| outbox.send(Event::Salvaged(cut)))
                }
            };
            match done {
                Ok(()) => {}
                Err(Stop::Fault(fault)) => {
                    faulty = true;
                    if outbox.send(Event::Fault(fault)).is_err() {
                        return;
                    }
                }
                Err(Stop::Alone) => return,
            }
        }
    }
}

/// Why the thread stops with a piece of its work.
enum Stop {
    /// The object is at fault.
    Fault(ReadError),
    /// Nobody listens any more.
    Alone,
}

impl From<ReadError> for Stop {
    fn from(fault: ReadError) -> Self {
        Self::Fault(fault)
    }
}

/// Sends the pieces.
struct Outbox<'a>(&'a Ends);

impl Outbox<'_> {
    fn send(&self, answer: Event) -> Result<(), Stop> {
        self.0.answers.send(answer).map_err(|_| Stop::Alone)
    }
}

impl Sink<Stop> for Outbox<'_> {
    fn piece(&mut self, piece: Piece<'_>) -> Result<(), Stop> {
        self.send(match piece {
            Piece::Lines { text, offset } => Event::Lines {
                buffer: text.to_vec(),
                len: text.len(),
                offset,
            },
            Piece::LongLine { offset } => Event::LongLine { offset },
            Piece::LongLinePart(part) => Event::LongLinePart(part.to_vec()),
            Piece::LongLineEnd => Event::LongLineEnd,
        })
    }

    fn lines(&mut self, buffer: &mut Vec<u8>, len: usize, offset: u64) -> Result<(), Stop> {
        let next = self.0.used.try_recv().unwrap_or_default();
        let buffer = mem::replace(buffer, next);
        self.send(Event::Lines { buffer, len, offset })
    }
}
