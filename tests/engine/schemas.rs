//! `alb-ingest schema`: the forms, their options, and the rejected arguments.

use std::process::Command;

use alb_ingest::formats::FORMATS;
use alb_ingest::schema::mapping::{Node, OutputTable, Schema};

/// Runs the command; returns its exit code, stdout and stderr.
fn schema(args: &[&str]) -> (i32, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_alb-ingest"))
        .arg("schema")
        .args(args)
        .env_clear()
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

fn printed(args: &[&str]) -> String {
    let (code, out, error) = schema(args);
    assert_eq!(code, 0, "{args:?}: {error}");
    assert_eq!(
        out,
        schema(args).1,
        "{args:?} prints something different the second time"
    );
    out
}

/// Collects the names at every level.
fn names<'a>(shape: &'a OutputTable, nodes: &'a [Node], found: &mut Vec<&'a str>) {
    for node in nodes {
        found.push(shape.name_of(node));
        if let Node::Group(group) = node {
            names(shape, &group.nodes, found);
        }
    }
}

#[test]
fn every_form_has_every_name_of_every_schema() {
    for (format, schema) in FORMATS
        .into_iter()
        .flat_map(|format| Schema::ALL.map(|schema| (format, schema)))
        .filter(|(_, schema)| !schema.is_batched())
    {
        let shape = OutputTable::of(schema, format.plan());
        let mut expected = Vec::new();
        names(shape, &shape.nodes, &mut expected);
        for form in ["markdown", "arrow", "athena", "glue", "json-schema"] {
            let shown = printed(&[format.name, "--as", form, "--schema", schema.name()]);
            for name in &expected {
                // Glue has names in lowercase.
                let found = shown.contains(name) || shown.contains(&name.to_ascii_lowercase());
                assert!(found, "{} as {form}, {}, lacks {name}", format.name, schema.name());
            }
            assert!(
                shown.ends_with('\n') && !shown.ends_with("\n\n"),
                "{} as {form}",
                format.name
            );
        }
    }
}

/// A line of a batch is not a row: only the page describes its attributes.
#[test]
fn batches_have_no_table_definitions() {
    for format in FORMATS {
        let page = printed(&[format.name, "--schema", "otel"]);
        for leaf in &OutputTable::of(Schema::Otel, format.plan()).leaves {
            assert!(
                page.contains(&format!("| `{}` |", leaf.path)),
                "{} lacks {}",
                format.name,
                leaf.path
            );
        }
        for form in ["arrow", "athena", "glue", "json-schema"] {
            let (code, out, error) = schema(&[format.name, "--as", form, "--schema", "otel"]);
            assert_eq!((code, out.as_str()), (2, ""), "{error}");
            assert!(
                error.contains(&format!("--as {form} does not describe --schema otel")),
                "{error}"
            );
        }
    }
}

/// A form for one product needs no `--schema`.
#[test]
fn the_forms_of_a_product_have_its_schema() {
    for (form, schema) in [
        ("panther", "panther"),
        ("panther-data-model", "panther"),
        ("elasticsearch", "ecs"),
    ] {
        for format in FORMATS {
            let shown = printed(&[format.name, "--as", form]);
            assert_eq!(shown, printed(&[format.name, "--as", form, "--schema", schema]));
            assert!(
                shown.ends_with('\n') && !shown.ends_with("\n\n"),
                "{} as {form}",
                format.name
            );
        }
    }
}

#[test]
fn the_fields_that_panther_adds_are_columns_on_request() {
    let columns =
        |flags: &[&str]| printed(&[&["alb_access_log", "--schema", "panther", "--as", "athena"], flags].concat());
    let (with, without) = (columns(&["--panther-fields"]), columns(&[]));
    assert!(
        with.contains("`p_any_ip_addresses` array<string>") && !without.contains("`p_"),
        "{with}"
    );
}

#[test]
fn the_raw_line_is_a_column_on_request() {
    let shown = printed(&["clb_access_log", "--as", "elasticsearch", "--keep-raw"]);
    let template: serde_json::Value = serde_json::from_str(&shown).unwrap();
    let original = &template["template"]["mappings"]["properties"]["event"]["properties"]["original"];
    // As ECS has it: a longer line than Lucene indexes is no error.
    assert_eq!(
        original,
        &serde_json::json!({"type": "keyword", "index": false, "doc_values": false})
    );
    assert!(printed(&["clb_access_log", "--as", "athena", "--keep-raw"]).contains("`raw_line` string"));
    assert!(!printed(&["clb_access_log", "--as", "athena"]).contains("raw_line"));
}

