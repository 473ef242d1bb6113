"""Perception by a language model: names for items that nobody has named, and whole screens where there is no tree."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from typing import Annotated

from PIL import Image
from pydantic import BaseModel, ConfigDict, Field

from edgewise.agent.device.images import picture_size
from edgewise.agent.model.chat import Picture
from edgewise.agent.model.images import prepared
from edgewise.agent.model.ladder import NotValid, Question
from edgewise.agent.modules.interfaces import Look, Perceives
from edgewise.agent.modules.vlm.desk import Asking, Desk
from edgewise.agent.modules.vlm.prompts import LISTING, NAMING
from edgewise.agent.perception.tree import screen_of
from edgewise.agent.screen import MOST, Box, Item, Role, Screen, Text
from edgewise.common.chat import ModelError

REMEMBERED = 512
"""Small pictures whose names are remembered."""
SHOWN = "The picture shows the display."
SMALLEST = 4
"""Pixels of the display that an item must have across and down."""


class _Said(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class Named(_Said):
    """What an item is for."""

    number: int
    purpose: Text


class Names(_Said):
    """What several items are for."""

    names: Annotated[tuple[Named, ...], Field(max_length=MOST)] = ()


class Seen(_Said):
    """An item as a model sees it; attributes as of `Item`, the box in the model's space."""

    box: tuple[float, float, float, float]
    role: Role = "other"
    text: Text = ""
    description: Text = ""
    touchable: bool = True
    checked: bool | None = None


class Listed(_Said):
    """A page as a model sees it."""

    title: Text = ""
    items: Annotated[tuple[Seen, ...], Field(max_length=MOST)] = ()


class VlmPerception(Asking):
    """Completes what is perceived otherwise, or lists the items itself.

    Args:
        desk: that the agent's modules share.
        base: what perceives first. If None, the tree of elements, and where there is none the model.
    """

    def __init__(self, desk: Desk, base: Perceives | None = None) -> None:
        super().__init__(desk)
        self._base = base
        self._names: dict[str, str] = {}
        self._listed: dict[str, Screen] = {}

    def __call__(self, look: Look, /) -> Screen:
        """What is on the display."""
        digest = self.desk.saw(look.png)
        if self._base is not None:
            screen = self._base(look).model_copy(update={"picture": digest})
        elif look.tree is not None:
            screen = screen_of(look.tree, picture_size(look.png), look.app, look.keyboard, digest)
        else:
            screen = self._list(look, digest)
        return self._with_names(screen, look.png)

    def _with_names(self, screen: Screen, png: bytes) -> Screen:
        """A screen whose items without any name have one, as far as the model knows it."""
        nameless = [each for each in screen.items if is_nameless(each)]
        if not nameless or not self.desk.asker.model.traits.pictures:
            return screen
        digests = _digests(png, nameless)
        unknown = [each for each in nameless if digests[each.number] not in self._names]
        if unknown:
            if len(self._names) > REMEMBERED:
                self._names.clear()
            try:
                found = self.ask(Question("name", Names, ("names",), NAMING, SHOWN, self.desk.shown(screen, unknown)))
            except NotValid:
                found = Names()
            said = {each.number: each.purpose for each in found.names}
            self._names |= {digests[each.number]: said.get(each.number, "") for each in unknown}
        items = tuple(
            each.model_copy(update={"description": self._names.get(digests[each.number], "")})
            if each.number in digests
            else each
            for each in screen.items
        )
        return screen.model_copy(update={"items": items})

    def _list(self, look: Look, digest: str) -> Screen:
        """A screen as the model sees it; the same picture is not asked about again.

        Raises:
            ModelError: if the model sees no pictures.
        """
        if not self.desk.asker.model.traits.pictures:
            raise ModelError(
                f"{self.desk.asker.model.name}: there is no tree of elements, and the model sees no pictures"
            )
        if digest not in self._listed:
            picture = prepared(look.png, self.desk.asker.model.traits)
            found = self.ask(Question("list", Listed, ("title", "items"), LISTING, SHOWN, (picture,)))
            self._listed = {digest: self._screen(found, picture, digest)}
        return self._listed[digest].model_copy(update={"app": look.app, "keyboard": look.keyboard})

    def _screen(self, listed: Listed, picture: Picture, digest: str) -> Screen:
        boxes = [(each, self._box(each, picture)) for each in listed.items]
        kept = sorted(
            ((box, each) for each, box in boxes if box is not None), key=lambda pair: (pair[0][1], pair[0][0])
        )
        items = tuple(
            Item(number=number, box=box, **each.model_dump(exclude={"box"})) for number, (box, each) in enumerate(kept)
        )
        wide, high = picture.device
        return Screen(width=wide, height=high, items=items, title=listed.title, picture=digest)

    def _box(self, seen: Seen, picture: Picture) -> Box | None:
        """An item's box on the display. If None, it is none."""
        left, top, right, bottom = seen.box
        first, last = (self.desk.pixel(corner, picture, self.asker) for corner in ((left, top), (right, bottom)))
        if first is None or last is None or min(last[0] - first[0], last[1] - first[1]) < SMALLEST:
            return None
        return (*first, *last)


def is_nameless(item: Item) -> bool:
    """Whether something can be touched and nobody says what it is for."""
    said = item.text or item.detail or item.description or item.sign
    return (item.touchable or item.holdable) and not said


def _digests(png: bytes, items: Sequence[Item]) -> dict[int, str]:
    """Digests of what items look like, by number."""
    image = Image.open(io.BytesIO(png)).convert("RGB")
    return {each.number: hashlib.sha256(image.crop(each.box).tobytes()).hexdigest() for each in items}
