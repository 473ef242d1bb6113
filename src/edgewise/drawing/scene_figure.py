"""Scenes drawn with Matplotlib, as figures and as the pixels of a video's frame."""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import UInt8
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Circle, FancyArrowPatch
from matplotlib.transforms import ScaledTranslation

from edgewise.common.terminal import number
from edgewise.drawing.scene import Bars, Curves, Key, Map, Point, Scene, Tone, ticks
from edgewise.drawing.style import BLACK, BLUE, GREEN, GREY, ORANGE, PURPLE, SKY, VERMILION, styled

COLOURS: dict[Tone, str] = {
    "blue": BLUE,
    "orange": ORANGE,
    "green": GREEN,
    "vermilion": VERMILION,
    "purple": PURPLE,
    "sky": SKY,
    "grey": GREY,
    "ink": BLACK,
}

FRAME = (960, 600)
"""Pixels of a frame, width and height; both even, as video encoders want them."""
FRAME_DPI = 80
LINE, SOFT = "#d1d5db", "#4b5563"
MARKERS = {"triangle": "^"}
LETTERS = 14
"""Of the name of a bar that are drawn."""


@styled()
def scene_figure(scene: Scene, width: float = FRAME[0] / FRAME_DPI, height: float = FRAME[1] / FRAME_DPI) -> Figure:
    """A figure of a scene: the map on the left where there is one, panels beside it; curves that are `small` are left out.

    Args:
        scene: what to draw.
        width, height: of the figure, inches.
    """
    figure = Figure(figsize=(width, height), dpi=FRAME_DPI)
    figure.text(0.02, 0.965, scene.title, fontsize=12, weight="bold", va="center")
    figure.text(0.98, 0.965, scene.time, fontsize=11, ha="right", va="center", color=SOFT)
    _headlines(figure, scene)
    panels: list[Bars | Curves] = [*scene.bars, *(curves for curves in scene.curves if not curves.small)]
    left = 0.02
    if scene.map is not None:
        _map(figure.add_axes((0.02, 0.12, 0.5, 0.71)), scene.map)
        left = 0.52
    columns = 1 if scene.map is not None else max(1, min(3, len(panels)))
    rows = max(1, math.ceil(len(panels) / columns))
    for place, panel in enumerate(panels):
        row, column = divmod(place, columns)
        wide, tall = (0.98 - left) / columns, 0.84 / rows
        room = 0.115 if isinstance(panel, Bars) else 0.06
        box = (left + column * wide + room, 0.84 - (row + 1) * tall + 0.075, wide - room - 0.055, tall - 0.125)
        axes = figure.add_axes(box)
        if isinstance(panel, Bars):
            _bars(axes, panel)
        else:
            _curves(axes, panel)
    return figure


def frame(scene: Scene) -> UInt8[np.ndarray, "h w 3"]:
    """The pixels of a scene, RGB."""
    canvas = FigureCanvasAgg(scene_figure(scene))
    canvas.draw()  # type: ignore[no-untyped-call]
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()  # type: ignore[no-untyped-call]


def _headlines(figure: Figure, scene: Scene) -> None:
    shown = scene.headlines
    widths = [max(len(each.text), len(each.label)) + 3 for each in shown]
    x = 0.02
    for each, width in zip(shown, widths, strict=True):
        figure.text(x, 0.918, each.label, fontsize=8, color=SOFT, va="center")
        colour = COLOURS[each.tone]
        figure.text(x, 0.882, each.text, fontsize=10, color=colour, va="center", weight="bold")
        x += 0.96 * width / max(sum(widths), 110)


def _map(axes: Axes, drawn: Map) -> None:
    axes.set_xlim(drawn.low[0], drawn.high[0])
    axes.set_ylim(drawn.low[1], drawn.high[1])
    axes.set_aspect("equal")
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(True)
        spine.set_color(LINE)
    for disc in drawn.discs:
        colour = COLOURS[disc.tone]
        axes.add_patch(Circle(disc.at, disc.radius, facecolor=(colour, 0.06), edgecolor=(colour, 0.45), linewidth=0.8))
    if drawn.ground:
        x, y = np.asarray(drawn.ground).T
        axes.scatter(x, y, s=2.0, color=LINE, linewidths=0, zorder=1)
    still = [link for link in drawn.links if not link.arrow]
    colours = [(COLOURS[link.tone], 0.45) for link in still]
    axes.add_collection(
        LineCollection([(link.start, link.end) for link in still], colors=colours, linewidths=0.8, zorder=2)
    )
    for link in drawn.links:
        if link.arrow:
            _arrow(axes, link.start, link.end, COLOURS[link.tone], link.label)
    for point in drawn.points:
        _point(axes, point)
    _scale(axes, drawn)
    handles = [_handle(key) for key in drawn.legend]
    axes.legend(
        handles=handles,
        loc="upper center",
        bbox_to_anchor=(0.5, -0.015),
        ncols=2,
        fontsize=7,
        columnspacing=1.0,
        handlelength=1.4,
    )


def _arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float], colour: str, label: str) -> None:
    style = {
        "arrowstyle": "-|>",
        "mutation_scale": 12,
        "connectionstyle": "arc3,rad=0.22",
        "shrinkA": 11,
        "shrinkB": 13,
    }
    axes.add_patch(FancyArrowPatch(start, end, color=colour, linewidth=1.4, zorder=4, **style))  # type: ignore[arg-type]
    x = (start[0] + end[0]) / 2 + 0.11 * (end[1] - start[1])
    y = (start[1] + end[1]) / 2 - 0.11 * (end[0] - start[0])
    box = {"boxstyle": "round,pad=0.15", "facecolor": "white", "edgecolor": "none"}
    axes.text(x, y, label, fontsize=8, color=colour, ha="center", va="center", zorder=5, bbox=box)


