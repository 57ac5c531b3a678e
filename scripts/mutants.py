#!/usr/bin/env python3
"""Breaks the program on purpose, one defect at a time, and checks that the named tests catch each.

A mutant replaces one piece of text in one source file, which must contain it exactly once: a mutant that no longer applies is an
error, not a success. The file is changed in place, because only then the build is incremental, and is restored afterwards,
also after an interruption. After a kill, the next start restores it.
"""

import argparse
import datetime
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs/reliability.md"
BEGIN, END = "<!-- BEGIN results: mutants -->\n", "<!-- END results: mutants -->\n"
# The changed file and its original, while it is changed.
BACKUP = ROOT / "target/mutants.json"
# Beyond this, a test hangs because of the mutant, which counts as caught.
TIMEOUT_SECONDS = 600


@dataclass(frozen=True)
class Mutant:
    """A defect: the text `old` of a file becomes `new`. Each of the tests should fail."""

    name: str
    title: str
    path: str
    old: str
    new: str
    tests: tuple[str, ...]


# A fixed selection of kills in `cargo test`, at every position in `make soak`.
KILLS = "tests/aws/kills/mod.rs::a_kill_at_any_position_leaves_no_partial_output_and_a_rerun_completes_it"

MUTANTS = [
    Mutant(
        "ack-failed-message",
        "The response to a queue names no failed message",
        "src/trigger/answer.rs",
        "response.set_failures(failed);",
        "response.set_failures(Vec::<String>::new());",
        (
            "tests/edge/answers.rs::the_response_to_a_queue_lists_exactly_the_failed_messages",
            "tests/edge/function.rs::case_04_and_05_a_retry_adds_only_the_missing_objects_of_the_failed_messages",
            "tests/aws/lambda.rs::a_queue_delivers_every_valid_message_despite_faults",
        ),
    ),
    Mutant(
        "ack-before-commit",
        "An object succeeds whatever its commit reports",
        "src/ingest/mod.rs",
        "committed.map_err(|problem| problem.of(&facts.object))?;",
        "drop(committed);",
        (
            "tests/engine/objects/destinations.rs::a_failing_destination_fails_the_object_with_a_retryable_error",
            "tests/aws/s3/writes.rs::writes_that_keep_failing_leave_nothing_behind_and_report_why",
        ),
    ),
    Mutant(
        "ack-unfinished",
        "An object that was not started before the deadline counts as skipped",
        "src/function/work.rs",
        "None => Problem::OutOfTime,",
        "None => return skipped(Skip::Empty, Ledger::default()),",
        ("tests/edge/function.rs::nothing_starts_after_the_deadline",),
    ),
    Mutant(
        "ack-unknown-payload",
        "An unknown payload is acknowledged",
        "src/trigger/envelope.rs",
        """        Err(TriggerError::UnknownEnvelope {
            at: node.path.clone(),
            fields: Names::of(fields.keys().map(String::as_str)),
        })
""",
        "        Ok(())\n",
        (
            "tests/edge/triggers.rs::an_unknown_payload_is_never_acknowledged",
            "tests/edge/function.rs::an_unknown_payload_is_never_acknowledged",
        ),
    ),
    Mutant(
        "drop-a-part",
        "The second part of an upload is left out of its completion",
        "src/storage/s3/staged.rs",
        "Ok(part) => upload.parts.push(part),",
        "Ok(part) if number != 2 => upload.parts.push(part),\n            Ok(_) => {}",
        (
            "tests/aws/s3/parts.rs::parts_are_sent_early_and_become_visible_late",
            "tests/aws/s3/parts.rs::uploads_survive_transient_faults",
        ),
    ),
    Mutant(
        "drop-the-last-part",
        "A last part of less than 1 MiB is not sent",
        "src/storage/s3/staged.rs",
        "if self.buffer.len() > 0 {",
        "if self.buffer.len() > 1 << 20 {",
        (
            "tests/aws/s3/parts.rs::parts_are_sent_early_and_become_visible_late",
            "tests/aws/s3/chaos.rs::a_large_output_is_complete_or_absent_whatever_fails",
        ),
    ),
    Mutant(
        "leave-upload-open",
        "The upload of an output that failed is not aborted",
        "src/storage/s3/staged.rs",
        "self.aborts.start(self.bucket.clone(), key, upload.id);",
        "drop((key, upload.id));",
        (
            "tests/aws/s3/parts.rs::uploads_that_fail_leave_nothing_behind",
            "tests/aws/lambda.rs::the_function_responds_in_time_although_four_aborts_hang",
        ),
    ),
    Mutant(
        "ignore-412",
        "Any existing output counts as the object's own",
        "src/storage/s3/staged.rs",
        "if !existing.of_source {",
        "if !existing.of_source && self.bytes == 0 {",
        (
            "tests/aws/s3/writes.rs::existing_outputs_are_identified_by_their_source",
            "tests/aws/s3/parts.rs::an_existing_large_output_is_left_as_it_is",
        ),
    ),
    Mutant(
        "write-without-condition",
        "Outputs are written without `If-None-Match`",
        "src/storage/s3/bucket.rs",
        '(!self.options.overwrite).then(|| "*".to_owned())',
        "None",
        (
            "tests/aws/s3/writes.rs::concurrent_runs_both_succeed_and_write_each_output_once",
            "tests/aws/s3/writes.rs::existing_outputs_are_identified_by_their_source",
            "tests/aws/s3/reads.rs::outputs_in_s3_equal_outputs_in_a_directory",
            KILLS,
        ),
    ),
    Mutant(
        "trust-unverified-lines",
        "Lines of a gzip member with a wrong checksum become events",
        "src/parse/input/inflate.rs",
        "            verified: self.verified,\n",
        "            verified: self.text,\n",
        (
            "tests/engine/objects/packing.rs::no_flipped_bit_puts_a_wrong_event_into_the_table",
            "tests/engine/objects/packing.rs::a_corrupt_object_is_salvaged_up_to_the_fault",
        ),
    ),
    Mutant(
        "skip-the-checksum",
        "A body whose checksum does not match is accepted",
        "src/storage/s3/body.rs",
        "Ok(Some(Err(_))) if self.reached == bytes => Err(Failure::client_side(Class::Checksum)),",
        "Ok(Some(Err(_))) if self.reached == bytes => Ok(None),",
        (
            "tests/aws/s3/reads.rs::invalid_responses_are_retried_or_fail_the_object",
            "tests/aws/s3/reads.rs::case_49_a_body_of_another_length_than_announced_is_an_error",
        ),
    ),
    Mutant(
        "end-at-a-break",
        "A broken connection counts as the end of an object",
        "src/storage/s3/body.rs",
        "Ok(None | Some(Err(_))) => Err(Failure::client_side(Class::BrokenBody)),",
        "Ok(None | Some(Err(_))) => Ok(None),",
        (
            "tests/aws/s3/reads.rs::case_26_a_body_that_ends_between_two_members_is_not_the_whole_object",
            "tests/aws/s3/reads.rs::a_connection_that_breaks_at_any_byte_changes_nothing",
            "tests/aws/s3/chaos.rs::outputs_are_complete_or_absent_whatever_fails",
        ),
    ),
    Mutant(
        "resume-unconditionally",
        "The rest of an object is requested without `If-Match`",
        "src/storage/s3/body.rs",
        'get = get.if_match(format!("\\"{etag}\\""));',
        'get = get.set_if_match((self.reached == 0).then(|| format!("\\"{etag}\\"")));',
        (
            "tests/aws/s3/reads.rs::all_bytes_of_an_object_are_of_one_version",
            "tests/aws/s3/reads.rs::a_connection_that_breaks_at_any_byte_changes_nothing",
        ),
    ),
    Mutant(
        "repeat-after-a-break",
        "A server that ignores the range has its bytes read twice",
        "src/storage/s3/body.rs",
        "self.skip = self.reached - start;",
        "self.skip = 0;",
        ("tests/aws/s3/reads.rs::invalid_responses_are_retried_or_fail_the_object",),
    ),
    Mutant(
        "lose-the-last-line",
        "A last line without a newline is dropped",
        "src/parse/input/blocks.rs",
        "        if self.filled > 0 {\n            self.emit(self.filled, sink)?;\n",
        "        if let Some(at) = memrchr(b'\\n', self.buffer.get(..self.filled).unwrap_or_default()) {\n"
        "            self.emit(at + 1, sink)?;\n",
        (
            "src/parse/input/tests.rs::an_empty_object_has_no_lines",
            "tests/engine/objects/packing.rs::every_packing_gives_the_same_events",
        ),
    ),
    Mutant(
        "forget-the-quarantine",
        "The quarantine is not committed",
        "src/ingest/staging.rs",
        "        self.quarantine.commit(quarantine, ledger)\n",
        "        let _ = quarantine;\n        Ok(())\n",
        (
            "tests/engine/golden.rs::every_case_produces_exactly_its_events_and_its_quarantine",
            "tests/engine/properties.rs::mutated_lines_are_accounted_for",
            "tests/engine/merge/same_events.rs::a_merge_of_json_has_the_bytes_of_its_members",
        ),
    ),
    Mutant(
        "reuse-the-event-id",
        "In a merged Parquet file, every event has the id of the first member",
        "src/encode/parquet/mod.rs",
        "        self.facts.clone_from(facts);\n",
        "        self.facts.key.clone_from(&facts.key);\n",
        (
            "tests/engine/merge/same_events.rs::ids_of_consecutive_lines_of_two_objects_are_not_one_run",
            "tests/engine/merge/same_events.rs::the_keys_of_many_objects_are_values_like_any_other",
        ),
    ),
    Mutant(
        "pass-a-number-unread",
        "A worker whose number for a plan is taken goes on to the next one without reading whose it is",
        "src/merge/look.rs",
        "            Answer::Exists | Answer::Unknown => self.enter(Phase::Resolving(number, plan), Request::ReadPlan(number)),\n",
        "            Answer::Exists => {\n"
        "                self.history.add(number, std::iter::empty(), &[]);\n"
        "                self.commit(Arc::unwrap_or_clone(plan))\n"
        "            }\n"
        "            Answer::Unknown => self.enter(Phase::Resolving(number, plan), Request::ReadPlan(number)),\n",
        ("tests/engine/merge_model/mod.rs::every_interleaving_keeps_the_promises",),
    ),
    Mutant(
        "publish-without-a-plan",
        "A batch becomes visible before its plan exists",
        "src/merge/look.rs",
        "            repeated: Vec::new(),\n        };\n        self.commit(plan)\n",
        "            repeated: Vec::new(),\n        };\n        self.is_mine(self.history.plans(), Arc::new(plan))\n",
        (
            "tests/engine/merge_model/mod.rs::every_interleaving_keeps_the_promises",
            "tests/edge/function_merge.rs::a_folder_is_merged_once",
        ),
    ),
    Mutant(
        "forget-earlier-members",
        "A plan does not repeat the members of the plans that later workers no longer read",
        "src/merge/look.rs",
        "repeated: self.history.to_repeat(),",
        "repeated: Vec::new(),",
        ("tests/engine/merge_model/mod.rs::every_interleaving_keeps_the_promises",),
    ),
    Mutant(
        "confirm-rejected-records",
        "Records that Firehose rejected count as sent",
        "src/storage/confirmation.rs",
        "records.retain(|_| failed.next() == Some(true));",
        "records.retain(|_| failed.next().is_none());",
        (
            "tests/aws/firehose/faults.rs::only_rejected_records_are_sent_again",
            "tests/aws/firehose/faults.rs::no_event_is_lost_and_no_limit_exceeded_whatever_fails",
        ),
    ),
    Mutant(
        "ignore-failed-put-count",
        "Firehose's count of failures is not compared with the entries of its response",
        "src/storage/confirmation.rs",
        "if usize::try_from(failed_put_count) != Ok(count) {",
        "if failed_put_count < 0 && count == 0 {",
        (
            "src/storage/confirmation.rs::a_response_is_read_entry_by_entry_or_not_at_all",
            "tests/aws/firehose/faults.rs::an_invalid_response_confirms_no_record",
        ),
    ),
    Mutant(
        "commit-one-by-one",
        "An output becomes visible before the others of its object are complete",
        "src/ingest/outputs.rs",
        """        let mut staged = Vec::new();
        // Every output is complete before the first becomes visible.
        while let Some((_, output)) = self.open.pop_first() {
            staged.push((output.key, output.encoder.finish()?));
        }
        for (key, staged) in staged {
            commit.one(key, staged, ledger)?;
        }
""",
        """        while let Some((_, output)) = self.open.pop_first() {
            commit.one(output.key, output.encoder.finish()?, ledger)?;
        }
""",
        ("tests/engine/objects/destinations.rs::nothing_is_visible_if_a_later_output_cannot_be_completed",),
    ),
    Mutant(
        "commit-late",
        "A merge is committed after the deadline",
        "src/ingest/merged.rs",
        "        if self.options.deadline.has_passed() {\n            return Err(Problem::OutOfTime);\n        }\n        let mut sum",
        "        let mut sum",
        ("tests/engine/merge/failures.rs::nothing_is_committed_if_the_deadline_passes_before_the_commit",),
    ),
    Mutant(
        "accept-a-foreign-file",
        "Any file under the name of an output counts as the object's own",
        "src/ingest/staging.rs",
        "recognize(&key, existing, facts)?;",
        "drop((existing, facts));",
        ("tests/edge/outputs.rs::a_final_path_that_holds_something_else_fails_its_object",),
    ),
    Mutant(
        "skip-what-cannot-be-read",
        "With `ON_MISSING=skip`, an object that may not be read counts as missing",
        "src/function/work.rs",
        "Err(error) if error.problem.is_missing() && self.config.function.on_missing == OnMissing::Skip => {",
        "Err(_) if self.config.function.on_missing == OnMissing::Skip => {",
        ("tests/edge/function.rs::a_missing_object_fails_or_is_skipped_according_to_the_setting",),
    ),
    Mutant(
        "try-another-key",
        "An object that may not be read is sought under its alternative key",
        "src/storage/s3/source.rs",
        "(Err(missing), Some(other)) if missing.kind == ErrorKind::NotFound => match open(other) {",
        "(Err(missing), Some(other)) => match open(other) {",
        ("tests/aws/s3/reads.rs::the_alternative_key_is_tried_only_if_the_object_is_missing",),
    ),
    Mutant(
        "miss-a-changed-file",
        "A local file that changes while it is read is ingested",
        "src/storage/local/body.rs",
        "if is_longer || len == 0 && Content::new(&self.read, &self.file.metadata()?) != self.identified {",
        "if is_longer {",
        ("src/storage/local/body.rs::a_file_that_changes_after_it_was_identified_is_an_error",),
    ),
    Mutant(
        "believe-damaged-bytes",
        "A gzip fault in bytes that no checksum covers counts as one at rest",
        "src/ingest/object.rs",
        "    if !body.is_verified() {\n        ingest.distrust();\n    }\n",
        "",
        ("tests/aws/s3/reads.rs::case_50_a_cut_that_only_damaged_bytes_show_is_read_again",),
    ),
    Mutant(
        "lose-the-cut-line",
        "The line that a truncation cuts is not in the quarantine",
        "src/ingest/salvage.rs",
        "        if !cut.bytes.is_empty() {\n            let line",
        "        if cut.bytes.len() > 1 << 20 {\n            let line",
        ("tests/engine/objects/packing.rs::a_truncated_object_is_salvaged_up_to_its_end",),
    ),
    Mutant(
        "merge-two-versions",
        "Two versions of an object in one payload count as one",
        "src/trigger/mod.rs",
        "Some(Self::Object([bucket, key], [alternative_key, version_id, etag]))",
        "Some(Self::Object([bucket, key], [alternative_key, version_id, etag.filter(String::is_empty)]))",
        ("tests/edge/triggers.rs::only_the_same_version_of_an_object_is_a_duplicate",),
    ),
    Mutant(
        "skip-the-last-file",
        "The last file of a plan is not published",
        "src/merge/look.rs",
        "PublicationStep::File(file) if file < plan.files.len() =>",
        "PublicationStep::File(file) if file + 1 < plan.files.len() =>",
        (
            "tests/engine/merge_model/mod.rs::every_interleaving_keeps_the_promises",
            "tests/edge/function_merge.rs::a_folder_is_merged_once",
        ),
    ),
    Mutant(
        "mark-an-unpublished-plan",
        "A plan counts as published although one of its files could not be",
        "src/merge/look.rs",
        "            (_, Answer::Failed(failure)) => return self.not_published(number, &failure),\n",
        "            (File(file), Answer::Failed(_)) => File(file + 1),\n"
        "            (_, Answer::Failed(failure)) => return self.not_published(number, &failure),\n",
        ("tests/aws/merge.rs::any_single_fault_leaves_a_log_that_the_next_run_completes",),
    ),
    Mutant(
        "send-an-oversized-event",
        "An event that is larger than a record is sent to Firehose",
        "src/ingest/mod.rs",
        "let limit = target.events.event_limit();",
        "let limit = target.events.event_limit().map(|limit| 2 * limit);",
        ("tests/aws/firehose/objects.rs::an_event_larger_than_a_record_goes_to_the_quarantine",),
    ),
    Mutant(
        "write-in-place",
        "A file is written under its final name before it is linked there",
        "src/storage/local/directory.rs",
        "        file.sync_all()?;\n        match",
        "        file.sync_all()?;\n        fs::copy(file.path(), &path)?;\n        match",
        (KILLS,),
    ),
    Mutant(
        "stage-in-place",
        "A merge publishes a staged file that a killed worker left incomplete",
        "src/storage/local/store.rs",
        "        match self.write(&staged.path(), content) {\n            Ok(_) => Ok(String::new()),",
        "        let path = self.root.join(staged.path());\n"
        "        let _ = fs::create_dir_all(path.parent().unwrap_or(&self.root));\n"
        "        let mut file = match File::create_new(&path) {\n"
        "            Ok(file) => file,\n"
        "            Err(_) => return Ok(String::new()),\n"
        "        };\n"
        "        let copied = io::copy(content, &mut file);\n"
        "        match copied.map_err(|error| StorageError::local(Operation::Write, &path, error)) {\n"
        "            Ok(_) => Ok(String::new()),",
        (KILLS,),
    ),
    Mutant(
        "commit-the-first-output",
        "An output that exists already counts as all outputs of its object",
        "src/ingest/outputs.rs",
        "            commit.one(key, staged, ledger)?;\n        }\n        Ok(())",
        "            commit.one(key, staged, ledger)?;\n"
        "            if ledger.outputs.last().is_some_and(|output| !output.written) {\n"
        "                break;\n"
        "            }\n"
        "        }\n"
        "        Ok(())",
        (KILLS,),
    ),
    Mutant(
        "mark-before-publishing",
        "A plan is marked as published before its files are",
        "src/merge/worker.rs",
        "            Request::Publish(_, plan, file) => self.publish(plan, *file),",
        "            Request::Publish(number, plan, file) => {\n"
        "                self.create_done(*number, plan).and_then(|_| self.publish(plan, *file))\n"
        "            }",
        (KILLS,),
    ),
    Mutant(
        "ack-before-writing",
        "The function responds while an output is still being written",
        "src/storage/s3/staged.rs",
        "            staged.bucket.put(&staged.key, metadata.clone(), body)",
        "            let (bucket, key, metadata) = (staged.bucket.clone(), staged.key.clone(), metadata.clone());\n"
        "            std::thread::spawn(move || bucket.put(&key, metadata, body));\n"
        "            Ok(String::new())",
        (KILLS,),
    ),
]


