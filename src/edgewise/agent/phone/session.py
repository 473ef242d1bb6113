"""A simulated phone that is in use: the state changes in place, faults strike, files and keyboards are kept."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from PIL import Image

from edgewise.agent.phone.apps.catalogue import APPS, HOME, find_app, of_package
from edgewise.agent.phone.core import Gesture, Open, draw_phone, step, view
from edgewise.agent.phone.faults import LATE_S, Fault, Plan, disturbed, with_orders
from edgewise.agent.phone.moves import home
from edgewise.agent.phone.picture import picture
from edgewise.agent.phone.png import png
from edgewise.agent.phone.server.served import Shows
from edgewise.agent.phone.state import State
from edgewise.agent.phone.tree import tree

USUAL_KEYBOARD = "com.android.inputmethod.latin/.LatinIME"
KEYBOARDS = (USUAL_KEYBOARD, "com.github.uiautomator/.AdbKeyboard", "com.android.adbkeyboard/.AdbIME")
"""Input methods that are installed; the last two take text by broadcast."""


class Session:
    """A simulated phone in use.

    Args:
        state: it begins with.
        faults: that may strike.
        seed: of the faults.
        keyboards: input methods that are installed.
    """

    def __init__(
        self,
        state: State,
        faults: Sequence[Fault] = (),
        seed: int = 0,
        keyboards: Sequence[str] = KEYBOARDS,
    ) -> None:
        self.plan = Plan(faults, seed)
        self.second_display = any(each.name == "second-display" for each in faults)
        self.state = replace(state, world=with_orders(state.world, self.plan))
        self.files: dict[str, bytes] = {}
        self.keyboards, self.enabled, self.keyboard = tuple(keyboards), [USUAL_KEYBOARD], USUAL_KEYBOARD
        self.settings: dict[tuple[str, str], str] = {}
        self.clipboard = ""
        self.gestures = 0
        self.listeners: list[Callable[[], None]] = []
        self._before, self._late_until = self.state, 0.0
        self._lock = threading.RLock()

    @property
    def shown(self) -> State:
        """What the display shows, which may be late."""
        return self._before if time.monotonic() < self._late_until else self.state

    def make(self, gesture: Gesture) -> None:
        """A gesture of a finger, a key or a text."""
        with self._lock:
            before = self.state
            self.state = disturbed(step(self.state, gesture), self.plan)
            self.gestures += 1
            if self.plan.strikes("slow-transition"):
                self._before, self._late_until = before, time.monotonic() + LATE_S
        self._tell()

    def become(self, state: State) -> None:
        """Another state, not by a gesture."""
        with self._lock:
            self.state, self._late_until = state, 0.0
        self._tell()

    def _tell(self) -> None:
        for listener in self.listeners:
            listener()

    def shows(self) -> Shows:
        """What the display shows, for the device server."""
        shown = self.shown
        return Shows(
            size=shown.size,
            upright=replace(shown, turned=False).size,
            turned=shown.turned,
            awake=shown.display,
            keys=bool(view(shown).keys),
            package=find_app(shown.place.app).package,
            minute=shown.minute,
        )

    def packages(self) -> tuple[str, ...]:
        """Apps that can be opened, the launcher first."""
        return tuple(each.package for each in (HOME, *APPS))

    def open_app(self, package: str) -> None:
        """Open the app of a package."""
        app = of_package(package)
        if app is not None:
            self.make(Open(app.name))

    def stop_app(self, package: str) -> None:
        """End the app of a package: the launcher is shown if it was open."""
        app = of_package(package)
        if app is None:
            return
        state = home(self.state) if app.name in {each.app for each in self.state.stack} else self.state
        self.become(replace(state, recents=tuple(each for each in state.recents if each != app.name)))

    def empty(self) -> None:
        """Empty the field that has the focus, if one has."""
        if self.state.focus:
            self.become(self.state.with_draft(self.state.focus, ""))

    def switch(self, radio: str, on: bool) -> None:
        """Turn `wifi`, `mobile` or `bluetooth` on or off."""
        self.become(replace(self.state, world=self.state.world.with_setting(radio, int(on))))

    def image(self) -> Image.Image:
        """The display as a picture, as a screenshot sees it."""
        shown = self.shown
        return Image.new("RGB", shown.size) if self.plan.strikes("black-frame") else picture(shown)

    def screenshot(self, warned: bool = True) -> bytes:
        """What `screencap -p` writes.

        Args:
            warned: whether the warning about a second display is to be expected, as where no display is chosen.
        """
        if self.plan.strikes("empty-png"):
            return b""
        data = png(self.image())
        if self.plan.strikes("truncated-png"):
            data = data[: len(data) // 2]
        if self.second_display and warned:
            data = b"[Warning] Multiple displays were found, but no display id was specified!\n" + data
        if self.plan.strikes("png-warning"):
            data = b"WARNING: linker: unsupported flags DT_FLAGS_1=0x8000001\n" + data
        return data

    def tree(self) -> str:
        """What `uiautomator dump` writes into its file."""
        return tree(self.shown)


def draw_session(
    seed: int,
    language: str | None = None,
    faults: Sequence[Fault] = (),
    unseen: bool = False,
) -> Session:
    """A phone drawn from a seed; arguments as of `core.draw_phone` and `Session`."""
    return Session(draw_phone(seed, language, unseen), faults, seed)
