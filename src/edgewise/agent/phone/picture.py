"""Pictures of the display."""

from __future__ import annotations

from PIL import Image, ImageDraw

from edgewise.agent.phone.core import view
from edgewise.agent.phone.glyphs import glyph
from edgewise.agent.phone.layout import NAVIGATION, STATUS
from edgewise.agent.phone.parts import clock_time
from edgewise.agent.phone.skins import Colour, Skin
from edgewise.agent.phone.state import State
from edgewise.agent.phone.text import end_of, lines, shortened, typeface
from edgewise.agent.phone.widgets import Box, Screen, Widget

ICON = 64
"""Side of an icon, pixels."""
DIM = 0.45
"""Brightness of what lies below a dialog, against its own."""


class Canvas:
    """What is drawn on: a picture, and the look of the phone.

    Args:
        size: of the picture, pixels.
        skin: the look.
    """

    def __init__(self, size: tuple[int, int], skin: Skin) -> None:
        self.image, self.skin = Image.new("RGB", size, skin.paper), skin
        self.draw = ImageDraw.Draw(self.image)
        self.draw.fontmode = "L"

    def fill(self, box: Box, colour: Colour, radius: int = 0) -> None:
        """A filled box with rounded corners."""
        if box[2] <= box[0] or box[3] <= box[1]:
            return
        area = (box[0], box[1], box[2] - 1, box[3] - 1)
        if radius:
            self.draw.rounded_rectangle(area, min(radius, (box[3] - box[1]) // 2), fill=colour)
        else:
            self.draw.rectangle(area, fill=colour)

    def outline(self, box: Box, colour: Colour, radius: int, width: int) -> None:
        """The border of a box with rounded corners."""
        area = (box[0], box[1], box[2] - 1, box[3] - 1)
        self.draw.rounded_rectangle(area, min(radius, (box[3] - box[1]) // 2), outline=colour, width=width)

    def text(self, x: int, y: int, text: str, colour: Colour, size: int, anchor: str = "lm") -> None:
        """A line of text; `anchor` as Pillow has it."""
        self.draw.text((x, y), text, colour, typeface(self.skin.font, size), anchor=anchor)

    def icon(self, x: int, y: int, name: str, colour: Colour, side: int = ICON) -> None:
        """An icon around a pixel."""
        mask = glyph(name, side, self.skin.stroke)
        self.image.paste(colour, (x - side // 2, y - side // 2), mask)


def picture(state: State) -> Image.Image:
    """The display as an RGB picture."""
    if not state.display:
        return Image.new("RGB", state.size)
    screen, skin = view(state), state.skin
    canvas = Canvas(screen.size, skin)
    if screen.dialog is not None:
        canvas.fill((0, 0, *screen.size), _dimmed(skin.paper))
        canvas.fill(screen.dialog, skin.paper, skin.radius)
    scrolled = [each for each in screen.widgets if each.clip is not None]
    for widget in scrolled:
        _widget(canvas, widget)
    _frame(canvas, screen)
    for widget in screen.widgets:
        if widget.clip is None:
            _widget(canvas, widget)
    _keyboard(canvas, screen)
    _edges(canvas, state, screen)
    return canvas.image


def _dimmed(colour: Colour) -> Colour:
    red, green, blue = (round(DIM * each) for each in colour)
    return red, green, blue


def _frame(canvas: Canvas, screen: Screen) -> None:
    """What scrolled parts pass below: the bar and the row at the lower edge."""
    if screen.dialog is not None:
        return
    _, top, wide, floor = screen.body
    bar = canvas.skin.bar if top > STATUS else canvas.skin.paper
    canvas.fill((0, 0, wide, top), bar)
    canvas.fill((0, floor, wide, screen.size[1]), canvas.skin.paper)


def _edges(canvas: Canvas, state: State, screen: Screen) -> None:
    """The status bar and the buttons below."""
    wide, high = screen.size
    skin = state.skin
    plain = screen.body[1] <= STATUS or screen.dialog is not None
    ink = skin.ink if plain else skin.on_bar
    if screen.dialog is not None:
        ink = (250, 250, 252)
    canvas.text(40, STATUS // 2, clock_time(state.minute), ink, 36)
    if state.world.setting("wifi"):
        canvas.icon(wide - 140, STATUS // 2, "wifi", ink, 40)
    canvas.outline((wide - 96, 24, wide - 40, 56), ink, 6, 4)
    canvas.fill((wide - 88, 32, wide - 60, 48), ink)
    canvas.fill((0, high - NAVIGATION, wide, high), (0, 0, 0))
    for each in screen.navigation:
        canvas.icon(*each.middle, each.part.glyph, (230, 230, 230), 56)


def _keyboard(canvas: Canvas, screen: Screen) -> None:
    if not screen.keys:
        return
    skin = canvas.skin
    top = screen.keys[0].box[1]
    canvas.fill((0, top, screen.size[0], screen.size[1]), skin.faint)
    for key in screen.keys:
        left, high, right, low = key.box
        canvas.fill((left + 6, high + 8, right - 6, low - 8), skin.paper, 14)
        if key.part.glyph:
            canvas.icon(*key.middle, key.part.glyph, skin.ink, 52)
        else:
            canvas.text(*key.middle, key.part.text, skin.ink, 52, "mm")


def _widget(canvas: Canvas, widget: Widget) -> None:
    DRAWN[widget.part.kind](canvas, widget)


def _row(canvas: Canvas, widget: Widget) -> None:
    part, skin = widget.part, canvas.skin
    left, top, right, bottom = widget.box
    middle, x = (top + bottom) // 2, left + skin.margin
    if part.glyph:
        canvas.icon(x + 36, middle, part.glyph, skin.accent)
        x += 112
    end = right - skin.margin - (180 if part.kind == "switch" else 0) - (460 if part.kind == "level" else 0)
    text = shortened(part.text, skin.font, skin.letter, end - x)
    small = round(0.8 * skin.letter)
    if part.detail and part.kind == "row":
        canvas.text(x, middle - round(0.62 * skin.letter), text, skin.ink, skin.letter)
        detail = shortened(part.detail, skin.font, small, end - x)
        canvas.text(x, middle + round(0.62 * skin.letter), detail, skin.faint, small)
    else:
        canvas.text(x, middle, text, skin.ink, skin.letter)
    if part.kind == "switch":
        _toggle(canvas, right - skin.margin, middle, part.on)
    if part.kind == "level":
        canvas.text(right - skin.margin - 230, middle, part.detail, skin.ink, skin.letter, "mm")
    if skin.lines:
        canvas.fill((x, bottom - 2, right, bottom), skin.faint)


def _toggle(canvas: Canvas, right: int, middle: int, on: bool) -> None:
    skin = canvas.skin
    box = (right - 128, middle - 34, right, middle + 34)
    canvas.fill(box, skin.accent if on else skin.faint, 34)
    x = right - 34 if on else right - 94
    canvas.fill((x - 26, middle - 26, x + 26, middle + 26), skin.on_accent if on else skin.paper, 26)


def _paragraph(canvas: Canvas, widget: Widget) -> None:
    part, skin = widget.part, canvas.skin
    left, top, right, bottom = widget.box
    size = round(1.25 * skin.letter) if widget.bar else skin.letter
    if widget.bar:
        text = shortened(part.text, skin.font, size, right - left - 20)
        canvas.text(left + 12, (top + bottom) // 2, text, skin.on_bar, size)
        return
    y = top + 20 + round(0.7 * skin.letter)
    for line in lines(part.text, skin.font, skin.letter, right - left - 2 * skin.margin):
        canvas.text(left + skin.margin, y, line, skin.ink, size)
        y += round(1.4 * skin.letter)


def _button(canvas: Canvas, widget: Widget) -> None:
    skin = canvas.skin
    canvas.fill(widget.box, skin.accent, skin.radius)
    text = shortened(widget.part.text, skin.font, skin.letter, widget.box[2] - widget.box[0] - 40)
    x, y = (widget.box[0] + widget.box[2]) // 2, (widget.box[1] + widget.box[3]) // 2
    canvas.text(x, y, text, skin.on_accent, skin.letter, "mm")


def _field(canvas: Canvas, widget: Widget) -> None:
    part, skin = widget.part, canvas.skin
    left, top, right, bottom = widget.box
    canvas.fill(widget.box, skin.paper, skin.radius)
    canvas.outline(widget.box, skin.accent if widget.focused else skin.faint, skin.radius, 6 if widget.focused else 3)
    room, middle = right - left - 64, (top + bottom) // 2
    if part.text:
        shown = end_of(part.text, skin.font, skin.letter, room)
        canvas.text(left + 32, middle, shown, skin.ink, skin.letter)
    else:
        shown = shortened(part.detail, skin.font, skin.letter, room)
        canvas.text(left + 32, middle, shown, skin.faint, skin.letter)


def _icon(canvas: Canvas, widget: Widget) -> None:
    part, skin = widget.part, canvas.skin
    x, y = (widget.box[0] + widget.box[2]) // 2, (widget.box[1] + widget.box[3]) // 2
    if widget.floating:
        canvas.fill(widget.box, skin.accent, max(skin.radius, 40))
        canvas.icon(x, y, part.glyph, skin.on_accent, 76)
    elif widget.bar and skin.words and part.name != "back":
        canvas.text(x, y, part.text, skin.on_bar, skin.letter, "mm")
    else:
        canvas.icon(x, y, part.glyph, skin.on_bar if widget.bar else skin.accent)


def _bubble(canvas: Canvas, widget: Widget) -> None:
    part, skin = widget.part, canvas.skin
    left, top, right, _ = widget.box
    paper, ink = (skin.accent, skin.on_accent) if part.own else (skin.faint, skin.paper)
    canvas.fill(widget.box, paper, max(20, skin.radius))
    y = top + 26 + round(0.7 * skin.letter)
    for line in lines(part.text, skin.font, skin.letter, right - left - 62):
        canvas.text(left + 32, y, line, ink, skin.letter)
        y += round(1.4 * skin.letter)


def _tile(canvas: Canvas, widget: Widget) -> None:
    part, skin = widget.part, canvas.skin
    left, top, right, bottom = widget.box
    x, side = (left + right) // 2, 170
    canvas.fill((x - side // 2, top + 20, x + side // 2, top + 20 + side), skin.accent, skin.radius)
    canvas.icon(x, top + 20 + side // 2, part.glyph, skin.on_accent, 96)
    size = round(0.75 * skin.letter)
    text = shortened(part.text, skin.font, size, right - left - 12)
    canvas.text(x, bottom - 84, text, skin.ink, size, "mm")


def _portrait(canvas: Canvas, widget: Widget) -> None:
    x, y = (widget.box[0] + widget.box[2]) // 2, (widget.box[1] + widget.box[3]) // 2
    canvas.fill((x - 160, y - 160, x + 160, y + 160), canvas.skin.faint, 160)
    canvas.icon(x, y, widget.part.glyph, canvas.skin.paper, 200)


DRAWN = {
    "row": _row,
    "switch": _row,
    "level": _row,
    "text": _paragraph,
    "heading": _paragraph,
    "button": _button,
    "field": _field,
    "icon": _icon,
    "bubble": _bubble,
    "tile": _tile,
    "picture": _portrait,
}
