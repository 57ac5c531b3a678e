//! The matrix of faults in docs/reliability.md: every case names the tests that check its expected result, or the reason why
//! it does not apply.

mod figures;
mod requests;

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use crate::generated::{package, update};

const PAGE: &str = "docs/reliability.md";
const BEGIN: &str = "<!-- BEGIN generated: cases -->\n";
const END: &str = "<!-- END generated: cases -->\n";

/// A case of the matrix.
struct Case {
    number: u32,
    title: &'static str,
    /// `path::name` of each test that checks the expected result.
    tests: &'static [&'static str],
    /// Why the case does not apply, wholly or in part.
    except: &'static str,
}

const fn case(number: u32, title: &'static str, tests: &'static [&'static str]) -> Case {
    Case {
        number,
        title,
        tests,
        except: "",
    }
}

impl Case {
    const fn except(self, except: &'static str) -> Self {
        Self { except, ..self }
    }
}

/// The cases of events and objects; [`requests::CASES`] has those of requests and processes.
const CASES: [Case; 41] = [
    case(
        1,
        "S3's test event, direct and in every envelope: acknowledged, no events",
        &[
            "tests/edge/triggers.rs::events_without_a_new_object_are_skipped_in_every_envelope",
            "tests/edge/function.rs::a_second_delivery_of_any_payload_changes_nothing",
        ],
    ),
    case(
        2,
        "No records: an empty list is acknowledged, a missing one is an unknown payload",
        &["tests/edge/triggers.rs::an_unknown_payload_is_never_acknowledged"],
    ),
    case(
        3,
        "A message that is not JSON fails alone",
        &[
            "tests/edge/answers.rs::the_response_to_a_queue_lists_exactly_the_failed_messages",
            "tests/edge/function.rs::only_failed_messages_are_retried",
            "tests/aws/lambda.rs::a_queue_delivers_every_valid_message_despite_faults",
        ],
    ),
    case(
        4,
        "Two of ten messages fail: exactly these two are returned",
        &["tests/edge/function.rs::case_04_and_05_a_retry_adds_only_the_missing_objects_of_the_failed_messages"],
    ),
    case(
        5,
        "One of three objects in a message fails: the message fails, and its retry adds only that object",
        &["tests/edge/function.rs::case_04_and_05_a_retry_adds_only_the_missing_objects_of_the_failed_messages"],
    ),
    case(
        6,
        "The same message or object twice: one output in files, equal event ids in a stream",
        &[
            "tests/edge/answers.rs::a_duplicate_has_the_outcome_of_the_first_task",
            "tests/edge/answers.rs::message_ids_are_never_empty_unknown_or_repeated",
            "tests/edge/function.rs::a_duplicate_object_is_read_once",
            "tests/edge/function.rs::a_second_delivery_of_any_payload_changes_nothing",
            "tests/aws/firehose/objects.rs::an_object_that_failed_midway_is_complete_after_a_retry",
        ],
    ),
    case(
        7,
        "Two invocations on one object at the same time: each output is written once",
        &[
            "tests/aws/lambda.rs::concurrent_and_repeated_deliveries_change_nothing",
            "tests/aws/s3/writes.rs::concurrent_runs_both_succeed_and_write_each_output_once",
            "tests/aws/function_merge.rs::two_functions_on_one_folder_merge_each_object_once",
        ],
    ),
    case(
        8,
        "Keys with spaces, plus and percent signs, Unicode, double encoding, in every envelope",
        &[
            "tests/edge/triggers.rs::every_envelope_decodes_any_key_to_the_same_object",
            "tests/edge/triggers.rs::a_plus_in_a_manifest_gives_two_keys",
            "tests/aws/s3/reads.rs::the_alternative_key_is_tried_only_if_the_object_is_missing",
        ],
    ),
    case(
        9,
        "A key with an invalid escape, or not UTF-8: its record fails, the others do not",
        &["tests/edge/triggers.rs::an_invalid_key_fails_only_its_record"],
    ),
    case(
        10,
        "Versions of the notification: any minor one with new fields is read, another major one fails",
        &["tests/edge/triggers.rs::any_minor_version_and_no_other_major_version_is_accepted"],
    ),
    case(
        11,
        "Events about removed, restored and tagged objects: skipped and acknowledged",
        &["tests/edge/triggers.rs::events_without_a_new_object_are_skipped_in_every_envelope"],
    ),
    case(
        12,
        "EventBridge's spellings of the etag; no size, no version",
        &["tests/edge/triggers.rs::the_fields_of_an_event_reach_the_request"],
    ),
    case(
        13,
        "S3 Batch Operations 1.0 and 2.0: the response has the form of the request",
        &[
            "tests/edge/triggers.rs::the_outermost_envelope_determines_the_kind_of_sender",
            "tests/edge/triggers.rs::a_version_is_requested_by_name_and_identified_by_its_etag",
            "tests/edge/answers.rs::the_response_to_batch_operations_has_a_result_for_every_task",
            "tests/edge/function.rs::a_job_gets_the_result_code_of_each_task",
        ],
    ),
    case(
        14,
        "A task of a job about an object that is not a log: succeeded, and skipped",
        &["tests/edge/function.rs::an_object_that_is_not_a_log_does_not_fail_a_job"],
    ),
    case(
        15,
        "A task of a job whose object is missing, throttled or denied: permanent, temporary, permanent",
        &[
            "tests/edge/function.rs::a_job_gets_the_result_code_of_each_task",
            "tests/aws/s3/refusals.rs::transient_errors_are_retried_and_others_are_reported",
        ],
    ),
    case(
        16,
        "SNS with raw delivery and without",
        &[
            "tests/edge/triggers.rs::every_envelope_decodes_any_key_to_the_same_object",
            "tests/edge/function.rs::a_second_delivery_of_any_payload_changes_nothing",
        ],
    ),
    case(
        17,
        "A payload of another service: an error, never an acknowledgement",
        &[
            "tests/edge/triggers.rs::an_unknown_payload_is_never_acknowledged",
            "tests/edge/function.rs::an_unknown_payload_is_never_acknowledged",
        ],
    ),
    case(
        18,
        "`PARTIAL_BATCH` is not set and one message fails: the invocation fails",
        &[
            "tests/edge/answers.rs::the_response_to_a_queue_lists_exactly_the_failed_messages",
            "tests/edge/function.rs::only_failed_messages_are_retried",
            "tests/account/test_event_source.py::test_messages_are_retried_as_documented_by_aws",
        ],
    ),
    case(
        19,
        "Events out of order, and after a delete marker: read by their version",
        &[
            "tests/aws/s3/reads.rs::case_19_events_out_of_order_are_read_by_their_version",
            "tests/aws/s3/reads.rs::all_bytes_of_an_object_are_of_one_version",
        ],
    ),
    case(
        20,
        "An object without bytes: skipped",
        &["tests/engine/objects/detection.rs::non_log_objects_are_skipped"],
    ),
    case(
        21,
        "Gzip of nothing: skipped, no lines",
        &[
            "tests/engine/objects/detection.rs::non_log_objects_are_skipped",
            "src/parse/input/tests.rs::an_empty_object_has_no_lines",
        ],
    ),
    case(
        22,
        "Text named `.gz`, gzip named `.log`, with and without `Content-Encoding`: the bytes decide",
        &[
            "tests/engine/objects/packing.rs::every_packing_gives_the_same_events",
            "tests/aws/s3/reads.rs::invalid_responses_are_retried_or_fail_the_object",
        ],
    ),
    case(
        23,
        "Two to a thousand gzip members, empty ones among them: all lines",
        &[
            "tests/engine/objects/packing.rs::every_packing_gives_the_same_events",
            "src/parse/input/tests.rs::every_member_is_read_whatever_the_chunks",
        ],
    ),
    case(
        24,
        "A line that spans two members is one line",
        &[
            "tests/engine/objects/packing.rs::every_packing_gives_the_same_events",
            "src/parse/input/tests.rs::every_member_is_read_whatever_the_chunks",
        ],
    ),
    case(
        25,
        "Gzip cut at rest in its header, its body or its trailer: its whole lines are kept; with `strict` it fails",
        &[
            "tests/engine/objects/packing.rs::a_truncated_object_is_salvaged_up_to_its_end",
            "tests/engine/objects/packing.rs::a_corrupt_object_is_salvaged_up_to_the_fault",
            "src/parse/input/tests.rs::a_truncated_object_is_an_error_at_every_byte",
            "tests/account/test_account.py::test_the_tables_agree_with_the_ledgers",
        ],
    )
    .except("Of an object that is cut before its first byte of text there is nothing to keep: it fails."),
    case(
        26,
        "A body that ends between two members: resumed, never a short output",
        &["tests/aws/s3/reads.rs::case_26_a_body_that_ends_between_two_members_is_not_the_whole_object"],
    ),
    case(
        27,
        "A flipped bit in a member, its checksum or its length: no wrong event",
        &[
            "tests/engine/objects/packing.rs::no_flipped_bit_puts_a_wrong_event_into_the_table",
            "tests/engine/objects/packing.rs::a_corrupt_object_is_salvaged_up_to_the_fault",
            "src/parse/input/tests.rs::a_flipped_bit_never_goes_unnoticed",
        ],
    ),
    case(
        28,
        "After the last member: zeros are padding, anything else and a lone header are faults",
        &[
            "tests/engine/objects/packing.rs::every_packing_gives_the_same_events",
            "src/parse/input/tests.rs::a_flipped_bit_never_goes_unnoticed",
            "src/parse/input/tests.rs::a_truncated_object_is_an_error_at_every_byte",
        ],
    ),
    case(
        29,
        "Optional fields in a gzip header, a name of 1 MiB among them",
        &["src/parse/input/tests.rs::case_29_optional_fields_of_a_member_are_skipped_whatever_their_length"],
    ),
    case(
        30,
        "Bombs, and a line that does not end: bounded memory, the line is quarantined",
        &[
            "tests/python/test_memory.py::test_an_object_of_one_partition_fits_the_smallest_memory",
            "tests/python/test_memory.py::test_the_smallest_function_survives_every_object",
            "tests/engine/objects/quarantine.rs::an_object_of_oversized_lines_needs_a_key_with_a_log_type",
            "tests/engine/objects/packing.rs::the_deadline_is_checked_within_a_chunk",
        ],
    ),
    case(
        31,
        "Archives, Parquet, an HTML page, the program's own output: named and refused, or skipped",
        &[
            "tests/engine/objects/detection.rs::foreign_formats_fail_and_are_named",
            "tests/edge/function.rs::the_function_never_ingests_its_own_outputs",
            "tests/edge/inputs.rs::outputs_among_the_inputs_are_skipped_and_counted",
            "tests/account/test_account.py::test_only_failing_objects_become_dead_letters",
        ],
    ),
    case(
        32,
        "No last newline, CR LF, a lone CR, NUL, a byte order mark, U+2028: only LF ends a line",
        &[
            "tests/engine/objects/lines.rs::case_32_only_a_newline_ends_a_line",
            "tests/engine/objects/packing.rs::every_packing_gives_the_same_events",
            "tests/engine/two_entries.rs::carriage_returns_alone_do_not_separate_entries",
        ],
    ),
    case(
        33,
        "Bytes that are not UTF-8: the event keeps them, escaped",
        &[
            "tests/engine/golden.rs::every_case_produces_exactly_its_events_and_its_quarantine",
            "src/parse/line/text.rs::bytes_that_are_not_utf8_stay_escaped",
        ],
    ),
    case(
        34,
        "12 to 40 fields, unknown fields, absent values, open quotes, escaped quotes",
        &[
            "tests/engine/objects/lines.rs::case_34_a_line_of_any_number_of_fields_is_an_event_or_quarantined",
            "tests/engine/golden.rs::every_case_produces_exactly_its_events_and_its_quarantine",
            "tests/engine/golden.rs::every_length_of_every_table_has_a_case",
            "tests/engine/properties.rs::mutated_lines_are_accounted_for",
        ],
    ),
    case(
        35,
        "IPv6, missing ports, lists, huge numbers, the years 0 and 9999, leap seconds: typed or quarantined",
        &[
            "tests/engine/golden.rs::every_case_produces_exactly_its_events_and_its_quarantine",
            "tests/engine/objects/lines.rs::case_35_the_first_and_the_last_year_are_times_in_every_schema",
            "src/parse/line/time.rs::fractions_and_zones_are_optional",
            "src/parse/line/value.rs::integers_parse_or_return_a_reason",
        ],
    ),
    case(
        36,
        "Lines around 64 KiB and 1 MiB: parsed up to 1 MiB, then quarantined, and reading goes on",
        &[
            "tests/engine/objects/quarantine.rs::an_oversized_line_is_quarantined_and_reading_resumes",
            "src/parse/input/tests.rs::lines_longer_than_a_mebibyte_are_emitted_in_parts",
        ],
    ),
    case(
        37,
        "AWS's test objects and folder markers: skipped, unless they have lines of a log",
        &[
            "tests/engine/objects/detection.rs::non_log_objects_are_skipped",
            "tests/engine/objects/detection.rs::lines_after_a_test_entry_are_not_lost",
            "src/object/key.rs::test_files_and_folder_markers_are_skipped",
        ],
    )
    .except("Load balancers write no header line."),
    case(
        38,
        "Most lines are malformed: the object fails",
        &["tests/engine/objects/quarantine.rs::objects_fail_if_most_lines_are_malformed"],
    ),
    case(
        39,
        "Logs of every type under one prefix: each in its own table",
        &[
            "tests/edge/cli.rs::a_second_run_over_the_samples_writes_nothing",
            "tests/engine/objects/detection.rs::a_key_that_names_the_log_type_decides_over_lines_of_another",
            "tests/template/test_promises.py::test_a_documented_choice_takes_the_log_types_that_it_promises",
        ],
    ),
    case(
        40,
        "Terminal sequences, line breaks and formulas in values and names: valid JSON, escaped where people read",
        &[
            "tests/engine/golden.rs::every_case_produces_exactly_its_events_and_its_quarantine",
            "src/encode/json/line_buffer.rs::serde_json_reads_the_strings_back",
            "src/escape.rs::nothing_that_controls_a_terminal_is_left",
            "tests/python/test_terminal.py::test_the_progress_bar_and_the_report_are_harmless",
            "tests/python/test_terminal.py::test_a_replay_is_harmless",
        ],
    )
    .except("The program writes no CSV of values."),
    case(
        41,
        "A secret in a URL or in a malformed line: never in an error, a report or a log",
        &[
            "tests/aws/lambda.rs::the_log_is_json_and_quotes_no_line",
            "tests/engine/objects/quarantine.rs::no_error_shows_the_content_of_a_line",
            "tests/edge/triggers.rs::errors_name_the_path_and_never_quote_the_payload",
        ],
    )
    .except(
        "Events and the quarantine have what the log has: values are not redacted ([Privacy](semantics.md#privacy)).",
    ),
];

fn cases() -> impl Iterator<Item = &'static Case> {
    CASES.iter().chain(&requests::CASES)
}

