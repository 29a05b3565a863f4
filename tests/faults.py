"""The faults that autoD is built for, each with what must hold and the tests that provoke it; `python benchmarks/reliability.py` writes the table.

A test is `file::name` without `tests/test_` and `test_`; tests/test_reliability.py sees that each exists.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong, what must hold all the same, and where it is tried."""

    fault: str
    holds: str
    tests: tuple[str, ...]


FAULTS = (
    Fault(
        "killed between any two steps",
        "every document accounted for, no received answer paid again, what was in flight named",
        ("crash::killed_at_any_step_nothing_is_lost_or_paid_twice", "recovery::a_crash_behind_any_event_is_made_good"),
    ),
    Fault(
        "killed while the database is loaded",
        "it opens, and loading again changes nothing",
        ("store::a_load_that_is_killed_in_its_middle_is_taken_up_again", "store::loading_again_adds_nothing"),
    ),
    Fault(
        "the journal's last line is torn",
        "dropped and counted once its run is dead",
        ("journal::a_segment_cut_at_any_byte_loads_all_lines_before_the_cut", "store::an_unfinished_last_line_waits_while_its_run_is_alive"),
    ),
    Fault(
        "a line in its middle is damaged",
        "quarantined alone with a reason",
        ("journal::a_broken_line_in_the_middle_is_put_aside_alone", "store::a_line_that_cannot_be_loaded_is_put_aside_alone"),
    ),
    Fault(
        "power cut before the disk has it",
        "a segment cut anywhere loads; the database claims no more than the journal",
        ("journal::a_segment_cut_at_any_byte_loads_all_lines_before_the_cut", "batch::a_batch_whose_calls_were_not_all_recorded_is_never_sent"),
    ),
    Fault(
        "the database's .wal is damaged or gone",
        "missing rows are noticed and made anew from the journal",
        ("doctor::rows_that_a_damaged_log_took_are_missed",),
    ),
    Fault(
        "the database is damaged or gone",
        "file and remedy named; the same figures come of the journal",
        (
            "store::a_damaged_database_is_told_with_the_remedy_and_the_remedy_works",
            "recovery::a_database_that_is_deleted_is_made_again",
            "cli::a_damaged_database_is_made_again_from_the_journal",
        ),
    ),
    Fault(
        "the disk is full, at each write",
        "no further call, what was received is kept, exit 6, goes on with room",
        (
            "recovery::a_full_disk_stops_a_run_at_any_event_and_nothing_is_lost",
            "recovery::a_full_disk_lets_nobody_wait_for_ever",
            "recovery::a_disk_that_takes_no_more_is_exit_6_and_nothing_is_broken",
        ),
    ),
    Fault(
        "folder read-only or of somebody else",
        "exit 6 before any call, folder and remedy named",
        ("cli::a_read_only_workspace_is_exit_6", "workspace::a_workspace_that_cannot_be_written_is_told_before_anything_is_sent"),
    ),
    Fault(
        "two runs at once",
        "the second names the first and sends nothing, exit 5, or waits",
        ("recovery::the_second_of_two_runs_sends_nothing_or_waits", "workspace::a_second_run_is_told_who_holds_the_workspace"),
    ),
    Fault(
        "open notebook or long query beside a run",
        "the run loses neither time nor an event; the reader sees one state",
        (
            "recovery::a_long_query_holds_no_run_up_and_sees_one_state",
            "store::readers_see_whole_states_and_keep_no_writer_waiting",
            "ingest::a_database_that_somebody_holds_stops_no_run",
        ),
    ),
    Fault("the database's lock is lost by reading its file", "nothing opens it as a file", ("store::no_module_opens_the_database_as_a_file",)),
    Fault(
        "stale lock, process number used again",
        "free the instant its holder dies; no number is believed",
        ("workspace::the_workspace_is_free_the_instant_its_holder_dies", "recovery::a_lock_of_a_killed_run_is_free_at_once"),
    ),
    Fault(
        "migration interrupted, or newer database",
        "a step is whole or absent, a copy is kept, an older autoD refuses, also in the middle of a run",
        (
            "store::an_interrupted_migration_leaves_nothing_behind",
            "store::a_database_of_a_newer_autod_is_refused_and_not_changed",
            "store::a_database_is_copied_before_its_version_changes",
            "recovery::a_migration_by_a_newer_autod_ends_an_older_run_in_order",
        ),
    ),
    Fault(
        "Ctrl-C once, twice, SIGTERM, a notebook's interrupt",
        "once: no new calls, exit 130; twice: now, calls named",
        (
            "recovery::an_interrupt_ends_a_run_in_order",
            "recovery::a_second_interrupt_cuts_off_what_is_in_flight",
            "ingest::an_interrupt_in_a_notebook_ends_the_run_in_order",
        ),
    ),
    Fault(
        "storm of 429, dead API",
        "at most 1.1 attempts a request, and it ends by itself",
        ("api::a_dead_api_is_not_hammered", "api::a_storm_of_refusals_halves_the_calls_at_once_and_they_climb_again"),
    ),
    Fault(
        "retry-after of every form",
        "waited for as it was meant, up to a limit",
        ("api::retry_after_is_read_as_it_was_meant", "api::a_wait_that_was_asked_for_is_kept", "api::a_wait_beyond_the_limit_ends_the_run"),
    ),
    Fault(
        "quota used up, key or model refused",
        "not tried again; one clear line, exit 2 or 4",
        ("api::a_used_up_quota_ends_the_run", "api::a_refused_key_or_model_stops_at_once"),
    ),
    Fault(
        "burst of 5xx, then well again",
        "the breaker opens, probes and closes; no document fails by it",
        ("api::a_run_waits_an_outage_out_and_every_request_is_answered", "api::an_outage_fails_no_document_for_good"),
    ),
    Fault(
        "timeout or drop after the work was done",
        "unsettled with an upper bound; asked again by a stated rule",
        ("api::a_connection_that_drops_leaves_an_unsettled_call", "api::what_may_have_been_billed_is_asked_again_only_so_often"),
    ),
    Fault(
        "an answer twice, late, or of a batch line twice",
        "one extraction, cost as billed",
        ("batch::an_odd_output_file_is_settled_line_by_line", "batch::two_collections_at_once_settle_each_line_once"),
    ),
    Fault(
        "drip, stall, endless or compressed body",
        "a deadline over the whole call, and a limit of size",
        (
            "api::a_deadline_ends_what_never_comes_to_an_end",
            "api::an_answer_beyond_the_limit_is_cut_off",
            "api::a_compressed_answer_is_not_unpacked",
        ),
    ),
    Fault(
        "cut or wrong JSON, HTML, error with 200",
        "a failed attempt with kind and raw body",
        ("api::what_is_no_response_is_unsettled_with_its_upper_bound",),
    ),
    Fault(
        "usage missing, negative, absurd",
        "cost NULL with the reason, never 0",
        ("api::a_cost_that_nobody_knows_is_null_and_never_zero", "prices::no_usage_makes_a_negative_cost_or_an_error"),
    ),
    Fault(
        "answer that breaks the schema",
        "settled first, repaired once, then a person looks",
        ("ingest::an_invalid_answer_is_settled_then_repaired_once", "document::a_wrong_value_is_told_by_the_name_of_its_field"),
    ),
    Fault(
        "refusal, incomplete, filter, failed, two messages",
        "each its own outcome and rule, all billed",
        ("answers::what_came_is_named_asked_and_judged_as_the_table_says", "api::odd_answers_have_a_name_and_are_billed"),
    ),
    Fault(
        "another model or tier answers",
        "priced by what answered; told",
        ("api::an_answer_of_another_model_is_priced_as_that_model", "answers::an_answer_of_another_model_raises_an_alert_once"),
    ),
    Fault(
        "the clock jumps, other time zones",
        "durations by another clock, rows in UTC, order kept, no budget widened",
        (
            "api::time_is_measured_by_a_clock_that_nobody_sets",
            "journal::events_stay_in_their_order_when_the_clock_is_set_back",
            "budget::a_clock_that_goes_back_widens_no_budget",
            "store::times_and_days_are_utc_whatever_zone_the_machine_is_in",
        ),
    ),
    Fault(
        "race for a budget, wrong estimates, kills",
        "spent and open never pass the limit by more than the error of calls in flight",
        (
            "budget::what_is_spent_and_open_never_passes_the_limit",
            "budget::wrong_estimates_pass_the_limit_by_no_more_than_their_error",
            "budget::a_killed_run_leaves_its_open_calls_in_the_budget",
        ),
    ),
    Fault(
        "batch killed at any step",
        "submitted once, no line lost",
        ("batch::a_submission_killed_at_any_step_is_submitted_once", "batch::a_collection_killed_in_the_middle_loses_no_line"),
    ),
    Fault(
        "batch expired, failed, cancelled, forgotten",
        "what came is kept, the rest is asked again",
        (
            "batch::what_came_back_with_nothing_is_asked_again_and_only_that",
            "batch::a_batch_that_fails_as_a_whole_costs_nothing_and_says_why",
            "batch::a_batch_of_a_server_that_has_forgotten_it_is_gone_and_unsettled",
        ),
    ),
    Fault(
        "a step of indexing fails",
        "those before it are taken back; the document is tried again",
        ("resources::when_a_step_fails_those_before_it_are_taken_back", "resources::a_failure_of_the_way_back_hides_nothing"),
    ),
    Fault(
        "orphans at the provider",
        "none after a sweep; nothing of anybody else's is touched",
        (
            "resources::after_a_kill_at_any_step_the_same_command_goes_on_and_a_sweep_leaves_no_orphan",
            "resources::a_sweep_removes_ours_alone_and_a_dry_run_nothing",
        ),
    ),
    Fault(
        "a key on its way out",
        "in no file, output or parameter, after failures too",
        ("cli::the_key_appears_nowhere", "api::the_key_is_written_nowhere", "runs::the_key_is_in_no_file_of_the_workspace"),
    ),
    Fault("redirect to another host", "not followed; the document goes to no second host", ("api::a_redirect_is_not_followed",)),
    Fault(
        "hostile PDF",
        "one row with a reason, in time and memory, neighbours unharmed",
        (
            "pdf::every_hostile_file_ends_as_it_must",
            "pdf::this_process_stays_small_whatever_a_document_holds",
            "pdf::a_stopped_worker_harms_no_neighbour",
        ),
    ),
    Fault(
        "FIFO, link, device, 3 GB, file that changes",
        "never opened, or one read for everything",
        (
            "pdf::what_is_no_file_is_never_opened",
            "pdf::what_cannot_be_stored_ends_as_it_must",
            "pdf::a_file_replaced_between_look_and_open_is_not_used",
        ),
    ),
    Fault(
        "file names of any bytes",
        "read, on one line, and they lead back to the file",
        ("ingest::any_name_leads_back_to_its_file", "cli::hostile_names_stay_on_one_line"),
    ),
    Fault(
        "script, formula, markup in text and answers",
        "inert in pages, notebooks, CSV and terminal",
        (
            "runs::what_a_document_smuggles_in_does_nothing_in_a_browser",
            "charts::what_a_document_says_stays_text_in_tables_tiles_and_words",
            "export::a_spreadsheet_finds_no_live_formula",
        ),
    ),
    Fault(
        "prompt injection",
        "no tool, no address, no byte of the request outside the document's own part",
        ("injection::an_order_in_a_document_changes_nothing_around_it", "injection::no_order_is_obeyed_by_the_reader_of_rules"),
    ),
    Fault(
        "SQL that reaches outside the database",
        "refused",
        ("store::sql_reaches_nothing_outside_the_database", "cli::sql_changes_nothing_and_reaches_nothing"),
    ),
    Fault(
        "no memory, no worker, a fault of ours",
        "one document's failure",
        ("pdf::a_document_over_its_memory_keeps_what_was_known", "ingest::a_fault_of_ours_costs_one_document"),
    ),
    Fault(
        "purge killed at any step",
        "refused from the first step on, ended by the same command, sums as before",
        ("purge::a_purge_killed_at_any_step_is_ended_by_the_same_command",),
    ),
    Fault(
        "backup during a run, damaged backup",
        "consistent; only adds; a damaged one changes nothing",
        ("backup::a_backup_taken_while_a_run_goes_on_is_whole_and_goes_on_elsewhere", "backup::what_is_no_whole_backup_changes_nothing"),
    ),
)


def table() -> str:
    """The catalogue as the documentation has it."""
    lines = ["| fault | what holds | tests |", "|---|---|---|"]
    for each in FAULTS:
        names = ", ".join(f"`{file}.{name}`" for file, name in (test.split("::") for test in each.tests))
        lines.append(f"| {each.fault} | {each.holds} | {names} |")
    return "\n".join(lines) + "\n"
