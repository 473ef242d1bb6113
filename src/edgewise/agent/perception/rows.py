"""Rows, paragraphs and single icons, from texts and signs that stand beside and below one another."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from edgewise.agent.perception.draft import Draft
from edgewise.agent.perception.drafts import Page, contrast
from edgewise.agent.perception.reading import Icon, Text
from edgewise.agent.screen import Box

ALIGNED_DP = 4
"""Difference of left edges up to which lines stand below one another, density-independent pixels."""
PITCH = 2.1
"""Distance of the middles of two lines of one text, in heights of the higher."""
FAINTER = 0.85
"""Contrast of a second line, against the first, below which it says more about the first."""
TOUCH_DP = 48
"""Side of what a finger hits, which icons have room for."""
DENSE = 0.6
"""Room below the last row, in distances of rows, up to which there may be more rows."""


@dataclass
class Row:
    """Lines below one another, with what stands beside them.

    Attributes:
        lines: the first is what it is called.
        values: texts to the right.
        icon: to the left. If None, there is none.
        switch: to the right: its box, and whether it is on. If None, there is none.
    """

    lines: list[Text]
    values: list[Text] = field(default_factory=list)
    icon: Icon | None = None
    switch: tuple[Box, bool] | None = None

    @property
    def top(self) -> int:
        """Where its lines begin, pixels."""
        return self.lines[0].mark.box[1]

    @property
    def bottom(self) -> int:
        """Where its lines end, pixels."""
        return self.lines[-1].mark.box[3]

    @property
    def left(self) -> int:
        """Where its lines begin on the left, pixels."""
        return min(each.mark.box[0] for each in self.lines)

    def level(self, box: Box) -> bool:
        """Whether the middle of a box is beside the lines."""
        slack = 0.5 * (self.lines[0].mark.size[1])
        return self.top - slack <= (box[1] + box[3]) / 2 <= self.bottom + slack


def find_bar(page: Page) -> str:
    """Make items of what stands in the bar.

    Args:
        page: in which they are found; it is changed.

    Returns:
        The title of the page; empty if there is none.
    """
    bar = page.areas.bar
    texts = sorted((each for each in page.texts if each.mark.middle[1] < bar), key=lambda each: each.mark.box[0])
    icons = [each for each in page.icons if each.mark.middle[1] < bar]
    page.texts = [each for each in page.texts if each not in texts]
    page.icons = [each for each in page.icons if each not in icons]
    page.drafts += [_icon(page, each) for each in icons]
    title = ""
    if texts and texts[0].mark.box[0] < page.areas.size[0] / 2:
        first = texts.pop(0)
        title = first.text
        page.drafts.append(Draft(first.mark.box, "text", title))
    page.drafts += [Draft(each.mark.box, "button", each.text, touchable=True) for each in texts]
    return title


def find_rows(page: Page) -> None:
    """Make items of all that is left; the page is changed."""
    rows = list(_rows(page))
    for row in rows:
        page.drafts.append(_drafted(page, row, rows))
    for icon in page.icons:
        page.drafts.append(_icon(page, icon))
        whose = [each for each in rows if each.left < icon.mark.box[0] and each.level(icon.mark.box)]
        if whose:  # what it belongs to, as a screen reader says it
            page.drafts[-1].description = whose[0].lines[0].text
    page.drafts += [Draft(box, "switch", touchable=True, checked=on) for box, on in page.switches]
    page.texts, page.icons, page.switches = [], [], []


def find_list(page: Page) -> None:
    """Add the list, if there may be more of it than is seen; the page is changed."""
    body = [each for each in page.drafts if each.box[1] >= page.areas.bar]
    floor = _floor(page, body)
    rows = sorted((each for each in body if each.role not in ("icon", "tile")), key=lambda each: each.box[1])
    rows = [each for each in rows if each.box[3] <= floor + 1]
    if len(rows) < 2 or page.areas.dialog is not None:
        return
    distance = (rows[-1].box[1] - rows[0].box[1]) / (len(rows) - 1)
    if floor - rows[-1].box[3] <= DENSE * distance:
        box = (0, page.areas.bar, page.areas.size[0], floor)
        page.drafts.append(Draft(box, "list", scrollable=True))


def _floor(page: Page, body: list[Draft]) -> int:
    """Where the list ends: above a field that stands at the lower edge."""
    low = page.areas.floor - TOUCH_DP * page.drawing.unit
    fields = [each.box[1] for each in body if each.role == "field" and each.box[3] > low]
    return min(fields, default=page.areas.floor)


def _rows(page: Page) -> Iterator[Row]:
    """Texts put together, with the switches and icons beside them, which then are no longer the page's."""
    unit = page.drawing.unit
    rows: list[Row] = []
    for text in sorted(page.texts, key=lambda each: (each.mark.box[1], each.mark.box[0])):
        near = [each for each in rows if _continues(page, each, text, ALIGNED_DP * unit)]
        if near:
            near[-1].lines.append(text)
        else:
            rows.append(Row([text]))
    rows = _with_values(rows)
    for row in rows:
        _with_neighbours(page, row)
    yield from sorted(rows, key=lambda each: each.top)


