//! Tailpipe's tables.

use std::collections::BTreeMap;

use alb_ingest::formats::Kind;
use alb_ingest::schema::mapping::Schema;

use super::{leaves, table};

const TABLES: &str = include_str!("../../standards/tailpipe.tsv");

#[test]
fn every_table_has_the_columns_of_tailpipes_with_their_types() {
    let ours: BTreeMap<_, _> = leaves(Schema::Tailpipe)
        .map(|(log, leaf)| (format!("{log}.{}", leaf.path), leaf.kind))
        .collect();
    let known = table(TABLES);
    assert_eq!(known.len(), 133);
    for (column, cells) in known {
        let kind = *ours.get(column).unwrap_or_else(|| panic!("{column} is missing"));
        let wanted = match cells[0] {
            "text" => Kind::Text,
            "bigint" => Kind::Int64,
            "double" => Kind::Float64,
            "timestamp" => Kind::NaiveTimestamp,
            "date" => Kind::Date,
            "text[]" => Kind::TextList,
            other => panic!("{other}"),
        };
        assert_eq!(kind, wanted, "{column}");
    }
}
