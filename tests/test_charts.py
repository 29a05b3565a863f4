"""Figures and pieces of a page: drawn from any ledger, inert whatever a document says, and marked when they are simulated."""

import json
import re
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import polars as pl
import pytest

from autod_lib import advise, charts, comparison, metrics, page, policies, resources, words
from autod_lib.errors import SettingsError
from autod_lib.settings import load_settings
from autod_lib.store import reading

from . import ledger

NO_DAYS = pl.DataFrame(schema={"day_utc": pl.Date, "cost_usd": pl.Decimal})
SOURCES: dict[str, tuple[str, Callable[..., Any]]] = {
    "cost_by_day": ("cost_by_day", charts.cost_by_day),
    "cost_by_day_and_budget": ("cost_by_day", lambda frame: charts.cost_by_day(frame, budget_usd=Decimal("0.08"))),
    "cost_by_day_by_model": ("cost_by_day", lambda frame: charts.cost_by_day(frame, by="model")),
    "cost_distribution": ("cost_by_document", charts.cost_distribution),
    "dearest_documents": ("cost_by_document", charts.dearest_documents),
    "cost_by_model": ("cost_by_model", charts.cost_by_model),
    "cost_by_arm": ("cost_by_arm", charts.cost_by_arm),
    "cost_by_doc_type": ("cost_by_doc_type", charts.cost_by_doc_type),
    "cost_by_pages": ("cost_by_pages", charts.cost_by_pages),
    "savings": ("savings", charts.savings),
    "left_on_table": ("left_on_table", charts.left_on_table),
    "reconciliation": ("reconciliation_waterfall", charts.reconciliation),
    "month_forecast": (
        "month_forecast",
        lambda frame: charts.month_forecast(frame, pl.DataFrame(schema={"day_utc": pl.Date, "cost_usd": pl.Decimal})),
    ),
    "forecasts": ("estimate_by_run", charts.forecasts),
    "cache_by_day": ("cache_by_day", charts.cache_by_day),
    "cache_by_key": ("cache_by_key", charts.cache_by_key),
    "cache_by_policy": ("cache_by_policy", charts.cache_by_policy),
    "cache_by_run": ("cache_by_run", charts.cache_by_run),
    "cache_choices": ("cache_choices", charts.cache_choices),
    "classification": ("classification", charts.classification),
    "classification_by_week": ("classification_by_week", charts.classification_by_week),
    "classification_by_month": ("classification_by_month", charts.classification_by_month),
    "accuracy_in_use": ("accuracy_in_use", charts.accuracy_by_field),
    "accuracy_by_field": ("accuracy_by_field", charts.accuracy_by_field),
    "confusion": ("confusion", charts.confusion),
    "calibration": ("calibration", charts.calibration),
    "plane": ("plane", lambda frame: charts.plane(frame, is_simulated=bool(frame["is_simulated"].any()))),
    "frontier": ("frontier", lambda frame: charts.frontier(frame, target=0.9, is_simulated=bool(frame["is_simulated"].any()))),
    "errors_by_effort": ("errors_by_effort", charts.errors_by_effort),
    "accuracy_by_slice": ("accuracy_by_slice", charts.accuracy_by_slice),
    "latency": ("latency_by_hour", charts.latency),
    "throughput": ("calls_by_hour", charts.throughput),
    "search_hits": ("search_hits", lambda frame: charts.search_hits(frame, "who sent an invoice?")),
}


def _plane(con: Any) -> pl.DataFrame:
    kind = metrics.choose_money(con)
    return comparison.plane(comparison.in_common(comparison.answers(con, is_simulated=kind))).with_columns(is_simulated=pl.lit(kind))


def _frontier(con: Any) -> pl.DataFrame:
    kind = metrics.choose_money(con)
    given = comparison.in_common(comparison.answers(con, is_simulated=kind))
    found = policies.frontier(given, policies.policies(given)) if given.documents else pl.DataFrame(schema=policies.FRONTIER)
    return found.with_columns(is_simulated=pl.lit(kind))


SPECIAL: dict[str, Callable[..., pl.DataFrame]] = {
    "plane": _plane,
    "frontier": _frontier,
    "savings": advise.savings,
    "left_on_table": advise.left_on_table,
    "search_hits": lambda con: resources.side_by_side(None, metrics.search_record(con, "invoice receipt northwind")),
    "month_forecast": lambda con: metrics.month_forecast(con, today=ledger.FIRST_DAY + timedelta(days=10)),
}
ACTIVE = re.compile(r"<\s*(script|iframe|object|embed|img|foreignObject|image|use)\b|\s(?:on\w+|src|srcset)\s*=", re.IGNORECASE)
HOSTILE = [
    ledger.HOSTILE_NAME,
    ledger.HOSTILE_ISSUER,
    "'\"><svg onload=alert(3)>",
    '=HYPERLINK("http://evil.example")',
    "$\\href{javascript:alert(4)}{x}$ and $5",
    "</title></desc><script>alert(5)</script>",
    "\u202egnp.exe",
    "{{7*7}} {{{m^2}}} ${x}",
    "]]><!--",
]


