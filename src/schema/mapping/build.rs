//! A mapping resolved: paths into a tree, names of columns into positions.

use std::collections::BTreeSet;

use super::{Group, Leaf, Literal, Node, OutputTable, Rule, Schema, Test, Value};
use crate::formats::{Layout, Plan, PlannedColumn, Presence};

/// A line of a mapping: what stands at a path.
#[derive(Debug)]
pub(super) struct Entry {
    path: &'static str,
    take: Take,
    presence: Presence,
    layout: Layout,
    doc: &'static str,
}

#[derive(Debug)]
enum Take {
    /// The column of that name, as it is.
    Column(&'static str),
    Constant(Literal),
    Made(&'static [&'static str], Rule),
    /// The column of that name where the test of the others holds; elsewhere it goes to the schema's catch-all.
    Conditional(&'static str, &'static [&'static str], Test),
}

/// A column as it is at a path.
pub(super) const fn column(path: &'static str, name: &'static str) -> Entry {
    Entry {
        path,
        take: Take::Column(name),
        // The column's own, later.
        presence: Presence::Nullable,
        layout: Layout::Repeating,
        doc: "",
    }
}

/// A column as it is at a path in the rows in which a test of columns holds; in the others it goes to the schema's
/// catch-all.
pub(super) const fn column_if(
    path: &'static str,
    name: &'static str,
    inputs: &'static [&'static str],
    test: Test,
) -> Entry {
    let mut entry = column(path, name);
    entry.take = Take::Conditional(name, inputs, test);
    entry
}

/// The same value for every event at a path.
pub(super) const fn constant(path: &'static str, value: Literal, doc: &'static str) -> Entry {
    Entry {
        path,
        take: Take::Constant(value),
        presence: Presence::Required,
        layout: Layout::Repeating,
        doc,
    }
}

/// What a rule makes of columns at a path.
pub(super) const fn made(path: &'static str, inputs: &'static [&'static str], rule: Rule, doc: &'static str) -> Entry {
    Entry {
        path,
        take: Take::Made(inputs, rule),
        presence: Presence::Nullable,
        layout: Layout::Repeating,
        doc,
    }
}

impl Entry {
    /// Says that the rule makes a value for every event.
    pub(super) const fn required(mut self) -> Self {
        self.presence = Presence::Required;
        self
    }

    /// Says how the values of a rule relate to each other.
    pub(super) const fn layout(mut self, layout: Layout) -> Self {
        self.layout = layout;
        self
    }
}

/// A leaf whose place in the tree is not known yet.
#[derive(Debug)]
pub(super) struct Draft(Leaf);

impl Draft {
    /// A column as it is.
    pub(super) fn column(path: String, number: usize, column: &PlannedColumn) -> Self {
        Self(Leaf {
            name: name_of(&path),
            path,
            kind: column.kind,
            presence: column.presence,
            layout: column.layout,
            doc: column.doc,
            value: Value::Column(number),
        })
    }

    /// The column of a draft in some rows alone.
    fn in_some_rows(mut self, inputs: Vec<usize>, test: Test, holds: bool) -> Self {
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

    /// What a line of a mapping says; nothing where the table lacks a column that it names, which a test refuses.
    pub(super) fn of(entry: &Entry, plan: &Plan) -> Option<Self> {
        let path = entry.path.to_owned();
        let (kind, value) = match &entry.take {
            Take::Column(name) => {
                let number = plan.column(name)?;
                return Some(Self::column(path, number, plan.columns.get(number)?));
            }
            Take::Conditional(name, inputs, test) => {
                let number = plan.column(name)?;
                let inputs = positions(plan, inputs)?;
                return Some(Self::column(path, number, plan.columns.get(number)?).in_some_rows(inputs, *test, true));
            }
            Take::Constant(literal) => (literal.kind(), Value::Constant(*literal)),
            Take::Made(names, rule) => {
                let inputs = positions(plan, names)?;
                (rule.kind(), Value::Computed { inputs, rule: *rule })
            }
        };
        Some(Self(Leaf {
            name: name_of(&path),
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

/// The drafts of a mapping, and below `rest` every column that no line of it takes as it is.
pub(super) fn drafts(plan: &Plan, mapping: &[&[Entry]], rest: &str) -> Vec<Draft> {
    let entries = mapping.iter().copied().flatten();
    let mut drafts: Vec<_> = entries.filter_map(|entry| Draft::of(entry, plan)).collect();
    let taken: BTreeSet<_> = drafts
        .iter()
        .filter_map(|Draft(leaf)| match leaf.value {
            Value::Column(number) => Some(number),
            _ => None,
        })
        .collect();
    let left = plan
        .columns
        .iter()
        .enumerate()
        .filter(|(number, _)| !taken.contains(number));
    let left: Vec<_> = left
        .map(|(number, column)| {
            let left = Draft::column(format!("{rest}.{}", column.name), number, column);
            // Conditional another leaf has the column in some rows, only the others are left.
            let column_if = drafts.iter().find_map(|Draft(leaf)| match &leaf.value {
                Value::Conditional {
                    column, inputs, test, ..
                } if *column == number => Some((inputs.clone(), *test)),
                _ => None,
            });
            match column_if {
                Some((inputs, test)) => left.in_some_rows(inputs, test, false),
                None => left,
            }
        })
        .collect();
    drafts.extend(left);
    drafts
}

/// The paths of a mapping that take a column which the table has not.
#[cfg(test)]
pub(super) fn without_columns(plan: &Plan, mapping: &[&[Entry]]) -> Vec<&'static str> {
    let entries = mapping.iter().copied().flatten();
    entries
        .filter(|entry| Draft::of(entry, plan).is_none())
        .map(|entry| entry.path)
        .collect()
}

/// The tree of the drafts: names stand where they are first named.
pub(super) fn shape(schema: Schema, plan: &'static Plan, drafts: Vec<Draft>) -> OutputTable {
    let mut shape = OutputTable {
        schema,
        plan,
        nodes: Vec::new(),
        leaves: Vec::new(),
    };
    let drafts = drafts.into_iter().map(|Draft(leaf)| {
        let names: Vec<_> = leaf.path.split('.').map(str::to_owned).collect();
        (names, leaf)
    });
    shape.nodes = level(drafts.collect(), &mut shape.leaves);
    shape
}

/// The nodes of leaves that stand below the same names, which are taken off already.
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

fn name_of(path: &str) -> String {
    path.rsplit('.').next().unwrap_or(path).to_owned()
}
