"""Items before they have a number, and what plates make of the marks on them: fields, switches, tiles, buttons, pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from edgewise.agent.perception.areas import Areas
from edgewise.agent.perception.draft import Draft
from edgewise.agent.perception.marks import Drawing, Mark
from edgewise.agent.perception.plates import Plate
from edgewise.agent.perception.reading import Icon, Text, below_middle
from edgewise.agent.screen import Box

FIELD_DP = 120
"""Largest height of a field, density-independent pixels."""
PILL_DP, PILL = (14, 40), (1.35, 2.7)
"""Height of a switch, and its width in its heights."""
ROUND = 0.06
"""Share of its box by which a pill may differ from one whose ends are half circles."""
SQUARE = 1.3
"""Sides of the plate of an icon differ by this factor at most."""
PICTURE_DP = 90
"""Side from which a plate with a sign is only a picture."""
BUTTON_DP = (26, 84)
"""Height of a button."""
MIDDLE = 0.02
"""Share of the plate below by which a button may stand beside its middle."""
STRONG = 0.65
"""Contrast of what was typed, of the largest possible; what a field says while it is empty is fainter."""


@dataclass
class Page:
    """A page while it is being understood.

    Attributes:
        drawing: the picture, taken apart.
        areas: its large parts.
        texts, icons: that belong to no item yet.
        drafts: items that were found.
        switches: plates of switches, and whether each is on; they become items with the text beside them.
        used: places of plates that belong to an item.
    """

    drawing: Drawing
    areas: Areas
    texts: list[Text]
    icons: list[Icon]
    drafts: list[Draft] = field(default_factory=list)
    switches: list[tuple[Box, bool]] = field(default_factory=list)
    used: set[int] = field(default_factory=set)

    def take(self, plate: int) -> tuple[list[Text], list[Icon]]:
        """The texts and icons on a plate and on those on it, which then belong to an item."""
        places = {plate, *self.below(plate)}
        texts: list[Text] = [each for each in self.texts if each.mark.plate in places]
        icons: list[Icon] = [each for each in self.icons if each.mark.plate in places]
        self.texts = [each for each in self.texts if each not in texts]
        self.icons = [each for each in self.icons if each not in icons]
        self.used |= places
        return texts, icons

    def below(self, plate: int) -> list[int]:
        """Plates that lie on a plate, at any depth."""
        found: list[int] = []
        for place, each in enumerate(self.drawing.plates):
            if each.parent == plate or each.parent in found:
                found.append(place)
        return found

    def on(self, plate: int) -> list[Mark]:
        """Marks of texts and icons on a plate or on one that lies on it."""
        places = {plate, *self.below(plate)}
        marks = [*(each.mark for each in self.texts), *(each.mark for each in self.icons)]
        return [each for each in marks if each.plate in places]


def find_widgets(page: Page, keyboard: bool) -> None:
    """Make items of plates.

    Args:
        page: in which they are found; it is changed.
        keyboard: whether the keyboard is shown, so that a field has the focus.
    """
    for place, plate in enumerate(page.drawing.plates):
        if place == 0 or place in page.used or not page.areas.shown(plate.box) or place == page.areas.dialog:
            continue
        if plate.border and plate.size[1] <= FIELD_DP * page.drawing.unit:
            _field(page, place, plate)
        elif _is_pill(page, place, plate):
            _switch(page, place, plate)
        elif _has_icon_alone(page, place, plate):
            _tile(page, place, plate)
        elif _has_text_alone(page, place, plate):
            _box_of_text(page, place, plate)
    fields = [each for each in page.drafts if each.role == "field"]
    if keyboard and fields:
        thickest = {each.box: each.border for each in page.drawing.plates}
        max(fields, key=lambda each: thickest[each.box]).focused = True


def _field(page: Page, place: int, plate: Plate) -> None:
    texts, _ = page.take(place)
    ground = next((each.colour for each in page.drawing.plates if each.parent == place), plate.colour)
    said = " ".join(each.text for each in texts)
    typed = bool(texts) and contrast(texts[0].mark.colour, ground) >= STRONG
    text, detail = (said, "") if typed else ("", said)
    page.drafts.append(Draft(plate.box, "field", text, detail, touchable=True))


def contrast(ink: Sequence[int], paper: Sequence[int]) -> float:
    """Difference of brightness, in [0, 1]."""
    first, second = (0.299 * red + 0.587 * green + 0.114 * blue for red, green, blue in (ink, paper))
    return abs(first - second) / 255


def _is_pill(page: Page, place: int, plate: Plate) -> bool:
    wide, high = plate.size
    tall = PILL_DP[0] <= high / page.drawing.unit <= PILL_DP[1]
    ends = 1 - 0.2146 * high / wide  # two half circles at the ends leave (1 - pi / 4) of a square
    return tall and PILL[0] <= wide / high <= PILL[1] and abs(plate.full - ends) <= ROUND and not page.on(place)


def _switch(page: Page, place: int, plate: Plate) -> None:
    """A switch, if there is a knob at one of its ends."""
    knobs = [page.drawing.plates[each] for each in page.below(place)]
    knob = max(knobs, key=lambda each: each.size[1], default=None)
    if knob is None:
        return
    page.take(place)
    page.switches.append((plate.box, knob.middle[0] > plate.middle[0]))


def _has_icon_alone(page: Page, place: int, plate: Plate) -> bool:
    wide, high = plate.size
    square = max(wide, high) <= SQUARE * min(wide, high)
    places = {place, *page.below(place)}
    texts = any(each.mark.plate in places for each in page.texts)
    return square and not texts and sum(each.mark.plate in places for each in page.icons) == 1


def _tile(page: Page, place: int, plate: Plate) -> None:
    """A tile with words below it, or an icon that floats."""
    _, (icon,) = page.take(place)
    captions = [each for each in page.texts if below_middle(plate, each.mark, page.drawing.unit)]
    if plate.size[0] >= PICTURE_DP * page.drawing.unit:
        return  # a picture, which says nothing and takes no touch
    if captions:
        words = captions[0]
        page.texts.remove(words)
        box = _around(plate.box, words.mark.box)
        page.drafts.append(Draft(box, "tile", words.text, sign=icon.sign, touchable=True))
    else:
        page.drafts.append(Draft(plate.box, "icon", sign=icon.sign, touchable=True))


def _has_text_alone(page: Page, place: int, plate: Plate) -> bool:
    """Whether a plate is a box around texts: not a bar, a card of rows or the page itself."""
    wide = plate.size[0] < 0.98 * page.areas.size[0]
    places = {place, *page.below(place)}
    inner = [each for each in page.texts if each.mark.plate in places]
    return wide and bool(inner) and not any(each.mark.plate in places for each in page.icons)


def _box_of_text(page: Page, place: int, plate: Plate) -> None:
    """A button, or a text in a box."""
    texts, _ = page.take(place)
    said = " ".join(each.text for each in texts)
    below = page.drawing.plates[plate.parent]
    centred = abs(plate.middle[0] - below.middle[0]) <= MIDDLE * below.size[0]
    inside = abs(texts[0].mark.middle[0] - plate.middle[0]) <= MIDDLE * plate.size[0] + page.drawing.unit
    low = BUTTON_DP[0] <= plate.size[1] / page.drawing.unit <= BUTTON_DP[1]
    is_button = centred and inside and low and len(texts) == 1
    page.drafts.append(Draft(plate.box, "button" if is_button else "text", said, touchable=is_button))


def _around(first: Box, second: Box) -> Box:
    return (
        min(first[0], second[0]),
        min(first[1], second[1]),
        max(first[2], second[2]),
        max(first[3], second[3]),
    )