/// Returns the table as Markdown.
fn table() -> String {
    let applies = cases().filter(|case| !case.tests.is_empty()).count();
    let mut text = format!(
        "{applies} of {} cases apply, and a test checks each of them.\n\n| case | what happens | checked by |\n|---|---|---|\n",
        cases().count()
    );
    for case in cases() {
        let tests = case.tests.iter().map(|test| format!("`{test}`"));
        let except = (!case.except.is_empty()).then(|| case.except.to_owned());
        let checked_by = tests.chain(except).collect::<Vec<_>>().join("<br>");
        writeln!(text, "| {} | {} | {checked_by} |", case.number, case.title).unwrap();
    }
    text
}

/// Checks that a generated part of the page, between two marks, is up to date, or writes it.
fn check_part(begin: &str, part: &str, end: &str) {
    // Tests run at the same time, and each writes the whole page.
    static PAGE_LOCK: Mutex<()> = Mutex::new(());
    let _lock = PAGE_LOCK.lock().unwrap_or_else(PoisonError::into_inner);
    let path = package(PAGE);
    let page = fs::read_to_string(&path).unwrap();
    let (head, rest) = page.split_once(begin).expect("the page has the mark of the part");
    let (_, tail) = rest.split_once(end).expect("the page has the end of the part");
    let expected = [head, begin, part, end, tail].concat();
    if update() {
        fs::write(&path, expected).unwrap();
    } else {
        assert!(page == expected, "{PAGE} is out of date; run `make generated`");
    }
}

