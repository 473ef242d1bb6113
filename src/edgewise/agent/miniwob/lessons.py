"""What the teacher shows: ways through episodes, right steps and now and then a wrong one, with what is right at each."""

from __future__ import annotations

import gzip
import random
from collections.abc import Iterable, Iterator
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from edgewise.agent.actions import Action
from edgewise.agent.device.errors import TypingFailed
from edgewise.agent.hands import perform
from edgewise.agent.miniwob.device import PACKAGE, PageDevice
from edgewise.agent.miniwob.episode import begin, result
from edgewise.agent.miniwob.teacher import TEACHERS, Act, Page
from edgewise.agent.modules.interfaces import STEPS, Decision, Past, Situation
from edgewise.agent.perception.tree import screen_of
from edgewise.agent.screen import Screen
from edgewise.common.errors import ConfigurationError, EdgewiseError

STRAY = 0.1
"""Chance of a step that the teacher would not make."""
FIRST_SEED = 1000
"""From which seeds of lessons are counted; those below are for tests."""
MOST_STEPS = 30
"""Steps after which an episode is left."""
STILL_S = 1.0
"""Seconds that are waited for a page to come to rest."""


class Lesson(BaseModel):
    """A moment of an episode, and all that is right there.

    Attributes:
        task: of the page.
        seed: of the episode.
        situation: as modules are told it.
        right: decisions, each as good as the others.
        texts: that are right to type, where typing is.
        finishes: whether the episode ended well with the step that was made here.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    task: str
    seed: int
    situation: Situation
    right: tuple[Decision, ...]
    texts: tuple[str, ...] = ()
    finishes: bool = False


def seen(device: PageDevice) -> Screen:
    """The display, as perception from the tree alone gives it."""
    return screen_of(device.tree(), device.size(), PACKAGE, device.keyboard_shown())


def lessons(device: PageDevice, task: str, seed: int, stray: float = STRAY) -> Iterator[Lesson]:
    """Lessons of one episode.

    Args:
        device: shows pages.
        task: among `teacher.TEACHERS`.
        seed: of the episode and of what is drawn in it.
        stray: chance of a step that the teacher would not make.

    Raises:
        ConfigurationError: if the task has no teacher.
    """
    if task not in TEACHERS:
        raise ConfigurationError("task", task, "one of " + ", ".join(TEACHERS))
    rng = random.Random(f"lessons {task} {seed}")
    instruction = begin(device, task, seed)
    past: tuple[Past, ...] = ()
    screen = seen(device)
    for _ in range(MOST_STEPS):
        acts = TEACHERS[task](Page(instruction, screen, past))
        if not acts:
            return
        decisions = tuple(dict.fromkeys(each.decision for each in acts))
        texts = tuple(dict.fromkeys(each.text for each in acts if each.text))
        situation = Situation(instruction=instruction, screen=screen, past=past[-STEPS:])
        act = _astray(screen, instruction, rng) if rng.random() < stray else rng.choice(acts)
        action = action_of(act, screen)
        _make(device, screen, action)
        now = result(device)
        yield Lesson(task=task, seed=seed, situation=situation, right=decisions, texts=texts, finishes=now.success)
        if now.done:
            return
        then = seen(device)
        target = "" if action.item is None else screen.items[action.item].label
        past = (*past, Past(action=action, target=target, outcome="C" if then == screen else "A"))
        screen = then


def action_of(act: Act, screen: Screen) -> Action:
    """The whole action of an act; what stands in a field is removed before typing."""
    decision = act.decision
    clear = decision.kind == "type" and decision.item is not None and bool(screen.items[decision.item].text)
    return Action(
        kind=decision.kind,
        item=decision.item,
        text=act.text,
        direction=decision.direction,
        key=decision.key,
        clear=clear,
    )


def _make(device: PageDevice, screen: Screen, action: Action) -> None:
    try:
        perform(device, screen, action)
    except TypingFailed:
        return
    device.wait_until_still(STILL_S)


def _astray(screen: Screen, instruction: str, rng: random.Random) -> Act:
    """Any step."""
    ways = [Act(Decision(kind="tap", item=each.number)) for each in screen.items if each.touchable]
    words = instruction.split()
    ways += [Act(Decision(kind="type", item=each.number), rng.choice(words)) for each in screen.items if each.focused]
    return rng.choice(ways or [Act(Decision(kind="press", key="back"))])


def write_lessons(path: Path, shown: Iterable[Lesson]) -> None:
    """Write lessons to a file, a line of JSON each, as they come."""
    with gzip.open(path, "wt", encoding="utf-8") as file:
        for each in shown:
            file.write(each.model_dump_json() + "\n")


def read_lessons(path: Path) -> list[Lesson]:
    """Lessons of a file.

    Raises:
        EdgewiseError: if it cannot be read.
    """
    try:
        with gzip.open(path, "rt", encoding="utf-8") as file:
            return [Lesson.model_validate_json(line) for line in file]
    except (OSError, EOFError, ValueError) as error:
        raise EdgewiseError(f"{path}: cannot be read ({str(error).splitlines()[0]})") from None
