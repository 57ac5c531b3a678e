//! The matrix of faults in docs/reliability.md: every case names the tests that check its expected result, or the reason why
//! it does not apply.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

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

const CASES: [Case; 72] = [
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
    case(
        42,
        "A read is refused, reset before its headers, or the host name does not resolve: retried",
        &[
            "tests/aws/s3/refusals.rs::transient_errors_are_retried_and_others_are_reported",
            "tests/aws/s3/refusals.rs::an_unreachable_server_is_reported",
        ],
    ),
    case(
        43,
        "A reset at any byte: resumed, with the same output",
        &["tests/aws/s3/reads.rs::a_connection_that_breaks_at_any_byte_changes_nothing"],
    ),
    case(
        44,
        "An early end at any byte: resumed, with the same output",
        &[
            "tests/aws/s3/reads.rs::a_connection_that_breaks_at_any_byte_changes_nothing",
            "tests/aws/s3/reads.rs::a_body_that_always_breaks_fails_after_the_maximum_attempts",
        ],
    ),
    case(
        45,
        "A body that stalls is resumed; one that drips fails at the deadline",
        &[
            "tests/aws/s3/reads.rs::a_connection_that_breaks_at_any_byte_changes_nothing",
            "tests/aws/s3/reads.rs::case_45_a_body_that_drips_fails_at_the_deadline",
            "tests/aws/lambda.rs::the_function_reports_a_missed_deadline_before_it_is_killed",
        ],
    ),
    case(
        46,
        "500, 503 and 429: retried, then the object fails and can be retried",
        &["tests/aws/s3/refusals.rs::transient_errors_are_retried_and_others_are_reported"],
    ),
    case(
        47,
        "The request for the rest returns the whole object: no line twice",
        &["tests/aws/s3/reads.rs::invalid_responses_are_retried_or_fail_the_object"],
    ),
    case(
        48,
        "An object that is overwritten before or while it is read: one version, never a mixture",
        &["tests/aws/s3/reads.rs::all_bytes_of_an_object_are_of_one_version"],
    ),
    case(
        49,
        "A wrong length, no length, too many bytes, another range: an error, never fewer lines",
        &[
            "tests/aws/s3/reads.rs::case_49_a_body_of_another_length_than_announced_is_an_error",
            "tests/aws/s3/reads.rs::a_response_with_another_range_is_not_accepted",
        ],
    ),
    case(
        50,
        "The checksum of a read does not match: nothing is committed, and a retry can help",
        &[
            "tests/aws/s3/reads.rs::invalid_responses_are_retried_or_fail_the_object",
            "tests/aws/s3/reads.rs::a_gzip_fault_of_a_resumed_read_is_read_again",
            "tests/aws/s3/reads.rs::case_50_a_cut_that_only_damaged_bytes_show_is_read_again",
        ],
    ),
    case(
        51,
        "Missing, denied, archived, without the key, expired credentials, another region: each has its error",
        &[
            "tests/aws/s3/refusals.rs::each_refusal_has_its_own_error",
            "tests/aws/s3/refusals.rs::transient_errors_are_retried_and_others_are_reported",
            "src/storage/aws/error/tests.rs::every_response_has_a_class_and_every_class_has_advice",
        ],
    ),
    case(
        52,
        "Requester Pays: refused without the setting, read with it",
        &["tests/aws/s3/refusals.rs::each_refusal_has_its_own_error"],
    ),
    case(
        53,
        "A write that was carried out without a response: recognized as done",
        &[
            "tests/aws/s3/writes.rs::a_write_without_a_response_is_verified",
            "tests/aws/s3/writes.rs::writes_survive_transient_faults",
        ],
    ),
    case(
        54,
        "A write that conflicts with another (409): retried",
        &[
            "tests/aws/s3/writes.rs::writes_survive_transient_faults",
            "tests/aws/s3/parts.rs::uploads_survive_transient_faults",
        ],
    ),
    case(
        55,
        "An output of another object has the name: an error, nothing is overwritten",
        &[
            "tests/aws/s3/writes.rs::existing_outputs_are_identified_by_their_source",
            "tests/edge/outputs.rs::a_final_path_that_holds_something_else_fails_its_object",
        ],
    ),
    case(
        56,
        "Multipart uploads whose part, completion or response fails: one whole object or nothing, no open upload",
        &[
            "tests/aws/s3/parts.rs::uploads_that_fail_leave_nothing_behind",
            "tests/aws/s3/parts.rs::uploads_survive_transient_faults",
            "tests/aws/s3/parts.rs::a_completion_without_a_response_is_verified",
        ],
    ),
    case(
        57,
        "Kills: no partial output, and a rerun has the reference bytes",
        &[
            "tests/aws/lambda.rs::the_next_delivery_completes_the_work_of_a_killed_function",
            "tests/engine/objects/destinations.rs::nothing_is_visible_if_a_later_output_cannot_be_completed",
            "tests/edge/merge.rs::killed_runs_and_runs_at_the_same_time_leave_the_same_bytes",
            "tests/aws/merge.rs::killed_workers_and_workers_at_the_same_time_leave_the_same_bytes",
            "tests/aws/function_merge.rs::a_killed_function_is_completed_by_the_next_message",
        ],
    ),
    case(
        58,
        "The deadline at each stage: the invocation fails in time, and commits nothing later",
        &[
            "tests/edge/function.rs::nothing_starts_after_the_deadline",
            "tests/engine/objects/packing.rs::the_deadline_is_checked_within_a_chunk",
            "tests/aws/s3/writes.rs::nothing_is_committed_after_the_deadline",
            "tests/aws/firehose/faults.rs::no_call_continues_past_the_deadline",
            "tests/engine/merge/failures.rs::nothing_is_committed_after_the_deadline",
            "tests/engine/merge/failures.rs::nothing_is_committed_if_the_deadline_passes_before_the_commit",
            "tests/aws/lambda.rs::the_function_reports_a_missed_deadline_before_it_is_killed",
            "tests/aws/lambda.rs::the_function_responds_in_time_although_four_aborts_hang",
        ],
    ),
    case(
        59,
        "A panic while an object is opened, read or encoded: its object fails, the next invocation works",
        &[
            "tests/edge/function.rs::case_59_a_panic_at_any_stage_fails_only_its_object",
            "src/parse/input/tests.rs::a_thread_that_ends_early_is_an_error_and_not_the_end",
            "src/ingest/tests.rs::a_reading_thread_that_ends_early_fails_the_object_even_with_salvage",
        ],
    ),
    case(
        60,
        "Objects larger than a memory limit: the run ends in success",
        &[
            "tests/python/test_memory.py::test_an_object_of_one_partition_fits_the_smallest_memory",
            "tests/python/test_memory.py::test_many_partitions_fit_the_documented_memory",
            "tests/python/test_memory.py::test_hours_of_a_day_fit_the_smallest_function",
        ],
    ),
    case(
        61,
        "Firehose rejects some or all records of a call: only these are sent again",
        &[
            "tests/aws/firehose/faults.rs::only_rejected_records_are_sent_again",
            "tests/aws/firehose/faults.rs::no_event_is_lost_and_no_limit_exceeded_whatever_fails",
        ],
    ),
    case(
        62,
        "Firehose throttles whole calls, for a while or for good: delivered, or the object fails",
        &[
            "tests/aws/firehose/faults.rs::an_invalid_response_confirms_no_record",
            "tests/aws/firehose/faults.rs::attempts_are_limited_without_a_deadline",
            "tests/aws/firehose/faults.rs::no_call_continues_past_the_deadline",
            "src/storage/retry.rs::pauses_spread_below_a_maximum_that_doubles",
        ],
    ),
    case(
        63,
        "Firehose accepts a call and its response is lost: nothing is lost, copies have equal ids",
        &[
            "tests/aws/firehose/faults.rs::an_invalid_response_confirms_no_record",
            "tests/aws/firehose/faults.rs::no_event_is_lost_and_no_limit_exceeded_whatever_fails",
        ],
    ),
    case(
        64,
        "Firehose's limits of records and bytes are never exceeded",
        &[
            "tests/aws/firehose/faults.rs::no_event_is_lost_and_no_limit_exceeded_whatever_fails",
            "src/storage/firehose/pack.rs::records_and_calls_are_filled_up_to_their_limits",
        ],
    ),
    case(
        65,
        "Firehose's response contradicts its call or itself: everything is sent again",
        &[
            "tests/aws/firehose/faults.rs::an_invalid_response_confirms_no_record",
            "src/storage/firehose/send.rs::a_response_is_read_entry_by_entry_or_not_at_all",
        ],
    )
    .except("Entries in another order than the records cannot be recognized: an entry has no name of its record."),
    case(
        66,
        "Firehose refuses: the key, the stream, the request. The object fails at once, and no retry helps",
        &["tests/aws/firehose/faults.rs::permanent_errors_fail_at_once"],
    ),
    case(
        67,
        "An event that is larger than a record: quarantined",
        &["tests/aws/firehose/objects.rs::an_event_larger_than_a_record_goes_to_the_quarantine"],
    ),
    case(68, "Continuing a huge object in another invocation", &[]).except(
        "The function does not do this: an object that takes too long fails, and its whole work is repeated. \
         Nothing is carried from one invocation to the next.",
    ),
    case(
        69,
        "The destination is in the source: refused at the start",
        &[
            "src/config/tests.rs::outputs_inside_the_source_are_rejected",
            "tests/aws/lambda.rs::an_invalid_setting_stops_the_start_with_its_name_its_value_and_the_allowed_values",
            "tests/edge/function.rs::the_function_never_ingests_its_own_outputs",
            "tests/edge/function_merge.rs::a_folder_that_the_function_writes_to_is_refused",
        ],
    ),
    case(
        70,
        "The template: visibility timeout, partial responses, dead letters, encryption, permissions",
        &[
            "tests/template/test_safety.py::test_the_visibility_timeout_is_at_least_six_function_timeouts",
            "tests/template/test_safety.py::test_partial_batch_responses_are_enabled_on_both_sides",
            "tests/template/test_safety.py::test_dead_letters_are_kept_longer_than_messages",
            "tests/template/test_safety.py::test_everything_is_encrypted",
            "tests/template/test_permissions.py::test_no_action_has_a_wildcard",
            "tests/template/test_safety.py::test_service_principals_are_limited_to_accounts",
            "tests/template/test_safety.py::test_each_permission_to_invoke_is_limited_to_one_source",
        ],
    ),
    case(
        71,
        "The same bytes with any number of threads, in any process",
        &[
            "tests/edge/cli.rs::output_does_not_depend_on_threads_or_location",
            "tests/engine/objects/packing.rs::two_threads_write_the_same_files",
            "tests/engine/properties.rs::any_chunking_gives_the_same_bytes",
            "tests/aws/lambda.rs::the_function_and_replay_have_the_same_response_and_outputs",
            "tests/python/test_readers.py::test_the_output_does_not_depend_on_the_folder_of_the_objects",
        ],
    ),
    case(
        72,
        "Many objects with faults, duplicates and reordering: the ledgers balance, nothing is missing",
        &[
            "tests/aws/s3/chaos.rs::outputs_are_complete_or_absent_whatever_fails",
            "tests/aws/firehose/objects.rs::a_stream_has_the_same_events_as_a_file",
            "tests/account/test_account.py::test_fixing_and_redriving_loses_and_duplicates_nothing",
            "tests/account/test_account.py::test_the_tables_agree_with_the_ledgers",
        ],
    ),
];

