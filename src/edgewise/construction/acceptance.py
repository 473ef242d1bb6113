"""The acceptance test of an integrated agent: small tasks on a synthetic telephone, from the first look to "finished"."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool

from edgewise.common.errors import ConfigurationError, check_choice, check_integer
from edgewise.construction.agent import Agent
from edgewise.construction.modules.icons import draw_pictures
from edgewise.construction.modules.planning import STEPS, SUBGOALS, Past
from edgewise.construction.modules.wishes import (
    ELEMENTS,
    GESTURES,
    STORED,
    Element,
    Fact,
    draw_facts,
    draw_question,
    draw_screen,
    draw_wish,
)
from edgewise.construction.modules.words import FUNCTIONS, LANGUAGES, MIXED, TITLES, draw_languages
from edgewise.construction.steps import After, Move, Seen, Subgoal, View, moves, reflect

SLIP = 0.2
"""Part of the moves after which, rightly made or not, nothing happens; the agent has to notice and try again."""


@dataclass(frozen=True)
class Goal:
    """A subgoal as it really is.

    Attributes:
        function: of the element to be used, its place in `words.FUNCTIONS`.
        gesture: to be made on it.
        wish: what is said of it.
        question: what must be remembered for it; empty for nothing.
        value: what must be typed then.
    """

    function: int
    gesture: str
    wish: str
    question: str
    value: str


@dataclass(frozen=True)
class Task:
    """A task of two subgoals or more.

    Attributes:
        goals: in any order.
        app: whose look the elements have.
        language: of its labels.
        facts: what is stored.
        seed: of everything that happens by chance.
    """

    goals: tuple[Goal, ...]
    app: str
    language: str
    facts: tuple[Fact, ...]
    seed: int


def draw_tasks(apps: tuple[str, ...], count: int, seed: int, language: str = MIXED) -> tuple[Task, ...]:
    """Tasks for a telephone.

    Args:
        apps: of it.
        count: how many.
        seed: of the random numbers.
        language: of most apps; see `words.LANGUAGES`, or "mixed".

    Raises:
        ConfigurationError: for no apps, no tasks or an unknown language.
    """
    if not apps:
        raise ConfigurationError("apps", apps, "one name or more")
    check_integer("count", count, 1)
    check_choice("language", language, (*LANGUAGES, MIXED))
    rng = np.random.default_rng(seed)
    spoken = draw_languages(language, count, rng)
    return tuple(_drawn(apps[int(rng.integers(len(apps)))], one, rng) for one in spoken)


def _drawn(app: str, language: str, rng: np.random.Generator) -> Task:
    functions = rng.permutation(len(FUNCTIONS))[: int(rng.integers(2, SUBGOALS))]
    facts = tuple(draw_facts(language, STORED, rng))
    goals = []
    for function in map(int, functions):
        gesture = int(rng.integers(len(GESTURES)))
        fact = facts[int(rng.integers(len(facts)))]
        typed = GESTURES[gesture] == "type"
        question = draw_question(fact, language, rng) if typed else ""
        wish = draw_wish(function, gesture, language, rng)
        goals.append(Goal(function, GESTURES[gesture], wish, question, fact.value if typed else ""))
    return Task(tuple(goals), app, language, facts, int(rng.integers(2**31)))


class Telephone:
    """A synthetic telephone with a task: elements, pages and slips.

    Args:
        task: what shall be done on it.
    """

    def __init__(self, task: Task) -> None:
        self.task = task
        self.done = [False] * len(task.goals)
        self.history: list[Past] = []
        self._rng = np.random.default_rng(task.seed)
        self._page = int(self._rng.integers(len(FUNCTIONS)))
        self._screen: list[Element] = []

    def view(self) -> View:
        """What an agent sees: a screen with an element for each subgoal."""
        wanted = [goal.function for goal in self.task.goals]
        while True:
            self._screen = draw_screen(self.task.language, ELEMENTS, self._rng, wanted[0])
            if {element.function for element in self._screen} >= set(wanted):
                break
        functions = np.array([element.function for element in self._screen])
        pictures = draw_pictures([self.task.app] * ELEMENTS, functions, self._rng)
        return View(
            subgoals=[Subgoal(wish=goal.wish, question=goal.question) for goal in self.task.goals],
            elements=[
                Seen(label=element.label, picture=picture.tolist() if element.perceived >= 0 else None)
                for element, picture in zip(self._screen, pictures, strict=True)
            ],
            facts=[fact.text for fact in self.task.facts],
            history=self.history[-STEPS:],
        )

    def make(self, move: Move) -> After:
        """What a move leads to."""
        titles, before = TITLES[self.task.language], self._page
        element = self._screen[move.element or 0]
        goal = next((place for place, each in enumerate(self.task.goals) if each.function == element.function), None)
        slipped = self._rng.random() < SLIP
        wanted = None if goal is None else self.task.goals[goal]
        if not slipped and wanted is None:  # an element that nobody asked for: its page comes, whatever the gesture
            self._page = element.function
        elif not slipped and wanted is not None and move.gesture == wanted.gesture:
            if move.text == wanted.value:
                self.done[goal or 0] = True
                self._page = element.function
            else:  # something wrong was typed: another page comes
                self._page = (element.function + int(self._rng.integers(1, len(FUNCTIONS)))) % len(FUNCTIONS)
        low, high = (0.0, 0.2) if self._page == before else (0.1, 0.9)
        change = float(self._rng.uniform(low, high))
        return After(label=move.label, before=titles[before], after=titles[self._page], change=change)


def example(seed: int = 0) -> View:
    """A view of a synthetic telephone with a task, to try an agent with."""
    return Telephone(draw_tasks(("mail",), 1, seed)[0]).view()


def accept(agent: Agent, tasks: Sequence[Task]) -> float:
    """The acceptance test: the share of tasks that are done when the agent says so, within eight steps.

    Args:
        agent: any; a rule stands in for a module that is missing.
        tasks: see `draw_tasks`.

    Returns:
        Success in [0, 1].
    """
    return float(successes(agent, tasks).mean())


def successes(agent: Agent, tasks: Sequence[Task]) -> Bool[np.ndarray, " n"]:
    """Which tasks are done when the agent says so."""
    going = {place: Telephone(task) for place, task in enumerate(tasks)}
    succeeded = np.zeros(len(tasks), bool)
    for _ in range(STEPS + 1):
        chosen = dict(zip(going, moves(agent, [phone.view() for phone in going.values()]), strict=True))
        for place, move in chosen.items():
            if move.done:
                succeeded[place] = all(going.pop(place).done)
        if not going:
            break
        after = [phone.make(chosen[place]) for place, phone in going.items()]
        for (place, phone), outcome in zip(going.items(), reflect(agent, after), strict=True):
            phone.history.append(Past(label=chosen[place].label, outcome=outcome.outcome))
    return succeeded
