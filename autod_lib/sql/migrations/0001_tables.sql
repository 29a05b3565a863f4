-- The tables that the journal is loaded into: one a kind of event, appended to, never updated. run_id and seq name the event behind a row.

create table segments (
    run_id varchar primary key, loaded_bytes bigint not null, events bigint not null, poison bigint not null, torn_bytes bigint not null,
    is_closed boolean not null, loaded_at timestamptz not null
);
comment on table segments is 'How far each segment of the journal is loaded. One row a run.';
comment on column segments.run_id is 'Run, and name of its segment.';
comment on column segments.loaded_bytes is 'Bytes of the segment that are loaded.';
comment on column segments.events is 'Events loaded.';
comment on column segments.poison is 'Lines that could not be loaded; see quarantined_lines.';
comment on column segments.torn_bytes is 'Bytes of an unfinished last line of a run that has died.';
comment on column segments.is_closed is 'Whether the run had ended when the segment was last read.';
comment on column segments.loaded_at is 'When, UTC.';

create table quarantined_lines (run_id varchar not null, logged_at timestamptz not null, reason varchar not null, line varchar not null);
comment on table quarantined_lines is 'Lines of the journal that are no events, each kept alone with the reason.';
comment on column quarantined_lines.run_id is 'Run whose segment holds the line.';
comment on column quarantined_lines.logged_at is 'When it was found, UTC.';
comment on column quarantined_lines.reason is 'What is wrong with it.';
comment on column quarantined_lines.line is 'The line, at most 10,000 characters.';

create table runs_started (
    run_id varchar, seq bigint, logged_at timestamptz, command varchar, arguments json, settings json, version varchar, host varchar, pid bigint,
    environment varchar, parent_run_id varchar, notebook varchar, base_url varchar, is_simulated boolean,
    budget_run_usd decimal(24,12), budget_day_usd decimal(24,12), budget_month_usd decimal(24,12)
);
comment on table runs_started is 'One row a run: what was started, with which settings.';
comment on column runs_started.run_id is 'Run.';
comment on column runs_started.seq is 'Place of the event in its segment.';
comment on column runs_started.logged_at is 'Start, UTC.';
comment on column runs_started.command is 'Command or notebook run: ingest, run, labels, …';
comment on column runs_started.arguments is 'Arguments as given.';
comment on column runs_started.settings is 'All settings as text, the key only as whether it is set.';
comment on column runs_started.version is 'Version of autoD.';
comment on column runs_started.host is 'Machine.';
comment on column runs_started.pid is 'Process.';
comment on column runs_started.environment is 'Name of the installation.';
comment on column runs_started.parent_run_id is 'The run of `autod run` that started this one, if any.';
comment on column runs_started.notebook is 'Notebook executed, if any.';
comment on column runs_started.base_url is 'Address of the API.';
comment on column runs_started.is_simulated is 'Whether its calls are simulated.';
comment on column runs_started.budget_run_usd is 'USD this run may cost; NULL: no limit.';
comment on column runs_started.budget_day_usd is 'USD the UTC day may cost; NULL: no limit.';
comment on column runs_started.budget_month_usd is 'USD the UTC month may cost; NULL: no limit.';

create table runs_finished (run_id varchar, seq bigint, logged_at timestamptz, exit_status integer, state varchar, reason varchar, seconds double, summary json);
comment on table runs_finished is 'One row a run that ended in order; a run without one was killed or still runs.';
comment on column runs_finished.run_id is 'Run.';
comment on column runs_finished.seq is 'Place of the event in its segment.';
comment on column runs_finished.logged_at is 'End, UTC.';
comment on column runs_finished.exit_status is 'Exit status of the command.';
comment on column runs_finished.state is 'finished, stopped, failed or interrupted.';
comment on column runs_finished.reason is 'Why it stopped, in a sentence.';
comment on column runs_finished.seconds is 'Duration by the monotonic clock, in seconds.';
comment on column runs_finished.summary is 'What the command reported.';

