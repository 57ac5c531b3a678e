//! Resolution of a mapping: paths to a tree, column names to positions.

use std::collections::BTreeSet;

use super::{Group, Leaf, Literal, Node, OutputTable, Rule, Schema, Test, Value};
use crate::formats::{Kind, Layout, Plan, PlannedColumn, Presence};

/// A line of a mapping: a path and the source of its value.
#[derive(Debug)]
pub(super) struct Entry {
    path: &'static str,
    source: EntrySource,
    presence: Presence,
    layout: Layout,
    doc: &'static str,
}

/// The source of an entry's value, with columns by name.
#[derive(Debug)]
enum EntrySource {
    /// The named column, unchanged.
    Column(&'static str),
    Constant(Literal),
    Computed(&'static [&'static str], Rule),
    /// The named column in another form, from which its value can be read.
    Derived(&'static str, Rule),
    /// The named column if the test of the others succeeds; otherwise it goes to the schema's catch-all.
    Conditional(&'static str, &'static [&'static str], Test),
}

/// Puts a column at a path, unchanged.
pub(super) const fn column(path: &'static str, name: &'static str) -> Entry {
    Entry {
        path,
        source: EntrySource::Column(name),
        // The column's own replace these.
        presence: Presence::Nullable,
        layout: Layout::Repeating,
        doc: "",
    }
}

/// Puts a column at a path, unchanged, in the rows in which a test of columns succeeds. In other rows it goes to the
/// schema's catch-all.
pub(super) const fn column_if(
    path: &'static str,
    name: &'static str,
    inputs: &'static [&'static str],
    test: Test,
) -> Entry {
    let mut entry = column(path, name);
    entry.source = EntrySource::Conditional(name, inputs, test);
    entry
}

/// Puts the same value at a path for every event.
pub(super) const fn constant(path: &'static str, value: Literal, doc: &'static str) -> Entry {
    Entry {
        path,
        source: EntrySource::Constant(value),
        presence: Presence::Required,
        layout: Layout::Repeating,
        doc,
    }
}

/// Puts a value at a path that a rule computes from columns.
pub(super) const fn computed(
    path: &'static str,
    inputs: &'static [&'static str],
    rule: Rule,
    doc: &'static str,
) -> Entry {
    Entry {
        path,
        source: EntrySource::Computed(inputs, rule),
        presence: Presence::Nullable,
        layout: Layout::Repeating,
        doc,
    }
}

/// Puts a column at a path in another form, from which its value can be read: it does not go to the schema's catch-all.
pub(super) const fn derived(path: &'static str, name: &'static str, rule: Rule) -> Entry {
    let mut entry = column(path, name);
    entry.source = EntrySource::Derived(name, rule);
    entry
}

impl Entry {
    /// Declares that the rule computes a value for every event.
    pub(super) const fn required(mut self) -> Self {
        self.presence = Presence::Required;
        self
    }

    /// Replaces the column's documentation.
    pub(super) const fn described(mut self, doc: &'static str) -> Self {
        self.doc = doc;
        self
    }

    /// Declares how the computed values relate to each other.
    pub(super) const fn layout(mut self, layout: Layout) -> Self {
        self.layout = layout;
        self
    }
}

/// A leaf that has no position in the tree yet, and so no name.
#[derive(Debug, Clone)]
pub(super) struct Draft(Leaf);

impl Draft {
    /// Returns a column, unchanged.
    pub(super) fn column(path: String, number: usize, column: &PlannedColumn) -> Self {
        Self(Leaf {
            name: String::new(),
            path,
            kind: column.kind,
            presence: column.presence,
            layout: column.layout,
            doc: column.doc,
            value: Value::Column(number),
        })
    }

    /// Returns a value that a rule computes from a column, in its place.
    pub(super) fn derived(path: String, number: usize, column: &PlannedColumn, rule: Rule) -> Self {
        let mut draft = Self::column(path, number, column);
        draft.0.kind = rule.kind();
        // The rule may not find a value in the column's.
        draft.0.presence = Presence::Nullable;
        draft.0.value = Value::Computed {
            inputs: vec![number],
            rule,
        };
        draft
    }

    /// Returns the same text for every event.
    pub(super) fn constant(path: &'static str, text: &'static str, doc: &'static str) -> Self {
        let (literal, path) = (Literal::Text(text), path.to_owned());
        Self(Leaf {
            name: String::new(),
            path,
            kind: literal.kind(),
            presence: Presence::Required,
            layout: Layout::Repeating,
            doc,
            value: Value::Constant(literal),
        })
    }

    /// Returns a value that a rule computes from columns.
    pub(super) fn computed(path: &str, inputs: Vec<usize>, rule: Rule, doc: &'static str) -> Self {
        Self(Leaf {
            name: String::new(),
            path: path.to_owned(),
            kind: rule.kind(),
            presence: Presence::Nullable,
            layout: Layout::Repeating,
            doc,
            value: Value::Computed { inputs, rule },
        })
    }

    /// Declares that every event has a value. Events without one do not reach the schema: see [`OutputTable::required`].
    pub(super) const fn required(mut self) -> Self {
        self.0.presence = Presence::Required;
        self
    }

    /// Replaces the documentation, unless the new one is empty.
    pub(super) const fn described(mut self, doc: &'static str) -> Self {
        if !doc.is_empty() {
            self.0.doc = doc;
        }
        self
    }

    /// Writes times without their time zone.
    pub(super) fn without_zone(mut self) -> Self {
        if self.0.kind == Kind::Timestamp {
            self.0.kind = Kind::NaiveTimestamp;
        }
        self
    }

