"""Where settings come from, what a wrong one is told, and that the key stays out of every text."""

import pickle
from decimal import Decimal
from pathlib import Path

import pytest

from autod_lib.errors import MissingKey, SettingsError
from autod_lib.settings import OWN_NAMES, SECRETS, Settings, load_settings, variable

KEY = "sk-canary-7f3a9b"
WRONG = {  # setting: (a wrong value, what the message says is allowed)
    "project_id": ("x" * 129, "at most 128"),
    "api_key_id": ("x" * 129, "at most 128"),
    "base_url": ("ftp://example.org", "http(s) address"),
    "environment": ("x" * 65, "at most 64"),
    "simulated": ("perhaps", "boolean"),
    "model": ("llama-3", "AUTOD_MODELS_ALLOWED"),
    "allow_unpriced": ("perhaps", "boolean"),
    "reasoning_effort": ("much", "'minimal', 'low', 'medium'"),
    "verbosity": ("chatty", "'low', 'medium' or 'high'"),
    "input_mode": ("fax", "'auto', 'text', 'file-low' or 'file-high'"),
    "max_output_tokens": ("255", "greater than or equal to 256"),
    "max_input_tokens": ("999", "greater than or equal to 1000"),
    "service_tier": ("express", "'auto', 'default', 'flex' or 'priority'"),
    "repair": ("perhaps", "boolean"),
    "cache_policy": ("always", "'auto', 'explicit', 'implicit' or 'none'"),
    "cache_lifetime": ("1h", "'30m' or '12h'"),
    "cache_shards": ("0", "greater than or equal to 1"),
    "cache_warming": ("slowly", "'auto', 'first-call', 'prewarm' or 'none'"),
    "request_timeout_s": ("0", "greater than 0"),
    "call_deadline_s": ("7201", "less than or equal to 7200"),
    "max_answer_bytes": ("1", "greater than or equal to 10000"),
    "attempts": ("21", "less than or equal to 20"),
    "longest_wait_s": ("-1", "greater than or equal to 0"),
    "paid_retries": ("-1", "greater than or equal to 0"),
    "document_deadline_s": ("0", "greater than 0"),
    "run_deadline_s": ("-5", "greater than 0"),
    "breaker_failures": ("0", "greater than or equal to 1"),
    "breaker_pause_s": ("61", "less than or equal to 60"),
    "breaker_give_up_s": ("-1", "greater than or equal to 0"),
    "breaker_give_up_unanswered_s": ("soon", "valid number"),
    "document_attempts": ("0", "greater than or equal to 1"),
    "in_flight": ("many", "valid integer"),
    "requests_per_minute": ("0", "greater than or equal to 1"),
    "tokens_per_minute": ("0", "greater than or equal to 1"),
    "batch_size": ("50001", "less than or equal to 50000"),
    "batch_bytes": ("200000001", "less than or equal to 200000000"),
    "batch_deadline_s": ("-1", "greater than or equal to 0"),
    "budget_run_usd": ("-1", "greater than or equal to 0"),
    "budget_day_usd": ("free", "valid decimal"),
    "budget_month_usd": ("nan", "finite"),
    "alert_usd": ("10,much", "valid decimal"),
    "alert_failed_share": ("1.5", "less than or equal to 1"),
    "alert_backlog_hours": ("0", "greater than 0"),
    "alert_free_bytes": ("-1", "greater than or equal to 0"),
    "alert_hook": ("notify 'me", "No closing quotation"),
    "alert_webhook": ("mailto:me", "http(s) address"),
    "alert_timeout_s": ("0", "greater than 0"),
    "readers": ("0", "greater than or equal to 1"),
    "max_pdf_bytes": ("0", "greater than or equal to 1"),
    "reader_seconds": ("inf", "less than or equal to 600"),
    "reader_memory_bytes": ("1", "greater than or equal to 200000000"),
    "keep_text": ("perhaps", "boolean"),
    "links_outside": ("perhaps", "boolean"),
    "vector_store": ("x" * 129, "at most 128"),
    "retention_days": ("0", "greater than or equal to 1"),
    "vector_store_days": ("31", "less than or equal to 30"),
    "index_deadline_s": ("0", "greater than 0"),
    "log_level": ("LOUD", "'INFO', 'WARNING' or 'ERROR'"),
    "log_format": ("xml", "'text' or 'json'"),
    "log_file_bytes": ("1", "greater than or equal to 10000"),
    "log_backups": ("-1", "greater than or equal to 0"),
}
# What is in the price file: test_price_file.py.
ANY_VALUE_GOES = {"admin_key", "api_key", "fields", "home", "log_file", "models_allowed", "prices_file"}