create table prompt_versions (
    run_id varchar, seq bigint, logged_at timestamptz, prompt_hash varchar, schema_version varchar, system varchar, developer varchar,
    schema json, prefix_tokens bigint, encoding varchar
);
comment on table prompt_versions is 'Every static prefix ever sent, by its hash; one row a run that sent it.';
comment on column prompt_versions.run_id is 'Run that sent it.';
comment on column prompt_versions.seq is 'Place of the event in its segment.';
comment on column prompt_versions.logged_at is 'When, UTC.';
comment on column prompt_versions.prompt_hash is 'Hash of system and developer message and schema.';
comment on column prompt_versions.schema_version is 'Version of the record.';
comment on column prompt_versions.system is 'System message.';
comment on column prompt_versions.developer is 'Developer message.';
comment on column prompt_versions.schema is 'Strict JSON schema.';
comment on column prompt_versions.prefix_tokens is 'Tokens of the static prefix by tiktoken.';
comment on column prompt_versions.encoding is 'Encoding they were counted in.';

create table sightings_log (
    run_id varchar, seq bigint, logged_at timestamptz, path varchar, document_sha256 varchar, size_bytes bigint, modified_ns bigint,
    problem varchar, sentence varchar
);
comment on table sightings_log is 'Every time a path was seen new, changed, moved or gone.';
comment on column sightings_log.run_id is 'Run that saw it.';
comment on column sightings_log.seq is 'Place of the event in its segment.';
comment on column sightings_log.logged_at is 'When, UTC.';
comment on column sightings_log.path is 'Absolute path; a file: address when the name is not UTF-8.';
comment on column sightings_log.document_sha256 is 'SHA-256 of the content; NULL when it could not be read.';
comment on column sightings_log.size_bytes is 'Size in bytes.';
comment on column sightings_log.modified_ns is 'Time of last change by the file system, nanoseconds since 1970.';
comment on column sightings_log.problem is 'Why it was not read, a word; vanished: it is no longer there.';
comment on column sightings_log.sentence is 'The same as a sentence, with what to do.';

create table looks (run_id varchar, seq bigint, logged_at timestamptz, root varchar, files bigint, unchanged bigint, changed bigint, vanished bigint, seconds double);
comment on table looks is 'Every whole look over a folder or file: what is unchanged is not written again for each file.';
comment on column looks.run_id is 'Run.';
comment on column looks.seq is 'Place of the event in its segment.';
comment on column looks.logged_at is 'Start of the look, UTC.';
comment on column looks.root is 'Absolute path that was looked at.';
comment on column looks.files is 'Files found.';
comment on column looks.unchanged is 'Files as they were seen before.';
comment on column looks.changed is 'Files new or changed.';
comment on column looks.vanished is 'Files known and no longer there.';
comment on column looks.seconds is 'Duration in seconds.';

create table documents_read (
    run_id varchar, seq bigint, logged_at timestamptz, document_sha256 varchar, sha256_base64 varchar, file_name varchar, path varchar, size_bytes bigint,
    page_count integer, status varchar, problem varchar, flags json, sentence varchar, text_layer varchar, text_reason varchar, text_characters bigint,
    metadata json, seconds double
);
comment on table documents_read is 'Every reading of a document by the guarded reader.';
comment on column documents_read.run_id is 'Run.';
comment on column documents_read.seq is 'Place of the event in its segment.';
comment on column documents_read.logged_at is 'When, UTC.';
comment on column documents_read.document_sha256 is 'SHA-256 of the bytes, hexadecimal.';
comment on column documents_read.sha256_base64 is 'SHA-256 of the bytes, base64.';
comment on column documents_read.file_name is 'Name of the file that was read.';
comment on column documents_read.path is 'Path that was read.';
comment on column documents_read.size_bytes is 'Size in bytes.';
comment on column documents_read.page_count is 'Pages, counted by walking the page tree; NULL when it could not be read.';
comment on column documents_read.status is 'readable, rejected or quarantined.';
comment on column documents_read.problem is 'Why it was rejected or quarantined, a word.';
comment on column documents_read.flags is 'Peculiarities that do not stop it.';
comment on column documents_read.sentence is 'What is the matter and what to do.';
comment on column documents_read.text_layer is 'good, poor, none or unread.';
comment on column documents_read.text_reason is 'Why it was judged so.';
comment on column documents_read.text_characters is 'Characters of text extracted; NULL when not asked for or failed.';
comment on column documents_read.metadata is 'Title, author and so on, as the document claims.';
comment on column documents_read.seconds is 'Time to read, in seconds.';