#[test]
fn the_matrix_is_up_to_date() {
    check_part(BEGIN, &table(), END);
}

#[test]
fn every_case_has_tests_or_a_reason() {
    for (number, case) in (1..).zip(cases()) {
        assert_eq!(case.number, number);
        assert!(
            !case.tests.is_empty() || !case.except.is_empty(),
            "case {number} has neither a test nor a reason"
        );
        assert!(!case.title.contains('|') && !case.except.contains('|'), "case {number}");
    }
}

/// A case that names a test that was renamed or removed is not covered.
#[test]
fn every_named_test_exists() {
    let missing: Vec<_> = cases()
        .flat_map(|case| case.tests.iter().map(|test| (case.number, *test)))
        .filter(|(_, test)| !exists(test))
        .map(|(number, test)| format!("case {number}: {test}"))
        .collect();
    assert!(missing.is_empty(), "these tests do not exist:\n{}", missing.join("\n"));
}

/// Tests that were written for a case have its number in their names, and the case names them.
#[test]
fn every_test_of_a_case_is_in_the_table() {
    for file in ["src", "tests"]
        .into_iter()
        .flat_map(|folder| walkdir::WalkDir::new(package(folder)))
    {
        let file = file.unwrap();
        if file.path().extension().is_none_or(|extension| extension != "rs") {
            continue;
        }
        let path = file
            .path()
            .strip_prefix(package(""))
            .unwrap()
            .to_str()
            .unwrap()
            .to_owned();
        let source = fs::read_to_string(file.path()).unwrap();
        for name in source
            .lines()
            .filter_map(|line| line.trim_start().strip_prefix("fn case_"))
        {
            let name = name.split('(').next().unwrap();
            let Some(number) = name.split('_').next().and_then(|number| number.parse::<u32>().ok()) else {
                continue;
            };
            let test = format!("{path}::case_{name}");
            let named = |case: &&Case| case.number == number && case.tests.contains(&test.as_str());
            assert!(cases().any(|case| named(&case)), "case {number} does not name {test}");
        }
    }
}