    /// Limits a column to the rows for which the test has the given result.
    fn in_rows(mut self, inputs: Vec<usize>, test: Test, holds: bool) -> Self {
        if let Value::Column(column) = self.0.value {
            self.0.presence = Presence::Nullable;
            self.0.value = Value::Conditional {
                column,
                inputs,
                test,
                holds,
            };
        }
        self
    }

    /// Resolves a line of a mapping. Returns nothing if it names a column that the table lacks, which a test rules out.
    pub(super) fn of(entry: &Entry, plan: &Plan) -> Option<Self> {
        let path = entry.path.to_owned();
        let (kind, value) = match &entry.source {
            EntrySource::Column(name) => {
                let number = plan.column(name)?;
                return Some(Self::column(path, number, plan.columns.get(number)?).described(entry.doc));
            }
            EntrySource::Derived(name, rule) => {
                let number = plan.column(name)?;
                return Some(Self::derived(path, number, plan.columns.get(number)?, *rule).described(entry.doc));
            }
            EntrySource::Conditional(name, inputs, test) => {
                let number = plan.column(name)?;
                let inputs = positions(plan, inputs)?;
                return Some(Self::column(path, number, plan.columns.get(number)?).in_rows(inputs, *test, true));
            }
            EntrySource::Constant(literal) => (literal.kind(), Value::Constant(*literal)),
            EntrySource::Computed(names, rule) => {
                let inputs = positions(plan, names)?;
                (rule.kind(), Value::Computed { inputs, rule: *rule })
            }
        };
        Some(Self(Leaf {
            name: String::new(),
            path,
            kind,
            presence: entry.presence,
            layout: entry.layout,
            doc: entry.doc,
            value,
        }))
    }
}

fn positions(plan: &Plan, names: &[&str]) -> Option<Vec<usize>> {
    names.iter().map(|name| plan.column(name)).collect()
}

/// Returns the drafts of a mapping, and below `catch_all` every column that none of its lines takes unchanged. `extras` maps
/// columns that the table has on request; a path that the mapping has as well is theirs.
pub(super) fn drafts(plan: &Plan, mapping: &[&[Entry]], extras: &[Entry], catch_all: &str) -> Vec<Draft> {
    let entries = mapping.iter().copied().flatten();
    let mut drafts: Vec<_> = entries.filter_map(|entry| Draft::of(entry, plan)).collect();
    for extra in extras.iter().filter_map(|entry| Draft::of(entry, plan)) {
        match drafts.iter_mut().find(|Draft(leaf)| leaf.path == extra.0.path) {
            Some(draft) => *draft = extra,
            None => drafts.push(extra),
        }
    }
    let taken: BTreeSet<_> = mapping
        .iter()
        .copied()
        .flatten()
        .chain(extras)
        .filter_map(|entry| match entry.source {
            EntrySource::Column(name) | EntrySource::Derived(name, _) => plan.column(name),
            EntrySource::Constant(_) | EntrySource::Computed(..) | EntrySource::Conditional(..) => None,
        })
        .collect();
    let left = plan
        .columns
        .iter()
        .enumerate()
        .filter(|(number, _)| !taken.contains(number));
    let left: Vec<_> = left
        .map(|(number, column)| {
            let left = Draft::column(format!("{catch_all}.{}", column.name), number, column);
            // If another leaf has the column in some rows, only the other rows are left.
            let condition = drafts.iter().find_map(|Draft(leaf)| match &leaf.value {
                Value::Conditional {
                    column, inputs, test, ..
                } if *column == number => Some((inputs.clone(), *test)),
                _ => None,
            });
            match condition {
                Some((inputs, test)) => left.in_rows(inputs, test, false),
                None => left,
            }
        })
        .collect();
    drafts.extend(left);
    drafts
}

/// Returns the paths of a mapping that name a column which the table lacks.
#[cfg(test)]
pub(super) fn paths_without_columns(plan: &Plan, mapping: &[&[Entry]]) -> Vec<&'static str> {
    let entries = mapping.iter().copied().flatten();
    entries
        .filter(|entry| Draft::of(entry, plan).is_none())
        .map(|entry| entry.path)
        .collect()
}

/// Builds the tree of the drafts. A name is at the position of its first mention.
pub(super) fn output_table(schema: Schema, plan: &'static Plan, drafts: Vec<Draft>) -> OutputTable {
    let mut table = OutputTable {
        schema,
        plan,
        nodes: Vec::new(),
        leaves: Vec::new(),
    };
    // A batch has attributes in a list, whose names contain dots.
    let depth = if schema.is_batched() { 2 } else { usize::MAX };
    let drafts = drafts.into_iter().map(|Draft(mut leaf)| {
        let names: Vec<_> = leaf.path.splitn(depth, '.').map(str::to_owned).collect();
        leaf.name = names.last().cloned().unwrap_or_default();
        (names, leaf)
    });
    table.nodes = level(drafts.collect(), &mut table.leaves);
    table
}

/// Returns the nodes of leaves below the same names, which are already removed from the leaves' names.
fn level(mut drafts: Vec<(Vec<String>, Leaf)>, leaves: &mut Vec<Leaf>) -> Vec<Node> {
    let mut nodes = Vec::new();
    while !drafts.is_empty() {
        let (mut names, leaf) = drafts.remove(0);
        let name = names.remove(0);
        if names.is_empty() {
            nodes.push(Node::Leaf(leaves.len()));
            leaves.push(leaf);
            continue;
        }
        let mut below = vec![(names, leaf)];
        let (same, others) = drafts
            .into_iter()
            .partition(|(names, _)| names.len() > 1 && names.first() == Some(&name));
        drafts = others;
        below.extend::<Vec<(Vec<String>, Leaf)>>(same);
        for (names, _) in below.iter_mut().skip(1) {
            names.remove(0);
        }
        nodes.push(Node::Group(Group {
            name,
            nodes: level(below, leaves),
        }));
    }
    nodes
}
