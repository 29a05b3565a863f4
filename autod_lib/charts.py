"""The figures: one theme, one function a figure, and a renderer that needs no network.

Decided here: how a frame of metrics.py is drawn, and what the title says of it: the finding, in words, from the data drawn. Promised: every figure
is drawn from an empty frame too, as a line that says what to do; simulated figures say so on the figure; an SVG holds no script, reaches nothing
and has a description for those who hear a page. Data never enters an expression. Called by the notebooks; reads no database, defines no metric:
the only numbers computed here are those that a title quotes of the frame.

Colours: Okabe and Ito, https://jfly.uni-koeln.de/color/ (told apart by colour-blind eyes).
"""

import html
import math
import re
import textwrap
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

import polars as pl

from .page import NOTHING_YET, SIMULATED, STYLE, Html, count, day, escape, named, share, usd, visible, wrapped
from .page import days as page_days
from .quick_imports import without_grammar
from .reconcile import STEPS

with without_grammar():
    import altair as alt

BLUE, SKY, ORANGE, GREEN, PINK, RED, YELLOW, GREY = "#0072B2", "#56B4E9", "#E69F00", "#009E73", "#CC79A7", "#D55E00", "#F0E442", "#8c959f"
PALETTE: Final = (BLUE, ORANGE, GREEN, PINK, SKY, RED, YELLOW, GREY)
FONT: Final = '"Helvetica Neue", Arial, "Liberation Sans", sans-serif'
WIDTH: Final = 620
NARROW: Final = 270  # a plot on a small screen, in pixels
LETTERS_NARROW: Final = 130  # pixels of a label on a small screen
PHONE: Final = 348  # the same with its axes
INK, FAINT = "#1f2328", "#57606a"
SCHEMA: Final = "https://vega.github.io/schema/vega-lite/v5.json"  # JupyterLab lists no later one
LABELS_TO_SPEAK_OF: Final = 20
LABEL_FIRST: Final = "run autod ingest FOLDER, then autod labels import FILE"
LATENCY_DAYS: Final = 31
LINK: Final = re.compile(r'xlink:href="[^"#]*(#[^"]*)?"')  # Vega puts an address before a link within the page
EMPTY: Final = {"empty": True}  # marks a figure without data
MONTHS: Final = "['Jan','Feb','Mar','Apr','May','Jun','Jul','Aug','Sep','Oct','Nov','Dec']"
# The day of an ISO date, with its month under the first tick and the first of a month: only our own dates reach this expression.
DAY_LABEL: Final = (
    "(datum.index == 0 || slice(datum.value, 8) == '01') ? "
    f"[slice(datum.value, 8), {MONTHS}[toNumber(slice(datum.value, 5, 7)) - 1]] : slice(datum.value, 8)"
)
KINDS_OF_TOKENS: Final = {"output_usd": "output", "uncached_usd": "uncached input", "cache_write_usd": "cache write", "cached_usd": "cache read"}

CONFIG: Final[dict[str, Any]] = {
    "background": "white",
    "padding": {"left": 18, "right": 12, "top": 5, "bottom": 5},  # a browser's letters may be wider than those that were measured
    "font": FONT,
    "title": {
        "anchor": "start",
        "fontSize": 15,
        "fontWeight": 600,
        "color": INK,
        "subtitleFontSize": 12,
        "subtitleColor": FAINT,
        "offset": 12,
        "frame": "bounds",
    },
    "axis": {
        "labelFontSize": 11.5,
        "titleFontSize": 11.5,
        "titleFontWeight": "normal",
        "titleColor": FAINT,
        "labelColor": "#3d444d",
        "gridColor": "#e6e8eb",
        "domainColor": "#8c959f",
        "tickColor": "#8c959f",
        "labelLimit": 230,
        "titlePadding": 8,
    },
    "axisX": {"grid": False, "labelAngle": 0},
    "legend": {
        "orient": "top",
        "title": None,
        "labelFontSize": 11.5,
        "symbolType": "square",
        "columnPadding": 22,
        "symbolSize": 90,
        "labelColor": INK,
        "offset": 4,
        "labelLimit": 260,
    },
    "view": {"stroke": None},
    "range": {"category": list(PALETTE)},
    "text": {"fontSize": 11.5, "color": INK},
    "bar": {"discreteBandSize": {"band": 0.86}},
}

Chart = alt.Chart | alt.LayerChart | alt.VConcatChart | alt.HConcatChart


def enable() -> None:
    """Makes every chart of this kernel show itself offline, and gives the page its style. A second call changes nothing."""
    from IPython import get_ipython
    from IPython.display import display

    alt.renderers.register("autod", _mimebundle)
    alt.renderers.enable("autod")
    if get_ipython() is not None:
        display(Html(STYLE))  # type: ignore[no-untyped-call]


