"""Perception that joins the element tree, text recognition and the sign classifier into one screen."""

from __future__ import annotations

from edgewise.agent.modules.interfaces import Look
from edgewise.agent.perception.areas import areas_of
from edgewise.agent.perception.kind import PHONE_PERCEPTION, PhonePerception
from edgewise.agent.perception.marks import NEAR, Mark, joined, taken_apart
from edgewise.agent.perception.raster import Pixels, picture_digest, pixels_of, unit_of
from edgewise.agent.perception.reading import candidates, is_sign, texts_of, told_apart
from edgewise.agent.perception.seen import seen_screen
from edgewise.agent.perception.shipped import classifier, shipped_signs
from edgewise.agent.perception.signs import NamesSigns, cut_out
from edgewise.agent.perception.text import Reads, TextReader
from edgewise.agent.perception.tree import screen_of
from edgewise.agent.screen import MOST, Item, Screen
from edgewise.construction.kind import Weights

SIGNED = ("icon", "picture", "row", "switch", "tile", "other")
"""Roles of items that may have a sign."""


class JoinedPerception:
    """A perception module.

    With a tree its items are those of the tree: their signs are told from the picture, and texts of the picture that
    stand where the tree says nothing, as in parts that an app draws itself, become items of their own. Without a tree
    everything is seen in the picture.

    Args:
        signs: names signs.
        tree: whether a tree is used where there is one.
        text: whether texts of the picture are read beside a tree; without a tree they always are.
        read: reads lines of text. If None, the recogniser of `rapidocr`, which is loaded when the first line is read.
    """

    def __init__(self, signs: NamesSigns, tree: bool = True, text: bool = True, read: Reads | None = None) -> None:
        self._signs, self._tree, self._text = signs, tree, text
        self._read = TextReader() if read is None else read

    def __call__(self, look: Look, /) -> Screen:
        """What is on the display.

        Raises:
            TruncatedImage: if the picture cannot be read.
            EdgewiseError: if text is to be read and the recogniser is not installed.
        """
        pixels = pixels_of(look.png)
        if look.tree is None or not self._tree:
            return seen_screen(pixels, look.app, look.keyboard, self._signs, self._read)
        high, wide, _ = pixels.shape
        screen = screen_of(look.tree, (wide, high), look.app, look.keyboard, picture_digest(pixels))
        signed = self._signed(pixels, screen)
        items = [*signed, *self._unsaid(pixels, screen)] if self._text else signed
        return screen.model_copy(update={"items": renumbered(items)})

    def _signed(self, pixels: Pixels, screen: Screen) -> list[Item]:
        """The items of the tree, with the signs that are seen on them."""
        unit = unit_of((screen.width, screen.height))
        whose: list[int] = []
        pictures = []
        for item in screen.items:
            if item.role not in SIGNED:
                continue
            left, top, right, bottom = item.box
            drawing = taken_apart(pixels[max(0, top) : bottom, max(0, left) : right], unit)
            maybe = candidates(drawing, joined(drawing.marks, NEAR))
            for mark in sorted(maybe, key=lambda each: each.box[0]):
                whose.append(item.number)
                pictures.append(cut_out(drawing.ink, mark.box))
        seen: dict[int, str] = {}
        for number, sign in zip(whose, self._signs(pictures), strict=True):
            if is_sign(sign):
                seen.setdefault(number, sign.name)
        return [each.model_copy(update={"sign": seen.get(each.number, "")}) for each in screen.items]

    def _unsaid(self, pixels: Pixels, screen: Screen) -> list[Item]:
        """Texts of the picture where no item says anything."""
        drawing = taken_apart(pixels)
        areas = areas_of(drawing, screen.keyboard)
        free = [each for each in drawing.marks if areas.shown(each.box) and not _said(each, screen)]
        lines, _ = told_apart(drawing, free, areas.bar, self._signs)
        texts, _ = texts_of(drawing, lines, self._read)
        return [Item(number=0, box=each.mark.box, role="text", text=each.text) for each in texts]


def joined_perception() -> JoinedPerception:
    """A perception module with the sign classifier that the package ships.

    Raises:
        EdgewiseError: if its file is damaged.
    """
    return JoinedPerception(shipped_signs())


def perception_of(
    weights: Weights, kind: PhonePerception = PHONE_PERCEPTION, tree: bool = True, text: bool = True
) -> JoinedPerception:
    """A perception module with a sign classifier that edge servers have built; the rest as of `JoinedPerception`.

    Raises:
        ConfigurationError: if the weights do not fit.
    """
    return JoinedPerception(classifier(weights, kind), tree, text)


def _said(mark: Mark, screen: Screen) -> bool:
    """Whether an item that says something stands where a mark does."""
    x, y = mark.middle
    return any(
        (each.text or each.description or each.detail or each.sign)
        and each.box[0] <= x < each.box[2]
        and each.box[1] <= y < each.box[3]
        for each in screen.items
    )


def renumbered(items: list[Item]) -> tuple[Item, ...]:
    """Items numbered from the top down; of too many, the first."""
    kept = sorted(items[:MOST], key=lambda each: (each.box[1], each.box[0]))
    return tuple(each.model_copy(update={"number": number}) for number, each in enumerate(kept))
