"""Pieces of a page: words, tiles, tables and "How do we know", as HTML that holds no script and reaches nothing outside the page.

Decided here: how money, shares, counts, days and times are written, and how anything is escaped. Promised: every value that comes from a ledger is
escaped exactly once, here; a file name cannot become markup, Markdown, a formula of LaTeX, or turn the direction of the text around it; different
currencies and simulated and real money are never added. Called by charts.py, words.py and the notebooks. Reads no database.
"""

import html
import json
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

import polars as pl

from .errors import SettingsError
from .metrics import Provenance

BLUE: Final = "#0072B2"
JSON_LISTS: Final = ("review_reasons", "tags", "flags", "alternatives")
MOST_LINKS: Final = 24  # documents named in one cell of a table
SIMULATED: Final = "simulated: no real money"
NOTHING_YET: Final = "Nothing yet. Read some documents first: autod ingest FOLDER (add --local to try it without a key)."

# The columns that the tables of the notebooks show.
RUNS: Final = ("started_at", "command", "state", "documents", "processed", "failed", "calls", "cost_usd", "is_simulated")
DOCUMENTS: Final = (
    *("document_sha256", "file_name", "page_count", "doc_type", "confidence_score", "issuer"),
    *("primary_date", "total_amount", "currency", "processing_status", "cost_usd"),
)
CALLS: Final = (
    *("started_at", "document_sha256", "model", "input_mode", "status", "outcome"),
    *("input_tokens", "cached_tokens", "cache_write_tokens", "output_tokens", "cost_usd", "price_date"),
)

# Classes that tell both generations of MathJax, which JupyterLab runs over every output, that "$4 and $5" is money and no formula.
NO_MATH: Final = "autod tex2jax_ignore mathjax_ignore"

