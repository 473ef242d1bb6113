"""A screen from the picture alone."""

from __future__ import annotations

from edgewise.agent.perception.areas import areas_of
from edgewise.agent.perception.draft import Draft
from edgewise.agent.perception.drafts import Page, find_widgets
from edgewise.agent.perception.marks import taken_apart
from edgewise.agent.perception.raster import Pixels, picture_digest
from edgewise.agent.perception.reading import texts_of, told_apart
from edgewise.agent.perception.rows import find_bar, find_list, find_rows
from edgewise.agent.perception.signs import NamesSigns
from edgewise.agent.perception.text import Reads
from edgewise.agent.screen import LONGEST, MOST, Item, Screen


def seen_screen(pixels: Pixels, app: str, keyboard: bool, name: NamesSigns, read: Reads) -> Screen:
    """The screen that a picture shows.

    Args:
        pixels: of the picture.
        app: package of the app that is shown.
        keyboard: whether the keyboard is shown.
        name: names signs.
        read: reads lines of text.
    """
    drawing = taken_apart(pixels)
    areas = areas_of(drawing, keyboard)
    shown = [each for each in drawing.marks if areas.shown(each.box)]
    lines, icons = told_apart(drawing, shown, areas.bar, name)
    texts, unnamed = texts_of(drawing, lines, read)
    page = Page(drawing, areas, texts, [*icons, *unnamed])
    title = find_bar(page)
    find_widgets(page, keyboard)
    find_rows(page)
    find_list(page)
    wide, high = areas.size
    items = numbered(page.drafts)
    return Screen(
        width=wide,
        height=high,
        items=items,
        app=app,
        title=title[:LONGEST],
        keyboard=keyboard,
        picture=picture_digest(pixels),
    )


def numbered(drafts: list[Draft]) -> tuple[Item, ...]:
    """Items of drafts, from the top down; of too many, the largest."""
    if len(drafts) > MOST:
        drafts = sorted(drafts, key=_area)[-MOST:]
    drafts = sorted(drafts, key=lambda each: (each.box[1], each.box[0]))
    return tuple(
        Item(
            number=number,
            box=each.box,
            role=each.role,
            text=each.text[:LONGEST],
            detail=each.detail[:LONGEST],
            description=each.description[:LONGEST],
            sign=each.sign,
            touchable=each.touchable,
            holdable=each.holdable,
            focused=each.focused,
            scrollable=each.scrollable,
            checked=each.checked,
        )
        for number, each in enumerate(drafts)
    )


def _area(draft: Draft) -> int:
    return (draft.box[2] - draft.box[0]) * (draft.box[3] - draft.box[1])