@pytest.fixture(scope="module")
def frames(workspaces: Callable[[str], Path]) -> dict[str, dict[str, pl.DataFrame]]:
    """What each figure is drawn from, of four workspaces."""
    made: dict[str, dict[str, pl.DataFrame]] = {}
    for name in ("full", "tiny", "simulated", "empty"):
        with reading(workspaces(name)) as con:
            made[name] = {
                source: SPECIAL[source](con) if source in SPECIAL else getattr(metrics, source)(con)
                for source in {source for source, _ in SOURCES.values()} | {"headline", "documents", "review_queue"}
            }
    return made


Frames = dict[str, dict[str, pl.DataFrame]]


def markup(drawn: str) -> str:
    """The tags and attributes of an HTML or SVG text, without what is only text: what an attribute's value or a text node says is no markup."""
    return re.sub(r'="[^"]*"', '=""', "".join(re.findall(r"<[^<>]*>", drawn)))


@pytest.mark.parametrize("name", SOURCES)
def test_a_figure_is_drawn_from_a_full_and_a_tiny_ledger_and_says_what_it_found(name: str, frames: Frames) -> None:
    """Three weeks and a single document both give a whole SVG with a name, a description and a title that quotes the data."""
    source, draw = SOURCES[name]
    for workspace in ("full", "tiny"):
        drawn = charts.svg(draw(frames[workspace][source]))
        root = ElementTree.fromstring(drawn)

        assert root.attrib["role"] == ("group" if "href=" in drawn else "img")
        assert root.attrib["aria-label"] == root.findtext("{http://www.w3.org/2000/svg}title")
        assert len(root.findtext("{http://www.w3.org/2000/svg}desc") or "") > 20
        assert "simulated" not in drawn
        assert not ACTIVE.search(markup(drawn))


@pytest.mark.parametrize("name", SOURCES)
def test_an_empty_ledger_gives_a_line_that_says_what_to_do(name: str, frames: Frames) -> None:
    """Nothing to draw is no error and no blank space."""
    source, draw = SOURCES[name]
    drawn = draw(frames["empty"][source])

    assert "autod ingest" in charts.svg(drawn)
    assert "autod ingest" in charts.figure(drawn, how="A bar is a day.").markup
    assert "How to read it" not in charts.figure(drawn, how="A bar is a day.").markup


@pytest.mark.parametrize("name", SOURCES)
def test_a_simulated_figure_says_so_on_the_figure(name: str, frames: Frames) -> None:
    """A figure cut out of the page and sent on still tells that no money was real."""
    source, draw = SOURCES[name]
    drawn = draw(frames["simulated"][source])

    assert page.SIMULATED in charts.svg(drawn)
    assert page.SIMULATED in charts.figure(drawn).markup
    assert page.SIMULATED in json.dumps(drawn.to_dict())


@pytest.mark.parametrize("name", ["cost_by_day", "cache_by_day", "classification_by_week", "confusion"])
def test_the_same_frame_draws_the_same_picture(name: str, frames: Frames) -> None:
    """No random name and no clock enters a drawing: a report differs from the last only where the ledger does."""
    source, draw = SOURCES[name]

    assert charts.svg(draw(frames["full"][source])) == charts.svg(draw(frames["full"][source]))


def test_what_a_document_says_stays_text_in_every_figure_that_shows_it(frames: Frames) -> None:
    """A file name, a kind or a cache key that looks like markup is drawn, and does nothing; a link leads to a place of the page alone."""
    full = frames["full"]
    names = pl.Series(HOSTILE)
    drawings = [
        charts.dearest_documents(full["cost_by_document"].head(len(HOSTILE)).with_columns(names.alias("file_name"))),
        charts.classification(
            full["classification"].head(1).join(pl.DataFrame({"text": HOSTILE}), how="cross").with_columns(doc_type=pl.col("text"))
        ),
        charts.cache_by_key(full["cache_by_key"].head(1).join(pl.DataFrame({"text": HOSTILE}), how="cross").with_columns(cache_key=pl.col("text"))),
    ]
    for chart in drawings:
        for drawn in (charts.svg(chart), charts.figure(chart).markup, charts._mimebundle(chart.to_dict())[0]["image/svg+xml"]):
            assert "alert(" in drawn
            assert not ACTIVE.search(markup(drawn)), drawn[:500]
            assert len(re.findall(r"\shref=", markup(drawn))) == len(re.findall(r'\shref="#[a-z0-9_-]+"', drawn))


