"""A look at the phone that bears its faults: pictures and trees are asked for again, a lost connection is waited for."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import lru_cache

import numpy as np
from jaxtyping import Int16

from edgewise.agent.asking import Asking
from edgewise.agent.conduct import Conduct, Over
from edgewise.agent.device.device import Device
from edgewise.agent.device.elements import Element
from edgewise.agent.device.errors import (
    BlackFrame,
    CommandFailed,
    DeviceError,
    NullRoot,
    TreeNotIdle,
    TruncatedImage,
)
from edgewise.agent.device.images import grey, picture_size
from edgewise.agent.modules.interfaces import Look
from edgewise.agent.perception.plain import digest_of
from edgewise.agent.screen import Screen

TRIES, LONGEST_WAIT_S = 6, 2.0
"""Times that a picture is asked for, and the longest time between two of them, s."""
LOOKS = 4
"""Times that a page is looked at that cannot be read."""
TREES = 2
"""Times that a tree is asked for; a device may ask several times by itself."""
SMALL = (270, 600)
"""Width and height to which pictures are made smaller before they are compared, pixels."""
OTHER = 12
"""Brightness by which a pixel is another, of 255."""


@dataclass(frozen=True)
class Seen:
    """What a look has brought.

    Attributes:
        look: for perception.
        picture: digest of the picture.
        trouble: names of faults that were borne.
    """

    look: Look
    picture: str
    trouble: tuple[str, ...] = field(default=())


def share_changed(before: bytes, after: bytes) -> float:
    """Share of the pixels that are another in two pictures, in [0, 1]; 1 where they have not the same size."""
    if picture_size(before) != picture_size(after):
        return 1.0
    return float(np.mean(np.abs(_small(before) - _small(after)) > OTHER))


@lru_cache(maxsize=4)
def _small(png: bytes) -> Int16[np.ndarray, "h w"]:
    return np.asarray(grey(png).resize(SMALL), dtype=np.int16)


class Eyes:
    """Looks at a phone.

    Args:
        device: the phone.
        conduct: how long to wait, and whether the tree may be used.
        sleep: waits, s.
    """

    def __init__(self, device: Device, conduct: Conduct, sleep: Callable[[float], None] = time.sleep) -> None:
        self._device, self._conduct, self._sleep = device, conduct, sleep
        self._trees = TREES

    def look(self) -> Seen:
        """The display.

        Raises:
            Over: with the name of a fault that stays.
        """
        trouble: list[str] = []
        for attempt in range(TRIES):
            try:
                return self._look(trouble)
            except (TruncatedImage, BlackFrame, CommandFailed) as error:
                trouble.append(error.name)
                if attempt == TRIES - 1:
                    raise Over(error.name, str(error)) from None
                self._sleep(min(LONGEST_WAIT_S, self._conduct.wait_s * 2**attempt))
            except DeviceError as error:
                trouble.append(error.name)
                self.revive(error)
        raise Over(trouble[-1], f"after {TRIES} tries")

    def perceive(self, asking: Asking, before: str = "") -> tuple[Seen, Screen]:
        """The display and what is on it.

        It is looked at again where the phone gives no tree and the picture alone is not enough.

        Args:
            asking: asks the perception module.
            before: digest of the picture before an action; another is waited for. If empty, none is.

        Raises:
            Over: if there is nothing to be perceived.
        """
        blank, reason, told = Screen(width=1, height=1), "", ""
        for attempt in range(LOOKS):
            seen = self._another(before)
            try:
                screen = asking.ask("perception", seen.look, blank)
            except DeviceError as error:
                reason, told = (seen.trouble[-1] if seen.trouble else error.name), str(error)
                self._sleep(self._conduct.wait_s * 2**attempt)
                continue
            if screen is blank:
                raise Over("invalid", asking.notes[-1])
            return seen, screen.model_copy(update={"picture": seen.picture})
        raise Over(reason, told)

    def _another(self, before: str) -> Seen:
        seen = self.look()
        if seen.picture != before or self._conduct.late_s == 0:
            return seen
        self._await_change(before)
        again = self.look()
        return replace(again, trouble=(*seen.trouble, *again.trouble))

    def _look(self, trouble: list[str]) -> Seen:
        png = self._device.screenshot()
        tree = self._tree(trouble) if self._conduct.tree else None
        app, keyboard = self._device.foreground(), self._device.keyboard_shown()
        return Seen(Look(png, tree, app, keyboard), digest_of(png), tuple(trouble))

    def _tree(self, trouble: list[str]) -> Element | None:
        """The tree; None if the page gives none, so that the picture has to do."""
        for attempt in range(self._trees):
            try:
                tree = self._device.tree()
            except (TreeNotIdle, NullRoot) as error:
                trouble.append(error.name)
                if attempt < self._trees - 1:
                    self._sleep(self._conduct.wait_s)
            else:
                self._trees = TREES
                return tree
        self._trees = 1  # it takes long: once a step is enough where it does not come to rest
        return None

    def _picture(self) -> str:
        """Digest of the picture of now; empty if there is none."""
        try:
            return digest_of(self._device.screenshot())
        except DeviceError:
            return ""

    def settle(self) -> None:
        """Wait until the page is at rest."""
        try:
            self._device.wait_until_still(self._conduct.still_s)
        except DeviceError:
            return  # the next look bears it, or ends the run with its name

    def _await_change(self, picture: str) -> None:
        """Wait for another picture than `picture`, for as long as transitions may be late."""
        end = time.monotonic() + self._conduct.late_s
        while time.monotonic() < end:
            self._sleep(min(self._conduct.wait_s, self._conduct.late_s))
            if self._picture() not in ("", picture):
                self.settle()
                return

    def revive(self, error: DeviceError) -> None:
        """Wait until the phone gives pictures again.

        Raises:
            Over: with the fault's name if it does not.
        """
        reconnect = getattr(self._device, "reconnect", None)
        end = time.monotonic() + self._conduct.lost_s
        last = error
        while time.monotonic() < end:
            self._sleep(self._conduct.wait_s)
            try:
                if reconnect is not None:
                    reconnect()
                self._device.screenshot()
            except (TruncatedImage, BlackFrame):
                return
            except DeviceError as again:
                last = again
            else:
                return
        raise Over(last.name, str(last))