create table calls_started (
    run_id varchar, seq bigint, logged_at timestamptz, call_id uuid, request_key varchar, document_sha256 varchar, arm varchar, purpose varchar, model varchar,
    input_mode varchar, reasoning_effort varchar, verbosity varchar, prompt_hash varchar, schema_version varchar, repeat integer, attempt integer,
    service_tier_asked varchar, cache_policy varchar, cache_key varchar, estimated_input_tokens bigint, estimate_usd decimal(24,12),
    cost_upper_usd decimal(24,12), is_simulated boolean
);
comment on table calls_started is 'Every call to the API, written before it is made.';
comment on column calls_started.run_id is 'Run.';
comment on column calls_started.seq is 'Place of the event in its segment.';
comment on column calls_started.logged_at is 'When, UTC.';
comment on column calls_started.call_id is 'Call.';
comment on column calls_started.request_key is 'Hash of who answers, document, prompt, schema, model, input mode, effort, verbosity, output cap and repeat.';
comment on column calls_started.document_sha256 is 'Document; NULL for calls that belong to none.';
comment on column calls_started.arm is 'Model, input mode, effort and prompt, as one name.';
comment on column calls_started.purpose is 'extract, repair or prewarm.';
comment on column calls_started.model is 'Model asked.';
comment on column calls_started.input_mode is 'text, file-low or file-high.';
comment on column calls_started.reasoning_effort is 'Effort asked.';
comment on column calls_started.verbosity is 'Verbosity asked.';
comment on column calls_started.prompt_hash is 'Version of the static prefix.';
comment on column calls_started.schema_version is 'Version of the record.';
comment on column calls_started.repeat is 'Number of the repetition, 0 unless one was wanted.';
comment on column calls_started.attempt is 'Attempt at this request within the run, from 1.';
comment on column calls_started.service_tier_asked is 'Service tier asked.';
comment on column calls_started.cache_policy is 'How the prompt cache is used: automatic, explicit or none.';
comment on column calls_started.cache_key is 'prompt_cache_key sent.';
comment on column calls_started.estimated_input_tokens is 'Input tokens estimated before the call.';
comment on column calls_started.estimate_usd is 'USD expected before the call; NULL without a price.';
comment on column calls_started.cost_upper_usd is 'USD it can cost at most; NULL without a price.';
comment on column calls_started.is_simulated is 'Whether the answer is simulated.';