@pytest.mark.parametrize("text", HOSTILE)
def test_what_a_document_says_stays_text_in_tables_tiles_and_words(text: str) -> None:
    """Every piece of a page shows hostile text and runs none of it; nothing but a link within the page is a link."""
    frame = pl.DataFrame(
        {"document_sha256": ["ab" * 32], "file_name": [text], "review_reasons": [json.dumps([text])], "cost_usd": [Decimal("0.000002500000")]}
    )
    pieces = [
        page.table(frame, title=text, subtitle=text, note=text, row_anchor="document_sha256"),
        page.table(frame.head(0), title=text, subtitle=text),
        page.tiles(page.Tile(text, text, text, [1.0, 2.0, 3.0])),
        page.words(text, page.bold(text)),
        page.heading(text, text),
        page.attention([page.Matter(text, text, text, (text, "calls"))]),
        page.know(metrics.Provenance(text, text, 1, "0" * 64, 1, 0, None, None), links={text: "calls"}),
    ]
    for piece in pieces:
        assert not ACTIVE.search(markup(piece.markup)), piece.markup[:800]
        assert "\u202e" not in piece.markup
        assert "mathjax_ignore" in piece.markup
        assert all(target.startswith("#") for target in re.findall(r'href="([^"]*)"', piece.markup))


def test_a_table_shows_text_as_it_is_and_numbers_to_the_right() -> None:
    """Escaped once, not twice; amounts with the places that count; units in the heading; nulls as a dash."""
    frame = pl.DataFrame(
        {"file_name": ["A & B <1>", None], "cost_usd": [Decimal("0.000002500000"), Decimal("1.250000000000")], "share_cached": [0.905, None]}
    )
    made = page.table(frame, title="Cost").markup

    assert "A &amp; B &lt;1&gt;" in made
    assert "&amp;amp;" not in made
    assert ">0.0000025<" in made
    assert ">cost, USD<" in made
    assert ">share cached, %<" in made
    assert ">90.5<" in made
    assert 'class="gt_row gt_right">–<' in made
    assert "<style" not in made


def test_a_long_table_is_cut_and_says_so() -> None:
    """A report of a million calls opens: the rest is named, with how many there are."""
    made = page.table(pl.DataFrame({"calls": list(range(1234))}), limit=500).markup

    assert made.count("<tr>") == 500 + made.count("<thead><tr>")
    assert "The first 500 of 1,234 rows." in made


def test_every_link_of_a_table_leads_to_a_row_of_the_appendix(frames: Frames) -> None:
    """A document named anywhere on the page can be followed to its row."""
    queue = page.table(frames["full"]["review_queue"], link_documents=True).markup
    appendix = page.table(frames["full"]["documents"], page.DOCUMENTS, row_anchor="document_sha256", limit=500).markup
    wanted, there = set(re.findall(r'href="#([^"]+)"', queue)), re.findall(r' id="([^"]+)"', appendix)

    assert wanted
    assert wanted <= set(there)
    assert len(there) == len(set(there)) == frames["full"]["documents"].height


def test_the_block_how_do_we_know_names_view_rows_prices_and_hash(frames: Frames) -> None:
    """A reader finds what to run to get the same rows, and the hash they must have."""
    made = metrics.Provenance("cost_by_day", "from cost_by_day where not is_simulated", 30, "ab" * 32, 283, 2, None, None)
    block = page.know(made, page.table(frames["full"]["cost_by_day"]), links={"the calls": "calls"}).markup

    for part in (
        "<details",
        "cost_by_day",
        "30 rows",
        "from cost_by_day where not is_simulated",
        "ab" * 32,
        "283 calls",
        "2 without a price",
        'href="#calls"',
        "<table",
    ):
        assert part in block


def test_the_renderer_gives_what_jupyterlab_lists_and_a_drawing_for_wide_and_for_small_screens(frames: Frames) -> None:
    """An interactive specification without an address to load from, and two inert drawings of which the narrow one fits a telephone."""
    bundle, metadata = charts._mimebundle(charts.cost_by_day(frames["full"]["cost_by_day"]).to_dict())
    wide, narrow = (ElementTree.fromstring(drawn) for drawn in (bundle["image/svg+xml"], metadata["image/svg+xml"]["narrow"]))

    assert bundle["application/vnd.vegalite.v5+json"]["$schema"].endswith("/v5.json")
    assert "url" not in json.dumps(bundle["application/vnd.vegalite.v5+json"].get("data", {}))
    assert float(wide.attrib["width"]) > 600
    assert float(narrow.attrib["width"]) < 375
    assert wide.attrib["aria-label"] == narrow.attrib["aria-label"]
    assert bundle["text/plain"].startswith("21 October 2026 was the dearest day")


