//! Output schemas: the names and the nesting in which a table's values are written.
//!
//! Each schema is derived from the table's columns by a declared mapping: a list of entries, each of which puts a column
//! unchanged, a constant, or a value computed from columns at a path. A column that no entry takes unchanged goes to the
//! schema's catch-all. So every schema contains every column unchanged, and no value is lost.
//!
//! Encoders and table definitions are loops over an [`OutputTable`].

mod build;
mod camel;
mod derive;
mod ecs;
mod native;
mod ocsf;
mod otel;
mod panther;
mod rule;
mod tailpipe;

use std::collections::BTreeMap;
use std::sync::{Mutex, OnceLock, PoisonError};

use crate::formats::{Kind, Layout, LogType, Plan, Presence, SCHEMA_VERSION, closed_enum};

pub use ocsf::security_lake_source;
pub use panther::{Indicator, custom_log_type, data_model, indicator};
pub use rule::{Input, Items, MAX_INPUTS, Pieces, Rule, Test};

closed_enum! {
    /// An output schema, as the setting `SCHEMA` names it. The order is the order in which documentation lists them.
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
        /// The names and types of Tailpipe's tables, flat.
        Tailpipe,
        /// Log records of OpenTelemetry, many in each line of JSON.
        Otel,
    }
}

impl Schema {
    /// Returns the name in settings, flags and files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Native => "native",
            Self::Panther => "panther",
            Self::Ecs => "ecs",
            Self::Ocsf => "ocsf",
            Self::Tailpipe => "tailpipe",
            Self::Otel => "otel",
        }
    }

    /// Returns the schema of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|schema| schema.name() == name)
    }

    /// Returns the version of the mapping. It changes when a path, a type or a meaning changes, or a path is added.
    pub const fn version(self) -> u32 {
        match self {
            Self::Native | Self::Panther | Self::Ecs | Self::Ocsf | Self::Tailpipe | Self::Otel => SCHEMA_VERSION,
        }
    }

    /// Returns whether a line of JSON is a batch of events instead of one event. Such events are not rows of a table: they have no
    /// Parquet form, and no table definition describes them.
    pub const fn is_batched(self) -> bool {
        match self {
            Self::Native | Self::Panther | Self::Ecs | Self::Ocsf | Self::Tailpipe => false,
            Self::Otel => true,
        }
    }

    /// Returns the published standard that the names come from, with its version if it has one.
    pub fn standard(self) -> Option<String> {
        match self {
            Self::Native => None,
            Self::Panther => Some("Panther's AWS.ALB".to_owned()),
            Self::Tailpipe => Some("Tailpipe's AWS plugin".to_owned()),
            Self::Otel => Some(format!("OpenTelemetry's semantic conventions {}", otel::VERSION)),
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
    /// A group of names below a name.
    Group(Group),
}

/// A group of names below a name. A group itself is never null: if all its values are null, JSON omits it, and Parquet has
/// nulls below it. In a schema whose lines are batches, a group is a list of attributes.
#[derive(Debug)]
pub struct Group {
    /// The name.
    pub name: String,
    /// The names below it.
    pub nodes: Vec<Node>,
}

/// A value of an event.
#[derive(Debug, Clone)]
pub struct Leaf {
    /// The name, without those above it.
    pub name: String,
    /// The names from the top, separated by dots.
    pub path: String,
    /// The type of the values.
    pub kind: Kind,
    /// Whether every event has a value.
    pub presence: Presence,
    /// How the values relate to each other, which decides their encoding in Parquet.
    pub layout: Layout,
    /// One sentence of documentation, at most 255 bytes.
    pub doc: &'static str,
    /// The source of the values.
    pub value: Value,
}

/// The source of a leaf's values.
#[derive(Debug, Clone)]
pub enum Value {
    /// The column at this position of the plan, unchanged.
    Column(usize),
    /// The same value for every event.
    Constant(Literal),
    /// The column at this position, unchanged, in the rows for which a test of other columns has a certain result. In all
    /// other rows the twin of this leaf has the value.
    Conditional {
        /// The column.
        column: usize,
        /// The columns that are tested.
        inputs: Vec<usize>,
        /// The test.
        test: Test,
        /// The result of the test for which this leaf has the value.
        holds: bool,
    },
    /// A value computed by a rule from the columns at these positions.
    Computed {
        /// The inputs of the rule.
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
    /// A 32-bit integer.
    Int32(i32),
    /// A 64-bit integer.
    Int64(i64),
    /// A list of texts.
    Words(&'static [&'static str]),
}

/// The tables of one schema, one per log type.
type Tables = [OnceLock<OutputTable>; LogType::ALL.len()];

impl OutputTable {
    /// Returns a table in a schema. Each is built once, when it is first used: a process rarely needs more than one.
    #[expect(
        clippy::indexing_slicing,
        reason = "there is a table for each variant, in order of declaration"
    )]
    pub fn of(schema: Schema, plan: &'static Plan) -> &'static Self {
        /// The tables with further columns, by schema and the plan's address: plans live as long as the process.
        static EXTENDED: Mutex<BTreeMap<(u8, usize), &'static OutputTable>> = Mutex::new(BTreeMap::new());
        static TABLES: [Tables; Schema::ALL.len()] =
            [const { [const { OnceLock::new() }; LogType::ALL.len()] }; Schema::ALL.len()];
        let log_type = plan.format.log_type;
        if plan.has_extras() {
            let mut tables = EXTENDED.lock().unwrap_or_else(PoisonError::into_inner);
            let plan_id = std::ptr::from_ref(plan).addr();
            let table = tables.entry((schema as u8, plan_id));
            return table.or_insert_with(|| Box::leak(Box::new(Self::new(schema, plan))));
        }
        TABLES[schema as usize][log_type as usize].get_or_init(|| Self::new(schema, log_type.plan()))
    }

    /// Returns a table in Panther's schema, with the fields that Panther adds when it ingests events. Each is built once.
    pub fn with_panther_fields(plan: &'static Plan) -> &'static Self {
        static TABLES: Mutex<BTreeMap<usize, &'static OutputTable>> = Mutex::new(BTreeMap::new());
        let mut tables = TABLES.lock().unwrap_or_else(PoisonError::into_inner);
        tables.entry(std::ptr::from_ref(plan).addr()).or_insert_with(|| {
            let drafts = [panther::drafts(plan), panther::standard_fields(plan)].concat();
            Box::leak(Box::new(build::output_table(Schema::Panther, plan, drafts)))
        })
    }

    /// Returns the columns in which the schema requires a value and the table does not. The parser must
    /// [require](crate::parse::batch::LineParser::require) them.
    pub fn required(&self) -> impl Iterator<Item = usize> {
        let columns = &self.plan.columns;
        self.leaves.iter().filter_map(move |leaf| match leaf.value {
            Value::Column(number) if leaf.presence == Presence::Required => {
                let column = columns.get(number)?;
                (column.presence == Presence::Nullable).then_some(number)
            }
            _ => None,
        })
    }

    fn new(schema: Schema, plan: &'static Plan) -> Self {
        let log_type = plan.format.log_type;
        let drafts = match schema {
            Schema::Native => native::drafts(plan),
            Schema::Panther => panther::drafts(plan),
            Schema::Tailpipe => tailpipe::drafts(plan),
            Schema::Ecs => build::drafts(plan, &ecs::mapping(log_type), ecs::EXTRAS, ecs::CATCH_ALL),
            Schema::Ocsf => build::drafts(plan, &ocsf::mapping(log_type), ocsf::EXTRAS, ocsf::CATCH_ALL),
            Schema::Otel => build::drafts(plan, &otel::mapping(log_type), otel::EXTRAS, otel::CATCH_ALL),
        };
        build::output_table(schema, plan, drafts)
    }

    /// Returns the name of a node.
    pub fn name_of<'a>(&'a self, node: &'a Node) -> &'a str {
        match node {
            Node::Leaf(leaf) => self.leaves.get(*leaf).map_or("", |leaf| &leaf.name),
            Node::Group(group) => &group.name,
        }
    }

    /// Returns the leaf at a path.
    pub fn leaf(&self, path: &str) -> Option<&Leaf> {
        self.leaves.iter().find(|leaf| leaf.path == path)
    }
}

impl Literal {
    /// Returns the type of the value.
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
    fn mappings_name_only_columns_of_their_table() {
        for log_type in LogType::ALL {
            let mappings = [
                ecs::mapping(log_type),
                ocsf::mapping(log_type),
                otel::mapping(log_type),
                vec![panther::computed(log_type)],
                vec![panther::STANDARD_FIELDS],
                tailpipe::added(log_type).to_vec(),
            ];
            for mapping in mappings {
                let unknown = build::paths_without_columns(log_type.plan(), &mapping);
                assert!(unknown.is_empty(), "{log_type:?}: {unknown:?}");
            }
        }
    }

    #[test]
    fn tables_are_found_by_schema_and_log_type() {
        for schema in Schema::ALL {
            for log_type in LogType::ALL {
                let table = OutputTable::of(schema, log_type.plan());
                assert_eq!(table.schema, schema);
                assert_eq!(table.plan.format.log_type, log_type);
            }
        }
    }
}
