"""What modules learn from: moments of tasks on the simulated phone, on the oracle's way and off it, and what is right there."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from edgewise.agent.actions import Action
from edgewise.agent.modules.interfaces import FACTS, STEPS, Change, Fact, Outcome, Past, Situation
from edgewise.agent.modules.learned.choices import (
    APPS,
    FINISH,
    UNABLE,
)
from edgewise.agent.modules.learned.encode import FEW
from edgewise.agent.modules.learned.judged import (
    changed_share,
    gesture_of,
    may_spoil,
    outcome_of,
    right_choices,
    scroll,
    settled,
    touched,
)
from edgewise.agent.modules.learned.made_up import made_up
from edgewise.agent.modules.learned.perceived import SHARES, WAYS, perceived
from edgewise.agent.modules.learned.spoken import spoken
from edgewise.agent.modules.learned.strayed import any_choice, mistakable, near_choice
from edgewise.agent.modules.learned.text import said, words_of
from edgewise.agent.phone.apps.catalogue import APPS as PHONE_APPS
from edgewise.agent.phone.core import Gesture, Swipe, act, draw_phone, step
from edgewise.agent.phone.faults import POPUPS
from edgewise.agent.phone.skins import LANGUAGES
from edgewise.agent.phone.state import State
from edgewise.agent.phone.tasks.fulfilled import fulfilled
from edgewise.agent.phone.tasks.missing import Missing, foreign, without
from edgewise.agent.phone.tasks.oracle import NoWay, best
from edgewise.agent.phone.tasks.simple import Template
from edgewise.agent.phone.tasks.suites import SUITES
from edgewise.agent.phone.tasks.task import Task
from edgewise.agent.screen import Screen
from edgewise.common.errors import ConfigurationError

STRAY = 0.15
"""Chance of a step that is not the oracle's."""
NEAR = 0.6
"""Part of those steps that are near to a right one: what an agent may mistake for it."""
MISTAKABLE = 0.25
"""Chance that an address is looked for in the wrong app first."""
MISTAKEN = 0.1
"""Chance that a step beside the way is made under a wrong number of finished subgoals."""
SPOILING = 0.3
"""Part of the steps that would spoil a task which are made: the task ends with them."""
MOST_STEPS = 36
"""Steps after which a task is left."""
BEHIND, AHEAD = 0.06, 0.05
"""Chances that a situation says one subgoal fewer, or one more, than are finished, as after a plan that was wrong."""
AGAIN = 0.25
"""Chance that a situation says what is finished already, as where planning is asked a second time."""
NEW_NAMES, NEW_WORDS = 0.5, 0.6
"""Parts of the tasks on phones with made-up names, and with words on the display that are hashed as if never seen."""
TURNED, POPPED = 0.03, 0.03
"""Chances that the display lies on its side through a task, and that a dialog lies over a page."""
NO_APPS = 0.1
"""Part of the tasks in which no app can be opened but by touch."""
LACKING, WISHED, FULFILLED, SPOKEN = 0.14, 0.05, 0.3, 0.2
"""Parts of the tasks on phones that lack what the task needs, of the wishes that no app fulfils, of those that are fulfilled at
the start (where that can be seen), and of the instructions that call people and places by parts of their names."""
LEFT = 0.5
"""Chance that a course ends where it is told that the task cannot be done."""
OWN = 0.6
"""Part of the tasks in the language of an edge server; the others are in any."""
ENOUGH = 0.9
"""Share of a text's words above which it is taken for a fact, letters misread or not."""
MIXED, HIDDEN = "mixed", "hidden"
"""The language of all alike; how names of apps begin that stand for all apps of phones that no edge server has."""
NAMES = tuple(each.name for each in PHONE_APPS)


@dataclass(frozen=True)
class Aside:
    """A step beside the way, which is made on a copy of the phone.

    Attributes:
        change: what was done, and what came of it.
        outcome: of it.
        after: what planning is told then.
        finished: subgoals that are.
        done: whether all are.
        spoilt: whether it has changed what it must not.
    """

    change: Change
    outcome: Outcome
    after: Situation
    finished: int
    done: bool
    spoilt: bool


