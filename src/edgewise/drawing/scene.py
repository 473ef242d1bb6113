"""A moment of a system as plain data: what a picture of it shows, whatever draws it.

`scene_figure` draws a scene with Matplotlib, `scene_svg` as SVG for pages.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Tone = Literal["blue", "orange", "green", "vermilion", "purple", "sky", "grey", "ink"]
Shape = Literal["circle", "ring", "triangle", "line", "dash", "arrow", "disc", "badge"]
SERIES: tuple[Tone, ...] = ("blue", "orange", "green", "purple", "sky", "grey")
"""Tones of things side by side, in their order; `scene_figure` and the style sheet say what they are.

Vermilion is left for what is wrong, ink for what is compared with."""

Place = tuple[float, float]


@dataclass(frozen=True)
class Badge:
    """A word beside a point.

    Attributes:
        text: one word.
        tone: vermilion for what is wrong.
    """

    text: str
    tone: Tone = "ink"


@dataclass(frozen=True)
class Point:
    """Something at a place.

    Attributes:
        key: stays with it from moment to moment.
        at: where it is, in the unit of the map.
        label: shown beside it.
        shape: its marker: "circle", "ring" or "triangle".
        tone: its colour.
        note: more about it, shown where somebody asks for it.
        badges: words below it.
    """

    key: str
    at: Place
    label: str = ""
    shape: Shape = "circle"
    tone: Tone = "blue"
    note: str = ""
    badges: tuple[Badge, ...] = ()


@dataclass(frozen=True)
class Disc:
    """An area around a place: centre, radius and colour."""

    at: Place
    radius: float
    tone: Tone = "grey"


@dataclass(frozen=True)
class Link:
    """A line from a place to another.

    Attributes:
        start, end: the places.
        tone: its colour.
        arrow: whether it has a head, and is bent so that the way back is seen beside it.
        label: shown at its middle.
    """

    start: Place
    end: Place
    tone: Tone = "grey"
    arrow: bool = False
    label: str = ""


@dataclass(frozen=True)
class Key:
    """An entry of a legend."""

    shape: Shape
    tone: Tone
    text: str


@dataclass(frozen=True)
class Map:
    """Things at places.

    Attributes:
        title: shown above.
        low, high: the corners of what is shown.
        points, discs, links: what is there.
        ground: places on roads, the same at every moment.
        legend: what the marks mean.
        unit: of places.
    """

    title: str
    low: Place
    high: Place
    points: tuple[Point, ...]
    discs: tuple[Disc, ...] = ()
    links: tuple[Link, ...] = ()
    ground: tuple[Place, ...] = ()
    legend: tuple[Key, ...] = ()
    unit: str = "m"


@dataclass(frozen=True)
class Bar:
    """A number with a name.

    Attributes:
        label: the name.
        value: the number; not a number where it is not known.
        tone: its colour.
        span: a range around it, drawn as a line; None for none.
        mark: what it is compared with, drawn as a tick; None for nothing.
        text: shown at its end. If None, the number.
    """

    label: str
    value: float
    tone: Tone = "blue"
    span: tuple[float, float] | None = None
    mark: float | None = None
    text: str | None = None


@dataclass(frozen=True)
class Bars:
    """Numbers of one kind.

    Attributes:
        title: shown above, with the unit.
        bars: from top to bottom.
        high: the end of the axis, which begins at `low`.
        limit: a line across all bars; None for none.
        note: what line, span and mark are.
        low: the start of the axis.
    """

    title: str
    bars: tuple[Bar, ...]
    high: float
    limit: float | None = None
    note: str = ""
    low: float = 0.0


@dataclass(frozen=True)
class Curve:
    """A line through points.

    Attributes:
        label: its name in the legend.
        x, y: of equal length.
        tone: its colour.
        dashed: to be told from others without colours.
        dots: whether points are marked.
        joined: whether there is a line between them.
        band: lower and upper end of what it could be, each as long as `y`; None for none.
    """

    label: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    tone: Tone = "blue"
    dashed: bool = False
    dots: bool = False
    joined: bool = True
    band: tuple[tuple[float, ...], tuple[float, ...]] | None = None


@dataclass(frozen=True)
class Curves:
    """Lines over one axis.

    Attributes:
        title: shown above.
        curves: its lines.
        x_label, y_label: of the axes, with units.
        x_range, y_range: their ends.
        now: a line across, where the moment is; None for none.
        small: one of many alike, drawn without labels of axes and left out of frames.
    """

    title: str
    curves: tuple[Curve, ...]
    x_label: str
    y_label: str
    x_range: tuple[float, float]
    y_range: tuple[float, float]
    now: float | None = None
    small: bool = False


@dataclass(frozen=True)
class Headline:
    """A figure that stands above everything.

    Attributes:
        label: what it is.
        text: the figure, with its unit.
        tone: vermilion where something is wrong.
    """

    label: str
    text: str
    tone: Tone = "ink"


@dataclass(frozen=True)
class Scene:
    """A moment of a system.

    Attributes:
        title: whose, shown above.
        time: when, in words.
        headlines: the figures that matter most.
        map: what is where. If None, places have no meaning in the system.
        bars, curves: panels beside it.
        small: what the small curves show, shown above them.
    """

    title: str
    time: str
    headlines: tuple[Headline, ...] = ()
    map: Map | None = None
    bars: tuple[Bars, ...] = ()
    curves: tuple[Curves, ...] = ()
    small: str = ""


def ends(*values: Sequence[float], zero: bool = False) -> tuple[float, float]:
    """The ends of an axis on which all finite values have room; 0 and 1 without any.

    Args:
        values: the values of several curves.
        zero: whether the axis begins at 0, for values that are not negative.
    """
    finite = [value for each in values for value in each if abs(value) < float("inf")]
    if not finite:
        return 0.0, 1.0
    low, high = (min(finite), max(finite))
    if zero and low >= 0:
        return 0.0, 1.08 * high if high > 0 else 1.0
    room = 0.06 * (high - low) or max(abs(high), 1.0) * 0.1
    return low - room, high + room


def ticks(low: float, high: float, most: int = 4) -> list[float]:
    """Round numbers from `low` to `high`, at most about `most` of them."""
    from matplotlib.ticker import MaxNLocator

    found = MaxNLocator(nbins=most, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high)
    room = 1e-9 * (high - low)
    return [float(value) for value in found if low - room <= value <= high + room]


def short(value: float) -> str:
    """A number of an axis in three digits: 0.25, 20k, 1.5M."""
    unit, sign = next(((unit, sign) for unit, sign in ((1e6, "M"), (1e4, "k")) if abs(value) >= unit), (1.0, ""))
    return f"{value / (1e3 if sign == 'k' else unit):.4g}{sign}"