/// Returns the table as Markdown.
fn table() -> String {
    let applies = CASES.iter().filter(|case| !case.tests.is_empty()).count();
    let mut text = format!(
        "{applies} of {} cases apply, and a test checks each of them.\n\n| case | what happens | checked by |\n|---|---|---|\n",
        CASES.len()
    );
    for case in &CASES {
        let tests = case.tests.iter().map(|test| format!("`{test}`"));
        let except = (!case.except.is_empty()).then(|| case.except.to_owned());
        let checked_by = tests.chain(except).collect::<Vec<_>>().join("<br>");
        writeln!(text, "| {} | {} | {checked_by} |", case.number, case.title).unwrap();
    }
    text
}

#[test]
fn the_matrix_is_up_to_date() {
    let path = package(PAGE);
    let page = fs::read_to_string(&path).unwrap();
    let (head, rest) = page.split_once(BEGIN).expect("the page has the mark of the table");
    let (_, tail) = rest.split_once(END).expect("the page has the end of the table");
    let expected = [head, BEGIN, &table(), END, tail].concat();
    if update() {
        fs::write(&path, expected).unwrap();
    } else {
        assert!(page == expected, "{PAGE} is out of date; run `make generated`");
    }
}

#[test]
fn every_case_has_tests_or_a_reason() {
    for (number, case) in (1..).zip(&CASES) {
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
    let missing: Vec<_> = CASES
        .iter()
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
            assert!(
                CASES.iter().any(|case| named(&case)),
                "case {number} does not name {test}"
            );
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
