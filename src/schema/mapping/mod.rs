//! Output schemas: the names and the nesting in which a table's values are written.
//!
//! Each is derived from the table's columns by a declared mapping: a list of entries, each of which puts a column as it
//! is, a constant, or what a rule makes of columns, at a path. A column that no entry takes as it is goes to the schema's
//! catch-all. So every column stands somewhere in every schema, unchanged, and nothing is lost.
//!
//! Encoders and table definitions are loops over a [`OutputTable`].

mod build;
mod camel;
mod derive;
mod ecs;
mod native;
mod ocsf;
mod panther;
mod rule;

use std::sync::LazyLock;

use crate::formats::{FORMATS, Kind, Layout, Plan, Presence, SCHEMA_VERSION};

pub use ocsf::security_lake_source;
pub use rule::{Input, Items, MAX_INPUTS, Rule, Test};

/// An output schema, as the setting `SCHEMA` names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Schema {
    /// The table's own columns, flat.
    #[default]
    Native,
    /// The names of Panther's `AWS.ALB`, flat.
    Panther,
    /// The Elastic Common Schema, nested.
    Ecs,
    /// The Open Cybersecurity Schema Framework, nested.
    Ocsf,
}

impl Schema {
    /// Every schema, in the order in which documentation lists them.
    pub const ALL: [Self; 4] = [Self::Native, Self::Panther, Self::Ecs, Self::Ocsf];

    /// The name in settings, flags and files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Native => "native",
            Self::Panther => "panther",
            Self::Ecs => "ecs",
            Self::Ocsf => "ocsf",
        }
    }

    /// The schema of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|schema| schema.name() == name)
    }

    /// The version of the mapping. It changes when a path, a type or a meaning does, or when one is added.
    pub const fn version(self) -> u32 {
        match self {
            Self::Native | Self::Panther | Self::Ecs | Self::Ocsf => SCHEMA_VERSION,
        }
    }

    /// The published standard that the names are from, with its version where it has one.
    pub fn standard(self) -> Option<String> {
        match self {
            Self::Native => None,
            Self::Panther => Some("Panther's AWS.ALB".to_owned()),
            Self::Ecs => Some(format!("Elastic Common Schema {}", ecs::VERSION)),
            Self::Ocsf => Some(format!("Open Cybersecurity Schema Framework {}", ocsf::VERSION)),
        }
    }
}

/// A table in an output schema.
#[derive(Debug)]
pub struct OutputTable {
    /// The schema.
    pub schema: Schema,
    /// The table.
    pub plan: &'static Plan,
    /// The tree of names, in output order.
    pub nodes: Vec<Node>,
    /// The values, in the order in which the tree names them.
    pub leaves: Vec<Leaf>,
}

/// A name at some level of the tree.
#[derive(Debug)]
pub enum Node {
    /// A value: its position in [`OutputTable::leaves`].
    Leaf(usize),
    /// Names below a name.
    Group(Group),
}

/// Names below a name. A group is never null itself: where all its values are, JSON leaves it out, and Parquet has
/// nulls below it.
#[derive(Debug)]
pub struct Group {
    /// The name.
    pub name: String,
    /// What stands below it.
    pub nodes: Vec<Node>,
}

/// A value of an event.
#[derive(Debug)]
pub struct Leaf {
    /// The name, without those above it.
    pub name: String,
    /// The names from the top, with dots between them.
    pub path: String,
    /// The type of the values.
    pub kind: Kind,
    /// Whether every event has a value.
    pub presence: Presence,
    /// How the values relate to each other, which decides their encoding in Parquet.
    pub layout: Layout,
    /// One sentence of documentation, at most 255 bytes.
    pub doc: &'static str,
    /// Where the values come from.
    pub value: Value,
}

/// Where the values of a leaf come from.
#[derive(Debug, Clone)]
pub enum Value {
    /// The column at this position of the plan, as it is.
    Column(usize),
    /// The same for every event.
    Constant(Literal),
    /// The column at this position, as it is, in the rows in which a test of other columns holds, or does not. Every other
    /// row has its value in the twin of this leaf.
    Conditional {
        /// The column.
        column: usize,
        /// The columns that the test looks at.
        inputs: Vec<usize>,
        /// The test.
        test: Test,
        /// What the test has to say.
        holds: bool,
    },
    /// What a rule makes of the columns at these positions.
    Computed {
        /// The columns that the rule looks at.
        inputs: Vec<usize>,
        /// The rule.
        rule: Rule,
    },
}

/// A value that is the same for every event of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Literal {
    /// A text.
    Text(&'static str),
    /// A 32-bit number.
    Int32(i32),
    /// A 64-bit number.
    Int64(i64),
    /// A list of texts.
    Words(&'static [&'static str]),
}

static OUTPUT_TABLES: LazyLock<Vec<OutputTable>> = LazyLock::new(|| {
    let tables = FORMATS
        .into_iter()
        .flat_map(|format| Schema::ALL.map(|schema| (schema, format)));
    tables
        .map(|(schema, format)| OutputTable::new(schema, format.plan()))
        .collect()
});

impl OutputTable {
    /// A table in a schema. Built once for each.
    pub fn of(schema: Schema, plan: &'static Plan) -> &'static Self {
        // Every table has its shapes (held by a test), so that the fallback is never taken.
        OUTPUT_TABLES
            .iter()
            .find(|shape| shape.schema == schema && std::ptr::eq(shape.plan, plan))
            .unwrap_or_else(|| Box::leak(Box::new(Self::new(schema, plan))))
    }

    fn new(schema: Schema, plan: &'static Plan) -> Self {
        let table = plan.format.name;
        let drafts = match schema {
            Schema::Native => native::drafts(plan),
            Schema::Panther => panther::drafts(plan),
            Schema::Ecs => build::drafts(plan, &ecs::mapping(table), ecs::REST),
            Schema::Ocsf => build::drafts(plan, &ocsf::mapping(table), ocsf::REST),
        };
        build::shape(schema, plan, drafts)
    }

    /// The name at a node.
    pub fn name_of<'a>(&'a self, node: &'a Node) -> &'a str {
        match node {
            Node::Leaf(leaf) => self.leaves.get(*leaf).map_or("", |leaf| &leaf.name),
            Node::Group(group) => &group.name,
        }
    }

    /// The leaf at a path.
    pub fn leaf(&self, path: &str) -> Option<&Leaf> {
        self.leaves.iter().find(|leaf| leaf.path == path)
    }
}

impl Literal {
    /// The type of the value.
    pub const fn kind(self) -> Kind {
        match self {
            Self::Text(_) => Kind::Text,
            Self::Int32(_) => Kind::Int32,
            Self::Int64(_) => Kind::Int64,
            Self::Words(_) => Kind::TextList,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_a_mapping_takes_columns_that_its_table_has() {
        for format in FORMATS {
            for mapping in [ecs::mapping(format.name), ocsf::mapping(format.name)] {
                let none = build::without_columns(format.plan(), &mapping);
                assert!(none.is_empty(), "{}: {none:?}", format.name);
            }
        }
    }
}
