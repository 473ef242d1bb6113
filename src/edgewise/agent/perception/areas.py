"""The large parts of a display: strips of the system, the keyboard, a dialog, the bar of a page, what can be scrolled."""

from __future__ import annotations

from dataclasses import dataclass

from edgewise.agent.perception.marks import Drawing, Mark
from edgewise.agent.perception.plates import Plate
from edgewise.agent.perception.raster import STATUS_DP
from edgewise.agent.screen import Box

BUTTONS_DP = 56
"""Largest height of the system's strip of buttons at the lower edge, density-independent pixels."""
KEY_DP = (24, 72)
"""Height of a key."""
KEYS = 20
"""Keys that a keyboard has at least."""
BAR_DP = 112
"""Largest height of a bar of another colour, with the strip of the clock."""
BAR_LINE = 0.12
"""Share of the longer side of the display, from the top, within which a page's title stands."""
BESIDE_DP = 16
"""Distance of middles within which marks stand beside one another in a bar."""
DIALOG = (0.5, 0.95)
"""Width of a dialog, of the display's."""
DIALOG_DP = 60
"""Height of a dialog at least."""


@dataclass(frozen=True)
class Areas:
    """The large parts of a display.

    Attributes:
        status: where the strip with the clock ends, pixels from the top.
        bar: where the bar of the page ends; `status` if there is none.
        floor: where the page ends: above the keyboard and the system's buttons.
        dialog: place of the plate of the dialog. If None, there is none.
        size: width and height of the display.
    """

    status: int
    bar: int
    floor: int
    dialog: int | None
    size: tuple[int, int]

    def shown(self, box: Box) -> bool:
        """Whether the middle of a box is on the page."""
        return self.status <= (box[1] + box[3]) / 2 < self.floor


def areas_of(drawing: Drawing, keyboard: bool) -> Areas:
    """The large parts of a display.

    Args:
        drawing: the picture, taken apart.
        keyboard: whether the keyboard is shown.
    """
    wide, high = drawing.plates[0].size
    status = round(STATUS_DP * drawing.unit)
    floor = min((each.box[1] for each in drawing.plates[1:] if _is_strip(each, drawing)), default=high)
    if keyboard:
        floor = _top_of_keys(drawing, floor)
    dialog = _dialog(drawing, status, floor)
    bar = status if dialog is not None else _bar(drawing, status, floor)
    return Areas(status, bar, floor, dialog, (wide, high))


def _is_strip(plate: Plate, drawing: Drawing) -> bool:
    wide, high = drawing.plates[0].size
    low = plate.box[3] >= high - 1 and plate.size[1] <= BUTTONS_DP * drawing.unit
    return low and plate.size[0] >= wide - 2


def _top_of_keys(drawing: Drawing, floor: int) -> int:
    """Where the keyboard begins; `floor` if it is not seen."""
    middle = drawing.plates[0].size[1] / 2
    keys: dict[int, list[Plate]] = {}
    for each in drawing.plates[1:]:
        tall = each.size[1] / drawing.unit
        if each.middle[1] > 0.8 * middle and KEY_DP[0] <= tall <= KEY_DP[1] and not each.border:
            keys.setdefault(each.parent, []).append(each)
    parent, held = max(keys.items(), key=lambda each: len(each[1]), default=(0, []))
    if len(held) < KEYS:
        return floor
    return min(floor, drawing.plates[parent].box[1] if parent else min(each.box[1] for each in held))


def _dialog(drawing: Drawing, status: int, floor: int) -> int | None:
    """A box in the middle, with nothing beside it that is drawn."""
    wide, high = drawing.plates[0].size
    for place, plate in enumerate(drawing.plates):
        narrow = DIALOG[0] * wide <= plate.size[0] <= DIALOG[1] * wide
        central = abs(plate.middle[0] - wide / 2) <= 0.02 * wide and abs(plate.middle[1] - high / 2) <= 0.15 * high
        tall = plate.size[1] >= DIALOG_DP * drawing.unit
        if plate.parent == 0 and narrow and central and tall and not plate.border:
            outside = [each for each in drawing.marks if not _within(each, plate.box)]
            if not any(status <= each.middle[1] < floor for each in outside):
                return place
    return None


def _within(mark: Mark, box: Box) -> bool:
    x, y = mark.middle
    return box[0] <= x < box[2] and box[1] <= y < box[3]


def _bar(drawing: Drawing, status: int, floor: int) -> int:
    """Where the bar ends: that of the plate at the top, or below the first line of a page of one colour."""
    wide, high = drawing.plates[0].size
    for plate in drawing.plates[1:]:
        full = plate.box[0] <= 1 and plate.box[2] >= wide - 1 and plate.box[1] <= status
        if full and status < plate.box[3] <= BAR_DP * drawing.unit:
            return plate.box[3]
    plain = [
        each
        for each in drawing.marks
        if each.plate == 0 and status <= each.middle[1] < min(floor, BAR_LINE * max(wide, high))
    ]
    if not plain:
        return status
    first = min(each.middle[1] for each in plain)
    beside = [each for each in plain if each.middle[1] - first <= BESIDE_DP * drawing.unit]
    return max(each.box[3] for each in beside) + 1
