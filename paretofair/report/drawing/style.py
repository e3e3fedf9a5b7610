"""How figures look: sizes, one look for each method, legends, stamps and files."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from paretofair.analysis.results import Results
from paretofair.errors import RunError, first_line
from paretofair.report.captions import stamps
from paretofair.report.drawing.letters import find_fonts, measure_width, wrap_text
from paretofair.report.labels import Labels
from paretofair.results.files import write_whole

# matplotlib is imported where a figure is made: a report without figures does not pay for it.
if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLUMN = 3.3  # inches, one column of a paper
PAGE = 6.9  # both columns
LETTER = 0.057  # inches, the width of a letter at that size
SETTINGS: Any = {
    # Names of users are text, whatever is in them.
    "text.parse_math": False,
    "text.usetex": False,
    "font.size": 7,
    "axes.labelsize": 7,
    "axes.titlesize": 7,
    "axes.titlepad": 3,
    "axes.labelpad": 3,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.formatter.useoffset": False,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "legend.fontsize": 7,
    "legend.frameon": False,
    "legend.handlelength": 2.2,
    "legend.columnspacing": 1.2,
    "lines.linewidth": 1.2,
    "lines.markersize": 3.5,
    "figure.constrained_layout.use": True,
    "pdf.fonttype": 42,  # TrueType, so that text stays text
    "savefig.dpi": 200,
}

# Okabe and Ito (2008), "Color universal design", without the yellow, which white paper swallows.
COLOURS = ("#000000", "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">")
LINES = ("-", (0, (4, 1.2)), (0, (5, 1, 1, 1)), (0, (1, 1)))
GREY = "#8C8C8C"
PALE = "#B0B0B0"
LIGHT = "#D9D9D9"
KINDS = {"pdf": "CreationDate", "png": "Software"}  # of files, and what they would say that changes
MANY = 8  # methods, from which on single seeds are left out
REFERENCE = "threshold_frontier"
_ALWAYS = ("vanilla", "per_task", "mtaf")
_LINE_HEIGHT = 0.15  # inches of a line of the legend
_SIGN = 0.42  # of a line's sign, and of what is between columns
_LINE = 0.11  # of a further line of the same text


class Look(NamedTuple):
    """Colour, marker and line of a method; no two methods share all of them."""

    colour: str
    marker: str
    line: Any


def looks(methods: Sequence[str]) -> dict[str, Look]:
    """The look of each method, by its place among `methods`: later ones change nothing for earlier ones.

    `vanilla`, `per_task` and `mtaf` look the same in every run, and the thresholds of groups are a grey reference.

    >>> looks(["eor", "vanilla"])["vanilla"] == looks(["vanilla", "mtaf"])["vanilla"]
    True
    """
    found = {name: _look(place) for place, name in enumerate(_ALWAYS)}
    found[REFERENCE] = Look(GREY, "x", LINES[1])
    others = [name for name in methods if name not in found]
    found |= {name: _look(len(_ALWAYS) + place) for place, name in enumerate(others)}
    return {name: found[name] for name in methods}


def looks_of(results: Results) -> dict[str, Look]:
    """The looks of a run's methods with trials; methods without trials keep their place."""
    order = list(dict.fromkeys([*results.settings.methods, *results.methods]))
    found = looks(order)
    return {name: found[name] for name in results.methods}


def _look(place: int) -> Look:
    # Where colours come round again, line and marker are others: 28 pairs with a line, 63 with a marker.
    line = LINES[sum(divmod(place, len(COLOURS))) % len(LINES)]
    return Look(COLOURS[place % len(COLOURS)], MARKERS[place % len(MARKERS)], line)


def apply_style(draw: Callable[[Results], Figure | None]) -> Callable[[Results], Figure | None]:
    """Draws with these settings, and stamps the figure."""

    @functools.wraps(draw)
    def draw_styled(results: Results) -> Figure | None:
        with _apply_settings():
            figure = draw(results)
            if figure is not None and stamps(results):
                figure.set_figheight(figure.get_figheight() + 0.2)
                figure.suptitle(" · ".join(stamps(results)), color=COLOURS[2], weight="bold", fontsize=8)
            return figure

    return draw_styled


@contextmanager
def _apply_settings() -> Iterator[None]:
    """Within it figures look as they should; letters that no font has are told of in one sentence elsewhere."""
    try:
        import matplotlib
    except ValueError as error:  # of MPLBACKEND, which nothing here makes use of
        raise RunError(f"matplotlib cannot be used: {first_line(error)[:200]}; see MPLBACKEND") from None

    with matplotlib.rc_context(SETTINGS | {"font.family": list(find_fonts())}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r"Glyph \d+ .* missing from font")
        yield


def panels(
    rows: int, columns: int, *, width: float = COLUMN, height: float = 2.2, **options: Any
) -> tuple[Figure, np.ndarray]:
    """A figure of `(rows, columns)` axes; `height` in inches is that of a row."""
    from matplotlib.figure import Figure as NewFigure

    figure = NewFigure(figsize=(width, height * rows))
    return figure, figure.subplots(rows, columns, squeeze=False, **options)