def test_a_small_screen_names_every_arm_whole(frames: Frames) -> None:
    """Two arms that differ at their end are told apart on a telephone."""
    frame = frames["full"]["accuracy_by_field"]
    narrow = charts._mimebundle(charts.accuracy_by_field(frame).to_dict())[1]["image/svg+xml"]["narrow"]
    named = [arm for arm in frame["arm"].unique() if f">{arm}<" in narrow]

    assert len(named) == min(4, frame["arm"].n_unique()) > 1


def test_words_say_what_the_frames_hold_and_call_simulated_money_so(frames: Frames) -> None:
    """The bottom line has the ledger's figures; an empty ledger says what to do; unpriced and unsettled calls are not passed over."""
    real, simulated, nothing = (repr(words.cost(frames[name]["headline"])) for name in ("full", "simulated", "empty"))

    assert "267 documents cost $0.4874" in real
    assert "1 call has no known price" in real
    assert "2 calls never reported back and may have cost up to $0.0205 more" in real
    assert "simulated" not in real
    assert "(simulated)" in simulated
    assert "autod ingest" in nothing
    assert "91.7" in repr(words.accuracy(frames["full"]["accuracy_in_use"]))
    assert "nobody knows" in repr(words.accuracy(frames["empty"]["accuracy_in_use"]))


def test_a_page_about_real_money_says_what_it_leaves_out(tmp_path: Path) -> None:
    """Where both kinds exist, a figure holds one, and the page names the other."""
    ledger.mixed(tmp_path)
    with reading(tmp_path) as con:
        every = metrics.headline(con)

    assert words.left_out(every, False) == "29 calls that were simulated are left out here."
    assert words.left_out(every, True) == "86 calls of real money are left out here."


@pytest.mark.parametrize(
    ("since", "until", "before"),
    [
        ("2026-10-01", "2026-10-31", ("2026-09-01", "2026-09-30")),
        ("2026-03-01", "2026-03-31", ("2026-02-01", "2026-02-28")),
        ("2026-10-05", "2026-10-11", ("2026-09-28", "2026-10-04")),
        ("2026-10-05", "2026-10-05", ("2026-10-04", "2026-10-04")),
        ("2026-10-01", "2026-11-30", ("2026-08-01", "2026-09-30")),
    ],
)
def test_a_month_is_compared_with_the_month_before_and_other_days_with_as_many(since: str, until: str, before: tuple[str, str]) -> None:
    """The comparison is of like with like, and named."""
    made = page.period(since, until)

    assert (str(made.before_since), str(made.before_until)) == before
    assert made.is_compared
    assert made.before_name


@pytest.mark.parametrize(("since", "until"), [("2026-13-01", ""), ("yesterday", ""), ("", "31.10.2026"), ("2026-10-02", "2026-10-01")])
def test_a_period_that_is_none_is_refused_with_its_name(since: str, until: str) -> None:
    """A wrong day stops the notebook with the parameter and its value, before anything is read."""
    with pytest.raises(SettingsError, match=r"since=|until="):
        page.period(since, until)


def test_the_start_page_never_shows_a_key(frames: Frames) -> None:
    """Whether there is a key is said, what it is never."""
    settings = load_settings({"OPENAI_API_KEY": "sk-very-secret-key"})
    shown = words.standing(settings, frames["full"]["headline"]).markup

    assert "An API key is set." in shown
    assert "sk-" not in shown


def test_input_modes_are_drawn_beside_how_often_they_are_right(tmp_path: Path) -> None:
    """What auto costs of the dearest mode is the title; without two modes the figure says how to get them."""
    ledger.modes(tmp_path)
    with reading(tmp_path) as con:
        frame = metrics.input_modes_compared(con)

    assert "auto costs" in charts.svg(charts.input_modes(frame))
    assert "right" in charts.svg(charts.input_modes(frame))
    assert "--input file-low" in charts.svg(charts.input_modes(frame.head(0)))


def test_answers_that_change_are_drawn_field_by_field(tmp_path: Path) -> None:
    """A document that was asked twice; without one the figure says how to ask."""
    ledger.again(tmp_path)
    with reading(tmp_path) as con:
        frame = metrics.stability_by_field(con)

    assert "changes most: in 100" in charts.svg(charts.stability(frame))
    assert "autod experiment" in charts.svg(charts.stability(frame.head(0)))
