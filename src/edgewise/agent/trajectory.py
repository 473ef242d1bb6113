"""Trajectories: a folder with what an agent saw, thought and did, step by step, which can be read back and played again.

`trajectory.json` holds all steps, `step-NNN.png` the display before each, `step-NNN.xml` its tree of elements where one was used.
All are written as the agent goes, picture and tree before the step that names them, so that a run that is killed leaves a folder
that can be read.
"""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from edgewise.agent.conduct import End
from edgewise.agent.device.coordinates import Point
from edgewise.agent.device.device import Key
from edgewise.agent.device.elements import Element, read_tree, write_tree
from edgewise.agent.device.errors import CommandFailed, NullRoot
from edgewise.agent.device.images import picture_size
from edgewise.agent.hands import MADE
from edgewise.agent.modules.interfaces import Look, Outcome, Reflected
from edgewise.agent.perception.plain import digest_of
from edgewise.agent.screen import Screen, Text
from edgewise.agent.steps import Step, Watcher
from edgewise.common.errors import ConfigurationError, EdgewiseError
from edgewise.common.files import make_folder, replace_file, told

FILE = "trajectory.json"
SECRET = re.compile(r"KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIAL", re.IGNORECASE)
"""Names of environment variables whose values are never written."""
SHORTEST_SECRET, LONGEST_KEY = 8, 4096
"""Characters from which such a value is looked for, and bytes up to which a file is taken for a key's."""
LIKE_KEYS = re.compile(r"\b(?:sk|pk|rk|ghp|gho|xox[abp])[-_][A-Za-z0-9_-]{12,}|(?<=Bearer )[A-Za-z0-9._~+/=-]{12,}")
"""Texts that look like keys of services."""
HIDDEN = "[not written: a key]"
STEP, TREE = "step-{:03d}.png", "step-{:03d}.xml"


class Head(BaseModel):
    """What is known of a run but for its steps.

    Attributes:
        version: of the format.
        instruction: of the user.
        device: serial number of the phone.
        modules: what each module is, by its place.
        began: when, UTC.
        task: kind of the simulated task, where it is one.
        seed: of the phone, where it is simulated.
        succeeded: whether the task's goal was reached, where that is known exactly.
        reason: why it ended; empty while it goes on, or if it was killed.
        told: more on the end.
        seconds, calls, tokens, money: that were spent in all.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    version: Literal[1] = 1
    instruction: Text
    device: Text = ""
    modules: dict[str, str] = Field(default_factory=dict)
    began: str = ""
    task: str = ""
    seed: int | None = None
    succeeded: bool | None = None
    reason: str = ""
    told: str = ""
    seconds: float = 0.0
    calls: int = 0
    tokens: int = 0
    money: float = 0.0


class Trajectory(Head):
    """A run with its steps."""

    steps: tuple[Step, ...] = ()


def without_keys(text: str) -> str:
    """A text without what looks like a key, and without keys in environment variables or files that those name."""
    for value in _keys():
        if len(value) >= SHORTEST_SECRET:
            text = text.replace(value, HIDDEN).replace(json.dumps(value)[1:-1], HIDDEN)
    return LIKE_KEYS.sub(HIDDEN, text)


def _keys() -> Iterator[str]:
    for name, value in os.environ.items():
        if SECRET.search(name) is None:
            continue
        if not name.upper().endswith("_FILE"):
            yield value
            continue
        with suppress(OSError, ValueError):
            if Path(value).stat().st_size <= LONGEST_KEY:
                yield Path(value).read_text().strip()


class Recorder(Watcher):
    """Writes a trajectory.

    Args:
        folder: for it; must be new or empty.
        task: kind of the simulated task, where it is one.
        seed: of the phone, where it is simulated.

    Raises:
        EdgewiseError: if the folder holds something, or cannot be written to.
    """

    def __init__(self, folder: Path, task: str = "", seed: int | None = None) -> None:
        make_folder(folder)
        if any(folder.iterdir()):
            raise EdgewiseError(f"{folder}: is not empty; name a new folder for the trajectory")
        self.folder = folder
        self._head = Head(instruction="-", task=task, seed=seed)
        self._steps: list[Step] = []
        self._written: list[str] = []
        self._tree: Element | None = None

    def began(self, instruction: str, device: str, names: Mapping[str, str]) -> None:
        begun = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        update = {"instruction": instruction, "device": device, "modules": dict(names), "began": begun}
        self._head = self._head.model_copy(update=update)
        self._write()

    def looked(self, look: Look) -> None:
        self._tree = look.tree

    def acted(self, step: Step, png: bytes) -> None:
        if self._tree is not None:
            text = without_keys(write_tree(self._tree))
            replace_file(self.folder / TREE.format(step.number), text.encode())
        replace_file(self.folder / STEP.format(step.number), png)
        self._steps.append(step)
        self._written.append(step.model_dump_json(exclude_defaults=True))
        self._write()

    def reflected(self, outcome: Outcome, reflected: Reflected, asked: bool) -> None:
        for place in reversed(range(len(self._steps))):
            if self._steps[place].by == "modules" and self._steps[place].action is not None:
                self._steps[place] = self._steps[place].model_copy(update={"reflected": reflected, "asked": asked})
                self._written[place] = self._steps[place].model_dump_json(exclude_defaults=True)
                return

    def ended(self, end: End) -> None:
        spent = end.spent
        update = {"reason": end.reason, "told": end.told, "seconds": end.seconds, "calls": spent.calls}
        self._head = self._head.model_copy(update=update | {"tokens": spent.tokens, "money": spent.money})
        self._write()

    def judged(self, succeeded: bool) -> None:
        """Write whether the task's goal was reached."""
        self._head = self._head.model_copy(update={"succeeded": succeeded})
        self._write()

    def _write(self) -> None:
        head = self._head.model_dump_json()[:-1]
        text = f'{head},"steps":[\n' + ",\n".join(self._written) + "\n]}\n"
        replace_file(self.folder / FILE, without_keys(text).encode())


