//! Runs an [`ObjectReader`] on a second thread, in parallel with the thread that parses and encodes the text.
//!
//! Chunks go to the thread and blocks come back, in the same order as on one thread, so the pieces are the same. Both
//! channels are bounded and buffers are reused. Every end is a message: a channel that closes without one is
//! [`ReadError::ThreadEnded`], never the end of the object.

use std::io;
use std::mem;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread::{Builder, JoinHandle};

use super::{Cut, ObjectReader, Piece, PieceSink, ReadError};

/// The number of bytes sent to the thread at a time; smaller chunks are collected.
pub(super) const CHUNK: usize = 128 * 1024;
/// The maximum number of chunks in flight to the thread.
const MAX_CHUNKS: usize = 2;
/// The maximum number of events in flight from the thread, most of which are blocks. Three more blocks exist: one that is
/// being filled, one that waits to be sent, and one that is being parsed. This bounds the memory.
const MAX_EVENTS: usize = 4;

/// A command to the thread.
pub(super) enum Command {
    Read(Vec<u8>),
    Finish,
    Salvage,
}

/// An event from the thread.
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
    /// A chunk was read; this is its buffer.
    Read(Vec<u8>),
    Fault(ReadError),
    Finished,
    Salvaged(Cut),
}

/// The thread's ends of the channels.
pub(super) struct Ends {
    pub(super) commands: Receiver<Command>,
    pub(super) events: SyncSender<Event>,
    /// Buffers of blocks that were processed.
    used: Receiver<Vec<u8>>,
}

/// An [`ObjectReader`] on a second thread, with the same methods.
#[derive(Debug)]
pub(super) struct ThreadedReader {
    commands: SyncSender<Command>,
    events: Receiver<Event>,
    used: Sender<Vec<u8>>,
    /// The chunk that is being collected.
    chunk: Vec<u8>,
    /// Buffers of chunks that were read.
    idle: Vec<Vec<u8>>,
    /// The fault that the thread reported.
    fault: Option<ReadError>,
    /// Declared after the channels, which are dropped first: this ends the thread.
    _thread: JoinOnDrop,
}

impl ThreadedReader {
    /// Moves the reader to a new thread and leaves a new reader in its place.
    ///
    /// # Errors
    /// The thread cannot be started. The reader is then unchanged.
    pub(super) fn spawn(reader: &mut ObjectReader) -> io::Result<Self> {
        // Moved only once the thread has started.
        let (give, take) = sync_channel(1);
        let threaded = Self::spawn_with(move |ends| {
            if let Ok(reader) = take.recv() {
                Worker { reader, ends }.work();
            }
        })?;
        // If the thread has already ended, the first command fails.
        let _ = give.send(mem::take(reader));
        Ok(threaded)
    }

    /// Runs `work` on a new thread.
    pub(super) fn spawn_with(work: impl FnOnce(Ends) + Send + 'static) -> io::Result<Self> {
        // One more command than chunks, so sending one never blocks: the thread may itself be waiting.
        let (commands, theirs) = sync_channel(MAX_CHUNKS + 1);
        let (event, events) = sync_channel(MAX_EVENTS);
        let (used, back) = channel();
        let ends = Ends {
            commands: theirs,
            events: event,
            used: back,
        };
        let thread = Builder::new().name("read".to_owned()).spawn(move || work(ends))?;
        Ok(Self {
            commands,
            events,
            used,
            chunk: Vec::with_capacity(CHUNK),
            idle: vec![Vec::new(); MAX_CHUNKS],
            fault: None,
            _thread: JoinOnDrop(Some(thread)),
        })
    }

    pub(super) fn push<E: From<ReadError>>(&mut self, mut bytes: &[u8], sink: &mut impl PieceSink<E>) -> Result<(), E> {
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

    pub(super) fn finish<E: From<ReadError>>(&mut self, sink: &mut impl PieceSink<E>) -> Result<(), E> {
        if let Some(fault) = self.fault {
            return Err(fault.into());
        }
        self.send_chunk(sink)?;
        self.command(Command::Finish)?;
        while !matches!(self.receive(sink)?, End::Finished) {}
        Ok(())
    }

    pub(super) fn salvage<E: From<ReadError>>(&mut self, sink: &mut impl PieceSink<E>) -> Result<Cut, E> {
        self.command(Command::Salvage)?;
        loop {
            if let End::Salvaged(cut) = self.receive(sink)? {
                return Ok(cut);
            }
        }
    }

    /// Sends the collected chunk. Handles events until the thread is ready for it.
    fn send_chunk<E: From<ReadError>>(&mut self, sink: &mut impl PieceSink<E>) -> Result<(), E> {
        let next = loop {
            if let Some(idle) = self.idle.pop() {
                break idle;
            }
            self.receive(sink)?;
        };
        let chunk = mem::replace(&mut self.chunk, next);
        self.command(Command::Read(chunk))?;
        Ok(())
    }

    fn command(&self, command: Command) -> Result<(), ReadError> {
        self.commands.send(command).map_err(|_| ReadError::ThreadEnded)
    }

    /// Waits for an event and passes its piece to the sink.
    fn receive<E: From<ReadError>>(&mut self, sink: &mut impl PieceSink<E>) -> Result<End, E> {
        match self.events.recv().map_err(|_| ReadError::ThreadEnded)? {
            Event::Lines {
                mut buffer,
                len,
                offset,
            } => {
                sink.lines(&mut buffer, len, offset)?;
                // A thread that has ended needs no buffer; receiving the next event fails.
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

/// The end that an event marks, if any.
enum End {
    Not,
    Finished,
    Salvaged(Cut),
}

/// A thread that is joined on drop. Its panic, if any, was printed when it occurred.
#[derive(Debug)]
struct JoinOnDrop(Option<JoinHandle<()>>);

impl Drop for JoinOnDrop {
    fn drop(&mut self) {
        let _ = self.0.take().map(JoinHandle::join);
    }
}

/// The work of the thread.
struct Worker {
    reader: ObjectReader,
    ends: Ends,
}

impl Worker {
    /// Executes commands until the channel closes.
    fn work(mut self) {
        let mut outbox = Outbox(&self.ends);
        let mut faulty = false;
        while let Ok(command) = self.ends.commands.recv() {
            let done = match command {
                // After a fault, nothing is read. It was reported once.
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
                Err(Stop::Disconnected) => return,
            }
        }
    }
}

/// The reason why the thread stops processing a command.
enum Stop {
    /// The object has a fault.
    Fault(ReadError),
    /// The receiver was dropped.
    Disconnected,
}

impl From<ReadError> for Stop {
    fn from(fault: ReadError) -> Self {
        Self::Fault(fault)
    }
}

/// Sends pieces as events.
struct Outbox<'a>(&'a Ends);

impl Outbox<'_> {
    fn send(&self, event: Event) -> Result<(), Stop> {
        self.0.events.send(event).map_err(|_| Stop::Disconnected)
    }
}

impl PieceSink<Stop> for Outbox<'_> {
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