def target_of(test: str) -> tuple[str, str]:
    """Returns the argument of cargo that selects the binary of a test, and the name of the test in it."""
    path, name = test.split("::")
    folders = list(Path(path).with_suffix("").parts)
    if folders[-1] in ("mod", "main"):
        folders.pop()
    if folders[0] == "src":
        modules = folders[1:] if folders[-1] == "tests" else [*folders[1:], "tests"]
        return "--lib", "::".join([*modules, name])
    return f"--test={folders[1]}", "::".join([*folders[2:], name])


def by_target(tests: Iterator[str]) -> dict[str, dict[str, str]]:
    """Returns the tests of each binary: by their name in it, as they are named here."""
    found: dict[str, dict[str, str]] = {}
    for test in tests:
        target, name = target_of(test)
        found.setdefault(target, {})[name] = test
    return found


def cargo(*arguments: str) -> tuple[int | None, str]:
    """Runs `cargo test`; returns its status, which is None if it took too long, and its output."""
    command = ["cargo", "test", "--locked", *arguments]
    process = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )
    try:
        output, _ = process.communicate(timeout=TIMEOUT_SECONDS)
        return process.returncode, output
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        return None, process.communicate()[0]
    except BaseException:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        raise


def build(targets: dict[str, dict[str, str]]) -> None:
    status, output = cargo("--no-run", *targets)
    if status != 0:
        sys.exit(f"{output}\nmutants: the build failed")