def read_trajectory(folder: Path) -> Trajectory:
    """A trajectory that was written.

    Raises:
        EdgewiseError: if there is none, or it is not whole.
    """
    path = folder / FILE
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = told(error) if isinstance(error, OSError) else f"{path}: is not text in UTF-8"
        raise EdgewiseError(reason) from None
    try:
        return Trajectory.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(each) for each in first["loc"]) or "content"
        raise ConfigurationError(
            where, str(first.get("input"))[:60], f"as a trajectory has it ({first['msg']})", path
        ) from None


def picture_of(folder: Path, step: Step) -> bytes:
    """The display before a step, as a PNG file.

    Raises:
        EdgewiseError: if it is missing.
    """
    try:
        return (folder / STEP.format(step.number)).read_bytes()
    except OSError as error:
        raise EdgewiseError(told(error)) from None


def tree_of(folder: Path, step: Step) -> Element | None:
    """The tree of elements before a step; None if none was used.

    Raises:
        EdgewiseError: if it cannot be read.
    """
    path = folder / TREE.format(step.number)
    try:
        return read_tree(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise EdgewiseError(told(error)) from None
    except (UnicodeDecodeError, CommandFailed) as error:
        raise EdgewiseError(f"{path}: {error}") from None


def replay(folder: Path) -> Iterator[tuple[Step, bytes]]:
    """The steps of a trajectory, each with the display before it as a PNG file.

    Raises:
        EdgewiseError: if it cannot be read.
    """
    for step in read_trajectory(folder).steps:
        yield step, picture_of(folder, step)


def _gesture(step: Step) -> bool:
    """Whether the phone was touched in a step."""
    return step.action is not None and step.action.kind in MADE and step.action.kind != "wait"


class ReplayDevice:
    """A device that shows the displays of a trajectory, one after another: whatever is done to it leads to the next.

    Modules see what the agent saw then: the picture, its tree where one was used, the app and the keyboard. `recorded` gives the
    screens that were perceived.

    Args:
        folder: of the trajectory.

    Raises:
        EdgewiseError: if it cannot be read, or has no steps.
    """

    def __init__(self, folder: Path) -> None:
        self._kept = list(replay(folder))
        if not self._kept:
            raise EdgewiseError(f"{folder}: the trajectory has no steps")
        self.serial, self.place = f"replay:{folder.name}", 0
        self._trees = [tree_of(folder, step) for step, _ in self._kept]
        self._screens = {digest_of(png): step.screen for step, png in self._kept}

    def recorded(self, look: Look, /) -> Screen:
        """The screen that was perceived on a display of the trajectory: a perception module."""
        return self._screens[digest_of(look.png)]

    def _next(self) -> None:
        """Go on to what was seen after the next gesture that was made; looks and waits are passed over."""
        last = len(self._kept) - 1
        made = (place for place in range(self.place, last) if _gesture(self._kept[place][0]))
        self.place = next(made, last - 1) + 1

    def size(self) -> tuple[int, int]:
        return picture_size(self.screenshot())

    def screenshot(self) -> bytes:
        return self._kept[self.place][1]

    def tree(self) -> Element:
        tree = self._trees[self.place]
        if tree is None:
            raise NullRoot("no tree of elements was recorded in this step")
        return tree

    def tap(self, point: Point) -> None:
        self._next()

    def double_tap(self, point: Point) -> None:
        self._next()

    def long_press(self, point: Point) -> None:
        self._next()

    def swipe(self, start: Point, end: Point, seconds: float = 0.3) -> None:
        self._next()

    def type(self, text: str, *, clear: bool = False, submit: bool = False) -> None:
        self._next()

    def press(self, key: Key) -> None:
        self._next()

    def open_app(self, package: str) -> None:
        self._next()

    def foreground(self) -> str:
        return self._kept[self.place][0].screen.app

    def keyboard_shown(self) -> bool:
        return self._kept[self.place][0].screen.keyboard

    def wait_until_still(self, seconds: float = 5.0) -> bool:
        return True
