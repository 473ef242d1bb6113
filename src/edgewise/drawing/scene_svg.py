"""Scenes as SVG: every panel in layers, so that what does not change from moment to moment is drawn once.

Colours are CSS variables (`var(--blue)`, ...), which the page sets for a light and a dark ground: see `STYLE`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from edgewise.common.terminal import number
from edgewise.drawing.scene import Badge, Bars, Curve, Curves, Key, Link, Map, Place, Point, Scene, short, ticks

WIDTH, SMALL_WIDTH = 420.0, 180.0
"""Units of an SVG panel: about the pixels of a telephone, so that text of 11 units can be read there."""
ROW = 19.0
"""Height of a bar with the gap below it."""
NAME, NUMBER = 104.0, 52.0
"""Room for the names of bars and for the numbers behind them."""
LETTER = 6.1
"""Mean width of a letter of 11 units."""
DASH = ' stroke-dasharray="5 3"'
STYLE = (Path(__file__).parent / "scene.css").read_text()
"""The style sheet of scenes, for a light and a dark ground."""
SCRIPT = (Path(__file__).parent / "scene.js").read_text()
"""A function of pages that lets marks glide."""


@dataclass(frozen=True)
class Panel:
    """A panel of a scene.

    Attributes:
        name: stays with it from moment to moment.
        title: shown above.
        kind: "map", "bars", "curves" or "small".
        width, height: of its view box.
        layers: SVG, from the ground up.
        legend: shown below, HTML.
        told: what it shows, for who cannot see it.
    """

    name: str
    title: str
    kind: str
    width: float
    height: float
    layers: tuple[str, ...]
    legend: str
    told: str


def panels(scene: Scene) -> list[Panel]:
    """All panels of a scene."""
    made = [] if scene.map is None else [_map(scene.map)]
    made += [_bars(bars, place) for place, bars in enumerate(scene.bars)]
    return made + [_curves(curves, place) for place, curves in enumerate(scene.curves)]


def whole(panel: Panel) -> str:
    """A panel as one SVG element."""
    layers = "".join(f"<g>{layer}</g>" for layer in panel.layers)
    box = f"0 0 {panel.width:g} {panel.height:g}"
    return f'<svg viewBox="{box}" role="img" aria-label="{escape(panel.told)}">{layers}</svg>'


def figures(scene: Scene) -> str:
    """The headlines of a scene as the content of a description list."""
    return "".join(
        f"<div><dt>{escape(each.label)}</dt><dd{_wrong(each.tone)}>{escape(each.text)}</dd></div>"
        for each in scene.headlines
    )


def markup(scene: Scene) -> str:
    """A scene as HTML for a page that has `STYLE`: headlines, then panels, the small ones last."""
    drawn = {True: "", False: ""}
    for panel in panels(scene):
        drawn[panel.kind == "small"] += (
            f'<figure class="{panel.kind}"><h2>{escape(panel.title)}</h2>{whole(panel)}'
            f"<figcaption>{panel.legend}</figcaption></figure>"
        )
    small = f'<h2 class="about">{escape(scene.small)}</h2>' if scene.small else ""
    mapped = "" if scene.map is None else " mapped"
    return (
        f'<div class="scene{mapped}"><dl class="figures">{figures(scene)}</dl>'
        f'<div class="panels">{drawn[False]}</div>{small}<div class="smalls">{drawn[True]}</div></div>'
    )


def _wrong(tone: str) -> str:
    return ' class="wrong"' if tone == "vermilion" else ""


def _n(value: float) -> str:
    """A coordinate, in few digits."""
    return f"{value:.1f}".removesuffix(".0")


def _text(at: Place, text: str, kind: str = "", anchor: str = "") -> str:
    more = (f' class="{kind}"' if kind else "") + (f' text-anchor="{anchor}"' if anchor else "")
    return f'<text x="{_n(at[0])}" y="{_n(at[1])}"{more}>{escape(text)}</text>'


def _cut(text: str, room: float) -> str:
    """A text that fits into so many units."""
    letters = max(int(room / LETTER), 2)
    return text if len(text) <= letters else f"{text[: letters - 1]}…"


@dataclass(frozen=True)
class _Frame:
    """From places to units of the panel, upwards as on maps."""

    low: Place
    scale: tuple[float, float]
    origin: Place

    def at(self, place: Place) -> Place:
        x, y = ((value - low) * scale for value, low, scale in zip(place, self.low, self.scale, strict=True))
        return self.origin[0] + x, self.origin[1] - y


def _map(drawn: Map) -> Panel:
    wide, tall = (max(high - low, 1e-9) for low, high in zip(drawn.low, drawn.high, strict=True))
    scale = WIDTH / max(wide, 0.8 * tall)
    height = tall * scale
    frame = _Frame(drawn.low, (scale, scale), ((WIDTH - wide * scale) / 2, height))
    ground = "".join(
        f'<circle cx="{_n(x)}" cy="{_n(y)}" r="{_n(disc.radius * scale)}" class="disc {disc.tone}"/>'
        for disc in drawn.discs
        for x, y in (frame.at(disc.at),)
    )
    roads = "".join(f"M{_n(x)} {_n(y)}h0" for x, y in map(frame.at, drawn.ground))
    ground += f'<path class="road" d="{roads}"/>' if roads else ""
    ground += _scale_bar(wide, scale, height, drawn.unit)
    moving = "".join(_link(link, frame) for link in drawn.links) + "".join(_point(p, frame) for p in drawn.points)
    flags = [f"{p.label}: {', '.join(badge.text for badge in p.badges)}" for p in drawn.points if p.badges]
    told = f"{drawn.title}. {len(drawn.points)} marks. {'; '.join(flags)}"
    return Panel("map", drawn.title, "map", WIDTH, height, (ground, moving), legend(drawn.legend), told)


def _scale_bar(wide: float, scale: float, height: float, unit: str) -> str:
    length = max(ticks(0, wide / 4, 2))
    if length <= 0:
        return ""
    text = f"{length / 1000:g} km" if unit == "m" and length >= 1000 else f"{length:g} {unit}"
    end, y = WIDTH - 8, height - 8
    line = f'<path class="axis" d="M{_n(end - length * scale)} {_n(y - 4)}v4H{_n(end)}v-4"/>'
    return line + _text((end - length * scale / 2, y - 6), text, "soft", "middle")


def _link(link: Link, frame: _Frame) -> str:
    (x, y), (u, v) = frame.at(link.start), frame.at(link.end)
    if not link.arrow:
        return f'<path class="link {link.tone}" d="M{_n(x)} {_n(y)}L{_n(u)} {_n(v)}"/>'
    length = math.hypot(u - x, v - y) or 1.0
    along, side = ((u - x) / length, (v - y) / length), ((v - y) / length, (x - u) / length)
    bend, gap = 0.16 * length, min(20.0, 0.25 * length)
    middle = (x + u) / 2 + bend * side[0], (y + v) / 2 + bend * side[1]
    start = x + gap * along[0], y + gap * along[1]
    end = u - gap * along[0], v - gap * along[1]
    angle = math.atan2(end[1] - middle[1], end[0] - middle[0])
    head = [(end[0] - 9 * math.cos(angle + turn), end[1] - 9 * math.sin(angle + turn)) for turn in (-0.45, 0.45)]
    curve = f"M{_n(start[0])} {_n(start[1])}Q{_n(middle[0])} {_n(middle[1])} {_n(end[0])} {_n(end[1])}"
    barbs = "".join(f"M{_n(end[0])} {_n(end[1])}L{_n(a)} {_n(b)}" for a, b in head)
    half = (x + u) / 2 + bend * side[0] / 2, (y + v) / 2 + bend * side[1] / 2
    number_ = _text((half[0], half[1] + 4), link.label, "count", "middle") if link.label else ""
    return f'<path class="arrow {link.tone}" d="{curve}{barbs}"/>{number_}'


def _point(point: Point, frame: _Frame) -> str:
    x, y = frame.at(point.at)
    note = f"<title>{escape(point.note)}</title>" if point.note else ""
    if point.shape == "triangle":
        mark, label = '<path d="M0-8L7.5 6h-15Z"/>', _text((0, -11), point.label, "name", "middle")
    else:
        mark, label = '<circle r="5"/>', _text((7, -4), point.label, "soft")
    badges = "".join(_badge(badge, 9 + 14.5 * row) for row, badge in enumerate(point.badges))
    kind = f"point {point.tone}{' ring' if point.shape == 'ring' else ''}"
    drawn = f"{note}{mark}{label if point.label else ''}{badges}"
    return f'<g class="{kind}" data-key="{escape(point.key)}" transform="translate({_n(x)} {_n(y)})">{drawn}</g>'


def _badge(badge: Badge, y: float) -> str:
    width = LETTER * len(badge.text) + 8
    box = f'<rect x="{_n(-width / 2)}" y="{_n(y)}" width="{_n(width)}" height="13" rx="3"/>'
    return f'<g class="badge {badge.tone}">{box}{_text((0, y + 10), badge.text, "", "middle")}</g>'


def legend(keys: Sequence[Key]) -> str:
    """A legend as HTML."""
    drawn = []
    for key in keys:
        if key.shape == "badge":
            mark = '<rect x="1" y="3" width="20" height="10" rx="3"/>'
        elif key.shape == "triangle":
            mark = '<path d="M11 1l7 13h-14Z"/>'
        elif key.shape in ("circle", "ring", "disc"):
            mark = f'<circle cx="11" cy="8" r="{7 if key.shape == "disc" else 5}"/>'
        else:
            head = "M21 8l-6-4M21 8l-6 4" if key.shape == "arrow" else ""
            mark = f'<path d="M1 8H21{head}"{DASH if key.shape == "dash" else ""}/>'
        kind = {"line": "line", "dash": "line", "arrow": "line", "circle": "dot", "triangle": "dot"}.get(
            key.shape, key.shape
        )
        sign = f'<svg viewBox="0 0 22 16" class="{kind} {key.tone}" aria-hidden="true">{mark}</svg>'
        drawn.append(f'<span class="key">{sign} {escape(key.text)}</span>')
    return " ".join(drawn)


def _bars(drawn: Bars, place: int) -> Panel:
    left, right, top = NAME, WIDTH - NUMBER, 4.0
    bottom = top + ROW * len(drawn.bars)
    width = max(drawn.high - drawn.low, 1e-12)

    def x(value: float) -> float:
        return left + min(max((value - drawn.low) / width, 0.0), 1.0) * (right - left)

    ground = f'<path class="axis" d="M{_n(x(max(drawn.low, 0.0)))} {_n(top)}V{_n(bottom)}"/>'
    for value in ticks(drawn.low, drawn.high):
        ground += f'<path class="grid" d="M{_n(x(value))} {_n(top)}V{_n(bottom)}"/>'
        ground += _text((x(value), bottom + 12), short(value), "soft", "middle")
    rows = []
    for row, bar in enumerate(drawn.bars):
        y = top + ROW * row
        known = math.isfinite(bar.value)
        zero, end = x(max(drawn.low, 0.0)), x(bar.value if known else 0.0)
        box = f'x="{_n(min(zero, end))}" y="{_n(y + 3)}" width="{_n(abs(end - zero))}" height="13"'
        shape = f'<rect class="bar {bar.tone}" {box}/>'
        if bar.span is not None:
            shape += f'<path class="span" d="M{_n(x(bar.span[0]))} {_n(y + 9.5)}H{_n(x(bar.span[1]))}"/>'
        if bar.mark is not None:
            shape += f'<path class="tick" d="M{_n(x(bar.mark))} {_n(y + 1)}v17"/>'
        text = bar.text if bar.text is not None else number(bar.value, 2) if known else "unknown"
        rows.append(
            _text((left - 6, y + 13), _cut(bar.label, left - 6), "", "end")
            + shape
            + _text((right + 6, y + 13), text, "soft")
        )
    if drawn.limit is not None:
        rows.append(f'<path class="limit" d="M{_n(x(drawn.limit))} {_n(top)}V{_n(bottom)}"/>')
    told = f"{drawn.title}: " + "; ".join(
        f"{bar.label} {bar.text if bar.text is not None else number(bar.value, 2)}" for bar in drawn.bars
    )
    return Panel(
        f"bars-{place}", drawn.title, "bars", WIDTH, bottom + 18, (ground, "".join(rows)), escape(drawn.note), told
    )


def _curves(drawn: Curves, place: int) -> Panel:
    wide = SMALL_WIDTH if drawn.small else WIDTH
    left, right, top, bottom = (26.0, wide - 6, 4.0, 74.0) if drawn.small else (50.0, wide - 10, 8.0, 168.0)
    (x0, x1), (y0, y1) = drawn.x_range, drawn.y_range
    scale = (right - left) / max(x1 - x0, 1e-12), (bottom - top) / max(y1 - y0, 1e-12)
    frame = _Frame((x0, y0), scale, (left, bottom))
    ground = ""
    for value in ticks(y0, y1, 2 if drawn.small else 4):
        y = frame.at((x0, value))[1]
        ground += f'<path class="grid" d="M{_n(left)} {_n(y)}H{_n(right)}"/>'
        ground += _text((left - 5, y + 4), short(value), "soft", "end")
    ground += f'<path class="axis" d="M{_n(left)} {_n(bottom)}H{_n(right)}"/>'
    if not drawn.small:
        for value in ticks(x0, x1, 5):
            ground += _text((frame.at((value, y0))[0], bottom + 14), short(value), "soft", "middle")
        ground += _text(((left + right) / 2, bottom + 29), drawn.x_label, "soft", "middle")
    lines = "".join(_curve(curve, frame) for curve in drawn.curves)
    moment = ""
    if drawn.now is not None:
        x = frame.at((drawn.now, y0))[0]
        moment = f'<path class="now" d="M{_n(x)} {_n(top)}V{_n(bottom)}"/>'
    keys = [Key("dash" if curve.dashed else "line", curve.tone, curve.label) for curve in drawn.curves if curve.label]
    latest = "; ".join(f"{curve.label} {number(curve.y[-1], 2)}" for curve in drawn.curves if curve.label and curve.y)
    title = drawn.title if drawn.small or drawn.y_label in drawn.title else f"{drawn.title} ({drawn.y_label})"
    return Panel(
        f"curves-{place}", title, "small" if drawn.small else "curves", wide, bottom + (6 if drawn.small else 36),
        (ground, lines, moment), "" if drawn.small else legend(keys), f"{drawn.title}: {latest}",
    )  # fmt: skip


def _curve(curve: Curve, frame: _Frame) -> str:
    points = [frame.at((x, y)) for x, y in zip(curve.x, curve.y, strict=True) if math.isfinite(y)]
    if not points:
        return ""
    band = ""
    if curve.band is not None:
        low, high = ([frame.at(place) for place in zip(curve.x, end, strict=True)] for end in curve.band)
        band = f'<path class="band {curve.tone}" d="M{_way([*low, *reversed(high)])}Z"/>'
    line = f'<path class="curve {curve.tone}" d="M{_way(points)}"{DASH if curve.dashed else ""}/>'
    dots = f'<path class="dots {curve.tone}" d="{"".join(f"M{_n(x)} {_n(y)}h0" for x, y in points)}"/>'
    line = line if curve.joined else ""
    return band + line + (dots if curve.dots or len(points) == 1 else "")


def _way(points: Sequence[Place]) -> str:
    return "L".join(f"{_n(x)} {_n(y)}" for x, y in points)
