//! The outputs of events: one file per table and partition.

use std::collections::BTreeMap;

use crate::encode::{Encoder, encoder, lean_encoder};
use crate::object::ObjectFacts;
use crate::parse::batch::Batch;
use crate::schema::mapping::OutputTable;
use crate::storage::Staged;

use super::partition::{Partition, Partitioner, Scope};
use super::staging::{Commit, Naming, max_open};
use super::{Ledger, Problem, Target};

/// The number of open outputs from which each one uses little memory of its own.
const MANY: usize = 16;

/// The staged outputs of events.
pub(super) struct Outputs {
    naming: Naming,
    /// By the number of the scope, and the partition.
    open: BTreeMap<(usize, Partition), OpenOutput>,
    scopes: Vec<Scope>,
    /// The number of the current object's scope, if it has events.
    scope: Option<usize>,
    /// The number of the current object.
    object: u64,
    /// Whether earlier objects have outputs.
    is_shared: bool,
    /// The memory of all outputs.
    memory: usize,
}

struct OpenOutput {
    key: String,
    encoder: Box<dyn Encoder<Box<dyn Staged>>>,
    /// The number of the object whose events the encoder expects.
    object: u64,
    /// The memory of the encoder after its last events.
    memory: usize,
}

impl Outputs {
    pub(super) const fn new(naming: Naming) -> Self {
        Self {
            naming,
            open: BTreeMap::new(),
            scopes: Vec::new(),
            scope: None,
            object: 0,
            is_shared: false,
            memory: 0,
        }
    }

    /// Begins an object.
    pub(super) fn begin_object(&mut self) {
        self.object += 1;
        self.is_shared = !self.open.is_empty();
        self.scope = None;
    }

    /// Returns whether an event of the current object may be in an output.
    pub(super) const fn is_touched(&self) -> bool {
        self.scope.is_some()
    }

    /// Returns the keys of the outputs.
    pub(super) fn keys(&self) -> impl Iterator<Item = &str> {
        self.open.values().map(|output| output.key.as_str())
    }

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
        let table = target.options.output_table(batch.plan);
        for (row, partition) in partitioner.of_rows(batch, table).enumerate() {
            rows.entry(partition).or_default().push(row);
        }
        let one = rows.len() == 1;
        for (partition, rows) in rows {
            let object = self.object;
            let output = self.output(partition, partitioner, table, facts, target)?;
            if output.object != object {
                output.object = object;
                output.encoder.begin_object(facts);
            }
            if one {
                output.encoder.encode(batch)?;
            } else {
                let mut selected = Batch::new(batch.plan);
                batch.select_into(&rows, &mut selected);
                output.encoder.encode(&selected)?;
            }
            let (before, now) = output.measure();
            self.memory = self.memory - before + now;
            ledger.events += rows.len() as u64;
        }
        batch.clear();
        self.bound_memory()
    }

    /// Commits every output in the order of the partitions.
    pub(super) fn commit(&mut self, commit: Commit<'_>, ledger: &mut Ledger) -> Result<(), Problem> {
        let mut staged = Vec::new();
        // Every output is complete before the first becomes visible.
        while let Some((_, output)) = self.open.pop_first() {
            staged.push((output.key, output.encoder.finish()?));
        }
        for (key, staged) in staged {
            commit.one(key, staged, ledger)?;
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

        let (open, max) = (self.open.len(), max_open(self.is_shared));
        let log_type = table.plan.format.log_type;
        let scope = self.scope_of(|| partitioner.scope(log_type));
        let output = match self.open.entry((scope, partition)) {
            Entry::Occupied(output) => output.into_mut(),
            Entry::Vacant(_) if open >= max => return Err(Problem::TooManyPartitions { limit: max }),
            Entry::Vacant(vacant) => {
                let (format, compression) = (target.options.format, target.options.compression);
                let key = format!(
                    "{}{}.{}",
                    partitioner.folders(log_type, partition),
                    self.naming.stem(facts),
                    format.extension(compression),
                );
                let staged = target.events.stage(&key, &facts.object)?;
                let new = if open < MANY { encoder } else { lean_encoder };
                let redaction = target.options.transform.redact_fingerprint();
                let encoder = new(format, compression, (table, redaction.as_deref()), facts, staged)?;
                vacant.insert(OpenOutput {
                    key,
                    encoder,
                    object: self.object,
                    memory: 0,
                })
            }
        };
        self.scope = Some(scope);
        Ok(output)
    }

    /// Returns the number of the current object's scope.
    fn scope_of(&mut self, scope: impl FnOnce() -> Scope) -> usize {
        if let Some(number) = self.scope {
            return number;
        }
        let scope = scope();
        let known = self.scopes.iter().position(|known| *known == scope);
        known.unwrap_or_else(|| {
            self.scopes.push(scope);
            self.scopes.len() - 1
        })
    }

    /// Flushes the largest outputs if all together buffer too much. Depends only on the events, so the bytes do, too.
    fn bound_memory(&mut self) -> Result<(), Problem> {
        let max = self.naming.max_buffered();
        if self.open.len() < 2 || self.memory <= max {
            return Ok(());
        }
        let mut outputs: Vec<_> = self.open.values_mut().collect();
        outputs.sort_by_key(|output| std::cmp::Reverse(output.memory));
        for output in outputs {
            if self.memory <= max / 2 {
                break;
            }
            output.encoder.flush()?;
            output.encoder.release()?;
            let (before, now) = output.measure();
            self.memory = self.memory - before + now;
        }
        Ok(())
    }
}

impl OpenOutput {
    /// Measures the memory again; returns it as it was before and as it is now.
    fn measure(&mut self) -> (usize, usize) {
        let now = self.encoder.memory();
        (std::mem::replace(&mut self.memory, now), now)
    }
}