# Colours are those of the page around it, or of JupyterLab, light or dark.
STYLE: Final = """<style>
.autod{--a-ink:var(--ink,var(--jp-content-font-color1,#1f2328));--a-faint:var(--faint,var(--jp-content-font-color2,#57606a));--a-line:var(--line,var(--jp-border-color2,#d8dee4))}
.autod{--a-paper:var(--paper,var(--jp-layout-color0,#fff));--a-link:var(--link,var(--jp-content-link-color,#0072B2))}
.autod{font:15px/1.5 system-ui,-apple-system,"Segoe UI","Helvetica Neue",Arial,"Liberation Sans",sans-serif;color:var(--a-ink);max-width:1120px}
.autod a{color:var(--a-link)}
.autod code{font:12px ui-monospace,"DejaVu Sans Mono",monospace;background:none!important;padding:0!important;color:inherit;overflow-wrap:anywhere}
.autod td code{white-space:nowrap}
.autod-words{font-size:19px;line-height:1.55;margin:.3em 0 1em}
.autod-heading h2{font-size:25px;line-height:1.2;margin:.1em 0 .15em;letter-spacing:-.01em}
.autod-heading p{color:var(--a-faint);margin:0 0 .8em}
.autod-badge{display:inline-block;font-size:12.5px;padding:2px 10px;border:1px solid #d4a72c;border-radius:6px}
.autod-badge{background:#fff8c5;color:#4d3800;margin:2px 0 6px}
.autod-tiles{display:flex;flex-wrap:wrap;gap:10px;margin:6px 0 18px}
.autod-tile{border:1px solid var(--a-line);border-radius:9px;padding:10px 12px 8px;background:var(--a-paper)}
.autod-tile{display:flex;flex-direction:column;flex:1 1 210px}
.autod-tile b{font-size:23px;line-height:1.25;font-variant-numeric:tabular-nums;font-weight:650}
.autod-tile span{font-size:12.5px;color:var(--a-faint);line-height:1.35}
.autod-tile .autod-warn{color:#9a4a00}
.autod-tile svg{margin-top:auto;width:100%;height:26px;display:block}
.autod-figure{margin:22px 0 6px}
.autod-figure figcaption b{display:block;font-size:16.5px;line-height:1.35}
.autod-figure figcaption span{color:var(--a-faint);font-size:13px}
.autod-body{display:grid;grid-template-columns:minmax(0,660px) minmax(220px,1fr);gap:8px 28px;align-items:start}
.autod-body>p{margin:26px 0 0;font-size:14px}
.autod-narrow{display:none}
.autod-figure svg{background:#fff;max-width:100%;height:auto;display:block}
.autod-figure svg .mark-text{pointer-events:none}
.autod-know{font-size:12.5px;color:var(--a-faint);margin:2px 0 14px}
.autod-know summary{cursor:pointer;width:fit-content}
.autod-know p{margin:4px 0 6px;overflow-wrap:anywhere}
.autod-table{overflow-x:auto;margin:8px 0 16px}
.autod-table table.gt_table{border-collapse:collapse;font-size:13px;font-variant-numeric:tabular-nums;margin:0;width:auto;min-width:40%}
.autod-table tr,.autod-table td,.autod-table th{background:none!important}
.autod-table td.gt_heading{text-align:left;border:0;padding:0 0 2px}
.autod-table td.gt_title{font-size:15px;font-weight:600;color:var(--a-ink)}
.autod-table td.gt_subtitle{font-size:12.5px;color:var(--a-faint);padding-bottom:6px}
.autod-table th.gt_col_heading{border-bottom:1.5px solid #8c959f;border-top:0;font-weight:600;color:var(--a-faint)}
.autod-table th.gt_col_heading{padding:4px 14px 4px 0;vertical-align:bottom}
.autod-table td.gt_row{border-top:1px solid var(--a-line)}
.autod-table td.gt_row{padding:4px 14px 4px 0;vertical-align:top;min-width:13em;max-width:34em;overflow-wrap:anywhere}
.autod-table td.gt_right,.autod-table td.autod-short,.autod-table td.gt_row:has(code){white-space:nowrap;min-width:0}
.autod-table .autod-many{white-space:normal;width:34em}
.autod-table .gt_right{text-align:right!important}
.autod-table .gt_left{text-align:left!important}
.autod-table td.gt_sourcenote{font-size:12.5px;color:var(--a-faint);padding:5px 0 0;text-align:left}
.autod-table span[id]{scroll-margin-top:8em}
.autod-table tr:has(:target) td{background:#fff8c5!important;color:#1f2328}
.autod-know .autod-table{max-height:340px;overflow:auto}
.autod-long{max-height:76vh;overflow:auto;border-bottom:1px solid var(--a-line)}
.autod-long code[id]{scroll-margin-top:6em}
.autod-long thead{position:sticky;top:0;background:var(--a-paper)}
.autod-document{border-bottom:1px solid var(--a-line);padding:5px 0}
.autod-document summary{cursor:pointer}
.autod-beside{display:grid;grid-template-columns:minmax(0,5fr) minmax(0,6fr);gap:8px 24px;padding:8px 0 14px;scroll-margin-top:3em}
.autod-beside>div:first-child:empty{display:none}
.autod-beside>div:last-child,.autod-beside>div:first-child:empty+div{grid-column:1/-1}
.autod-beside:target{outline:3px solid #E69F00;outline-offset:4px}
.autod-beside figure{margin:0 0 10px;position:relative}
.autod-beside figure img{width:100%;display:block;border:1px solid var(--a-line)}
.autod-beside figure svg{position:absolute;left:0;top:0;width:100%;height:calc(100% - 1.6em);fill:none;stroke:#D55E00;stroke-width:2}
.autod-beside figcaption{font-size:12.5px;line-height:1.6em;height:1.6em;color:var(--a-faint)}
.autod .autod-attention{border-collapse:collapse;width:100%;font-size:14.5px;margin:4px 0 20px;table-layout:auto}
.autod .autod-attention tr{background:none!important}
.autod .autod-attention td{border-bottom:1px solid var(--a-line);padding:8px 18px 8px 0;vertical-align:top;text-align:left;max-width:none}
.autod .autod-attention td:nth-child(n+3){white-space:nowrap}
.autod .autod-attention td:nth-child(3){text-align:right;font-variant-numeric:tabular-nums}
.autod .autod-attention td:first-child{font-weight:600;white-space:nowrap}
@media (max-width:760px){
 .autod-beside{display:block}
 .autod-body{display:block}.autod-body>p{margin:6px 0}
 .autod-words{font-size:17px}.autod-heading h2{font-size:21px}
 .autod-tile{flex-basis:calc(50% - 5px)}
 .autod .autod-attention tr{display:grid;grid-template-columns:1fr auto;border-bottom:1px solid var(--a-line);padding:6px 0}
 .autod .autod-attention td{border:0;padding:2px 8px 2px 0}
 .autod .autod-attention td:nth-child(2){grid-column:1/3;grid-row:2}
 .autod .autod-attention td:nth-child(3){grid-column:2;grid-row:1}
 .autod .autod-attention td:nth-child(4){grid-column:1/3}
 .autod-tile b{font-size:20px}
}
@media (max-width:560px){.autod-wide{display:none}.autod-narrow{display:block}}
@media print{.autod-figure,.autod-tile{break-inside:avoid}.autod-know .autod-table,.autod-long{max-height:none}}
</style>"""