create table calls_finished (
    run_id varchar, seq bigint, logged_at timestamptz, call_id uuid, request_key varchar, document_sha256 varchar, arm varchar, purpose varchar, model varchar,
    input_mode varchar, reasoning_effort varchar, verbosity varchar, prompt_hash varchar, schema_version varchar, repeat integer, attempt integer,
    service_tier_asked varchar, cache_policy varchar, cache_key varchar, estimated_input_tokens bigint, estimate_usd decimal(24,12),
    cost_upper_usd decimal(24,12), is_simulated boolean,
    started_at timestamptz, finished_at timestamptz, status varchar, outcome varchar, error_kind varchar, error_message varchar, http_status integer,
    model_answered varchar, service_tier varchar, response_id varchar, request_id varchar, latency_ms double,
    input_tokens bigint, cached_tokens bigint, cache_write_tokens bigint, cache_write_30m_tokens bigint, cache_write_12h_tokens bigint,
    output_tokens bigint, reasoning_tokens bigint, cost_usd decimal(24,12), uncached_usd decimal(24,12), cached_usd decimal(24,12),
    cache_write_usd decimal(24,12), output_usd decimal(24,12), price_source varchar, price_date date, price_rates json, input_rate decimal(18,9),
    price_warning varchar
);
comment on table calls_finished is 'Every call whose end is known, with the columns of its start repeated.';
comment on column calls_finished.run_id is 'Run.';
comment on column calls_finished.seq is 'Place of the event in its segment.';
comment on column calls_finished.logged_at is 'When it was written, UTC.';
comment on column calls_finished.call_id is 'Call.';
comment on column calls_finished.request_key is 'As in calls_started.';
comment on column calls_finished.document_sha256 is 'As in calls_started.';
comment on column calls_finished.arm is 'As in calls_started.';
comment on column calls_finished.purpose is 'As in calls_started.';
comment on column calls_finished.model is 'As in calls_started.';
comment on column calls_finished.input_mode is 'As in calls_started.';
comment on column calls_finished.reasoning_effort is 'As in calls_started.';
comment on column calls_finished.verbosity is 'As in calls_started.';
comment on column calls_finished.prompt_hash is 'As in calls_started.';
comment on column calls_finished.schema_version is 'As in calls_started.';
comment on column calls_finished.repeat is 'As in calls_started.';
comment on column calls_finished.attempt is 'As in calls_started.';
comment on column calls_finished.service_tier_asked is 'As in calls_started.';
comment on column calls_finished.cache_policy is 'As in calls_started.';
comment on column calls_finished.cache_key is 'As in calls_started.';
comment on column calls_finished.estimated_input_tokens is 'As in calls_started.';
comment on column calls_finished.estimate_usd is 'As in calls_started.';
comment on column calls_finished.cost_upper_usd is 'As in calls_started.';
comment on column calls_finished.is_simulated is 'Whether the answer was simulated, by the address or by its own header.';
comment on column calls_finished.started_at is 'When it was sent, UTC.';
comment on column calls_finished.finished_at is 'When the end was known, UTC.';
comment on column calls_finished.status is 'answered (usage came back), failed (nothing was billed) or unsettled (sent, and nobody knows).';
comment on column calls_finished.outcome is 'completed, invalid, refusal, incomplete_max_tokens, incomplete_content_filter, failed_response, empty, malformed, error.';
comment on column calls_finished.error_kind is 'Kind of error; NULL when there is none.';
comment on column calls_finished.error_message is 'What the API or the network said, at most 2,000 characters.';
comment on column calls_finished.http_status is 'HTTP status; NULL when there was no answer.';
comment on column calls_finished.model_answered is 'Model that the answer names: the price follows it.';
comment on column calls_finished.service_tier is 'Tier that the answer names.';
comment on column calls_finished.response_id is 'Id of the response.';
comment on column calls_finished.request_id is 'x-request-id of the answer.';
comment on column calls_finished.latency_ms is 'Time from sending to the whole answer, in milliseconds.';
comment on column calls_finished.input_tokens is 'All input tokens; NULL when the answer does not say.';
comment on column calls_finished.cached_tokens is 'Input tokens read from the prompt cache.';
comment on column calls_finished.cache_write_tokens is 'Input tokens written to the prompt cache.';
comment on column calls_finished.cache_write_30m_tokens is 'Of these, written for 30 minutes.';
comment on column calls_finished.cache_write_12h_tokens is 'Of these, written for 12 hours.';
comment on column calls_finished.output_tokens is 'Output tokens, reasoning included.';
comment on column calls_finished.reasoning_tokens is 'Of these, reasoning.';
comment on column calls_finished.cost_usd is 'USD as billed on the day of sending; NULL when no price or no usage is known, never 0 instead.';
comment on column calls_finished.uncached_usd is 'Of these, for input neither read from nor written to the cache.';
comment on column calls_finished.cached_usd is 'Of these, for cache reads.';
comment on column calls_finished.cache_write_usd is 'Of these, for cache writes.';
comment on column calls_finished.output_usd is 'Of these, for output.';
comment on column calls_finished.input_rate is 'USD a million uncached input tokens, as in price_rates.';
comment on column calls_finished.price_source is 'Where the price is from, with its version.';
comment on column calls_finished.price_date is 'Day whose prices were used, UTC.';
comment on column calls_finished.price_rates is 'USD a million tokens: input, cached, written, output.';
comment on column calls_finished.price_warning is 'Why there is no price, or what is odd about the usage.';

create table call_bodies (run_id varchar, seq bigint, call_id uuid, body varchar);
comment on table call_bodies is 'The raw answer of each call, as it came.';
comment on column call_bodies.run_id is 'Run.';
comment on column call_bodies.seq is 'Place of the event in its segment.';
comment on column call_bodies.call_id is 'Call.';
comment on column call_bodies.body is 'The body as text; bytes that are not UTF-8 are escaped.';