def _with_values(rows: list[Row]) -> list[Row]:
    """Rows of which single lines beside others, on the right, have become values."""
    kept: list[Row] = []
    for row in sorted(rows, key=lambda each: each.left):
        whose = next((each for each in kept if len(row.lines) == 1 and each.level(row.lines[0].mark.box)), None)
        if whose is None or whose.left >= row.left:
            kept.append(row)
        else:
            whose.values += row.lines
    return kept


def _continues(page: Page, row: Row, text: Text, slack: float) -> bool:
    """Whether a text is the next line of a row."""
    last = row.lines[-1]
    ground = page.drawing.plates[text.mark.plate].colour
    apart = text.mark.middle[1] - last.mark.middle[1]
    tall = max(each.mark.size[1] for each in (*row.lines, text))
    if text.mark.plate != last.mark.plate or not 0 < apart <= PITCH * tall:
        return False
    if abs(text.mark.box[0] - row.left) > slack or _separated(page, last.mark.box[3], text.mark.box[1]):
        return False
    return contrast(text.mark.colour, ground) <= contrast(last.mark.colour, ground) / FAINTER


def _separated(page: Page, top: int, bottom: int) -> bool:
    return any(top - 1 <= each[1] <= bottom + 1 for each in page.drawing.lines)


def _with_neighbours(page: Page, row: Row) -> None:
    """Give a row the icon on its left and the switch on its right."""
    left = [each for each in page.icons if each.mark.box[2] <= row.left and row.level(each.mark.box)]
    if left:
        row.icon = max(left, key=lambda each: each.mark.box[2])
        page.icons.remove(row.icon)
    right = [each for each in page.switches if each[0][0] >= row.left and row.level(each[0])]
    if right:
        row.switch = right[0]
        page.switches.remove(right[0])


def _drafted(page: Page, row: Row, rows: list[Row]) -> Draft:
    """The item of a row: a switch, a row, or a text that is only read."""
    box = _box(page, row, rows)
    sign = row.icon.sign if row.icon else ""
    first, second = row.lines[0], row.lines[1] if len(row.lines) > 1 else None
    ground = page.drawing.plates[first.mark.plate].colour
    title, rest = row.lines, []
    if second is not None and _says_more(first, second, ground):
        title, rest = row.lines[:1], row.lines[1:]
    text = " ".join(each.text for each in title)
    detail = " ".join(each.text for each in (*rest, *row.values))
    if row.switch is not None:
        return Draft(box, "switch", text, detail, "", sign, True, True, checked=row.switch[1])
    if rest or row.values or row.icon is not None:
        return Draft(box, "row", text, detail, "", sign, True, True)
    return Draft(box, "text", text)


def _says_more(first: Text, second: Text, ground: tuple[int, int, int]) -> bool:
    """Whether a second line is fainter than the first, and so not a part of the same text."""
    return contrast(second.mark.colour, ground) < FAINTER * contrast(first.mark.colour, ground)


def _box(page: Page, row: Row, rows: list[Row]) -> Box:
    """A row's box: as wide as what it stands on, and as far up and down as to the next, the lines in the middle."""
    left, top, right, bottom = page.drawing.plates[row.lines[0].mark.plate].box
    top, bottom = max(top, page.areas.bar), min(bottom, page.areas.floor)
    edges = [each[1] for each in page.drawing.lines]
    edges += [each.box[3] for each in page.drafts if each.role not in ("icon", "list")]
    top = max([top, *(each for each in edges if each <= row.top)])
    starts = [each[3] for each in page.drawing.lines]
    starts += [each.box[1] for each in page.drafts if each.role not in ("icon", "list")]
    bottom = min([bottom, *(each for each in starts if each >= row.bottom)])
    for other in rows:
        if other is not row and other.bottom <= row.top:
            top = max(top, (other.bottom + row.top) // 2)
        if other is not row and other.top >= row.bottom:
            bottom = min(bottom, (other.top + row.bottom) // 2)
    middle = (row.top + row.bottom) / 2
    half = min(middle - top, bottom - middle, 1.5 * TOUCH_DP * page.drawing.unit / 2 + (row.bottom - row.top) / 2)
    half = max(half, (row.bottom - row.top) / 2)
    return (left, round(middle - half), right, round(middle + half))


def _icon(page: Page, icon: Icon) -> Draft:
    """An icon that can be touched, with the room that it has for a finger."""
    x, y = icon.mark.middle
    half = max(TOUCH_DP * page.drawing.unit / 2, max(icon.mark.size) / 2)
    wide, high = page.areas.size
    box = (max(0, round(x - half)), max(0, round(y - half)), min(wide, round(x + half)), min(high, round(y + half)))
    return Draft(box, "icon", sign=icon.sign, touchable=True)
