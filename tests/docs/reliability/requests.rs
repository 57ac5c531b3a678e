//! The cases of requests, processes and deployments.

use super::{Case, case};

pub(super) const CASES: [Case; 31] = [
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
            "tests/aws/kills/mod.rs::a_kill_at_any_position_leaves_no_partial_output_and_a_rerun_completes_it",
            "tests/engine/objects/destinations.rs::nothing_is_visible_if_a_later_output_cannot_be_completed",
            "tests/edge/merge.rs::killed_runs_and_runs_at_the_same_time_leave_the_same_bytes",
            "tests/aws/plans/mod.rs::every_plan_holds_every_invariant",
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
            "src/storage/confirmation.rs::a_response_is_read_entry_by_entry_or_not_at_all",
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
            "tests/aws/plans/mod.rs::every_plan_holds_every_invariant",
            "tests/aws/s3/chaos.rs::outputs_are_complete_or_absent_whatever_fails",
            "tests/aws/firehose/objects.rs::a_stream_has_the_same_events_as_a_file",
            "tests/account/test_account.py::test_fixing_and_redriving_loses_and_duplicates_nothing",
            "tests/account/test_account.py::test_the_tables_agree_with_the_ledgers",
        ],
    ),
];