class Html:
    """A piece of a page whose markup is ours and whose values are escaped."""

    def __init__(self, markup: str) -> None:
        self.markup = markup

    def __repr__(self) -> str:
        plain = re.sub(r'<(style|svg|details class="autod-know").*?</(style|svg|details)>', " ", self.markup, flags=re.DOTALL)
        return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", plain))).strip()[:2000]

    def _repr_html_(self) -> str:
        return self.markup

    def __add__(self, other: "Html") -> "Html":
        return Html(self.markup + other.markup)


def visible(text: str) -> str:
    """Text in which controls, and marks that turn the writing direction around, are a visible sign instead."""
    return re.sub("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", "\N{REPLACEMENT CHARACTER}", text)


def escape(value: object) -> str:
    """Anything as HTML that shows it and does nothing else."""
    return html.escape(visible(str(value)), quote=True)


def _markup(part: "str | Html") -> str:
    return part.markup if isinstance(part, Html) else escape(part)


def wrapped(markup: str) -> Html:
    """Markup in the block that carries the page's style."""
    return Html(f'<div class="{NO_MATH}">{markup}</div>')


def bold(text: object) -> Html:
    """Text in bold."""
    return Html(f"<b>{escape(text)}</b>")


def words(*parts: "str | Html") -> Html:
    """Sentences in large type: what a page has to say, before it shows anything. Strings are escaped."""
    return wrapped(f'<p class="autod-words">{" ".join(_markup(part) for part in parts if _markup(part))}</p>')


def simulated_badge(is_simulated: bool) -> Html:
    """The mark of simulated figures; nothing for real ones."""
    return Html(f'<span class="autod-badge">{SIMULATED}</span><br>' if is_simulated else "")


def heading(title: str, subtitle: str, *, is_simulated: bool = False) -> Html:
    """The head of a page: what it answers, then period, comparison and clock."""
    return wrapped(f'<div class="autod-heading">{simulated_badge(is_simulated).markup}<h2>{escape(title)}</h2><p>{escape(subtitle)}</p></div>')


def usd(value: Decimal | None) -> str:
    """US dollars: cents from one dollar on, else up to four places, else two digits that count; `no price` for None.

    >>> usd(Decimal("41.366")), usd(Decimal("0.48737")), usd(Decimal("0.08")), usd(Decimal("0.0000025")), usd(Decimal(0)), usd(None)
    ('$41.37', '$0.4874', '$0.08', '$0.0000025', '$0', 'no price')
    """
    if value is None:
        return "no price"
    if value == 0:
        return "$0"
    size = abs(value)
    places = 2 if size >= 1 else 4 if size >= Decimal("0.01") else 1 - size.adjusted()
    whole, _, rest = f"{size:,.{places}f}".partition(".")
    return f"{'−' if value < 0 else ''}${whole}.{rest.rstrip('0'):0<2}"


