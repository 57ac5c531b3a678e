//! The outputs of an object: one file per partition of its events.

use std::collections::BTreeMap;

use crate::encode::{Encoder, encoder, is_output_of, lean_encoder};
use crate::object::ObjectFacts;
use crate::parse::batch::Batch;
use crate::schema::mapping::OutputTable;
use crate::storage::{Committed, ErrorKind, Existing, Operation, Sink, Staged, StorageError};

use super::partition::{Partition, Partitioner};
use super::{Ledger, Output, Problem, Target};

/// The maximum number of partitions of an object: a bound for open files and memory.
const MAX_PARTITIONS: usize = 400;
/// The maximum number of bytes of memory for events that are not written yet, over all partitions. Beyond it, the largest
/// outputs are flushed.
const MAX_BUFFERED: usize = 32 * 1024 * 1024;
/// The number of open outputs from which each one uses little memory of its own.
const MANY: usize = 16;

/// The staged outputs of an object.
#[derive(Default)]
pub(super) struct Outputs {
    open: BTreeMap<Partition, OpenOutput>,
}

struct OpenOutput {
    key: String,
    encoder: Box<dyn Encoder<Box<dyn Staged>>>,
}

impl Outputs {
    /// Encodes the events of the batch into the outputs of their partitions, and clears the batch.
    pub(super) fn write(
        &mut self,
        batch: &mut Batch,
        facts: &ObjectFacts,
        target: Target<'_>,
        ledger: &mut Ledger,
    ) -> Result<(), Problem> {
        let partitioner = Partitioner::new(target.options.partition_by, facts);
        let mut rows: BTreeMap<Partition, Vec<usize>> = BTreeMap::new();
        let table = OutputTable::of(target.options.schema, batch.plan);
        for (row, partition) in partitioner.of_rows(batch, table).enumerate() {
            rows.entry(partition).or_default().push(row);
        }
        for time in batch.timestamps() {
            let (first, last) = ledger.times.unwrap_or((*time, *time));
            ledger.times = Some((first.min(*time), last.max(*time)));
        }
        let one = rows.len() == 1;
        for (partition, rows) in rows {
            let output = self.output(partition, partitioner, table, facts, target)?;
            if one {
                output.encoder.encode(batch)?;
            } else {
                let mut selected = Batch::new(batch.plan);
                batch.select_into(&rows, &mut selected);
                output.encoder.encode(&selected)?;
            }
            ledger.events += rows.len() as u64;
        }
        batch.clear();
        self.bound_memory()
    }

    /// Commits every output in the order of the partitions.
    pub(super) fn commit(&mut self, sink: &dyn Sink, facts: &ObjectFacts, ledger: &mut Ledger) -> Result<(), Problem> {
        let mut staged = Vec::new();
        // Every output is complete before the first becomes visible.
        while let Some((_, output)) = self.open.pop_first() {
            staged.push((output.key, output.encoder.finish()?));
        }
        for (key, staged) in staged {
            commit(key, staged, sink, facts, ledger)?;
        }
        Ok(())
    }

    fn output(
        &mut self,
        partition: Partition,
        partitioner: Partitioner<'_>,
        table: &'static OutputTable,
        facts: &ObjectFacts,
        target: Target<'_>,
    ) -> Result<&mut OpenOutput, Problem> {
        use std::collections::btree_map::Entry;

        let open = self.open.len();
        match self.open.entry(partition) {
            Entry::Occupied(output) => Ok(output.into_mut()),
            Entry::Vacant(_) if open >= MAX_PARTITIONS => Err(Problem::TooManyPartitions { limit: MAX_PARTITIONS }),
            Entry::Vacant(vacant) => {
                let (format, compression) = (target.options.format, target.options.compression);
                let key = format!(
                    "{}{}-{}.{}",
                    partitioner.folders(table.plan.format.log_type, partition),
                    facts.object.stem(),
                    facts.id,
                    format.extension(compression),
                );
                let staged = target.events.stage(&key, &facts.object)?;
                let new = if open < MANY { encoder } else { lean_encoder };
                let encoder = new(format, compression, table, facts, staged)?;
                Ok(vacant.insert(OpenOutput { key, encoder }))
            }
        }
    }

    /// Flushes the largest outputs if all together buffer too much. Depends only on the events, so the bytes do, too.
    fn bound_memory(&mut self) -> Result<(), Problem> {
        let mut total: usize = self.open.values().map(|output| output.encoder.memory()).sum();
        if self.open.len() < 2 || total <= MAX_BUFFERED {
            return Ok(());
        }
        let mut outputs: Vec<_> = self.open.values_mut().collect();
        outputs.sort_by_key(|output| std::cmp::Reverse(output.encoder.memory()));
        for output in outputs {
            if total <= MAX_BUFFERED / 2 {
                break;
            }
            let before = output.encoder.memory();
            output.encoder.flush()?;
            output.encoder.release()?;
            total -= before.saturating_sub(output.encoder.memory());
        }
        Ok(())
    }
}

/// Commits one output and records it in the ledger.
pub(super) fn commit(
    key: String,
    staged: Box<dyn Staged>,
    sink: &dyn Sink,
    facts: &ObjectFacts,
    ledger: &mut Ledger,
) -> Result<(), Problem> {
    let committed = staged.commit(&ledger.counts())?;
    if committed == (Committed::AlreadyExists { identical: false }) {
        // An object without an identity can meet an output of another object at its own key.
        if facts.object.version.is_empty() {
            return Err(Problem::OutputOfAnother { key });
        }
        if let Some(existing) = sink.existing(&key)? {
            recognize(&key, existing, facts)?;
        }
    }
    if let Committed::Written(bytes) = committed {
        ledger.bytes_out += bytes;
    }
    ledger.outputs.push(Output {
        key,
        written: matches!(committed, Committed::Written(_)),
    });
    Ok(())
}

/// Fails unless an existing file is an intact output of the object. Another version or other settings of this program
/// may have written it.
fn recognize(key: &str, existing: Existing, facts: &ObjectFacts) -> Result<(), Problem> {
    let Existing { place, bytes } = existing;
    match is_output_of(facts, key, bytes) {
        Ok(true) => Ok(()),
        Ok(false) => Err(StorageError::occupied(place, "a different or damaged file").into()),
        Err(error) => {
            let message = error.to_string();
            let error = StorageError::new(Operation::Inspect, place, ErrorKind::Unavailable, message).caused_by(error);
            Err(error.into())
        }
    }
}