def failing(targets: dict[str, dict[str, str]]) -> list[str]:
    """Runs the tests; returns those that fail."""
    failed = []
    for target, tests in targets.items():
        status, output = cargo(target, "--", "--exact", *tests)
        results = dict(re.findall(r"^test (\S+)(?: - should panic)? \.\.\. (\w+)", output, re.MULTILINE))
        if status in (0, 101) and set(results) != set(tests):
            sys.exit(f"{output}\nmutants: ran {sorted(results)} instead of {sorted(tests)}")
        # A test that hangs, or ends the process, has no result.
        failed += [test for name, test in tests.items() if results.get(name) != "ok"]
    return failed


def restore() -> None:
    """Restores the file that a killed run left changed, unless it was edited since."""
    if BACKUP.exists():
        left = json.loads(BACKUP.read_text())
        path = ROOT / left["path"]
        if path.read_text() == left["changed"]:
            path.write_text(left["original"])
        BACKUP.unlink()


def change(mutant: Mutant) -> None:
    """Applies a mutant, and remembers how to restore the file."""
    path = ROOT / mutant.path
    original = path.read_text()
    changed = original.replace(mutant.old, mutant.new)
    BACKUP.write_text(json.dumps({"path": mutant.path, "original": original, "changed": changed}))
    path.write_text(changed)