def count(value: int | None, one: str = "", many: str = "") -> str:
    """A whole number with its thousands apart, and the noun that goes with it.

    >>> count(12418), count(1, "call", "calls"), count(2, "call", "calls"), count(None)
    ('12,418', '1 call', '2 calls', '–')
    """
    if value is None:
        return "–"
    return f"{value:,}" + (f" {one if value == 1 else many}" if one else "")


def share(value: float | None, places: int = 0) -> str:
    """A share of 0 to 1 in percent; never 100 % or 0 % unless it is all or nothing.

    >>> " | ".join([share(0.905, 1), share(0.9999), share(1.0), share(0.001), share(None)]).replace("\N{NO-BREAK SPACE}", " ")
    '90.5 % | over 99 % | 100 % | under 1 % | –'
    """
    if value is None:
        return "–"
    text = "100" if value == 1 else f"{value * 100:.{places}f}"
    if value < 1 and float(text) == 100:
        text = "over 99"
    elif value > 0 and float(text) == 0:
        text = "under 1"
    return f"{text}\N{NO-BREAK SPACE}%"


def day(value: date) -> str:
    """A day as people write it: 3 October 2026."""
    return f"{value.day} {value:%B %Y}"


def days(first: date, last: date) -> str:
    """A span of days, with what both ends share said once.

    >>> days(date(2026, 10, 19), date(2026, 10, 25)), days(date(2026, 9, 28), date(2026, 10, 4)), days(date(2026, 10, 5), date(2026, 10, 5))
    ('19 to 25 October 2026', '28 September to 4 October 2026', '5 October 2026')
    """
    if first == last:
        return day(first)
    start = (
        f"{first.day}"
        if (first.year, first.month) == (last.year, last.month)
        else f"{first.day} {first:%B}"
        if first.year == last.year
        else day(first)
    )
    return f"{start} to {day(last)}"


@dataclass(frozen=True, slots=True)
class Period:
    """The UTC days that a page is about, both ends included, and the days before that it is compared with; None leaves an end open."""

    since: date | None
    until: date | None
    before_since: date | None = None
    before_until: date | None = None
    name: str = "The whole ledger"
    before_name: str = ""

    @property
    def is_compared(self) -> bool:
        """Whether there is a time before to compare with."""
        return self.before_until is not None


def period(since: str = "", until: str = "") -> Period:
    """The period of two ISO days, each of which may be empty, and the period before it.

    A whole calendar month is compared with the calendar month before; anything else that has both ends with as many days before it.
    Raises: SettingsError if a day is not one, or the first comes after the last.

    >>> period("2026-10-01", "2026-10-31").before_name
    'September 2026'
    """
    first, last = _iso_day("since", since), _iso_day("until", until)
    if first and last and first > last:
        raise SettingsError(f"since={since!r} comes after until={until!r}: exchange them.")
    if first is None and last is None:
        return Period(None, None)
    if first is None or last is None:
        return Period(first, last, name=f"Since {day(first)}" if first else f"Until {day(last)}" if last else "")
    before_last = first - timedelta(days=1)
    is_month = first.day == 1 and (last + timedelta(days=1)).day == 1 and first.month == last.month and first.year == last.year
    if is_month:
        return Period(first, last, before_last.replace(day=1), before_last, f"{first:%B %Y}", f"{before_last:%B %Y}")
    length = (last - first).days + 1
    return Period(
        first, last, first - timedelta(days=length), before_last, days(first, last), "the day before" if length == 1 else f"the {length} days before"
    )