@dataclass(frozen=True)
class Moment:
    """A display within a task, and what is right there.

    Attributes:
        task: name of the task's kind.
        before: what memory and planning are told.
        after: what decision and action are told: with the facts that are kept and the subgoals that are finished.
        right: places of the right choices, for `FEW` items; none once the task is done but the one that says so.
        texts: places of the right texts to type, see `texts.place_of`.
        kept: items whose text memory must keep; empty if none.
        done: whether the task is.
        salt: of words on the display.
        change: what was done here, and what came of it. If None, nothing was.
        outcome: of it.
        aside: another step that might have been made. If None, none is known.
    """

    task: str
    before: Situation
    after: Situation
    right: frozenset[int]
    texts: frozenset[int]
    kept: frozenset[int]
    done: bool
    salt: str
    change: Change | None = None
    outcome: Outcome = "A"
    aside: Aside | None = None


@dataclass(frozen=True)
class Needs:
    """What a kind of task needs: apps, and whether something is typed."""

    apps: frozenset[str]
    typed: bool


@lru_cache(maxsize=1)
def template_needs() -> dict[Template, Needs]:
    """The kinds of tasks, and what each needs."""

    def needed(template: Template) -> Needs:
        subgoals = template(draw_phone(0, "en"), random.Random(0)).subgoals
        return Needs(frozenset(each.app for each in subgoals), any(each.texts for each in subgoals))

    return {each: needed(each) for suite in SUITES.values() for each in suite}


def templates_of(apps: Sequence[str], typing: bool = False) -> tuple[Template, ...]:
    """Kinds of tasks that need no other apps.

    Args:
        apps: of the phone; or names that begin with `HIDDEN`, which stand for all. A name of a suite among them leaves its
            tasks alone.
        typing: whether only those are meant in which something is typed.

    Raises:
        ConfigurationError: for an app that the phone has not, or apps that no task is content with.
    """
    names, suites = set(apps) - set(SUITES), set(apps) & set(SUITES) or set(SUITES)
    if not all_hidden(apps):
        for app in sorted(names - set(NAMES)):
            raise ConfigurationError("apps", app, "one of " + ", ".join(NAMES))
    among = {each for suite in suites for each in SUITES[suite]}
    known = {each: needs for each, needs in template_needs().items() if each in among and (needs.typed or not typing)}
    found = tuple(each for each, needs in known.items() if all_hidden(apps) or needs.apps <= names)
    if not found:
        raise ConfigurationError("apps", ", ".join(apps), "apps of the phone that a task is content with")
    return found


def all_hidden(apps: Sequence[str]) -> bool:
    """Whether names stand for the apps of phones that no edge server has."""
    return all(each.startswith(HIDDEN) for each in apps if each not in SUITES)


def draw_moments(
    apps: Sequence[str], seed: int, language: str = MIXED, stray: float = STRAY, typing: bool = False
) -> Iterator[Moment]:
    """Moments without end.

    Args:
        apps: whose tasks; see `templates_of`. Hidden ones are on phones with the looks, names and texts of tests.
        seed: the same seed gives the same moments.
        language: of most phones, among `skins.LANGUAGES`, or "mixed".
        stray: chance of a step that is not the oracle's.
        typing: whether all tasks are such in which something is typed.

    Raises:
        ConfigurationError: for apps as in `templates_of`, or another language.
    """
    templates = templates_of(apps, typing)
    if language not in (*LANGUAGES, MIXED):
        raise ConfigurationError("language", language, "one of " + ", ".join((*LANGUAGES, MIXED)))
    unseen = all_hidden(apps)
    rng = random.Random(f"moments {seed} {language} {sorted(apps)}")
    return _moments(templates, rng, language, unseen, stray)