#[test]
fn without_a_location_the_statement_has_a_placeholder() {
    let shown = printed(&["clb_access_log", "--as", "athena"]);
    assert!(
        shown.contains("LOCATION 's3://BUCKET/PREFIX/clb_access_log/'"),
        "{shown}"
    );
    assert!(shown.contains("-- Replace every s3://BUCKET/PREFIX"), "{shown}");
    let shown = printed(&["clb_access_log", "--as", "athena", "--location", "s3://events-bucket"]);
    assert!(
        shown.contains("LOCATION 's3://events-bucket/clb_access_log/'"),
        "{shown}"
    );
    assert!(!shown.contains("BUCKET") && !shown.contains("Replace every"), "{shown}");
}

/// Some parsers take a quote in a comment for the start of a text, and a semicolon for the end of the statement.
#[test]
fn comments_of_the_statement_contain_no_quotes() {
    for format in FORMATS {
        let shown = printed(&[format.name, "--as", "athena"]);
        let comments: Vec<_> = shown.lines().filter(|line| line.starts_with("--")).collect();
        assert!(comments.len() >= 4);
        for line in comments {
            assert!(!line.contains(['\'', '"', '`', ';']), "{line}");
        }
    }
}

#[test]
fn the_statement_names_the_database() {
    let shown = printed(&["nlb_access_log", "--as", "athena", "--database", "elb_logs"]);
    assert!(
        shown.contains("CREATE EXTERNAL TABLE IF NOT EXISTS `elb_logs`.`nlb_access_log` ("),
        "{shown}"
    );
}

#[test]
fn json_tables_use_the_serde_with_a_timestamp_format() {
    let shown = printed(&["alb_access_log", "--as", "athena", "--format", "json"]);
    assert!(shown.contains("'org.apache.hive.hcatalog.data.JsonSerDe'"), "{shown}");
    assert!(
        shown.contains(r"'timestamp.formats' = 'yyyy-MM-dd\'T\'HH:mm:ss.SSSSSS\'Z\''"),
        "{shown}"
    );
    assert!(!shown.contains("parquet"), "{shown}");
}

#[test]
fn invalid_arguments_are_rejected() {
    let rejected: [(&[&str], &str); 13] = [
        (&["--as", "athena", "--location", "events-bucket"], "s3://BUCKET/PREFIX"),
        (&["--as", "athena", "--location", "s3://"], "s3://BUCKET/PREFIX"),
        (&["--as", "glue", "--location", "s3://Bucket/x"], "s3://BUCKET/PREFIX"),
        (&["--as", "athena", "--since", "2026-02-30"], "YYYY-MM-DD"),
        (&["--as", "athena", "--since", "2026-1-1"], "YYYY-MM-DD"),
        (&["--as", "athena", "--database", "a`b"], "lowercase letters"),
        (
            &["--as", "glue", "--database", "elb"],
            "--database requires --as athena",
        ),
        (
            &["--as", "json-schema", "--location", "s3://events"],
            "--location requires --as athena or iceberg or glue",
        ),
        (
            &["--as", "panther", "--schema", "ecs"],
            "--as panther requires --schema panther",
        ),
        (
            &["--as", "elasticsearch", "--schema", "native"],
            "--as elasticsearch requires --schema ecs",
        ),
        (&["--panther-fields"], "--panther-fields requires --schema panther"),
        (
            &["--as", "panther", "--panther-fields"],
            "--panther-fields requires --as markdown or arrow or athena or glue or json-schema",
        ),
        (
            &["--partition-by", "hour"],
            "--partition-by requires --as athena or glue",
        ),
    ];
    for (flags, said) in rejected {
        let args: Vec<_> = ["alb_access_log"].iter().chain(flags).copied().collect();
        let (code, out, error) = schema(&args);
        assert_eq!(code, 2, "{args:?}: {out}{error}");
        assert!(out.is_empty() && error.contains(said), "{args:?}: {error}");
    }
}