def _iso_day(name: str, text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise SettingsError(f"{name}={text!r}: must be a day as YYYY-MM-DD, or empty.") from None


def change(now: Decimal | int | None, before: Decimal | int | None) -> str:
    """By how much something moved, in percent of what it was; empty when that cannot be said.

    >>> " | ".join([change(106, 100), change(92, 100), change(100, 100), change(1, 0)]).replace("\N{NO-BREAK SPACE}", " ")
    '+6 % | −8 % | unchanged | '
    """
    if now is None or not before:
        return ""
    moved = round((Decimal(now) / Decimal(before) - 1) * 100)
    return "unchanged" if not moved else f"{'+' if moved > 0 else '−'}{abs(moved):,}\N{NO-BREAK SPACE}%"


@dataclass(frozen=True, slots=True)
class Tile:
    """A number with its name, what it is compared with, and its course over the days; `is_warning` colours the note."""

    name: str
    value: str
    note: str = ""
    course: Sequence[float | None] = ()
    is_warning: bool = False


def tiles(*given: Tile, is_simulated: bool = False) -> Html:
    """The headline numbers side by side, each with a small line of its days. All text is escaped."""
    cells = []
    for tile in given:
        note = f'<span class="{"autod-warn" if tile.is_warning else ""}">{escape(tile.note)}</span>' if tile.note else ""
        line = _sparkline(tile.course, f"{tile.name} by day")
        cells.append(f'<div class="autod-tile"><span>{escape(tile.name)}</span><b>{escape(tile.value)}</b>{note}{line}</div>')
    return wrapped(simulated_badge(is_simulated).markup + f'<div class="autod-tiles">{"".join(cells)}</div>')


def _sparkline(course: Sequence[float | None], name: str) -> str:
    points = [(index, float(value)) for index, value in enumerate(course) if value is not None]
    if len(points) < 3:
        return ""
    low, high = min(value for _, value in points), max(value for _, value in points)
    width = max(len(course) - 1, 1)
    placed = [(index / width * 118 + 1, 23 - (value - low) / (high - low or 1) * 19) for index, value in points]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in placed)
    x, y = placed[-1]
    thin, thick = (f'stroke="{BLUE}" vector-effect="non-scaling-stroke" stroke-width="{width}"' for width in (1.6, 5))
    return (
        f'<svg viewBox="0 0 122 26" preserveAspectRatio="none" role="img" aria-label="{escape(name)}"><polyline points="{path}" fill="none" {thin}/>'
        f'<line x1="{x:.1f}" y1="{y:.1f}" x2="{x:.1f}" y2="{y:.1f}" {thick} stroke-linecap="round"/></svg>'
    )


@dataclass(frozen=True, slots=True)
class Matter:
    """Something that waits for a person: what, why, what it may cost, and a link within the page as (text, anchor)."""

    what: str
    why: str
    cost: str = ""
    link: tuple[str, str] | None = None


def attention(matters: Sequence[Matter]) -> Html:
    """What needs a person, one line a matter; a sentence when nothing does."""
    if not matters:
        return wrapped("<p>Nothing waits for a person.</p>")
    rows = []
    for matter in matters:
        link = f'<a href="#{escape(matter.link[1])}">{escape(matter.link[0])}</a>' if matter.link else ""
        rows.append(f"<tr><td>{escape(matter.what)}</td><td>{escape(matter.why)}</td><td>{escape(matter.cost)}</td><td>{link}</td></tr>")
    return wrapped(f'<table class="autod-attention"><tbody>{"".join(rows)}</tbody></table>')


def _name(column: str) -> str:
    """A column's heading, with its unit."""
    text = re.sub(r"^is_", "", column)
    for ending, unit in (("_usd", ", USD"), ("_at", ", UTC"), ("_utc", ", UTC"), ("_ms", ", ms"), ("_bytes", ", bytes")):
        if text.endswith(ending):
            return text.removesuffix(ending).replace("_", " ") + unit
    return {"document_sha256": "document", "document_sha256s": "documents", "seconds": "duration, s", "share": "share, %"}.get(
        text, text.removesuffix("_sha256s").replace("_", " ") + (", %" if _is_share(text) else "")
    )


def _is_share(column: str) -> bool:
    return column.startswith(("share_", "accuracy", "mean_confidence", "precision", "recall", "micro", "macro")) or column in (
        "share",
        "confidence_score",
        "median_error",
        "p95_error",
        "rules_median_error",
        "rules_p95_error",
        "signed_error",
    )


