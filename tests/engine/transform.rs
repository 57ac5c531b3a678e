//! Columns that are appended on request, and what the batch offers to whatever transforms events.

use alb_ingest::formats::{ALB_ACCESS, Extra, Extras, LogType};
use alb_ingest::parse::batch::{Batch, LineParser, Values};

const LINES: &str = concat!(
    r#"https 2026-10-07T11:45:00.186641Z app/shop/7f3c9a1e5b2d4860 192.0.2.10:40124 10.0.0.1:80 0.001 0.048 0.000 200 200 68 571 "GET https://www.example.com:443/a?token=1 HTTP/1.1" "curl/8.1" ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2 - "Root=1-5" "-" "-" 0 2026-10-07T11:45:00.137000Z "forward" "-" "-" "10.0.0.1:80" "200" "-" "-" TID_1"#,
    "\n",
    r#"https 2026-10-07T11:45:01.186641Z app/shop/7f3c9a1e5b2d4860 192.0.2.11:40124 - -1 -1 -1 503 - 68 571 "GET https://www.example.com:443/b HTTP/1.1" "curl/8.1" ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2 - "Root=1-5" "-" "-" 0 2026-10-07T11:45:00.137000Z "forward" "-" "-" "-" "-" "-" "-" TID_2"#,
    "\n",
);

fn batch(extras: Extras) -> Batch {
    let plan = LogType::AlbAccess.plan_with(extras);
    let (mut batch, mut malformed) = (Batch::new(plan), Vec::new());
    LineParser::new(plan, None).push_block(LINES.as_bytes(), 0, &mut batch, &mut malformed);
    assert!(malformed.is_empty(), "{malformed:?}");
    batch
}

fn texts<'a>(batch: &'a Batch, column: &str) -> Vec<Option<&'a str>> {
    let Values::Text(texts) = &batch.columns()[batch.plan.column(column).unwrap()] else {
        panic!("{column} is not text")
    };
    let text = |row| texts.get(row, batch.text()).map(|text| str::from_utf8(text).unwrap());
    (0..batch.rows()).map(text).collect()
}

#[test]
fn extra_columns_follow_those_of_the_table() {
    let plan = LogType::AlbAccess.plan_with(Extras::NONE.with(Extra::StatusClass));
    let names: Vec<_> = plan.columns.iter().map(|column| column.name).collect();
    assert_eq!(names[names.len() - 2..], ["source_line", "status_class"]);
    assert_eq!(plan.columns.len(), ALB_ACCESS.plan().columns.len() + 1);
    // A network load balancer has no status.
    let plan = LogType::NlbAccess.plan_with(Extras::NONE.with(Extra::StatusClass));
    assert!(std::ptr::eq(plan, LogType::NlbAccess.plan()));
}

#[test]
fn replaced_texts_change_nothing_else() {
    let mut batch = batch(Extras::NONE);
    let clean = batch.clean().to_vec();
    let column = batch.plan.column("request_url").unwrap();
    batch.replace_texts(column, |url, new| {
        new.extend_from_slice(url.split(|byte| *byte == b'?').next().unwrap());
        url.ends_with(b"=1")
    });
    assert_eq!(
        texts(&batch, "request_url"),
        [Some("https://www.example.com:443/a"), None]
    );
    assert_eq!(texts(&batch, "user_agent"), [Some("curl/8.1"); 2]);
    assert_eq!(batch.clean(), clean);
    batch.replace_texts(column, |_, new| {
        new.push(b'"');
        true
    });
    assert_eq!(batch.clean(), [false; 2]);
}

#[test]
fn retained_events_keep_their_values() {
    let mut batch = batch(Extras::NONE);
    batch.retain(&[false, true]);
    assert_eq!(batch.rows(), 1);
    assert_eq!(batch.line_numbers(), [2]);
    assert_eq!(texts(&batch, "trace_id"), [Some("Root=1-5")]);
    assert_eq!(texts(&batch, "conn_trace_id"), [Some("TID_2")]);
}