def _moments(
    templates: tuple[Template, ...], rng: random.Random, language: str, unseen: bool, stray: float
) -> Iterator[Moment]:
    while True:
        tongue = language if language != MIXED and rng.random() < OWN else rng.choice(LANGUAGES)
        state = draw_phone(rng.randrange(10**9), tongue, unseen)
        if not unseen and rng.random() < NEW_NAMES:
            state = made_up(state, rng)
        if rng.random() < TURNED:
            state = replace(state, turned=True)
        task = rng.choice(templates)(state, rng)
        task = spoken(task, rng) if rng.random() < SPOKEN else task
        missing = without(task, rng) if rng.random() < LACKING else None
        wished = missing is None and rng.random() < WISHED
        if missing is not None or wished:
            task = missing.task if missing is not None else foreign(task, rng, unseen)
        elif rng.random() < FULFILLED:
            task = fulfilled(task) or task
        yield from Course(task, rng, 0.0 if unseen else NEW_WORDS, stray, missing).moments()


class Course:
    """One way through a task.

    Args:
        task: it.
        rng: of everything drawn.
        new_words: chance that words on the display are hashed as if never seen.
        stray: chance of a step that is not the oracle's.
        missing: what the phone lacks, if the task cannot be done for it.
    """

    def __init__(
        self, task: Task, rng: random.Random, new_words: float, stray: float, missing: Missing | None = None
    ) -> None:
        self.task, self.rng, self.stray, self.missing = task, rng, stray, missing
        self.way = rng.choices(WAYS, SHARES)[0]
        self.salt = str(rng.randrange(10**6)) if rng.random() < new_words else ""
        packages = [each.package for each in PHONE_APPS]
        rng.shuffle(packages)
        self.apps = () if rng.random() < NO_APPS else tuple(packages[:APPS])
        self.facts: tuple[Fact, ...] = ()
        self.past: tuple[Past, ...] = ()

    def moments(self) -> Iterator[Moment]:
        """Its moments, until the task is done, spoilt or too long."""
        state, finished = self.task.start, 0
        screen = perceived(state, self.way, self.rng)
        for _ in range(MOST_STEPS):
            try:
                moment, ends = self._moment(state, finished, screen)
            except NoWay:
                return
            finished = moment.after.finished
            unable = moment.right == frozenset([2 * FEW[0] + UNABLE])
            if moment.done or (unable and self.rng.random() < LEFT):
                yield moment
                return
            moment = replace(moment, aside=self._aside(state, finished, moment, ends))
            gesture, action, target = self._move(state, moment, unable or self.rng.random() < self.stray)
            reached = step(state, gesture)
            spoilt = may_spoil(state, gesture, reached) and settled(reached) not in ends
            if spoilt and not unable and self.rng.random() > SPOILING:
                gesture, action, target = self._move(state, moment, False)
                reached, spoilt = step(state, gesture), False
            popped = self.rng.random() < POPPED
            if popped:
                reached = replace(reached, popup=self.rng.choice(POPUPS), focus="")
            seen = perceived(reached, self.way, self.rng)
            outcome = outcome_of(state, reached, ends)
            change = Change(
                before=moment.after, action=action, after=seen, changed=changed_share(state, reached, self.rng.random())
            )
            yield moment if popped else replace(moment, change=change, outcome=outcome)
            if spoilt:
                return
            past = Past(action=action, target=target, page=screen.title, outcome=outcome, finished=finished)
            self.past = (*self.past, past)
            state, screen = reached, seen

    def _moment(self, state: State, finished: int, screen: Screen) -> tuple[Moment, frozenset[State]]:
        """The moment, before anything is done, and the states to which a right step leads."""
        task = self.task
        told = finished - 1 if finished and self.rng.random() < BEHIND else finished
        if finished < len(task.subgoals) and self.rng.random() < AHEAD:
            told = finished + 1
        finished = task.progress(finished, state)
        if self.rng.random() < AGAIN:
            told = finished
        before = Situation(
            instruction=task.instruction,
            screen=screen,
            finished=told,
            facts=self.facts,
            past=self.past[-STEPS:],
            apps=self.apps,
        )
        kept = self._keep(screen, finished)
        after = before.model_copy(update={"finished": finished, "facts": self.facts})
        done, ends = 0 < len(task.subgoals) == finished, frozenset[State]()
        if not done and task.subgoals:
            ends = self._ends(state, finished)
        right, texts = frozenset([2 * FEW[0] + (FINISH if done else UNABLE)]), frozenset[int]()
        if ends:
            right, texts = right_choices(state, after, ends, task.subgoals[finished])
        return Moment(task.name, before, after, right, texts, kept, done, self.salt), ends

    def _ends(self, state: State, finished: int) -> frozenset[State]:
        """States to which right steps lead; none where it is seen that the task cannot be done.

        On a phone that lacks something, what is right is what would be right if it were there, up to the page on which it would
        be: that one is looked through to its end.

        Raises:
            NoWay: if there is no way, or nothing is known of it.
        """
        if self.missing is None:
            return frozenset(settled(step(state, each)) for each in best(self.task, finished, state))
        whole = self.missing.back(state)
        if whole is None:
            raise NoWay("something else was changed")
        found: set[State] = set()
        for gesture in best(self.task, finished, whole):
            event = touched(whole, gesture)
            if (isinstance(gesture, Swipe) and event is None) or (
                event is not None and event.argument == self.missing.number
            ):
                down = settled(step(state, scroll(state, "down")))
                return frozenset() if down == settled(state) else frozenset([down])
            found.add(settled(step(state, gesture) if event is None else act(state, event)))
        return frozenset(found)

    def _keep(self, screen: Screen, finished: int) -> frozenset[int]:
        """Keep what was learned by the subgoals that are finished; the items that it stands on."""
        found: set[int] = set()
        for subgoal in self.task.subgoals[:finished]:
            if subgoal.fact and all(each.text != subgoal.fact for each in self.facts):
                found |= {item.number for item in screen.items if item.text and _reads(item.text, subgoal.fact)}
                self.facts = (*self.facts, Fact(text=subgoal.fact, source=screen.title))[-FACTS:]
        return frozenset(found)

    def _move(self, state: State, moment: Moment, astray: bool) -> tuple[Gesture, Action, str]:
        """The step that is made: a gesture, the action it is, the label of what it is made on."""
        rng, situation = self.rng, moment.after
        other = mistakable(situation, moment.right)
        if other is not None and rng.random() < MISTAKABLE:
            place, text = other, 0
        elif not astray:
            place = rng.choice(sorted(moment.right))
            text = rng.choice(sorted(moment.texts)) if moment.texts else 0
        else:
            near = near_choice(situation, moment.right, bool(state.focus), rng) if rng.random() < NEAR else None
            place, text = near or any_choice(situation, bool(state.focus), rng)
        return gesture_of(place, text, state, situation, situation.screen)

    def _aside(self, state: State, finished: int, moment: Moment, ends: frozenset[State]) -> Aside:
        """A step that is most likely not right, and what would come of it."""
        gesture, action, target = self._move(state, moment, True)
        reached = step(state, gesture)
        seen = perceived(reached, self.way, self.rng)
        told = finished
        if self.rng.random() < MISTAKEN:
            told = min(len(self.task.subgoals), max(0, finished + self.rng.choice((-1, 1))))
        before = moment.after.model_copy(update={"finished": told})
        outcome = outcome_of(state, reached, ends)
        share = changed_share(state, reached, self.rng.random())
        past = Past(action=action, target=target, page=before.screen.title, outcome=outcome, finished=finished)
        after = moment.after.model_copy(update={"screen": seen, "past": (*self.past, past)[-STEPS:]})
        further = self.task.progress(finished, reached)
        return Aside(
            Change(before=before, action=action, after=seen, changed=share),
            outcome,
            after,
            further,
            0 < len(self.task.subgoals) == further,
            may_spoil(state, gesture, reached) and settled(reached) not in ends,
        )


def _reads(text: str, fact: str) -> bool:
    return bool(said(words_of(fact), text)[0].min(initial=1.0) > 0) and said(words_of(text), fact)[1] > ENOUGH