/// Returns whether a test exists: a function with the attribute `test`, or a Python function whose name begins with `test_`.
pub(crate) fn exists(test: &str) -> bool {
    let (path, name) = test.split_once("::").unwrap();
    let Ok(source) = fs::read_to_string(package(path)) else {
        return false;
    };
    let is_python = Path::new(path).extension().is_some_and(|extension| extension == "py");
    let head = if is_python { "def " } else { "fn " };
    let start = format!("{head}{name}(");
    let mut lines_before = Vec::new();
    for line in source.lines() {
        if line.trim_start().starts_with(&start) {
            return if is_python {
                name.starts_with("test_") && line.starts_with(head)
            } else {
                let mut attributes = lines_before.iter().rev().map(|line: &&str| line.trim());
                attributes
                    .by_ref()
                    .take_while(|line| line.starts_with('#') || line.starts_with("//"))
                    .any(|line| line == "#[test]")
            };
        }
        lines_before.push(line);
    }
    false
}

#[test]
fn tests_are_recognized() {
    assert!(exists("tests/docs/reliability.rs::tests_are_recognized"));
    assert!(!exists("tests/docs/reliability.rs::exists"));
    assert!(!exists("tests/docs/reliability.rs::removed"));
    assert!(!exists("tests/docs/removed.rs::tests_are_recognized"));
    assert!(exists(
        "tests/python/test_limits.py::test_a_machine_without_threads_only_makes_a_run_slower"
    ));
    assert!(!exists("tests/python/test_limits.py::folder"));
}
