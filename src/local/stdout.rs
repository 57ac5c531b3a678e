//! The standard output as a destination.

use std::io::{self, Seek as _, SeekFrom, Write};

use crate::ingest::{Committed, Destination, DestinationError, Ledger, Staged};
use crate::object::ObjectRef;

/// The standard output as a destination. The events of an object are spooled, and copied out when the whole object is
/// read: an object that fails leaves nothing on the output.
#[derive(Debug, Default)]
pub struct Stdout;

impl Destination for Stdout {
    fn stage(&self, _key: &str, _source: &ObjectRef) -> Result<Box<dyn Staged>, DestinationError> {
        Ok(Box::new(Spool {
            spool: tempfile::SpooledTempFile::new(1024 * 1024),
            bytes: 0,
        }))
    }
}

struct Spool {
    spool: tempfile::SpooledTempFile,
    bytes: u64,
}

impl Write for Spool {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.spool.write(bytes)?;
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.spool.flush()
    }
}

impl Staged for Spool {
    fn commit(mut self: Box<Self>, _ledger: &Ledger) -> Result<Committed, DestinationError> {
        let copied = self.spool.seek(SeekFrom::Start(0)).and_then(|_| {
            let mut stdout = io::stdout().lock();
            io::copy(&mut self.spool, &mut stdout)?;
            stdout.flush()
        });
        match copied {
            Ok(()) => Ok(Committed::Written(self.bytes)),
            Err(source) => Err(DestinationError {
                what: "cannot write to stdout".to_owned(),
                source: source.into(),
                retryable: true,
            }),
        }
    }
}