def _places(values: Sequence[Decimal]) -> int:
    """Places after the point that show two digits of the smallest amount of a column."""
    sizes = [1 - abs(value).adjusted() for value in values if value]
    return min(12, max(2, *sizes)) if sizes else 2


def _amount_writer(places: int) -> Callable[[Decimal], str]:
    """Amounts of one column with the same places; what those would show as nothing, or by one digit, with as many as it takes."""
    return lambda value: f"{value:,.{places}f}" if not value or _places([value]) <= places else f"{value:.{_places([value])}f}"


def _writer(column: str, values: Sequence[Any]) -> tuple[Callable[[Any], str], bool]:
    """How a column is written, and whether as a number."""
    known = [value for value in values if value is not None]
    first = known[0] if known else None
    if isinstance(first, bool):
        return (lambda value: "yes" if value else "no"), False
    if _is_share(column):
        return (lambda value: f"{value * 100:.1f}"), True
    if isinstance(first, Decimal):
        return _amount_writer(2 if column.endswith("_amount") else min(6, _places(known))), True
    if isinstance(first, int):
        return (lambda value: f"{value:,}"), True
    if isinstance(first, float):
        return (lambda value: f"{value:,.0f}" if abs(value) >= 100 else f"{value:,.2f}"), True
    if isinstance(first, datetime):
        return (lambda value: f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S}"), False
    if isinstance(first, list):
        return (lambda value: ", ".join(str(part)[:12] for part in value[:5]) + (f" and {len(value) - 5} more" if len(value) > 5 else "")), False
    if column in JSON_LISTS:
        return _joined, False
    return (lambda value: str(value)), False


def _joined(value: str) -> str:
    """A JSON list of words as words."""
    try:
        parts = json.loads(value)
    except ValueError:
        return value
    return "; ".join(map(str, parts)) if isinstance(parts, list) else value


def table(
    frame: pl.DataFrame,
    columns: Mapping[str, str] | Sequence[str] | None = None,
    *,
    title: str = "",
    subtitle: str = "",
    note: str = "",
    limit: int = 200,
    is_simulated: bool = False,
    anchor: str = "",
    row_anchor: str = "",
    link_documents: bool | Collection[str] = False,
) -> Html:
    """A frame as a table, numbers to the right, every value escaped, no more than `limit` rows and a line that says so.

    `columns` chooses the columns and may rename them; by default all, headed by name and unit. `anchor` names the table for links, `row_anchor` a
    column whose value names its row (`document-…`, else the column and its value, as `named` writes it); with `link_documents` a hash leads to what
    the page shows of the document: all of them, or those given.
    """
    chosen = list(columns) if columns is not None else frame.columns
    names = dict(columns) if isinstance(columns, Mapping) else {}
    shown = frame.select(chosen).head(limit)
    below = [note] if note else []
    if frame.height > limit:
        below.append(f"The first {limit:,} of {frame.height:,} rows.")
    head = " · ".join(part for part in (subtitle, SIMULATED if is_simulated else "") if part)
    place = f' id="{escape(anchor)}"' if anchor else ""
    if shown.is_empty():
        text = f"<b>{escape(title)}</b><br>" if title else ""
        return wrapped(
            f'<div class="autod-table"{place}>{text}<span style="color:var(--a-faint)">{escape(head + ". " if head else "")}No rows.</span></div>'
        )
    texts, numbers = {}, []
    for column in chosen:
        values = shown[column].to_list()
        write, is_number = _writer(column, values)
        texts[column] = ["–" if value is None else visible(write(value)) for value in values]
        numbers += [column] if is_number else []
    marked = {name for name in chosen if name.endswith(("sha256", "sha256s")) or name == row_anchor}
    for column in marked:
        texts[column] = [
            _marked_cell(column, value, text, column == row_anchor, link_documents) for value, text in zip(shown[column], texts[column], strict=True)
        ]
    markup = _great_table(texts, {column: names.get(column) or _name(column) for column in chosen}, numbers, marked, title, head, " ".join(below))
    return wrapped(f'<div class="autod-table{" autod-long" if shown.height > 40 else ""}"{place}>{markup}</div>')