def test_each_setting_is_read_from_the_variable_of_its_name() -> None:
    """AUTOD_<SETTING>, except the two that the API's own tools share."""
    assert variable("api_key") == "OPENAI_API_KEY"
    assert variable("base_url") == "OPENAI_BASE_URL"
    for name in Settings.model_fields.keys() - OWN_NAMES.keys():
        assert variable(name) == f"AUTOD_{name.upper()}"
    read = load_settings({"AUTOD_IN_FLIGHT": "3", "AUTOD_HOME": "/w", "OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": "https://proxy.example/v1/"})
    assert (read.in_flight, read.home, read.base_url) == (3, Path("/w"), "https://proxy.example/v1")
    assert read.require_key() == KEY


def test_an_argument_beats_the_environment_beats_the_file_beats_the_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Four places, in this order; an argument of None is one that was not given."""
    assert load_settings().in_flight == 16
    (tmp_path / ".env").write_text("AUTOD_IN_FLIGHT=5\nAUTOD_READERS=7\n# a comment\nOTHER=1\n")
    assert load_settings().in_flight == 5
    monkeypatch.setenv("AUTOD_IN_FLIGHT", "6")
    assert (load_settings().in_flight, load_settings().readers) == (6, 7)
    assert load_settings(in_flight=8).in_flight == 8
    assert load_settings(in_flight=None).in_flight == 6


def test_an_empty_variable_counts_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    """Schedulers pass variables that nobody filled in."""
    monkeypatch.setenv("AUTOD_BUDGET_DAY_USD", "")
    monkeypatch.setenv("OPENAI_API_KEY", "")
    assert load_settings().budget_day_usd is None
    assert load_settings().api_key is None


def test_lists_are_written_with_commas() -> None:
    """A variable can hold several values."""
    read = load_settings({"AUTOD_MODELS_ALLOWED": "gpt-6-*, o3 ,", "AUTOD_ALERT_USD": "1.50,20"})
    assert read.models_allowed == ("gpt-6-*", "o3")
    assert read.alert_usd == (Decimal("1.50"), Decimal(20))


@pytest.mark.parametrize("setting", WRONG)
def test_a_wrong_value_is_told_with_its_variable_and_what_is_allowed(setting: str) -> None:
    """Nobody has to look the limits up."""
    value, allowed = WRONG[setting]
    with pytest.raises(SettingsError) as told:
        load_settings({variable(setting): value})
    named = "model 'llama-3'" if setting == "model" else f"{variable(setting)}: " if setting in SECRETS else f"{variable(setting)}={value!r}"
    assert named in str(told.value)
    assert setting not in SECRETS or value not in str(told.value)
    assert allowed in str(told.value)


def test_every_setting_with_limits_is_tried_with_a_wrong_value() -> None:
    """A new setting gets its line in the table above."""
    assert set(Settings.model_fields) == WRONG.keys() | ANY_VALUE_GOES


def test_all_wrong_values_are_told_at_once() -> None:
    """Correcting one does not lead to the next message."""
    with pytest.raises(SettingsError, match=r"AUTOD_IN_FLIGHT='0'.*; AUTOD_READERS='many'"):
        load_settings({"AUTOD_IN_FLIGHT": "0", "AUTOD_READERS": "many"})


def test_a_variable_that_no_setting_has_is_refused_by_name() -> None:
    """A slip of the pen in a budget's name must not leave the budget unset."""
    with pytest.raises(SettingsError, match="AUTOD_BUDGET_DAILY_USD"):
        load_settings({"AUTOD_BUDGET_DAILY_USD": "1"})
    load_settings({"AUTOD_PARENT_RUN": "r", "AUTOD_CRASH_AT": "", "UNRELATED": "x"})


def test_the_key_is_in_no_text_of_the_settings() -> None:
    """Settings are logged, journaled and shown in notebooks."""
    read = load_settings({"OPENAI_API_KEY": KEY})
    for text in (repr(read), str(read), f"{read:}", read.model_dump_json(), str(read.model_dump()), str(read.printable()), repr(vars(read))):
        assert KEY not in text
    assert read.printable()["api_key"] == "set"
    assert Settings().printable()["api_key"] is None