create table extractions (
    run_id varchar, seq bigint, logged_at timestamptz, call_id uuid, request_key varchar, document_sha256 varchar, arm varchar, model varchar,
    input_mode varchar, reasoning_effort varchar, prompt_hash varchar, is_simulated boolean, is_valid boolean, review_reasons json, raw_answer varchar,
    schema_version varchar, file_name varchar, page_count integer, doc_type varchar, doc_subtype varchar, confidence_score double, issuer varchar,
    recipient varchar, primary_date date, secondary_date date, total_amount decimal(24,4), currency varchar, summary varchar, action_items json,
    deadlines json, urgency_level varchar, tags json, language_detected varchar, ocr_text_excerpt varchar, extraction_quality varchar,
    requires_review boolean, notes varchar
);
comment on table extractions is 'Every answer to a document, by arm, as 22 fields; of an invalid one only the raw answer.';
comment on column extractions.run_id is 'Run.';
comment on column extractions.seq is 'Place of the event in its segment.';
comment on column extractions.logged_at is 'When, UTC.';
comment on column extractions.call_id is 'Call that gave it.';
comment on column extractions.request_key is 'Request that it answers.';
comment on column extractions.document_sha256 is 'Document.';
comment on column extractions.arm is 'Arm.';
comment on column extractions.model is 'Model asked.';
comment on column extractions.input_mode is 'text, file-low or file-high.';
comment on column extractions.reasoning_effort is 'Effort.';
comment on column extractions.prompt_hash is 'Version of the static prefix.';
comment on column extractions.is_simulated is 'Whether it is simulated.';
comment on column extractions.is_valid is 'Whether it keeps every rule of the record.';
comment on column extractions.review_reasons is 'Why a person should look; empty when there is no reason.';
comment on column extractions.raw_answer is 'The answer as text, where it is invalid.';
comment on column extractions.schema_version is 'Version that the answer claims.';
comment on column extractions.file_name is 'File name in the answer.';
comment on column extractions.page_count is 'Pages in the answer.';
comment on column extractions.doc_type is 'Kind of document.';
comment on column extractions.doc_subtype is 'Finer kind.';
comment on column extractions.confidence_score is 'Stated probability that doc_type is right, 0 to 1.';
comment on column extractions.issuer is 'Who issued it.';
comment on column extractions.recipient is 'Whom it is addressed to.';
comment on column extractions.primary_date is 'Day of issue or effect.';
comment on column extractions.secondary_date is 'Due day or end of period.';
comment on column extractions.total_amount is 'Grand total in `currency`.';
comment on column extractions.currency is 'ISO 4217.';
comment on column extractions.summary is 'What it is, in a sentence.';
comment on column extractions.action_items is 'List of description, deadline, priority.';
comment on column extractions.deadlines is 'List of date, description, type.';
comment on column extractions.urgency_level is 'low, medium, high or critical.';
comment on column extractions.tags is 'Key words.';
comment on column extractions.language_detected is 'ISO 639-1.';
comment on column extractions.ocr_text_excerpt is 'First words.';
comment on column extractions.extraction_quality is 'excellent, good, fair or poor.';
comment on column extractions.requires_review is 'Whether the model asks for a person.';
comment on column extractions.notes is 'Remarks.';

create table document_statuses (
    run_id varchar, seq bigint, logged_at timestamptz, document_sha256 varchar, setup_hash varchar, request_key varchar, arm varchar, is_simulated boolean,
    status varchar, error_kind varchar,
    sentence varchar, seconds double
);
comment on table document_statuses is 'What became of a document in a run.';
comment on column document_statuses.run_id is 'Run.';
comment on column document_statuses.seq is 'Place of the event in its segment.';
comment on column document_statuses.logged_at is 'When, UTC.';
comment on column document_statuses.document_sha256 is 'Document.';
comment on column document_statuses.setup_hash is 'Hash of the settings that shape an answer: a document known under it is not looked at again.';
comment on column document_statuses.request_key is 'Request that it was about; NULL when none could be made.';
comment on column document_statuses.arm is 'Arm; NULL when none applied.';
comment on column document_statuses.is_simulated is 'Whether the API was simulated.';
comment on column document_statuses.status is 'processed, needs_review, rejected, quarantined, failed or pending.';
comment on column document_statuses.error_kind is 'Kind of error, a word.';
comment on column document_statuses.sentence is 'What happened and what to do.';
comment on column document_statuses.seconds is 'Time from reading to status, in seconds.';