def _point(axes: Axes, point: Point) -> None:
    colour = COLOURS[point.tone]
    large = point.shape == "triangle"
    face = "white" if point.shape == "ring" else colour
    edge = colour if point.shape == "ring" else "white"
    axes.scatter(
        *point.at, s=110 if large else 38, marker=MARKERS.get(point.shape, "o"), color=face, edgecolors=edge,
        linewidths=1.4 if point.shape == "ring" else 0.7, zorder=7 if large else 6,
    )  # fmt: skip
    if point.label:
        offset = (0, 8) if large else (5, 3)
        axes.annotate(
            point.label, point.at, xytext=offset, textcoords="offset points", fontsize=8 if large else 7, zorder=8,
            ha="center" if large else "left", color=BLACK if large else SOFT, weight="bold" if large else "normal",
        )  # fmt: skip
    for row, badge in enumerate(point.badges):
        axes.annotate(
            badge.text, point.at, xytext=(0, -13 - 12.5 * row), textcoords="offset points", fontsize=7, ha="center", va="center",
            color="white", zorder=9, bbox={"boxstyle": "round,pad=0.2", "facecolor": COLOURS[badge.tone], "edgecolor": "none"},
        )  # fmt: skip


def _scale(axes: Axes, drawn: Map) -> None:
    wide = drawn.high[0] - drawn.low[0]
    length = max(ticks(0, wide / 4, 2))
    text = f"{length / 1000:g} km" if drawn.unit == "m" and length >= 1000 else f"{length:g} {drawn.unit}"
    end, y = drawn.high[0] - 0.02 * wide, drawn.low[1] + 0.02 * wide
    axes.plot([end - length, end], [y, y], color=SOFT, linewidth=1.2, zorder=5)
    axes.annotate(text, (end - length / 2, y), (0, 2), textcoords="offset points", ha="center", fontsize=7, color=SOFT)


def _handle(key: Key) -> Line2D:
    colour = COLOURS[key.tone]
    if key.shape == "badge":
        return Line2D([], [], color=colour, linewidth=7, label=key.text)
    if key.shape in ("line", "dash", "arrow"):
        made = Line2D([], [], color=colour, marker=">" if key.shape == "arrow" else "", label=key.text)
        made.set_linestyle("--" if key.shape == "dash" else "-")
        return made
    face = "none" if key.shape == "ring" else colour
    marker = MARKERS.get(key.shape, "o")
    return Line2D([], [], linestyle="", marker=marker, color=colour, markerfacecolor=face, label=key.text)


def _bars(axes: Axes, drawn: Bars) -> None:
    few = len(drawn.bars) <= 12
    for row, bar in enumerate(drawn.bars):
        known = math.isfinite(bar.value)
        axes.barh(row, min(bar.value, drawn.high) if known else 0.0, height=0.72, color=COLOURS[bar.tone])
        if bar.span is not None:
            axes.plot(np.clip(bar.span, drawn.low, drawn.high), [row, row], color=BLACK, linewidth=1)
        if bar.mark is not None:
            axes.plot([min(bar.mark, drawn.high)] * 2, [row - 0.46, row + 0.46], color=BLACK, linewidth=2)
        text = bar.text if bar.text is not None else number(bar.value, 2) if known else "unknown"
        side = ScaledTranslation(4 / 72, 0, axes.figure.dpi_scale_trans)
        place = axes.get_yaxis_transform() + side
        axes.text(1.0, row, text, transform=place, va="center", fontsize=8 if few else 6.5, color=SOFT)
    if drawn.limit is not None:
        axes.axvline(drawn.limit, color=BLACK, linestyle="--", linewidth=1)
    names = [bar.label if len(bar.label) <= LETTERS else f"{bar.label[: LETTERS - 1]}…" for bar in drawn.bars]
    axes.set_yticks(range(len(names)), names, fontsize=8 if few else 6.5)
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(len(names) - 0.45, -0.55)
    axes.set_xlim(drawn.low, drawn.high)
    axes.set_title(drawn.title, loc="left", fontsize=9)


def _curves(axes: Axes, drawn: Curves) -> None:
    for curve in drawn.curves:
        colour = COLOURS[curve.tone]
        stroke = ("--" if curve.dashed else "-") if curve.joined else ""
        axes.plot(
            curve.x, curve.y, color=colour, linestyle=stroke, linewidth=1.4, label=curve.label or None,
            marker="o" if curve.dots or len(curve.x) == 1 else "", markersize=3.5, zorder=2 if curve.dashed else 3,
        )  # fmt: skip
        if curve.band is not None:
            axes.fill_between(curve.x, *curve.band, color=colour, alpha=0.18, linewidth=0)
    if drawn.now is not None:
        axes.axvline(drawn.now, color=GREY, linewidth=1)
    axes.set_xlim(*drawn.x_range)
    axes.set_ylim(*drawn.y_range)
    axes.grid(axis="y", color="#e5e7eb")
    axes.set_axisbelow(True)
    axes.set_xlabel(drawn.x_label, labelpad=1)
    unit = "" if drawn.y_label in drawn.title else f" ({drawn.y_label})"
    axes.set_title(f"{drawn.title}{unit}", loc="left", fontsize=9)
    if any(curve.label for curve in drawn.curves):
        axes.legend(loc="best", fontsize=7, frameon=True, framealpha=0.8, edgecolor="none", borderpad=0.2)