def test_the_key_is_in_no_error() -> None:
    """Neither when another setting is wrong, nor when the key itself is."""
    with pytest.raises(SettingsError) as told:
        load_settings({"OPENAI_API_KEY": KEY, "AUTOD_IN_FLIGHT": "0"})
    assert KEY not in str(told.value)
    with pytest.raises(SettingsError) as told:
        load_settings({}, api_key=[KEY])
    assert "OPENAI_API_KEY" in str(told.value)
    assert KEY not in str(told.value)
    with pytest.raises(ValueError, match="api_key") as raw:
        Settings(api_key=[KEY], in_flight=0)  # type: ignore[arg-type]
    assert KEY not in str(raw.value)


def test_a_password_in_the_address_is_refused_and_not_repeated() -> None:
    """The address is printed at the start of every run."""
    with pytest.raises(SettingsError, match="user name or password") as told:
        load_settings({"OPENAI_BASE_URL": f"https://user:{KEY}@proxy.example/v1"})
    assert KEY not in str(told.value)


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("http://localhost:8000/v1", True),
        ("http://LOCALHOST/v1", True),
        ("http://127.0.0.1:1/v1", True),
        ("http://127.5.6.7/v1", True),
        ("http://[::1]:8000/v1", True),
        ("https://api.openai.com/v1", False),
        ("http://0.0.0.0:8000/v1", False),
        ("http://10.0.0.1/v1", False),
        ("http://localhost.example.org/v1", False),
        ("http://127.0.0.1.example.org/v1", False),
        ("http://example.org/?localhost", False),
    ],
)
def test_only_an_address_on_this_machine_is_simulated(address: str, expected: bool) -> None:
    """Any other host is real money, whatever its name looks like."""
    read = Settings(base_url=address)
    assert read.is_loopback is expected
    assert read.is_simulated is expected


def test_whether_answers_are_simulated_can_be_said() -> None:
    """AUTOD_SIMULATED overrides what the address tells, in both directions."""
    assert load_settings({"AUTOD_SIMULATED": "true"}).is_simulated
    assert not load_settings({"AUTOD_SIMULATED": "0", "OPENAI_BASE_URL": "http://127.0.0.1/v1"}).is_simulated


def test_without_a_key_only_a_loopback_address_is_asked() -> None:
    """The message names both ways on."""
    assert Settings(base_url="http://127.0.0.1:1/v1").require_key() == "local"
    for settings in (Settings(), Settings(simulated=True), Settings(api_key="")):  # type: ignore[arg-type]
        with pytest.raises(MissingKey, match=r"OPENAI_API_KEY.*--local"):
            settings.require_key()


@pytest.mark.parametrize(
    ("model", "allowed"), [("gpt-6-luna", True), ("o3", True), ("o4-mini", True), ("o2", False), ("claude", False), ("GPT-6", False)]
)
def test_a_model_outside_the_patterns_is_refused(model: str, allowed: bool) -> None:
    """A slip in a model's name ends before anything is sent; the patterns are a setting."""
    if allowed:
        assert load_settings({}, model=model).model == model
        return
    with pytest.raises(SettingsError, match=r"not allowed by AUTOD_MODELS_ALLOWED=gpt-\*,o\[134\]\*"):
        load_settings({}, model=model)
    assert load_settings({"AUTOD_MODELS_ALLOWED": model}, model=model).model == model


def test_settings_do_not_change_and_can_be_keys() -> None:
    """Passed around, they mean the same everywhere; the prompt's frame is kept by them."""
    read = Settings(api_key=KEY)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="frozen"):
        read.model = "gpt-5"  # type: ignore[misc]
    assert {read: 1}[Settings(api_key=KEY)] == 1  # type: ignore[arg-type]
    assert pickle.loads(pickle.dumps(read)) == read


def test_paths_are_made_absolute(tmp_path: Path) -> None:
    """A kernel started in another folder works in the same workspace."""
    assert load_settings({"AUTOD_HOME": "here"}).home == tmp_path / "here"
    assert load_settings({"AUTOD_LOG_FILE": "~/autod.log"}).log_file == Path("~/autod.log").expanduser()
    assert load_settings({}).home.name == "data"
    assert load_settings({}).home.is_absolute()