def named(column: str, value: str) -> str:
    """The name of a row of a table whose `row_anchor` is that column.

    >>> named("taken", "Invoice as Letter")
    'taken-invoice-as-letter'
    """
    return f"{column}-{re.sub('[^a-z0-9]+', '-', value.lower()).strip('-')}"


def _marked_cell(column: str, value: Any, text: str, is_anchor: bool, linked: bool | Collection[str]) -> str:
    """A cell that leads somewhere or is led to, as markup."""
    if value is None:
        return "–"
    if isinstance(value, pl.Series | list):
        more = f" and {len(value) - MOST_LINKS:,} more" if len(value) > MOST_LINKS else ""
        return f'<div class="autod-many">{" ".join(_hash_cell(sha, False, linked) for sha in value[:MOST_LINKS])}{more}</div>'
    if column.endswith("sha256"):
        return _hash_cell(text, is_anchor, linked)
    return f'<span id="{escape(named(column, text))}">{escape(text)}</span>'


def _hash_cell(text: str, is_anchor: bool, linked: bool | Collection[str]) -> str:
    short = escape(text[:12])
    if is_anchor:
        return f'<code id="document-{short}" title="{escape(text)}">{short}</code>'
    is_link = linked if isinstance(linked, bool) else text in linked
    return f'<a href="#document-{short}"><code>{short}</code></a>' if is_link else f'<code title="{escape(text)}">{short}</code>'


def _great_table(
    texts: dict[str, list[str]], names: dict[str, str], numbers: list[str], marked: Collection[str], title: str, subtitle: str, note: str
) -> str:
    from great_tables import GT

    labels: dict[str, Any] = dict(names)
    made = GT(pl.DataFrame(texts, schema=dict.fromkeys(texts, pl.String)), id="rows").cols_label(cases=labels)
    if marked:
        made = made.fmt(str, columns=sorted(marked))  # markup of ours: great_tables leaves it as it is, and escapes every other column
    made = made.cols_align("left").cols_align("right", columns=numbers) if numbers else made.cols_align("left")
    if title:
        made = made.tab_header(visible(title), visible(subtitle) or None)
    if note:
        made = made.tab_source_note(visible(note))
    markup = re.sub(r"<style>.*?</style>", "", made.as_raw_html(), flags=re.DOTALL)  # the page's own style serves all tables
    markup = re.sub(r'\s(?:id|headers|aria-labelledby|aria-describedby|style)="[^"<>]*"', _keep_anchors, markup)
    return re.sub(r'<td class="gt_row gt_left">([^<]{1,26}</td>)', r'<td class="gt_row gt_left autod-short">\1', markup)


def _keep_anchors(found: re.Match[str]) -> str:
    """Ids that great_tables gives by column would be there twice on a page of many tables; ours stay."""
    return found.group(0) if re.match(r' id="(?!rows)', found.group(0)) else ""


def know(made: Provenance, rows: Html | None = None, *, links: Mapping[str, str] | None = None) -> Html:
    """The block "How do we know": view, condition, rows, prices' days and hash of the result, the rows themselves, and links within the page.

    `rows` is a table of what was drawn; `links` maps a text to an anchor of the same page, such as {"the calls": "calls"}.
    """
    prices = (
        "no prices"
        if made.price_first is None
        else f"prices of {made.price_first}" + (f" to {made.price_last}" if made.price_last != made.price_first else "")
    )
    leads = "".join(f' · <a href="#{escape(anchor)}">{escape(text)}</a>' for text, anchor in (links or {}).items())
    counted = f"{count(made.calls, 'call', 'calls')} in the ledger, {count(made.unpriced)} without a price, {prices}"
    text = (
        f"View <code>{escape(made.view)}</code>, {count(made.rows, 'row', 'rows')} of <code>{escape(made.sql)}</code>; {counted}; "
        f"SHA-256 of the result <code>{escape(made.sha256)}</code>{leads}"
    )
    return wrapped(f'<details class="autod-know"><summary>How do we know</summary><p>{text}</p>{rows.markup if rows else ""}</details>')
