"""Modules that have learned from the teacher's lessons: decision and action; the page itself says when it is done."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from edgewise.agent.agents import Setting
from edgewise.agent.miniwob.lessons import Lesson
from edgewise.agent.miniwob.page import page_modules
from edgewise.agent.modules.folder import load_modules
from edgewise.agent.modules.interfaces import Modules
from edgewise.agent.modules.learned.action import PHONE_ACTION
from edgewise.agent.modules.learned.choices import place_of as decision_place
from edgewise.agent.modules.learned.decision import PHONE_DECISION
from edgewise.agent.modules.learned.encode import FEW
from edgewise.agent.modules.learned.kind import PhoneKind
from edgewise.agent.modules.learned.moments import Moment
from edgewise.agent.modules.learned.texts import candidates
from edgewise.agent.modules.learned.texts import place_of as text_place
from edgewise.agent.modules.learned.train import Schooling, train_module
from edgewise.construction.agent import Agent, integrate
from edgewise.construction.keys import make_key

KINDS: dict[str, PhoneKind] = {"phone-decision": PHONE_DECISION, "phone-action": PHONE_ACTION}
"""Kinds that are trained, by their names in the table of kinds."""
FOLDER = Path(__file__).parent / "data" / "agent"
"""The agent that comes with the package."""
NEW_WORDS = 0.3
"""Chance that words of a page are hashed as if never seen."""
SCHOOLING = Schooling(rounds=24, apps=("miniwob",))
"""How modules are trained if nothing else is said."""


def moment_of(lesson: Lesson, salt: str = "") -> Moment | None:
    """A lesson as kinds of modules learn from it; None if nothing that is right in it can be chosen.

    Args:
        lesson: any.
        salt: of the words of the page, see `encode.encode`.
    """
    situation = lesson.situation
    places = (decision_place(each, FEW[0], situation) for each in lesson.right)
    right = frozenset(each for each in places if each is not None)
    if not right:
        return None
    field = next((each for each in situation.screen.items if each.focused), None)
    clears = (True,) if field is not None and field.text else (False, True)
    known = candidates(situation)
    texts = frozenset(
        text_place(known.index(each), clear) for each in lesson.texts if each in known for clear in clears
    )
    return Moment(lesson.task, situation, situation, right, texts, frozenset(), False, salt)


def moments_of(shown: Iterable[Lesson], seed: int) -> list[Moment]:
    """Lessons as moments in any order, some of them with words as if never seen."""
    rng = random.Random(f"moments of lessons {seed}")
    salts = (str(rng.randrange(10**6)) if rng.random() < NEW_WORDS else "" for _ in iter(int, 1))
    found = (moment_of(each, salt) for each, salt in zip(shown, salts, strict=False))
    kept = [each for each in found if each is not None]
    rng.shuffle(kept)
    return kept


def train_miniwob(
    shown: Sequence[Lesson], schooling: Schooling = SCHOOLING, told: Callable[[str], None] = lambda line: None
) -> Agent:
    """An agent that has learned from lessons.

    Args:
        shown: lessons.
        schooling: how it learns; its examples, apps and language say nothing here.
        told: is given a line a round.

    Raises:
        ConfigurationError: if no lesson says anything to one of the kinds.
    """
    key, moments = make_key(), moments_of(shown, schooling.seed)
    modules = [train_module(name, schooling, kind.data_of(moments), key, told) for name, kind in KINDS.items()]
    return integrate(modules, key, "miniwob")


def modules_of(folder: Path) -> Modules:
    """The modules of an agent's folder on MiniWoB++: nothing is kept in memory, and only the page says that it is done.

    Raises:
        EdgewiseError: if it cannot be read.
    """
    found = load_modules(folder)
    return page_modules(found.perception, found.decision, found.action, found.names)


def learned(setting: Setting) -> Modules:
    """The modules that come with the package."""
    return modules_of(FOLDER)