@contextmanager
def applied(mutant: Mutant) -> Iterator[None]:
    """Applies a mutant, and restores the file at the end."""
    try:
        change(mutant)
        yield
    finally:
        restore()


def stale(mutant: Mutant) -> str | None:
    """Returns why a mutant cannot be applied, or one of its tests not be run."""
    found = (ROOT / mutant.path).read_text().count(mutant.old)
    if found != 1:
        return f"{mutant.name}: {mutant.path} has its text {found} times"
    for test in mutant.tests:
        path, name = test.split("::")
        source = ROOT / path
        if not source.exists() or not re.search(rf"^\s*fn {name}\(", source.read_text(), re.MULTILINE):
            return f"{mutant.name}: there is no test {test}"
    return None


def table(caught: dict[str, list[str]], day: str) -> str:
    """Returns the results as Markdown."""
    rows = ["| defect | caught by |", "|---|---|"]
    for mutant in MUTANTS:
        tests = "<br>".join(f"`{test}`" for test in caught[mutant.name]) or "**not caught**"
        rows.append(f"| {mutant.title} | {tests} |")
    number = sum(bool(tests) for tests in caught.values())
    return f"{number} of {len(MUTANTS)} were caught on {day}.\n\n" + "\n".join(rows) + "\n"


def write(text: str) -> None:
    """Writes the results to the page."""
    head, rest = PAGE.read_text().split(BEGIN)
    PAGE.write_text(head + BEGIN + text + END + rest.split(END)[1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help="the mutants to run (default: all)")
    parser.add_argument("--list", action="store_true", help="list the mutants")
    parser.add_argument("--write", action="store_true", help="write the results to docs/reliability.md; needs all mutants")
    arguments = parser.parse_args()
    unknown = set(arguments.names) - {mutant.name for mutant in MUTANTS}
    if unknown or (arguments.write and arguments.names):
        parser.error(f"no mutants named {', '.join(sorted(unknown))}" if unknown else "--write needs all mutants")
    if arguments.list:
        for mutant in MUTANTS:
            print(f"{mutant.name:26}{mutant.title}")
        return

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    signal.signal(signal.SIGHUP, lambda *_: sys.exit(129))
    restore()
    mutants = [mutant for mutant in MUTANTS if not arguments.names or mutant.name in arguments.names]
    problems = [problem for mutant in mutants if (problem := stale(mutant))]
    if problems:
        sys.exit("\n".join(problems))
    # A test that fails anyway catches nothing.
    everything = by_target(test for mutant in mutants for test in mutant.tests)
    build(everything)
    if broken := failing(everything):
        sys.exit("these tests fail without a mutant:\n" + "\n".join(broken))
    caught = {}
    for mutant in mutants:
        with applied(mutant):
            targets = by_target(iter(mutant.tests))
            build(targets)
            caught[mutant.name] = failing(targets)
        missed = [test for test in mutant.tests if test not in caught[mutant.name]]
        print(f"{'caught' if caught[mutant.name] else 'NOT caught':12}{mutant.name}: {mutant.title}", flush=True)
        for test in missed:
            print(f"{'':12}passed: {test}", flush=True)
    if arguments.write:
        write(table(caught, datetime.date.today().isoformat()))
    if not all(caught.values()):
        sys.exit(1)


if __name__ == "__main__":
    main()