def _mimebundle(spec: dict[str, Any], **_: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """What a cell shows: the interactive form for JupyterLab, its drawing for pages, and in the drawing's metadata another for small screens."""
    return {
        "application/vnd.vegalite.v5+json": spec | {"$schema": SCHEMA},
        "image/svg+xml": _svg(_wrapped_title(spec, 60, 84)),
        "text/plain": " · ".join(_texts(spec.get("title"))),
    }, {"image/svg+xml": {"narrow": _svg(_wrapped_title(_narrowed(spec), 36, 48))}}


def _texts(title: Any) -> list[str]:
    """Title and subtitle of a specification, as they were given."""
    if isinstance(title, str):
        return [title]
    parts = (title.get("text"), title.get("subtitle")) if isinstance(title, Mapping) else ()
    return [" ".join(part) if isinstance(part, list) else str(part) for part in parts if part]


def svg(chart: Chart) -> str:
    """A chart as an SVG with a name and a description, without script and without addresses."""
    return _svg(chart.to_dict())


def _svg(spec: dict[str, Any]) -> str:
    import vl_convert

    drawn: str = vl_convert.vegalite_to_svg(spec | {"background": None}, allowed_base_urls=[], show_warnings=False)
    title = " · ".join(_texts(spec.get("title"))) or spec.get("usermeta", {}).get("name", "figure")
    text = spec.get("description") or title
    head = re.match(r"<svg\b[^>]*>", drawn)
    assert head is not None, "vl_convert gives an SVG element"
    body = LINK.sub(r'href="\1"', drawn[head.end() :])
    role = "group" if "href=" in body else "img"  # what is within an image cannot be followed
    return f'{head.group(0)[:-1]} role="{role}" aria-label="{escape(title)}"><title>{escape(title)}</title><desc>{escape(text)}</desc>{body}'


def _wrapped_title(spec: dict[str, Any], letters: int, small_letters: int) -> dict[str, Any]:
    """The same with its title and subtitle in lines of so many letters."""
    title, *rest = [*_texts(spec.get("title")), ""]
    if not isinstance(spec.get("title"), Mapping):
        return spec
    return spec | {"title": spec["title"] | {"text": textwrap.wrap(title, letters), "subtitle": textwrap.wrap(" ".join(rest), small_letters)}}


def figure(chart: Chart, *, how: str | Html = "", know: Html | None = None) -> Html:
    """A chart as a part of a page: its title as text that wraps, the drawing for wide and for narrow screens, how to read it, and how we know."""
    spec = chart.to_dict()
    title, *rest = [*_texts(spec.get("title")), ""]
    wide = {key: value for key, value in spec.items() if key not in ("title", "usermeta")} | {"usermeta": {"name": title}}
    drawings = f'<div class="autod-wide">{_svg(wide)}</div><div class="autod-narrow">{_svg(_narrowed(wide))}</div>'
    if spec.get("usermeta") == EMPTY:
        how, know = "", None
    aside = f"<p><b>How to read it.</b> {how.markup if isinstance(how, Html) else escape(how)}</p>" if how else ""
    head = f"<figcaption><b>{escape(title)}</b><span>{escape(' '.join(rest))}</span></figcaption>"
    return wrapped(
        f'<figure class="autod-figure" style="margin-left:0;margin-right:0">{head}<div class="autod-body"><div>{drawings}</div>{aside}</div></figure>'
    ) + (know or Html(""))


def _narrowed(spec: dict[str, Any]) -> dict[str, Any]:
    """The same drawing for a small screen: axes and all no wider than PHONE, legends in two columns, or as one column, nothing else."""
    narrow: dict[str, Any] = _cut(spec)
    config = narrow.get("config", {})
    legend = {"config": config | {"legend": config.get("legend", {}) | {"columns": 2, "labelLimit": 150}}}
    fitted = (
        {} if "vconcat" in spec else {"width": PHONE, "autosize": {"type": "fit-x", "contains": "padding"}}
    )  # plots below each other cannot be fitted
    return narrow | legend | fitted


def _cut(part: Any) -> Any:
    if isinstance(part, dict):
        cut = {key: _cut(value) for key, value in part.items() if key != "columns" or value == 1}
        if "columns" in cut:  # a legend of long names
            cut["labelLimit"] = PHONE - LETTERS_NARROW
        elif "labelLimit" in cut:
            cut["labelLimit"] = min(cut["labelLimit"], LETTERS_NARROW)
        if isinstance(cut.get("width"), int):
            cut["width"] = min(cut["width"], NARROW)
        if "axis" in cut and isinstance(cut.get("title"), str):
            cut["title"] = textwrap.wrap(cut["title"], 32)
        return cut
    return [_cut(item) for item in part] if isinstance(part, list) else part


def _values(frame: pl.DataFrame, columns: Sequence[str]) -> list[dict[str, Any]]:
    """Rows as plain values to draw: amounts as floats, days and times as ISO text. A drawing needs no more places than a float has."""
    return [{name: _plain(value) for name, value in row.items()} for row in frame.select(columns).to_dicts()]


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return visible(value)
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%SZ")
    return value.isoformat() if isinstance(value, date) else value


def _is_simulated(frame: pl.DataFrame) -> bool:
    return "is_simulated" in frame.columns and bool(frame["is_simulated"].any())


def _base(frame: pl.DataFrame, values: list[dict[str, Any]]) -> alt.Chart:
    return alt.Chart(alt.InlineData(values=values))


def _finished(chart: Any, frame: pl.DataFrame, title: str, subtitle: str) -> Chart:
    title, below = visible(title), f"{subtitle} · {SIMULATED}" if _is_simulated(frame) else subtitle
    text = html.unescape(f"{title}. {below}.")
    made: Chart = chart.properties(title=alt.TitleParams(text=title, subtitle=below), description=text).configure(**CONFIG)
    return made


def nothing(question: str, way: str = "run autod ingest FOLDER") -> alt.Chart:
    """The figure of an empty ledger: the question, and what to do."""
    lines = textwrap.fill(f"nothing yet: {way}", 46)  # as many letters as a small screen holds
    drawn = alt.Chart(alt.InlineData(values=[{"text": lines}])).mark_text(align="left", baseline="top", lineBreak="\n", fontSize=13, color=FAINT)
    placed = drawn.encode(text=alt.Text("text:N"), x=alt.value(4), y=alt.value(4)).properties(width=WIDTH, height=46)
    made: alt.Chart = placed.properties(
        title=alt.TitleParams(text=question, subtitle="no data"), description=f"{question} {NOTHING_YET} {way}", usermeta=EMPTY
    ).configure(**CONFIG)
    return made


def _days(first: date, last: date) -> list[str]:
    """Every day of a period as ISO text: days on which nothing happened are gaps, not joined over."""
    return [(first + timedelta(days=index)).isoformat() for index in range((last - first).days + 1)]


def _day_axis(frame: pl.DataFrame, column: str = "day_utc", title: str | None = "day, UTC") -> alt.X:
    days = _days(frame[column].min(), frame[column].max())  # type: ignore[arg-type]
    axis = alt.Axis(title=title, labelExpr=DAY_LABEL, labelOverlap="greedy", labelSeparation=5, ticks=False)
    return alt.X(f"{column}:O", scale=alt.Scale(domain=days), axis=axis)


def _bar_width(frame: pl.DataFrame) -> dict[str, Any]:
    """A day among few is no wider than a day among many."""
    days = (frame["day_utc"].max() - frame["day_utc"].min()).days + 1  # type: ignore[operator, union-attr]
    return {"width": 30} if days < 9 else {}


def _short(text: str | None, length: int = 34) -> str:
    text = visible(text or "(no name)")
    return text if len(text) <= length else f"{text[: length - 12]}…{text[-11:]}"


def _top(frame: pl.DataFrame, column: str, weight: str, most: int) -> list[str]:
    """The values of a column that weigh most, heaviest first."""
    sums = frame.group_by(column).agg(pl.col(weight).sum()).sort(weight, column, descending=[True, False], nulls_last=True)
    return [str(value) for value in sums[column].head(most).to_list()]


def _sum(frame: pl.DataFrame, column: str) -> Decimal:
    return sum((value for value in frame[column].to_list() if value is not None), Decimal(0))


# ---------------------------------------------------------------- cost


def cost_by_day(frame: pl.DataFrame, *, budget_usd: Decimal | None = None, by: str = "kind") -> Chart:
    """What each day cost, stacked by kind of token or (`by="model"`) by model, with the daily budget as a line. Takes metrics.cost_by_day."""
    if frame.is_empty():
        return nothing("What did each day cost?")
    if by == "model":
        rows = frame.select("day_utc", "is_simulated", kind=pl.col("model"), usd=pl.col("cost_usd"))
        order, colours = _top(rows, "kind", "usd", 100), list(PALETTE)
    else:
        long = frame.select("day_utc", "is_simulated", *KINDS_OF_TOKENS).unpivot(
            index=["day_utc", "is_simulated"], variable_name="kind", value_name="usd"
        )
        rows = long.with_columns(pl.col("kind").replace(KINDS_OF_TOKENS)).group_by("day_utc", "is_simulated", "kind").agg(pl.col("usd").sum())
        order, colours = list(KINDS_OF_TOKENS.values()), [BLUE, SKY, ORANGE, GREEN]
    rows = rows.sort("day_utc", "kind").with_columns(rank=pl.col("kind").replace_strict(order, list(range(len(order))), default=99))
    dearest = max(float(_sum(group, "usd")) for _, group in rows.group_by("day_utc"))
    highest = max(dearest, float(budget_usd or 0) * 1.1) * 1.02 or 1.0
    bars = (
        _base(rows, _values(rows, ["day_utc", "kind", "usd", "rank"]))
        .mark_bar(**_bar_width(frame))
        .encode(
            x=_day_axis(frame),
            y=alt.Y("sum(usd):Q", title="USD a day", scale=alt.Scale(domain=[0, highest]), axis=alt.Axis(tickCount=5, format="~g")),
            color=alt.Color("kind:N", scale=alt.Scale(domain=order, range=colours[: len(order)] if len(order) <= len(colours) else colours)),
            order=alt.Order("rank:Q"),
            tooltip=[
                alt.Tooltip("day_utc:N", title="day, UTC"),
                alt.Tooltip("kind:N", title="kind"),
                alt.Tooltip("sum(usd):Q", title="USD", format=".6f"),
            ],
        )
    )
    drawn: Any = bars
    if budget_usd:
        line = _base(rows, [{"usd": float(budget_usd), "text": f"daily budget {usd(budget_usd)}"}])
        label = line.mark_text(align="right", dy=-6, color=INK).encode(y="usd:Q", text="text:N", x=alt.value("width"))
        drawn = alt.layer(bars, line.mark_rule(strokeDash=[5, 4], color=INK).encode(y="usd:Q"), label)
    return _finished(
        drawn.properties(width=WIDTH, height=230), frame, _cost_title(frame), f"USD a UTC day, by {'model' if by == 'model' else 'kind of token'}"
    )


def _cost_title(frame: pl.DataFrame) -> str:
    by_day: dict[date, Decimal] = {}
    for row in frame.iter_rows(named=True):
        by_day[row["day_utc"]] = by_day.get(row["day_utc"], Decimal(0)) + (row["cost_usd"] or Decimal(0))
    total = sum(by_day.values(), Decimal(0))
    if not total:
        return "No call had a price"
    dearest = max(sorted(by_day), key=lambda key: by_day[key])
    if len(by_day) == 1:
        return f"All {usd(total)} were spent on {day(dearest)}"
    typical = sorted(by_day.values())[len(by_day) // 2]
    if typical and by_day[dearest] >= typical * Decimal("1.25"):
        return f"{day(dearest)} was the dearest day, with {usd(by_day[dearest])} where {usd(typical)} is usual"
    return f"The days cost much the same, about {usd(typical)} each"


def cost_distribution(frame: pl.DataFrame) -> Chart:
    """How many documents cost how much. Takes metrics.cost_by_document."""
    known = frame.filter(pl.col("cost_usd").is_not_null() & pl.col("document_sha256").is_not_null())
    if known.is_empty():
        return nothing("What does a document cost?")
    costs = sorted(known["cost_usd"].to_list())
    middle, high = costs[len(costs) // 2], costs[min(len(costs) - 1, math.ceil(len(costs) * 0.95) - 1)]
    bars = (
        _base(known, _bins([float(cost) for cost in costs]))
        .mark_bar(color=BLUE)
        .encode(
            x=alt.X("low:Q", bin="binned", title="USD a document", axis=alt.Axis(format="~g", labelFlush=True, tickCount=8)),
            x2="high:Q",
            y=alt.Y("documents:Q", title="documents", axis=alt.Axis(tickMinStep=1, tickCount=5)),
            tooltip=[alt.Tooltip("low:Q", title="USD from"), alt.Tooltip("high:Q", title="to"), "documents:Q"],
        )
    )
    line = _base(known, [{"usd": float(middle)}])
    drawn = alt.layer(bars, line.mark_rule(color=RED, strokeDash=[5, 4], strokeWidth=2).encode(x="usd:Q"))
    title = (
        f"Half of the documents cost less than {usd(middle)}, 19 in 20 less than {usd(high)}"
        if len(costs) > 1
        else f"The one document cost {usd(middle)}"
    )
    subtitle = (
        f"{count(known.height, 'document', 'documents')}; all calls of a document together, re-runs and experiments included; dashed: the middle"
    )
    return _finished(drawn.properties(width=WIDTH, height=190), frame, title, subtitle)


def _bins(values: list[float], most: int = 30) -> list[dict[str, float]]:
    """Equal ranges of a round width with how many values lie in each: a drawing of a million documents holds no million points.

    `values` are sorted and not negative.
    """
    rough = (values[-1] or 1.0) / most
    size = 10.0 ** math.floor(math.log10(rough))
    width = next(size * step for step in (1, 2, 5, 10) if size * step >= rough)
    counts = Counter(int(value / width) for value in values)
    return [{"low": place * width, "high": (place + 1) * width, "documents": number} for place, number in sorted(counts.items())]


def dearest_documents(frame: pl.DataFrame, *, most: int = 10) -> Chart:
    """The documents that cost most, with their names. Takes metrics.cost_by_document."""
    known = frame.filter(pl.col("cost_usd").is_not_null() & pl.col("document_sha256").is_not_null())
    if known.is_empty():
        return nothing("Which documents were dear?")
    top = known.head(most)
    rows = [
        {
            "place": f"{place:03d}",
            "name": _short(row["file_name"], 30),
            "usd": float(row["cost_usd"]),
            "text": f"{usd(row['cost_usd'])} · {_pages(row['page_count'])}",
        }
        for place, row in enumerate(top.iter_rows(named=True))
    ]
    bars = _named_bars(_base(top, rows), "usd", "USD")
    part = float(_sum(top, "cost_usd") / _sum(known, "cost_usd")) if _sum(known, "cost_usd") else 0.0
    title = f"The dearest {count(top.height, 'document makes', 'documents make')} {share(part)} of what documents cost"
    return _finished(bars, frame, title, "USD a document, all its calls together")


def _pages(pages: int | None) -> str:
    return "pages unknown" if pages is None else count(pages, "page", "pages")


def _named_bars(base: alt.Chart, value: str, unit: str) -> Any:
    """Horizontal bars in the order given: a name above each bar, its value in words beside the name; so that long names cost no width."""
    y = alt.Y("place:O", axis=None, scale=alt.Scale(paddingInner=0.1))
    bars = base.mark_bar(color=BLUE, height=9, yOffset=9).encode(
        y=y, x=alt.X(f"{value}:Q", title=unit, axis=alt.Axis(format="~g", tickCount=5), scale=alt.Scale(zero=True))
    )
    names = base.mark_text(align="left", dy=-5, limit=WIDTH).encode(y=y, x=alt.value(2), text="name:N")
    texts = base.mark_text(align="right", dy=-5, color=FAINT).encode(y=y, x=alt.value("width"), text="text:N")
    return alt.layer(bars, names, texts).properties(width=WIDTH, height=alt.Step(32))


def cost_by_model(frame: pl.DataFrame) -> Chart:
    """What each model and input mode cost, and a document of it. Takes metrics.cost_by_model."""
    known = frame.filter(pl.col("cost_usd").is_not_null())
    if known.is_empty():
        return nothing("Which model costs what?")
    rows = [
        {
            "place": f"{place:03d}",
            "name": f"{row['model']} · {row['input_mode'] or 'no input'}",
            "usd": float(row["cost_usd"]),
            "text": f"{usd(row['cost_usd'])} · {usd(row['cost_a_document_usd'])} each",
        }
        for place, row in enumerate(known.iter_rows(named=True))
    ]
    first, total = known.row(0, named=True), _sum(known, "cost_usd")
    part = share(float(first["cost_usd"] / total)) if total else "–"
    title = f"{first['model']} with {first['input_mode'] or 'no input'} makes {part} of the bill"
    return _finished(
        _named_bars(_base(known, rows), "usd", "USD"),
        frame,
        title,
        "USD by model and input mode, and what each of its documents cost; experiments included",
    )


def _cost_of(frame: pl.DataFrame, rows: Sequence[tuple[str, str]], title: str, subtitle: str, question: str) -> Chart:
    """Bars of what each part cost, in the order given; rows are names and texts, one for each row of the frame."""
    if frame.is_empty():
        return nothing(question)
    placed = [
        {"place": f"{place:03d}", "name": name, "usd": float(cost), "text": text}
        for place, ((name, text), cost) in enumerate(zip(rows, frame["cost_usd"].to_list(), strict=True))
    ]
    return _finished(_named_bars(_base(frame, placed), "usd", "USD"), frame, title, subtitle)


def _first_share(frame: pl.DataFrame) -> str:
    total = _sum(frame, "cost_usd")
    return share(float(frame["cost_usd"][0] / total)) if frame.height and total else "–"


def cost_by_arm(frame: pl.DataFrame, *, most: int = 12) -> Chart:
    """What each arm cost, and a document of it. Takes metrics.cost_by_arm."""
    known = frame.filter(pl.col("cost_usd").is_not_null())
    top = known.head(most)
    rows = [(_short(row["arm"], 44), f"{usd(row['cost_a_document_usd'])} each") for row in top.iter_rows(named=True)]
    title = f"{count(known.height, 'arm has', 'arms have')} been asked; the dearest makes {_first_share(known)} of the bill"
    return _cost_of(
        top,
        rows,
        title,
        "USD by arm (model, input mode, effort, prompt), and what each document cost; experiments included",
        "What does each arm cost?",
    )


def cost_by_doc_type(frame: pl.DataFrame) -> Chart:
    """What each kind of document cost. Takes metrics.cost_by_doc_type."""
    known = frame.filter(pl.col("cost_usd").is_not_null())
    rows = [
        (
            row["doc_type"] or "(no kind known)",
            f"{usd(row['cost_usd'])} · {usd(row['cost_a_document_usd'])} each · {usd(row['cost_a_page_usd'])} a page",
        )
        for row in known.iter_rows(named=True)
    ]
    each = known.filter(pl.col("doc_type").is_not_null()).sort("cost_a_document_usd", "doc_type", descending=[True, False])
    title = (
        f"A document of the kind {each['doc_type'][0]} is dearest with {usd(each['cost_a_document_usd'][0])}, "
        f"{each['doc_type'][-1]} cheapest with {usd(each['cost_a_document_usd'][-1])}"
        if each.height > 1
        else "One kind of document so far"
    )
    return _cost_of(known, rows, title, "USD by kind of document, all calls of a document together", "What does each kind of document cost?")


def cost_by_pages(frame: pl.DataFrame) -> Chart:
    """What documents of each length cost. Takes metrics.cost_by_pages."""
    known = frame.filter(pl.col("cost_usd").is_not_null())
    rows = [(_length(row), f"{usd(row['cost_a_page_usd'])} a page · {usd(row['cost_a_document_usd'])} each") for row in known.iter_rows(named=True)]
    sized = known.filter(pl.col("pages_from").is_not_null())
    title = (
        f"A page costs {usd(sized['cost_a_page_usd'][0])} in documents of {_length(sized.row(0, named=True))}, "
        f"{usd(sized['cost_a_page_usd'][-1])} in those of {_length(sized.row(-1, named=True))}"
        if sized.height > 1
        else "All documents are of one length"
    )
    return _cost_of(known, rows, title, "USD by the number of pages of a document", "Does a long document cost more?")


def _length(row: Mapping[str, Any]) -> str:
    first, last = row["pages_from"], row["pages_to"]
    if first is None:
        return "unknown length"
    return count(first, "page", "pages") if first == last else f"{first} pages and more" if last is None else f"{first} to {last} pages"


def input_modes(frame: pl.DataFrame) -> Chart:
    """What a document costs in each input mode, and how often it is right. Takes metrics.input_modes_compared of one kind of money."""
    if frame.is_empty():
        return nothing("Which input mode pays?", "run autod ingest FOLDER --input text, then --input file-low: the same documents in two modes")
    first = frame.row(0, named=True)  # the comparison with the most documents
    same = ["model", "prompt_hash", "reasoning_effort", "documents"]
    rows = frame.filter(pl.all_horizontal([pl.col(name).eq_missing(pl.lit(first[name])) for name in same]))
    placed = [
        {
            "place": f"{place:03d}",
            "name": row["input_mode"],
            "usd": float(row["cost_a_document_usd"]),
            "text": f"{usd(row['cost_a_document_usd'])} · {row['input_tokens'] // row['documents']:,} tokens"
            + (f" · {share(row['accuracy'])} right" if row["accuracy"] is not None else ""),
        }
        for place, row in enumerate(rows.iter_rows(named=True))
    ]
    modes = {row["input_mode"]: row for row in rows.iter_rows(named=True)}
    dearest = rows.sort("cost_usd", "input_mode").row(-1, named=True)
    title = f"{first['input_mode']} is cheapest with {usd(first['cost_a_document_usd'])} a document"
    if "auto" in modes and dearest["input_mode"] != "auto":
        kept = float(modes["auto"]["cost_usd"] / dearest["cost_usd"]) if dearest["cost_usd"] else 0.0
        title = f"auto costs {share(kept)} of {dearest['input_mode']} on the same documents"
    text = f"USD a document of {first['model']}; {count(first['documents'], 'document', 'documents')} answered in every mode"
    return _finished(_named_bars(_base(rows, placed), "usd", "USD a document"), rows, title, text)


SAVED: Final = {
    "saved_by_dedupe_usd": "dedupe: no content twice",
    "saved_by_input_mode_usd": "input mode: text where it is good",
    "saved_by_cache_usd": "cache: the prefix once",
    "saved_by_tier_usd": "tier: batch and flex",
}


def savings(frame: pl.DataFrame) -> Chart:
    """From the naive client's bill to ours, step by step. Takes advise.savings."""
    naive, ours = (_sum(frame, name) for name in ("naive_usd", "cost_usd")) if frame.height else (Decimal(0), Decimal(0))
    if not naive:
        return nothing("What did autoD's choices save?")
    rows, left = [{"name": "naive client", "low": 0.0, "high": float(naive), "text": usd(naive), "kind": "bill"}], naive
    for column, name in SAVED.items():
        saved = _sum(frame, column)
        text = f"{usd(-saved)} · {share(float(abs(saved) / naive))} {'less' if saved >= 0 else 'more'}" if saved else "nothing"
        rows.append({"name": name, "low": float(left - saved), "high": float(left), "text": text, "kind": "saved" if saved >= 0 else "lost"})
        left -= saved
    rows.append({"name": "autoD", "low": 0.0, "high": float(ours), "text": f"{usd(ours)} · {share(float(ours / naive))}", "kind": "bill"})
    title = f"autoD paid {usd(ours)} where the naive client would have paid {usd(naive)}: {share(float(ours / naive))} of it"
    guessed = int(frame["calls_estimated"].sum())
    subtitle = "USD; blue: a bill, green: saved, red: lost" + (f"; the images of {count(guessed, 'call', 'calls')} are estimated" if guessed else "")
    return _finished(_waterfall(frame, rows, {"bill": BLUE, "saved": GREEN, "lost": RED}), frame, title, subtitle)


def _waterfall(frame: pl.DataFrame, rows: list[dict[str, Any]], colours: dict[str, str]) -> Any:
    """Bars from `low` to `high` USD, one below the other, each with its name and text above it, coloured by `kind`."""
    base = _base(frame, [row | {"place": f"{place:03d}"} for place, row in enumerate(rows)])
    y = alt.Y("place:O", axis=None, scale=alt.Scale(paddingInner=0.1))
    colour = alt.Color("kind:N", scale=alt.Scale(domain=list(colours), range=list(colours.values())), legend=None)
    bars = base.mark_bar(height=9, yOffset=9).encode(
        y=y, x=alt.X("low:Q", title="USD", axis=alt.Axis(format="~g", tickCount=5)), x2="high:Q", color=colour
    )
    names = base.mark_text(align="left", dy=-5, limit=WIDTH).encode(y=y, x=alt.value(2), text="name:N")
    texts = base.mark_text(align="right", dy=-5, color=FAINT).encode(y=y, x=alt.value("width"), text="text:N")
    return alt.layer(bars, names, texts).properties(width=WIDTH, height=alt.Step(32))


def reconciliation(frame: pl.DataFrame) -> Chart:
    """From the ledger to the provider's invoice, step by step. Takes metrics.reconciliation_waterfall of one kind of money."""
    if frame.is_empty():
        return nothing("Does the provider's invoice agree?", "run autod reconcile --from DAY, with an admin key or --file EXPORT")
    steps = {row["step"]: row for row in frame.iter_rows(named=True)}
    own, theirs = steps["ledger"]["usd"], steps["invoice"]["usd"]
    title = f"Ledger and invoice agree to the last decimal: {usd(own)}"
    if len(steps) > 2:
        gap = f"{usd(abs(theirs - own))} {'more' if theirs > own else 'less'} than the ledger" if theirs != own else "as much as the ledger"
        title = f"The invoice is {usd(theirs)}, {gap}; {'some' if 'unexplained' in steps else 'nothing'} of it is unexplained"
    rows = [
        {
            "name": STEPS.get(row["step"], row["step"]),
            "low": float(min(row["from_usd"], row["to_usd"])),
            "high": float(max(row["from_usd"], row["to_usd"])),
            "text": (usd(row["usd"]) if row["step"] in ("ledger", "invoice") else f"{'+' if row['usd'] > 0 else ''}{usd(row['usd'])}")
            + (f" · {count(row['calls'], 'call', 'calls')}" if row["calls"] else ""),
            "kind": row["step"] if row["step"] == "unexplained" else "total" if row["step"] in ("ledger", "invoice") else "explained",
        }
        for row in steps.values()
    ]
    compared = page_days(steps["ledger"]["first_day"], steps["ledger"]["last_day"])
    subtitle = f"USD of {compared}; blue: a total, orange: explained, red: unexplained"
    return _finished(_waterfall(frame, rows, {"total": BLUE, "explained": ORANGE, "unexplained": RED}), frame, title, subtitle)


def left_on_table(frame: pl.DataFrame, *, most: int = 10) -> Chart:
    """What other choices would have saved, most first. Takes advise.left_on_table of one kind of money."""
    if frame.is_empty():
        return nothing("What was left on the table?")
    known = {row["policy"]: row for row in frame.iter_rows(named=True)}
    best = known["best of those that ask the same"]
    shown = frame.filter((pl.col("saved_usd") > 0) & ~pl.col("policy").is_in(["as billed", "implicit, prefix read"])).head(most)
    title = (
        f"The cheapest mark and tier for every call would have saved {usd(best['saved_usd'])}, {share(best['share_saved'])} of the bill"
        if best["saved_usd"] > 0
        else "No other mark or tier would have been cheaper"
    )
    rows = [
        {
            "place": f"{place:03d}",
            "name": row["policy"] + (" *" if row["changes_answers"] else ""),
            "usd": float(row["saved_usd"]),
            "text": f"{usd(row['saved_usd'])} · {share(row['share_saved'])}",
        }
        for place, row in enumerate(shown.iter_rows(named=True))
    ] or [{"place": "000", "name": "as billed", "usd": 0.0, "text": f"nothing to save of {usd(best['cost_usd'])}"}]
    subtitle = "USD that would have been saved, the ledger repriced call by call; * changes the answers"
    return _finished(_named_bars(_base(frame, rows), "usd", "USD saved"), frame, title, subtitle)


def field_prices(frame: pl.DataFrame) -> Chart:
    """What each field of the record costs, beside how often it is filled and right. Takes price_tags.field_prices."""
    if frame.is_empty():
        return nothing("What does each field cost?")
    rows = [
        {
            "place": f"{place:03d}",
            "name": row["field"],
            "usd": float(row["cost_a_thousand_usd"]),
            "text": share(row["share_of_output"])
            + (f" · filled {share(row['share_filled'])}" if row["share_filled"] is not None else " of the output")
            + (f" · right {share(row['accuracy'])}" if row["accuracy"] is not None else ""),
        }
        for place, row in enumerate(frame.iter_rows(named=True))
    ]
    fields = frame.filter(pl.col("share_filled").is_not_null())
    first = fields.row(0, named=True)
    empty = fields.filter(pl.col("share_filled") < 0.5)["share_of_output"].sum()
    title = f"{first['field']} is the dearest field, {share(first['share_of_output'])} of the output"
    if empty:
        title += f"; {share(float(empty))} goes to fields that are empty in most answers"
    text = f"USD a thousand answers, by the output tokens of each field; {count(first['answers'], 'answer', 'answers')} looked at"
    return _finished(_named_bars(_base(frame, rows), "usd", "USD a thousand answers"), frame, title, text)


def month_forecast(frame: pl.DataFrame, by_day: pl.DataFrame) -> Chart:
    """What the month has cost so far and will have cost. Takes metrics.month_forecast of one kind of money and metrics.headline_by_day."""
    if frame.is_empty():
        return nothing("What will the month cost?")
    row = frame.row(0, named=True)
    days = {item["day_utc"]: item["cost_usd"] or Decimal(0) for item in by_day.iter_rows(named=True)}
    spent, line = Decimal(0), []
    for index in range((row["today"] - row["month_first"]).days + 1):
        date_of = row["month_first"] + timedelta(days=index)
        spent += days.get(date_of, Decimal(0))
        line.append({"day_utc": date_of.isoformat(), "usd": float(spent)})
    ends = [
        {"day_utc": moment.isoformat(), "usd": float(value), "low": float(low), "high": float(high)}
        for moment, value, low, high in (
            (row["today"], row["spent_usd"], row["spent_usd"], row["spent_usd"]),
            (row["month_last"], row["forecast_usd"], row["forecast_low_usd"] or row["forecast_usd"], row["forecast_high_usd"] or row["forecast_usd"]),
        )
        if value is not None
    ]
    axis = alt.Axis(title="day, UTC", labelExpr=DAY_LABEL, labelOverlap="greedy", labelSeparation=5, ticks=False)
    x = alt.X("day_utc:O", scale=alt.Scale(domain=_days(row["month_first"], row["month_last"])), axis=axis)
    y = alt.Y("usd:Q", title="USD since the first of the month", axis=alt.Axis(tickCount=5, format="~g"))
    so_far = _base(frame, line).mark_line(color=BLUE, strokeWidth=2.2, interpolate="step-after").encode(x=x, y=y)
    band = _base(frame, ends).mark_area(color=ORANGE, opacity=0.25).encode(x=x, y=alt.Y("low:Q", title=None), y2="high:Q")
    ahead = _base(frame, ends).mark_line(color=ORANGE, strokeDash=[5, 4], strokeWidth=2.2).encode(x=x, y=y)
    title = f"{row['month_first']:%B %Y} will cost about {usd(row['forecast_usd'])}"
    if row["forecast_usd"] is None:
        title = f"{row['month_first']:%B %Y} has cost {usd(row['spent_usd'])} so far; one day is too few for a forecast"
    elif row["forecast_low_usd"] is not None:
        title += f", most likely {usd(row['forecast_low_usd'])} to {usd(row['forecast_high_usd'])}"
    if not row["days_left"]:
        title = f"{row['month_first']:%B %Y} cost {usd(row['spent_usd'])}"
    text = f"blue: spent; orange: {count(row['days_left'], 'day', 'days')} to come at the mean of {count(row['days_seen'], 'day', 'days')} before"
    return _finished(
        alt.layer(band, so_far, ahead).properties(width=WIDTH, height=200), frame, title, text + ("; band: 80 %" if row["forecast_low_usd"] else "")
    )


def forecasts(frame: pl.DataFrame, *, most: int = 40) -> Chart:
    """Each run's bill over its forecast, and the interval around it. Takes metrics.estimate_by_run of one kind of money."""
    known = frame.filter(pl.col("is_within").is_not_null() & (pl.col("expected_usd") > 0)).sort("logged_at", "run_id")
    if known.is_empty():
        return nothing("Does the 80 % interval of a forecast hold four of five bills?")
    values = [
        {
            "run": index + 1,
            "run_id": row["run_id"],
            "low": float(row["low_usd"] / row["expected_usd"]),
            "high": float(row["high_usd"] / row["expected_usd"]),
            "bill": float(row["cost_usd"] / row["expected_usd"]),
            "place": "within" if row["is_within"] else "outside",
        }
        for index, row in enumerate(known.tail(most).iter_rows(named=True))
    ]
    base = _base(known, values)
    x = alt.X("run:O", title="run, in the order of time", axis=alt.Axis(labelOverlap="greedy", ticks=False))
    y = alt.Y("low:Q", title="bill over forecast", scale=alt.Scale(type="log", nice=False), axis=alt.Axis(format="~g", tickCount=5))
    band = base.mark_rule(color=SKY, opacity=0.6, strokeWidth=9).encode(x=x, y=y, y2="high:Q")
    colour = alt.Color("place:N", scale=alt.Scale(domain=["within", "outside"], range=[BLUE, RED]))
    shape = alt.Shape("place:N", scale=alt.Scale(domain=["within", "outside"], range=["circle", "diamond"]))
    bill = base.mark_point(filled=True, size=60, opacity=1).encode(x=x, y="bill:Q", color=colour, shape=shape, tooltip=["run_id:N", "bill:Q"])
    within = int(known["is_within"].sum())
    title = f"The 80 % interval held {count(within, 'bill', 'bills')} of {known.height:,}: {share(within / known.height)}"
    text = "dots: bills, the forecast being 1; bars: what was said to hold four of five"
    return _finished(alt.layer(band, bill).properties(width=WIDTH, height=200), known, title, text)


# ---------------------------------------------------------------- cache


def cache_by_day(frame: pl.DataFrame) -> Chart:
    """The share of input read from the cache each day, by model, and below it what was read and written. Takes metrics.cache_by_day."""
    known = frame.filter(pl.col("share_cached").is_not_null())
    if known.is_empty():
        return nothing("How much of the input is read from the cache?")
    models = _top(known, "model", "input_tokens", 100)
    lines = (
        _base(known, _values(known, ["day_utc", "model", "share_cached", "input_tokens"]))
        .mark_line(point=alt.OverlayMarkDef(size=36, filled=True), strokeWidth=2)
        .encode(
            x=_day_axis(known, title=None),
            y=alt.Y("share_cached:Q", title="read from the cache", scale=alt.Scale(domain=[0, 1]), axis=alt.Axis(format="%", tickCount=5)),
            color=alt.Color("model:N", scale=alt.Scale(domain=models)),
            tooltip=[
                alt.Tooltip("day_utc:N", title="day, UTC"),
                "model:N",
                alt.Tooltip("share_cached:Q", format=".1%"),
                alt.Tooltip("input_tokens:Q", format=","),
            ],
        )
        .properties(width=WIDTH, height=170)
    )
    long = known.group_by("day_utc").agg(pl.col("cached_tokens").sum(), pl.col("cache_write_tokens").sum()).sort("day_utc")
    tokens = long.rename({"cached_tokens": "read", "cache_write_tokens": "written"}).unpivot(
        index="day_utc", variable_name="use", value_name="tokens"
    )
    bars = (
        _base(known, _values(tokens, ["day_utc", "use", "tokens"]))
        .mark_bar(**_bar_width(known))
        .encode(
            x=_day_axis(known),
            y=alt.Y("tokens:Q", title="tokens", axis=alt.Axis(format="~s", tickCount=3)),
            color=alt.Color("use:N", scale=alt.Scale(domain=["read", "written"], range=[GREEN, ORANGE])),
            tooltip=[alt.Tooltip("day_utc:N", title="day, UTC"), "use:N", alt.Tooltip("tokens:Q", format=",")],
        )
        .properties(width=WIDTH, height=90)
    )
    drawn = alt.vconcat(lines, bars, spacing=14).resolve_scale(color="independent")
    return _finished(drawn, frame, _cache_title(known), "above: share of input tokens read, by model; below: tokens read and written; UTC days")


def _cache_title(known: pl.DataFrame) -> str:
    by_day = (
        known.group_by("day_utc").agg(pl.col("cached_tokens").sum(), pl.col("input_tokens").sum(), pl.col("cache_write_tokens").sum()).sort("day_utc")
    )
    overall = int(by_day["cached_tokens"].sum()) / max(int(by_day["input_tokens"].sum()), 1)
    cold = by_day.filter(pl.col("cached_tokens") * 2 < overall * pl.col("input_tokens"))
    if overall == 0:
        return "Nothing was read from the cache"
    if cold.is_empty():
        return f"The cache was warm every day: {share(overall)} of the input was read from it"
    days = [day(value) for value in cold["day_utc"].to_list()]
    named = " and ".join(days) if len(days) <= 2 else f"{len(days)} days, first on {days[0]}"
    return f"The cache was cold on {named}; over all days {share(overall)} of the input was read from it"


def cache_by_key(frame: pl.DataFrame, *, most: int = 12) -> Chart:
    """What was read and written under each cache key. Takes metrics.cache_by_key."""
    if frame.is_empty():
        return nothing("Which cache keys pay?")
    top = frame.head(most)
    rows = []
    for place, row in enumerate(top.iter_rows(named=True)):
        name = f"{_short(row['cache_key'], 20)} · {row['model']}"
        text = f"{share(row['share_cached'])} read · {count(row['calls'], 'call', 'calls')}"
        rows += [
            {"place": f"{place:03d}", "name": name, "text": text, "use": use, "tokens": row[column] or 0}
            for use, column in (("read", "cached_tokens"), ("written", "cache_write_tokens"))
        ]
    base = _base(top, rows)
    y = alt.Y("place:O", axis=None, scale=alt.Scale(paddingInner=0.1))
    bars = base.mark_bar(height=9, yOffset=9).encode(
        y=y,
        x=alt.X("sum(tokens):Q", title="tokens", axis=alt.Axis(format="~s", tickCount=5)),
        color=alt.Color("use:N", scale=alt.Scale(domain=["read", "written"], range=[GREEN, ORANGE])),
    )
    labels = _base(top, rows[::2])
    names = labels.mark_text(align="left", dy=-5, limit=WIDTH).encode(y=y, x=alt.value(2), text="name:N")
    texts = labels.mark_text(align="right", dy=-5, color=FAINT).encode(y=y, x=alt.value("width"), text="text:N")
    unread = frame.filter((pl.col("cache_write_tokens") > 0) & (pl.col("cached_tokens") == 0)).height
    title = (
        f"{count(unread, 'key was', 'keys were')} written and never read"
        if unread
        else f"Every key that was written was read ({count(frame.height, 'key', 'keys')})"
    )
    return _finished(
        alt.layer(bars, names, texts).properties(width=WIDTH, height=alt.Step(32)), frame, title, "tokens by cache key and model, most calls first"
    )


def cache_by_policy(frame: pl.DataFrame) -> Chart:
    """What each cache policy expected to read and to write, and what the answers say. Takes metrics.cache_by_policy."""
    known = frame.filter(pl.col("expected_cached_tokens").is_not_null())
    if known.is_empty():
        return nothing("Does the cache do what its policy expects?")
    names = [f"{row['model']} · {_policy_name(row)}" for row in known.iter_rows(named=True)]
    return _expected(known, names, _policy_title(known), "tokens by policy; pale: expected by the policy, full: by the answers")


def _policy_name(row: Mapping[str, Any]) -> str:
    parts = [row["cache_policy"], row["cache_lifetime"], "" if row["service_tier"] == "default" else row["service_tier"]]
    return " · ".join(part for part in parts if part and part != "(none)")


def cache_by_run(frame: pl.DataFrame, *, most: int = 12) -> Chart:
    """The same for the newest runs. Takes metrics.cache_by_run."""
    known = frame.filter(pl.col("expected_cached_tokens").is_not_null()).head(most)
    if known.is_empty():
        return nothing("Did each run read what it expected?")
    names = [f"{row['first_at']:%d %b %H:%M} · {row['model']} · {row['cache_policy']}" for row in known.iter_rows(named=True)]
    return _expected(
        known, names, _policy_title(known), "tokens of the newest runs, times in UTC; pale: expected by the policy, full: by the answers"
    )


def _policy_title(known: pl.DataFrame) -> str:
    expected, read = int(known["expected_cached_tokens"].sum()), int(known["cached_tokens"].sum())
    written, planned = int(known["cache_write_tokens"].sum()), int(known["expected_write_tokens"].sum())
    if not expected:
        return "No policy expected any reading"
    more = f"; {written / planned:.1f} times the expected tokens were written" if planned and written > 1.2 * planned else ""
    told = "All" if read >= expected else f"{share(read / expected)} of the"
    return f"{told[0].upper()}{told[1:]} tokens that should have been read were read{more}"


def _expected(known: pl.DataFrame, names: Sequence[str], title: str, subtitle: str) -> Chart:
    """Two bars a row, read and written: pale and wide what was expected, full and thin what came."""
    columns = {"read": ("expected_cached_tokens", "cached_tokens"), "written": ("expected_write_tokens", "cache_write_tokens")}
    rows = [
        {
            "place": f"{place:03d}{number}",
            "name": visible(names[place]) if number == 0 else "",
            "text": f"{count(row['calls'], 'call', 'calls')}" if number == 0 else "",
            "use": use,
            "expected": row[expected] or 0,
            "actual": row[actual] or 0,
        }
        for place, row in enumerate(known.iter_rows(named=True))
        for number, (use, (expected, actual)) in enumerate(columns.items())
    ]
    base = _base(known, rows)
    y = alt.Y("place:O", axis=None, scale=alt.Scale(paddingInner=0.1))
    colour = alt.Color("use:N", scale=alt.Scale(domain=list(columns), range=[GREEN, ORANGE]), legend=alt.Legend(symbolOpacity=1))
    tips = ["use:N", alt.Tooltip("expected:Q", format=","), alt.Tooltip("actual:Q", title="by the answers", format=",")]
    axis = alt.Axis(format="~s", tickCount=5)
    pale = base.mark_bar(height=11, yOffset=9, opacity=0.3).encode(y=y, x=alt.X("expected:Q", title="tokens", axis=axis), color=colour, tooltip=tips)
    full = base.mark_bar(height=5, yOffset=9).encode(y=y, x="actual:Q", color=colour, tooltip=tips)
    labels = base.mark_text(align="left", dy=-6, limit=WIDTH).encode(y=y, x=alt.value(2), text="name:N")
    texts = base.mark_text(align="right", dy=-6, color=FAINT).encode(y=y, x=alt.value("width"), text="text:N")
    drawn = alt.layer(pale, full, labels, texts).properties(width=WIDTH, height=alt.Step(28))
    return _finished(drawn, known, title, subtitle)


def cache_choices(frame: pl.DataFrame) -> Chart:
    """What each way to use the cache was expected to cost when the newest run decided. Takes metrics.cache_choices."""
    known = frame.filter(pl.col("expected_usd").is_not_null())
    if known.is_empty():
        return nothing("Which way to use the cache is cheapest?")
    newest = known.filter((pl.col("run_id") == known["run_id"][0]) & (pl.col("model") == known["model"][0]) & (pl.col("tier") == known["tier"][0]))
    rows = [
        {"choice": visible(row["choice"]), "usd": float(row["expected_usd"]), "text": usd(row["expected_usd"]), "is_chosen": row["is_chosen"]}
        for row in newest.iter_rows(named=True)
    ]
    base = _base(newest, rows).encode(
        y=alt.Y("choice:N", sort=None, title=None, axis=alt.Axis(domain=False, ticks=False)),
        x=alt.X(
            "usd:Q",
            title="USD of input",
            axis=alt.Axis(format="~g", tickCount=5),
            scale=alt.Scale(domainMax=max(row["usd"] for row in rows) * 1.25 or 1.0),
        ),
    )
    colour = alt.Color("is_chosen:N", scale=alt.Scale(domain=[True, False], range=[BLUE, GREY]), legend=None)
    drawn = alt.layer(base.mark_bar().encode(color=colour), base.mark_text(align="left", dx=5).encode(text="text:N"))
    first = newest.row(0, named=True)
    chosen = next((row for row in newest.iter_rows(named=True) if row["is_chosen"]), first)
    plain = next((row["expected_usd"] for row in newest.iter_rows(named=True) if row["choice"] == "no cache"), None)
    part = share(float(chosen["expected_usd"] / plain)) if plain else None
    title = f"Chosen: {chosen['choice']}" + (f", at {part} of the input's plain price" if part else "")
    subtitle = f"USD of input tokens expected by the newest run, {count(first['expected_calls'], 'call', 'calls')}, blue: chosen"
    return _finished(drawn.properties(width=WIDTH - 150, height=alt.Step(24)), newest, title, subtitle)


# ---------------------------------------------------------------- classification


def classification(frame: pl.DataFrame) -> Chart:
    """How many documents there are of each kind. Takes metrics.classification.

    On a page, a bar leads to its row of a table whose `row_anchor` is the column `doc_type`.
    """
    if frame.is_empty():
        return nothing("What kinds of document are there?")
    rows = [
        {
            "doc_type": row["doc_type"],
            "documents": row["documents"],
            "text": f"{row['documents']:,} · {share(row['share'])}",
            "leads": f"#{named('doc_type', row['doc_type'])}",
        }
        for row in frame.iter_rows(named=True)
    ]
    base = _base(frame, rows).encode(
        y=alt.Y("doc_type:N", sort=None, title=None, axis=alt.Axis(domain=False, ticks=False)),
        x=alt.X(
            "documents:Q",
            title="documents",
            axis=alt.Axis(tickMinStep=1, tickCount=5),
            scale=alt.Scale(domainMax=max(row["documents"] for row in rows) * 1.3),
        ),
    )
    drawn = alt.layer(base.mark_bar(color=BLUE).encode(href="leads:N"), base.mark_text(align="left", dx=5).encode(text="text:N"))
    first, total = frame.row(0, named=True), int(frame["documents"].sum())
    title = f"{share(first['share'])} of {count(total, 'document is', 'documents are')} of the kind {first['doc_type']}"
    return _finished(drawn.properties(width=WIDTH, height=alt.Step(24)), frame, title, "documents by kind, with their share; labels overlay answers")


def search_hits(frame: pl.DataFrame, question: str, *, most: int = 15) -> Chart:
    """What the vector store and the record find for a question, each with its score. Takes resources.side_by_side."""
    if frame.is_empty():
        return nothing(f"What answers “{_short(question, 60)}”?", "no document has a word of it")
    shown = frame.head(most)
    names = {"score_index": "vector store", "score_record": "record"}
    rows = [
        {"document": f"{row['place_index'] or '–'} · {_short(row['file_name'], 24)}", "by": name, "score": row[column]}
        for row in shown.iter_rows(named=True)
        for column, name in names.items()
        if row[column] is not None
    ]
    drawn = (
        _base(shown, rows)
        .mark_point(filled=True, size=90, opacity=1)
        .encode(
            y=alt.Y("document:N", sort=None, title=None, axis=alt.Axis(domain=False, ticks=False, grid=True, labelLimit=300)),
            x=alt.X("score:Q", title="score, 0 to 1", scale=alt.Scale(domain=[0, 1]), axis=alt.Axis(tickCount=5, grid=True)),
            color=alt.Color("by:N", scale=alt.Scale(domain=list(names.values()), range=[BLUE, ORANGE])),
            shape=alt.Shape("by:N", scale=alt.Scale(domain=list(names.values()), range=["circle", "diamond"])),
        )
    )
    both = frame.filter(pl.col("found_by") == "both").height
    title = f"{count(both, 'document is', 'documents are')} found by both ways, of {count(frame.height, 'document', 'documents')}"
    return _finished(
        drawn.properties(width=WIDTH - 120, height=alt.Step(24)), shown, title, f"for “{_short(question, 70)}”, in the order of the vector store"
    )


def _mix(frame: pl.DataFrame, column: str, label: str, question: str, subtitle: str, title: str) -> Chart:
    """Stacked shares of the kinds over time; kinds beyond the seven commonest are drawn as one."""
    if frame.is_empty():
        return nothing(question)
    kinds = _top(frame, "doc_type", "documents", 7)
    other = "all others"
    rows = frame.with_columns(pl.when(pl.col("doc_type").is_in(kinds)).then(pl.col("doc_type")).otherwise(pl.lit(other)).alias("doc_type"))
    rows = rows.group_by(column, "doc_type").agg(pl.col("documents").sum()).sort(column, "doc_type")
    order = [*kinds, *([other] if other in rows["doc_type"].to_list() else [])]
    rows = rows.with_columns(rank=pl.col("doc_type").replace_strict(order, list(range(len(order)))))
    x = alt.X(
        f"{column}:O",
        title=label,
        axis=alt.Axis(
            labelExpr=DAY_LABEL if column == "week_utc" else "slice(datum.value, 0, 7)", labelOverlap="greedy", labelSeparation=8, ticks=False
        ),
    )
    few: dict[str, Any] = {"width": 60} if rows[column].n_unique() < 5 else {}
    bars = (
        _base(rows, _values(rows, [column, "doc_type", "documents", "rank"]))
        .mark_bar(**few)
        .encode(
            x=x,
            y=alt.Y("documents:Q", stack="normalize", title="share of documents", axis=alt.Axis(format="%", tickCount=5)),
            color=alt.Color("doc_type:N", scale=alt.Scale(domain=order), legend=alt.Legend(columns=4)),
            order=alt.Order("rank:Q"),
            tooltip=[alt.Tooltip(f"{column}:N", title=label), "doc_type:N", "documents:Q"],
        )
        .properties(width=WIDTH, height=210)
    )
    return _finished(bars, frame, title, subtitle)


def classification_by_week(frame: pl.DataFrame) -> Chart:
    """How the mix of kinds moves from week to week. Takes metrics.classification_by_week."""
    return _mix(frame, "week_utc", "week beginning, UTC", "How does the mix move?", "share of first answers by week of reading", _mix_title(frame))


def _mix_title(frame: pl.DataFrame) -> str:
    weeks = sorted(set(frame["week_utc"].to_list()))
    if len(weeks) < 2:
        return "One week so far: the mix cannot have moved yet"
    totals = {row["week_utc"]: row["documents"] for row in frame.group_by("week_utc").agg(pl.col("documents").sum()).iter_rows(named=True)}
    parts = {(row["week_utc"], row["doc_type"]): row["documents"] / totals[row["week_utc"]] for row in frame.iter_rows(named=True)}
    moves = {kind: parts.get((weeks[-1], kind), 0.0) - parts.get((weeks[0], kind), 0.0) for kind in sorted(set(frame["doc_type"].to_list()))}
    kind = max(moves, key=lambda name: abs(moves[name]))
    before, after = parts.get((weeks[0], kind), 0.0), parts.get((weeks[-1], kind), 0.0)
    if abs(moves[kind]) < 0.05:
        return "The mix has hardly moved"
    return f"{kind} went from {share(before)} to {share(after)} of the documents"


def classification_by_month(frame: pl.DataFrame) -> Chart:
    """Of which months the documents are, by their own dates. Takes metrics.classification_by_month."""
    if frame.is_empty():
        return nothing("Of which months are the documents?")
    title = f"The documents are dated {min(frame['month']):%B %Y} to {max(frame['month']):%B %Y}"
    return _mix(frame, "month", "month of the document's own date", "", "share of documents by the month they are dated", title)


# ---------------------------------------------------------------- accuracy


def accuracy_by_field(frame: pl.DataFrame, *, most: int = 4) -> Chart:
    """How often each field is right, with its interval. Takes metrics.accuracy_in_use, or metrics.accuracy_by_field for arms side by side."""
    if frame.is_empty():
        return nothing("How often is each field right?", LABEL_FIRST)
    if "arm" in frame.columns:
        arms = list(dict.fromkeys(frame["arm"].to_list()))[:most]
        rows = frame.filter(pl.col("arm").is_in(arms))
    else:
        arms, rows = ["answers in use"], frame.with_columns(arm=pl.lit("answers in use"))
    first = rows.filter(pl.col("arm") == arms[0])
    order = [
        "(all)",
        *[row["field"] for row in first.sort("accuracy", "field", descending=[True, False]).iter_rows(named=True) if row["field"] != "(all)"],
    ]
    values = _values(rows, ["field", "arm", "accuracy", "accuracy_low", "accuracy_high", "labelled", "right_answers"])
    low = math.floor(max(0.0, min(value["accuracy_low"] for value in values) - 0.02) * 10) / 10
    y = alt.Y("field:N", sort=order, title=None, axis=alt.Axis(domain=False, ticks=False, grid=True, minExtent=110))
    x = alt.X(
        "accuracy_low:Q",
        title="right on labelled documents, 95 % interval",
        scale=alt.Scale(domain=[low, 1], nice=False),
        axis=alt.Axis(format="%", grid=True, tickCount=6),
    )
    colour = alt.Color("arm:N", scale=alt.Scale(domain=arms), legend=alt.Legend(columns=1) if len(arms) > 1 else None)
    offset = alt.YOffset("arm:N", sort=arms)
    base = _base(rows, values).encode(y=y, color=colour, yOffset=offset)
    tips = ["field:N", "arm:N", alt.Tooltip("accuracy:Q", format=".1%"), "right_answers:Q", "labelled:Q"]
    lines = base.mark_rule(strokeWidth=2.2).encode(x=x, x2="accuracy_high:Q")
    points = base.mark_point(filled=True, size=60, opacity=1).encode(x="accuracy:Q", tooltip=tips)
    drawn = alt.layer(lines, points).properties(width=WIDTH, height=alt.Step(26 if len(arms) == 1 else 13))
    title = _accuracy_title(first) if len(arms) == 1 else _arms_title(rows)
    return _finished(drawn, frame, title, _accuracy_subtitle(first, len(arms)))


def _accuracy_title(rows: pl.DataFrame) -> str:
    fields = rows.filter(pl.col("field") != "(all)").sort("accuracy", "field")
    if fields.is_empty():
        return "No field has been scored"
    worst, best = fields.row(0, named=True), fields.row(-1, named=True)
    if worst["accuracy"] == best["accuracy"]:
        return f"Every field is right {share(best['accuracy'])} of the time"
    apart = "" if worst["accuracy_high"] < best["accuracy_low"] else ", though the labels cannot tell them apart"
    return f"{best['field']} is right most often ({share(best['accuracy'])}), {worst['field']} least ({share(worst['accuracy'])}){apart}"


def _arms_title(rows: pl.DataFrame) -> str:
    best, second, *_ = rows.filter(pl.col("field") == "(all)").sort("accuracy", "arm", descending=[True, False]).iter_rows(named=True)
    can = "tell it from" if best["accuracy_low"] > second["accuracy_high"] else "do not tell it from"
    return f"{best['arm']} is right most often ({share(best['accuracy'])}); its labels {can} {second['arm']} ({share(second['accuracy'])})"


def _accuracy_subtitle(rows: pl.DataFrame, arms: int) -> str:
    labelled = rows.filter(pl.col("field") == "(all)")["labelled"].to_list()
    text = f"{count(labelled[0] if labelled else 0, 'label', 'labels')} scored; a value rightly left out is right"
    return text if arms == 1 else f"{text}; labels of the arm named first in the key"


def confusion(frame: pl.DataFrame) -> Chart:
    """Which kinds are taken for which: labelled kind down, answered kind across. Takes metrics.confusion of one arm or several.

    On a page, a cell leads to its row of a table whose `row_anchor` is the column `taken`.
    """
    if frame.is_empty():
        return nothing("Which kinds are taken for which?", LABEL_FIRST)
    rows = frame.group_by("truth", "answer", "taken").agg(pl.col("documents").sum()).sort("truth", "answer")
    leads = pl.Series("leads", [f"#{named('taken', taken)}" for taken in rows["taken"]], pl.String)
    rows = rows.with_columns(leads, is_right=pl.col("truth") == pl.col("answer"))
    kinds = sorted({*rows["truth"].to_list(), *rows["answer"].to_list()})
    wrong = rows.filter(~pl.col("is_right")).sort("documents", "truth", "answer", descending=[True, False, False])
    base = _base(rows, _values(rows, ["truth", "answer", "documents", "is_right", "leads"])).encode(
        x=alt.X("answer:N", title="answered", scale=alt.Scale(domain=kinds), axis=alt.Axis(labelAngle=-35, domain=False, ticks=False)),
        y=alt.Y("truth:N", title="labelled", scale=alt.Scale(domain=kinds), axis=alt.Axis(domain=False, ticks=False)),
    )
    highest = int(rows["documents"].max())  # type: ignore[arg-type]
    cells = base.mark_rect(cornerRadius=2).encode(
        color=alt.Color("is_right:N", scale=alt.Scale(domain=[True, False], range=[BLUE, RED]), legend=None),
        opacity=alt.Opacity("documents:Q", scale=alt.Scale(domain=[0, highest], range=[0.12, 0.95]), legend=None),
        tooltip=["truth:N", "answer:N", "documents:Q"],
        href="leads:N",
    )
    ink = alt.when(alt.datum.documents > highest * 0.55).then(alt.value("white")).otherwise(alt.value(INK))
    drawn = alt.layer(cells, base.mark_text(fontWeight=600).encode(text="documents:Q", color=ink))
    total, missed = int(rows["documents"].sum()), int(wrong["documents"].sum())
    if wrong.is_empty():
        title = f"All {count(total, 'labelled document was', 'labelled documents were')} given their kind"
    else:
        worst = wrong.row(0, named=True)
        title = f"{missed:,} of {total:,} were given another kind, most often {worst['truth']} as {worst['answer']} ({worst['documents']:,})"
    size = min(WIDTH - 120, 46 * len(kinds))
    return _finished(
        drawn.properties(width=size, height=max(60, 28 * len(kinds))), frame, title, "documents; blue: right, red: another kind than the label"
    )


def calibration(frame: pl.DataFrame) -> Chart:
    """Stated confidence against how often it is right, the size of a point being its documents. Takes metrics.calibration."""
    if frame.is_empty():
        return nothing("Does a confidence of 0.8 mean right eight times in ten?", LABEL_FIRST)
    arms = _top(frame, "arm", "documents", 4)
    rows = frame.filter(pl.col("arm").is_in(arms))
    values = _values(rows, ["arm", "mean_confidence", "share_right", "share_right_low", "share_right_high", "documents"])
    diagonal = _base(rows, [{"a": 0, "b": 0}, {"a": 1, "b": 1}]).mark_line(strokeDash=[5, 4], color=GREY, strokeWidth=1.4).encode(x="a:Q", y="b:Q")
    lines = (
        _base(rows, values)
        .mark_rule(opacity=0.55, strokeWidth=1.6)
        .encode(
            x="mean_confidence:Q",
            y="share_right_low:Q",
            y2="share_right_high:Q",
            color=alt.Color("arm:N", scale=alt.Scale(domain=arms)),
        )
    )
    points = (
        _base(rows, values)
        .mark_point(filled=True, opacity=0.85, stroke="white")
        .encode(
            x=alt.X(
                "mean_confidence:Q",
                title="stated confidence, mean of its tenth",
                scale=alt.Scale(domain=[0, 1]),
                axis=alt.Axis(format="%", grid=True, tickCount=5),
            ),
            y=alt.Y("share_right:Q", title="right", scale=alt.Scale(domain=[0, 1]), axis=alt.Axis(format="%", tickCount=5)),
            size=alt.Size("documents:Q", scale=alt.Scale(range=[25, 420]), legend=None),
            color=alt.Color("arm:N", scale=alt.Scale(domain=arms), legend=alt.Legend(columns=1)),
            tooltip=["arm:N", alt.Tooltip("mean_confidence:Q", format=".2f"), alt.Tooltip("share_right:Q", format=".1%"), "documents:Q"],
        )
    )
    total = int(rows["documents"].sum())
    stated = sum(row["mean_confidence"] * row["documents"] for row in rows.iter_rows(named=True)) / total
    right = sum(row["share_right"] * row["documents"] for row in rows.iter_rows(named=True)) / total
    verdict = "too sure of itself" if stated - right > 0.05 else "too modest" if right - stated > 0.05 else "about as sure as it should be"
    title = f"The model is {verdict}: it states {share(stated)} on average and is right {share(right)} of the time"
    drawn = alt.layer(diagonal, lines, points).properties(width=WIDTH, height=260)
    return _finished(
        drawn,
        frame,
        title,
        f"doc_type on {count(total, 'answer', 'answers')} with a label, 95 % intervals; on the dashed line confidence is what it says",
    )


def errors_by_effort(frame: pl.DataFrame) -> Chart:
    """How many errors are caught by looking at the least sure answers first. Takes metrics.errors_by_effort of one arm or several."""
    rows = frame.drop_nulls("share_caught")
    if rows.is_empty():
        return nothing("How many errors does a look at the least sure answers catch?", LABEL_FIRST)
    arms = _top(rows, "arm", "documents", 4)
    rows = rows.filter(pl.col("arm").is_in(arms))
    columns = ["arm", "share_reviewed", "share_caught", "reviewed", "caught", "confidence_score"]
    start = [dict.fromkeys(columns, 0) | {"arm": arm} for arm in arms]
    share_axis = alt.Axis(format="%", tickCount=5)
    lines = (
        _base(rows, start + _values(rows, columns))
        .mark_line(interpolate="linear", strokeWidth=2.2, point={"size": 22})
        .encode(
            x=alt.X("share_reviewed:Q", title="documents looked at, least sure first", scale=alt.Scale(domain=[0, 1]), axis=share_axis),
            y=alt.Y("share_caught:Q", title="documents with an error that were caught", scale=alt.Scale(domain=[0, 1]), axis=share_axis),
            color=alt.Color("arm:N", scale=alt.Scale(domain=arms), legend=alt.Legend(columns=1)),
            order="share_reviewed:Q",
            tooltip=["arm:N", alt.Tooltip("confidence_score:Q", format=".2f"), "reviewed:Q", "caught:Q"],
        )
    )
    chance = _base(rows, [{"a": 0, "b": 0}, {"a": 1, "b": 1}]).mark_line(strokeDash=[5, 4], color=GREY, strokeWidth=1.4).encode(x="a:Q", y="b:Q")
    first = rows.filter(pl.col("arm") == arms[0])
    fifth = first.filter(pl.col("share_reviewed") <= 0.2).tail(1)
    caught, seen = (fifth["share_caught"][0], fifth["share_reviewed"][0]) if fifth.height else (first["share_caught"][0], first["share_reviewed"][0])
    title = f"The least sure {share(seen)} of the documents hold {share(caught)} of those with an error"
    subtitle = f"of {count(first['documents'][0], 'labelled document', 'labelled documents')}; on the dashed line confidence tells nothing"
    return _finished(alt.layer(chance, lines).properties(width=WIDTH, height=260), frame, title, subtitle)


def accuracy_by_slice(frame: pl.DataFrame) -> Chart:
    """Where an arm is right and where not, all labelled fields together. Takes metrics.accuracy_by_slice of one arm."""
    rows = frame.filter(pl.col("field") == "(all)")
    if rows.is_empty():
        return nothing("Where is it right, and where not?", LABEL_FIRST)
    rows = rows.with_columns(name=pl.col("slice").str.replace("_", " ") + ": " + pl.col("value"))
    order = rows.sort("slice", "accuracy", "value", descending=[False, True, False])["name"].to_list()
    values = _values(rows, ["name", "accuracy", "accuracy_low", "accuracy_high", "labelled"])
    axis = alt.Axis(domain=False, ticks=False, grid=True, labelLimit=220, minExtent=160)
    base = _base(rows, values).encode(y=alt.Y("name:N", sort=order, title=None, axis=axis))
    x = alt.X("accuracy_low:Q", title="labelled fields that are right, 95 % interval", scale=alt.Scale(domain=[0, 1]), axis=alt.Axis(format="%"))
    lines = base.mark_rule(strokeWidth=2.2, color=BLUE).encode(x=x, x2="accuracy_high:Q")
    tips = ["name:N", alt.Tooltip("accuracy:Q", format=".1%"), "labelled:Q"]
    points = base.mark_point(filled=True, size=60, opacity=1, color=BLUE).encode(x="accuracy:Q", tooltip=tips)
    known = rows.filter(pl.col("labelled") >= LABELS_TO_SPEAK_OF)
    title = f"No slice has {LABELS_TO_SPEAK_OF} labels yet"
    if known.height:
        worst = known.sort("accuracy", "name").row(0, named=True)
        title = (
            f"Weakest is {worst['name']} with {share(worst['accuracy'])} right ({share(worst['accuracy_low'])} to {share(worst['accuracy_high'])})"
        )
    subtitle = f"named in the title: slices of {LABELS_TO_SPEAK_OF} labels or more; what hangs together in a document counts so"
    return _finished(alt.layer(lines, points).properties(width=WIDTH, height=alt.Step(20)), frame, title, subtitle)


def plane(frame: pl.DataFrame, *, is_simulated: bool = False) -> Chart:
    """Cost against accuracy, a point an arm, with both intervals; the front of those that no other beats as a line. Takes comparison.plane."""
    rows = frame.drop_nulls("usd_a_thousand").with_columns(is_simulated=pl.lit(is_simulated))
    if rows.is_empty():
        return nothing("Which arm is right often enough, and what does it cost?", LABEL_FIRST)
    named = rows.with_columns(name=pl.col("arm").map_elements(lambda arm: _short(arm, 48), return_dtype=pl.String))
    columns = ["name", "accuracy", "accuracy_low", "accuracy_high", "usd_a_thousand", "usd_a_thousand_low", "usd_a_thousand_high", "front_share"]
    base = _base(named, _values(named, columns)).encode(color=alt.Color("name:N", sort=named["name"].to_list(), legend=alt.Legend(columns=1)))
    lowest = math.floor(max(0.0, float(rows["accuracy_low"].min()) - 0.02) * 10) / 10  # type: ignore[arg-type]
    y = alt.Y("accuracy:Q", title="right", scale=alt.Scale(domain=[lowest, 1], nice=False), axis=alt.Axis(format="%", tickCount=6))
    x = alt.X("usd_a_thousand:Q", title="USD for 1,000 documents", axis=alt.Axis(format=",.4~f", grid=True, tickCount=6), scale=alt.Scale(zero=True))
    front = named.filter("is_on_front")
    steps = _base(front, _values(front, columns)).mark_line(color=GREY, strokeDash=[5, 4], interpolate="step-after").encode(x=x, y=y)
    across = base.mark_rule(strokeWidth=1.6).encode(x=alt.X("usd_a_thousand_low:Q"), x2="usd_a_thousand_high:Q", y=y)
    upright = base.mark_rule(strokeWidth=1.6).encode(y=alt.Y("accuracy_low:Q"), y2="accuracy_high:Q", x=x)
    tips = [
        "name:N",
        alt.Tooltip("accuracy:Q", format=".1%"),
        alt.Tooltip("usd_a_thousand:Q", format=".4f"),
        alt.Tooltip("front_share:Q", format=".0%"),
    ]
    points = base.mark_point(filled=True, size=80, opacity=1).encode(x=x, y=y, tooltip=tips)
    drawn = alt.layer(steps, across, upright, points).properties(width=WIDTH, height=260)
    documents = count(rows["documents"][0], "document", "documents")
    return _finished(drawn, rows, _plane_title(rows), f"{documents} that all of these arms answered; lines: 95 % intervals; dashed: the front")


def _plane_title(rows: pl.DataFrame) -> str:
    front = rows.filter("is_on_front").sort("accuracy", "arm", descending=[True, False])
    best, sure = front.row(0, named=True), rows.filter(pl.col("front_share") >= 0.95).height
    surely = f"{sure} of {rows.height} arms {'is' if sure == 1 else 'are'} surely on the front"
    return f"{_short(best['arm'])} is right most often, {share(best['accuracy'], 1)}; {surely}"


def frontier(frame: pl.DataFrame, *, target: float | None = None, is_simulated: bool = False) -> Chart:
    """What could be had for which price: the policies that no other beats, with the target as a line. Takes the frontier of policies.offered."""
    if frame.is_empty():
        return nothing("How right can it be, and for how much?", LABEL_FIRST)
    rows = frame.with_columns(is_simulated=pl.lit(is_simulated))
    lowest = math.floor(max(0.0, float(rows["accuracy_low"].min()) - 0.02) * 10) / 10  # type: ignore[arg-type]
    base = _base(rows, _values(rows, ["policy", "accuracy", "accuracy_low", "accuracy_high", "usd_a_thousand"])).encode(
        x=alt.X("usd_a_thousand:Q", title="USD for 1,000 documents", axis=alt.Axis(format=",.4~f", grid=True, tickCount=6)), color=alt.value(BLUE)
    )
    y = alt.Y("accuracy:Q", title="right", scale=alt.Scale(domain=[lowest, 1], nice=False), axis=alt.Axis(format="%", tickCount=6))
    band = base.mark_rule(strokeWidth=1.4, opacity=0.6).encode(y=alt.Y("accuracy_low:Q"), y2="accuracy_high:Q")
    points = base.mark_point(filled=True, size=45, opacity=1).encode(
        y=y, tooltip=["policy:N", alt.Tooltip("accuracy:Q", format=".1%"), "usd_a_thousand:Q"]
    )
    layers = [base.mark_line(interpolate="step-after", strokeWidth=1.4).encode(y=y), band, points]
    if target is not None:
        layers.append(_base(rows, [{"target": target}]).mark_rule(strokeDash=[5, 4], color=INK).encode(y="target:Q"))
    best = rows.sort("accuracy", descending=True).row(0, named=True)
    title = f"At most {share(best['accuracy'], 1)} right, for {usd(best['usd_a_thousand'])} a thousand documents"
    below = f"{count(best['documents'], 'document', 'documents')}, seen from behind; lines: 95 % intervals; dashed: the target"
    return _finished(alt.layer(*layers).properties(width=WIDTH, height=240), rows, title, below)


def stability(frame: pl.DataFrame, *, most: int = 1) -> Chart:
    """How often the same question gets another answer, field by field, with its interval. Takes metrics.stability_by_field."""
    if frame.is_empty():
        return nothing("Does the same question get the same answer?", "give an arm repeats, run autod experiment")
    arms = list(dict.fromkeys(frame.sort("pairs", "arm", descending=[True, False])["arm"].to_list()))[:most]
    rows = frame.filter(pl.col("arm").is_in(arms)).sort("share_differing", "field", descending=[True, False])
    base = _base(rows, _values(rows, ["field", "arm", "share_differing", "share_low", "share_high", "pairs"])).encode(
        y=alt.Y("field:N", sort=rows["field"].to_list(), title=None, axis=alt.Axis(domain=False, ticks=False, grid=True)), color=alt.value(BLUE)
    )
    x = alt.X(
        "share_low:Q", title="pairs of answers that differ, 95 % interval", axis=alt.Axis(format="%", grid=True), scale=alt.Scale(domain=[0, 1])
    )
    lines = base.mark_rule(strokeWidth=2.2).encode(x=x, x2="share_high:Q")
    points = base.mark_point(filled=True, size=60, opacity=1).encode(x="share_differing:Q")
    worst, documents = rows.row(0, named=True), int(rows["documents"].max())  # type: ignore[arg-type]
    never = f"No field of {count(documents, 'document', 'documents')} asked again changed"
    title = f"{worst['field']} changes most: in {share(worst['share_differing'])} of the repetitions" if worst["share_differing"] else never
    drawn = alt.layer(lines, points).properties(width=WIDTH, height=alt.Step(24))
    return _finished(drawn, rows, title, f"{_short(arms[0], 60)}; {count(documents, 'document', 'documents')} asked again on purpose")


# ---------------------------------------------------------------- operations


def latency(frame: pl.DataFrame) -> Chart:
    """How long answers take, hour by hour: the middle one as a point, the slowest in twenty as the end of its line. Takes metrics.latency_by_hour."""
    if frame.is_empty():
        return nothing("How long do answers take?")
    models = _top(frame, "model", "calls", 6)
    newest = frame["hour_utc"].max()
    shown = frame.filter((pl.col("hour_utc") > newest - timedelta(days=LATENCY_DAYS)) & pl.col("model").is_in(models))  # type: ignore[operator]
    rows = shown.with_columns(p50_s=pl.col("p50_ms") / 1000, p95_s=pl.col("p95_ms") / 1000)
    base = _base(rows, _values(rows, ["hour_utc", "model", "p50_s", "p95_s", "calls"])).encode(
        x=alt.X("hour_utc:T", title="hour, UTC", scale=alt.Scale(type="utc"), axis=alt.Axis(format="%d %b", tickCount="day", labelOverlap="greedy")),
        color=alt.Color("model:N", scale=alt.Scale(domain=models)),
    )
    lines = base.mark_rule(opacity=0.5, strokeWidth=1.4).encode(y=alt.Y("p50_s:Q", title="seconds"), y2="p95_s:Q")
    tips = [
        alt.Tooltip("hour_utc:T", format="%Y-%m-%d %H:00"),
        "model:N",
        alt.Tooltip("p50_s:Q", format=".2f"),
        alt.Tooltip("p95_s:Q", format=".2f"),
        "calls:Q",
    ]
    points = base.mark_point(filled=True, size=26, opacity=1).encode(y="p50_s:Q", tooltip=tips)
    slow = rows.sort("p95_s", "hour_utc", "model", descending=[True, False, False]).row(0, named=True)
    title = f"The slowest hour was {slow['hour_utc']:%d %B, %H}:00: one answer in twenty took over {slow['p95_s']:.1f} s"
    return _finished(
        alt.layer(lines, points).properties(width=WIDTH, height=200),
        frame,
        title,
        f"seconds by UTC hour, at most the last {LATENCY_DAYS} days; point: the middle answer, line: up to the slowest in twenty",
    )


ENDS: Final = {"answered": BLUE, "failed": RED, "unsettled": ORANGE}  # how a call ended, and its colour


def throughput(frame: pl.DataFrame) -> Chart:
    """How many calls ended in each hour, and how. Takes metrics.calls_by_hour."""
    if frame.is_empty():
        return nothing("How much was done?")
    newest: datetime = frame["hour_utc"].max()  # type: ignore[assignment]
    shown = frame.filter(pl.col("hour_utc") > newest - timedelta(days=LATENCY_DAYS))
    rows = pl.concat([shown.select("hour_utc", "is_simulated", calls=f"calls_{end}", end=pl.lit(end)) for end in ENDS]).filter(pl.col("calls") > 0)
    first = min([*rows["hour_utc"], newest - timedelta(days=1)])
    axis = alt.Axis(format="%d %b %H:00", labelOverlap="greedy", labelSeparation=8)
    scale = alt.Scale(type="utc", domain=[f"{end:%Y-%m-%dT%H:%M:%SZ}" for end in (first, newest + timedelta(hours=1))])
    drawn = _base(rows, _values(rows, ["hour_utc", "end", "calls"])).mark_bar()
    drawn = drawn.encode(
        x=alt.X("hour_utc:T", timeUnit="utcyearmonthdatehours", title="hour, UTC", scale=scale, axis=axis),
        y=alt.Y("calls:Q", title="calls", stack=True),
        color=alt.Color("end:N", title="how they ended", scale=alt.Scale(domain=list(ENDS), range=list(ENDS.values()))),
        tooltip=[alt.Tooltip("hour_utc:T", format="%Y-%m-%d %H:00"), "end:N", "calls:Q"],
    )
    most = shown.sort("calls", "hour_utc", descending=[True, False]).row(0, named=True)
    total, missed = int(shown["calls"].sum()), int(shown["calls_failed"].sum()) + int(shown["calls_unsettled"].sum())
    title = f"{count(total, 'call', 'calls')}, {count(missed) if missed else 'none'} without an answer; the busiest hour had {count(most['calls'])}"
    return _finished(
        drawn.properties(width=WIDTH, height=180), shown, title, f"calls by the UTC hour in which they ended, at most {LATENCY_DAYS} days"
    )


def errors_by_kind(frame: pl.DataFrame, *, most: int = 8) -> Chart:
    """What went wrong day by day, the commonest kinds in colours. Takes metrics.errors_by_kind."""
    if frame.is_empty():
        return nothing("What went wrong?", "nothing went wrong so far")
    kinds = _top(frame, "error_kind", "calls", most)
    rows = frame.filter(pl.col("error_kind").is_in(kinds)).group_by("day_utc", "error_kind", "is_simulated").agg(pl.col("calls").sum())
    rows = rows.sort("day_utc", "error_kind", "is_simulated")
    drawn = _base(rows, _values(rows, ["day_utc", "error_kind", "calls"])).mark_bar(**_bar_width(rows))
    drawn = drawn.encode(
        x=_day_axis(rows),
        y=alt.Y("calls:Q", title="calls"),
        color=alt.Color("error_kind:N", title="kind", scale=alt.Scale(domain=kinds)),
        tooltip=["day_utc:O", "error_kind:N", "calls:Q"],
    )
    first, total = int(rows.filter(pl.col("error_kind") == kinds[0])["calls"].sum()), int(frame["calls"].sum())
    title = f"Most often: {kinds[0].replace('_', ' ')}, {count(first, 'call', 'calls')} of {count(total)} that went wrong"
    return _finished(
        drawn.properties(width=WIDTH, height=180), frame, title, "calls by UTC day and kind of error; what was billed all the same counts too"
    )


__all__ = [
    "accuracy_by_field",
    "accuracy_by_slice",
    "cache_by_day",
    "cache_by_key",
    "cache_by_policy",
    "cache_by_run",
    "cache_choices",
    "calibration",
    "classification",
    "classification_by_month",
    "classification_by_week",
    "confusion",
    "cost_by_arm",
    "cost_by_day",
    "cost_by_doc_type",
    "cost_by_model",
    "cost_by_pages",
    "cost_distribution",
    "dearest_documents",
    "enable",
    "errors_by_effort",
    "errors_by_kind",
    "field_prices",
    "figure",
    "frontier",
    "input_modes",
    "latency",
    "left_on_table",
    "month_forecast",
    "nothing",
    "plane",
    "savings",
    "search_hits",
    "stability",
    "svg",
    "throughput",
]