create table deletions (run_id varchar, seq bigint, logged_at timestamptz, document_sha256 varchar, is_deleted boolean, reason varchar);
comment on table deletions is 'Soft deletions, and returns.';
comment on column deletions.run_id is 'Run.';
comment on column deletions.seq is 'Place of the event in its segment.';
comment on column deletions.logged_at is 'When, UTC.';
comment on column deletions.document_sha256 is 'Document.';
comment on column deletions.is_deleted is 'true: deleted; false: it has come back.';
comment on column deletions.reason is 'Why.';

create table labels_log (
    run_id varchar, seq bigint, logged_at timestamptz, document_sha256 varchar, field varchar, value varchar, is_absent boolean, alternatives json, labeller varchar,
    source varchar
);
comment on table labels_log is 'Every gold label and correction, in the order it was given.';
comment on column labels_log.run_id is 'Run.';
comment on column labels_log.seq is 'Place of the event in its segment.';
comment on column labels_log.logged_at is 'When, UTC.';
comment on column labels_log.document_sha256 is 'Document.';
comment on column labels_log.field is 'Field of the record.';
comment on column labels_log.value is 'The truth as text; NULL when the document has none.';
comment on column labels_log.is_absent is 'Whether the document has no such value.';
comment on column labels_log.alternatives is 'Other values that a careful reader could defend.';
comment on column labels_log.labeller is 'Who says so.';
comment on column labels_log.source is 'File or notebook it came from.';

create table alerts (run_id varchar, seq bigint, logged_at timestamptz, severity varchar, component varchar, message varchar, dedupe_key varchar, is_simulated boolean);
comment on table alerts is 'What somebody should know.';
comment on column alerts.run_id is 'Run.';
comment on column alerts.seq is 'Place of the event in its segment.';
comment on column alerts.logged_at is 'When, UTC.';
comment on column alerts.severity is 'info, warning or critical.';
comment on column alerts.component is 'budget, prices, cache, api, journal, …';
comment on column alerts.message is 'What it is about, in a sentence.';
comment on column alerts.dedupe_key is 'An alert with the same key is not raised twice in its window.';
comment on column alerts.is_simulated is 'Whether it concerns simulated money.';

create table remote_objects (
    run_id varchar, seq bigint, logged_at timestamptz, object_id varchar, object_kind varchar, document_sha256 varchar, state varchar, attributes json, reason varchar,
    is_simulated boolean
);
comment on table remote_objects is 'Every intent and effect at the provider: files and vector stores.';
comment on column remote_objects.run_id is 'Run.';
comment on column remote_objects.seq is 'Place of the event in its segment.';
comment on column remote_objects.logged_at is 'When, UTC.';
comment on column remote_objects.object_id is 'Id at the provider; NULL for an intent.';
comment on column remote_objects.object_kind is 'file, vector_store or vector_store_file.';
comment on column remote_objects.document_sha256 is 'Document; NULL for what belongs to none.';
comment on column remote_objects.state is 'intended, made or gone.';
comment on column remote_objects.attributes is 'Attributes stored with it, at most 16.';
comment on column remote_objects.reason is 'Why.';
comment on column remote_objects.is_simulated is 'Whether the provider is simulated.';

create table notebook_runs (
    run_id varchar, seq bigint, logged_at timestamptz, notebook varchar, state varchar, seconds double, html varchar, executed varchar, parameters json, error varchar,
    fingerprint varchar
);
comment on table notebook_runs is 'Every notebook executed by `autod run`.';
comment on column notebook_runs.run_id is 'Run of `autod run`.';
comment on column notebook_runs.seq is 'Place of the event in its segment.';
comment on column notebook_runs.logged_at is 'End, UTC.';
comment on column notebook_runs.notebook is 'Notebook.';
comment on column notebook_runs.state is 'finished, failed, timeout or unchanged.';
comment on column notebook_runs.seconds is 'Duration in seconds.';
comment on column notebook_runs.html is 'Rendered page, relative to the runs folder.';
comment on column notebook_runs.executed is 'Executed copy, relative to the runs folder.';
comment on column notebook_runs.parameters is 'Parameters given.';
comment on column notebook_runs.error is 'Cell and error, where it failed.';
comment on column notebook_runs.fingerprint is 'Hash of notebook, library, parameters and data: the same hash need not run again.';