def save(figure: Figure, paths: Sequence[Path]) -> list[Path]:
    """The figure at each of the paths, in the format that it ends in (`KINDS`), whole or not at all; the same bytes for
    the same figure."""
    for path in paths:
        kind = path.suffix.removeprefix(".")
        with write_whole(path) as partial, _apply_settings():
            figure.savefig(partial, format=kind, metadata={KINDS[kind]: None})
    return list(paths)


def legend(
    figure: Figure, labels: Labels, shown: Mapping[str, Look], *, kind: str = "both", extra: Sequence[Any] = ()
) -> None:
    """What methods are called, below the panels, for which the figure grows; `kind` is `line`, `marker` or `both`."""
    from matplotlib.lines import Line2D

    handles = []
    for name, look in shown.items():
        line: Any = "none" if kind == "marker" else look.line
        marker = "none" if kind == "line" or (name == REFERENCE and kind == "both") else look.marker
        text = labels.method(name)
        handles.append(Line2D([], [], color=look.colour, marker=marker, linestyle=line, label=text, linewidth=1.2))
    handles += extra
    if not handles:
        return
    width = figure.get_figwidth()
    texts = [wrap_text(str(each.get_label()), int((width - _SIGN) / LETTER) - 3) for each in handles]
    columns = columns_of([max(map(measure_width, text.split("\n"))) for text in texts], width)
    rows = -(-len(handles) // columns)
    further = sum(text.count("\n") for text in texts) * _LINE if columns == 1 else 0
    figure.set_figheight(figure.get_figheight() + 0.05 + _LINE_HEIGHT * rows + further)
    # Matplotlib leaves out what is called `_…` when the legend is made.
    made = figure.legend(handles, ["?"] * len(handles), loc="outside lower center", ncols=columns)
    for own, text in zip(made.get_texts(), texts, strict=True):
        own.set_text(text)


def columns_of(letters: Sequence[int], width: float) -> int:
    """The most columns of a legend that fit into `width` inches, by the letters of its texts; a legend fills one column
    after the other."""
    for columns in range(len(letters), 1, -1):
        parts = np.array_split(np.array(letters), columns)
        if sum(LETTER * part.max() + _SIGN for part in parts) <= width:
            return columns
    return 1


def handle(label: str, **look: Any) -> Any:
    """One more line of a legend."""
    from matplotlib.lines import Line2D

    settings: dict[str, Any] = {"color": GREY, "linewidth": 1.0} | look
    return Line2D([], [], **settings, label=label)


def band(label: str, **look: Any) -> Any:
    """One more line of a legend, for a filled area."""
    from matplotlib.patches import Patch

    settings: dict[str, Any] = {"color": GREY, "alpha": 0.3, "linewidth": 0} | look
    return Patch(**settings, label=label)


def mark_best_corner(axes: Axes) -> None:
    """Marks the corner where both axes are best."""
    from matplotlib.patches import Polygon

    axes.add_artist(
        Polygon([(0, 0), (0.06, 0), (0, 0.09)], color=PALE, linewidth=0, zorder=0, transform=axes.transAxes)
    )


def corner() -> Any:
    """The mark of `better` in a legend."""
    return handle(
        "better corner",
        color=PALE,
        marker=((-1, -1), (1, -1), (-1, 1), (-1, -1)),
        linestyle="none",
        markersize=5,
        markeredgewidth=0,
    )


def view(parts: Iterable[np.ndarray], times: float = 1.5) -> tuple[float, float]:
    """Ends of an axis that show the bulk of each part, the values of a method.

    A part is cut where it goes beyond its quartiles by more than `times` their distance, and all of them together by
    more than three times theirs, so that one bad trial does not squeeze the rest.
    """
    kept = [own[np.isfinite(own)] for own in parts]
    kept = [own for own in kept if len(own)]
    if not kept:
        return 0.0, 1.0
    ends = np.array([_fence(own, times) for own in kept])
    low, high = _fence(np.concatenate(kept), 3.0)
    low, high = max(low, ends[:, 0].min()), min(high, ends[:, 1].max())
    margin = 0.05 * (high - low) or 0.05 * abs(high) or 0.05
    return float(low - margin), float(high + margin)


def _fence(values: np.ndarray, times: float) -> tuple[float, float]:
    first, third = np.quantile(values, (0.25, 0.75))
    reach = times * (third - first)
    return max(values.min(), first - reach), min(values.max(), third + reach)


def sparse_ticks(axes: Axes) -> None:
    """Few ticks on two plain axes, so that labels stay apart."""
    axes.locator_params(axis="x", nbins=6)
    axes.locator_params(axis="y", nbins=7)


def make_logarithmic(axes: Axes, which: str = "x") -> None:
    """A logarithmic axis with plain numbers at 1 and 3 of each decade."""
    from matplotlib.ticker import LogLocator, NullLocator

    axes.set(**{f"{which}scale": "log"})
    axis = axes.xaxis if which == "x" else axes.yaxis
    axis.set_major_locator(LogLocator(subs=(1, 3)))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter("{x:g}")


def is_logarithmic(values: np.ndarray) -> bool:
    """Whether positive values over more than a decade lie evenly on a logarithmic axis rather than on a plain one."""
    own = values[np.isfinite(values)]
    if len(own) == 0 or own.min() <= 0 or own.max() < 10 * own.min():
        return False
    places = [(np.median(each) - each.min()) / np.ptp(each) for each in (own, np.log(own))]
    return bool(abs(places[1] - 0.5) < abs(places[0] - 0.5))
