//! Turns AWS load balancer log objects into typed events.
//!
//! `alb-ingest` reads the logs that Elastic Load Balancing writes to S3 and turns each line into an event, in Parquet or
//! JSON, or into a quarantined line with the reason. The command line `alb-ingest` and the Lambda function `bootstrap` are
//! thin binaries around this library. The README shows both; this page is for people who change or embed the library.
//!
//! # Modules
//!
//! From the lowest layer to the highest; a module imports only from lower layers.
//!
//! - [`formats`]: every log type as a static table of fields and columns. The only place that names them.
//! - [`parse`]: bytes to blocks of lines, lines to values, values to columns.
//! - [`object`]: an object's identity, the facts in its key, and the detection of its log type.
//! - [`schema`]: output schemas (native, Panther, ECS, OCSF), and table definitions for Athena, Glue and others.
//! - [`encode`]: events as Parquet or JSON files, and malformed lines as rows of the quarantine.
//! - [`storage`]: reading, listing and writing objects in local folders, S3 and Firehose.
//! - [`ingest`]: one object from its first byte to the commit of its outputs.
//! - [`trigger`]: invocation payloads to requests, outcomes to responses.
//! - [`function`]: one invocation of the function.
//! - [`config`]: the settings and their defaults.
//! - [`escape`]: text from outside in a form that is safe to show.
//! - `report`: the figures of log objects and their page, for the command `report`.
//! - `cli` and `generate`: the commands, and the generator of test objects.
//!
//! # Guarantees
//!
//! - Every line of an object is accounted for, `lines = events + filtered + quarantined + skipped`, or nothing of the object is committed.
//! - A malformed line never becomes an event with nulls in place of its unreadable values.
//! - The output is a pure function of the input and the settings, whatever the chunks, threads, and time of day.
//! - Memory does not depend on the size of the object.
//! - A malformed input is an error and never a panic. A panic means a broken invariant, and fails only its object.
//!
//! `docs/semantics.md` in the repository states them in full, with their limits.
//!
//! # Example
//!
//! Parse two lines of a health check log, of which the second is malformed, and encode the event as JSON:
//!
//! ```
//! use alb_ingest::encode::{Compression, FileFormat, encoder};
//! use alb_ingest::formats::ALB_HEALTH_CHECK;
//! use alb_ingest::object::{ObjectFacts, ObjectRef};
//! use alb_ingest::parse::batch::{Batch, LineParser};
//! use alb_ingest::parse::line::Reason;
//! use alb_ingest::schema::mapping::{OutputTable, Schema};
//!
//! let log = b"http 2026-10-07T12:44:59.875678Z 0.019584011 192.0.2.97:80 targets PASS 200 -\n\
//!             http 2026-10-07T12:45:04.875678Z 0.019584011 192.0.2.97:99999 targets PASS 200 -\n";
//!
//! let plan = ALB_HEALTH_CHECK.plan();
//! let mut parser = LineParser::new(plan, None);
//! let (mut batch, mut malformed) = (Batch::new(plan), Vec::new());
//! parser.push_block(log, 0, &mut batch, &mut malformed);
//! parser.finish(&mut malformed);
//! assert_eq!(batch.rows(), 1);
//! assert_eq!(malformed[0].fault.reason, Reason::OutOfRange);
//!
//! let object = ObjectFacts::new(ObjectRef {
//!     bucket: "my-logs".into(),
//!     key: "health.log".into(),
//!     version: "1".into(),
//! });
//! let table = OutputTable::of(Schema::Native, plan);
//! let mut encoder = encoder(FileFormat::Json, Compression::None, (table, None), &object, Vec::new())?;
//! encoder.encode(&batch)?;
//! let json = String::from_utf8(encoder.finish()?)?;
//! assert!(json.contains(r#""target_ip":"192.0.2.97","target_port":80,"target_group_id":"targets","status":"PASS""#));
//! assert_eq!(json.lines().count(), 1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#[cfg(feature = "cli")]
pub mod cli;
pub mod config;
pub mod cost;
pub mod deadline;
pub mod encode;
pub mod escape;
pub mod formats;
pub mod function;
#[cfg(feature = "generate")]
pub mod generate;
pub mod ingest;
pub mod layout;
pub mod merge;
pub mod object;
pub mod parse;
#[cfg(feature = "cli")]
pub mod report;
pub mod schema;
pub mod storage;
pub mod transform;
pub mod trigger;
