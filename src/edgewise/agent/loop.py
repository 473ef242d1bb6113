"""The loop of an agent: perceive, reflect on the last action, remember, plan, decide, act, wait until the picture is still.

What modules answer is checked here, whatever back end they have: nothing is done twice in the same place, nothing that cannot
be undone unasked, nothing beyond a budget; texts of the display reach modules as data of a situation, never as instructions.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Literal

from edgewise.agent.actions import Action
from edgewise.agent.asking import Asking
from edgewise.agent.choosing import Choosing, Key
from edgewise.agent.conduct import Conduct, End, Over
from edgewise.agent.device.device import Device
from edgewise.agent.device.errors import CommandFailed, DeviceError, KeyboardDenied, TypingFailed
from edgewise.agent.eyes import Eyes, Seen, share_changed
from edgewise.agent.guards import dismissal, read_there
from edgewise.agent.hands import perform, points_of
from edgewise.agent.modules.interfaces import (
    FACTS,
    STEPS,
    Change,
    Decision,
    Fact,
    Kept,
    Modules,
    Past,
    Plan,
    Reflected,
    Situation,
)
from edgewise.agent.permission import Allow, Permission
from edgewise.agent.screen import LONGEST, Screen
from edgewise.agent.steps import By, Step, Watcher
from edgewise.common.errors import EdgewiseError

NEW_PLAN, AFRESH, MOST_FAILURES = 2, 4, 8
"""Failures in a row after which planning is asked again, the agent begins from the home page, the run ends."""
MOST_FAULTS, MOST_WINDOWS = 2, 6
"""Times in a row that typing may fail, and windows of the system that are closed in a row."""


def run_agent(
    instruction: str,
    device: Device,
    modules: Modules,
    conduct: Conduct = Conduct(),  # noqa: B008 it is frozen
    *,
    apps: Sequence[str] = (),
    allow: Allow | None = None,
    reply: Callable[[str], str | None] = lambda question: None,
    watchers: Sequence[Watcher] = (),
    sleep: Callable[[float], None] = time.sleep,
) -> End:
    """Let an agent do what it is told on a phone.

    Args:
        instruction: of the user.
        device: the phone.
        modules: of the agent.
        conduct: budgets and waits.
        apps: packages that can be opened.
        allow: asked before what cannot be undone (`deleting "Delete"`), and before what changes something that the instruction
            does not name; False ends the run. If None, what the instruction names is done, what it does not name ends the run.
        reply: asked where the agent asks its user. None ends the run.
        watchers: are told of every step.
        sleep: waits, s.

    Returns:
        How it ended; whatever goes wrong with the phone or the modules is an end with a name.
    """
    if not instruction.strip() or len(instruction) > LONGEST:
        raise EdgewiseError(f"instruction: must have 1 to {LONGEST} characters")
    loop = _Loop(instruction.strip(), device, modules, conduct, tuple(apps), allow, reply, watchers, sleep)
    for each in watchers:
        each.began(loop.instruction, device.serial, modules.names)
    try:
        while True:
            loop.step()
    except Over as over:
        end = loop.end(over.reason, over.told)
    except KeyboardInterrupt:
        end = loop.end("stopped")
    except EdgewiseError as error:
        end = loop.end("invalid", str(error))
    for each in watchers:
        each.ended(end)
    return end


class _Loop:
    """A run, as far as it is."""

    def __init__(
        self,
        instruction: str,
        device: Device,
        modules: Modules,
        conduct: Conduct,
        apps: tuple[str, ...],
        allow: Allow | None,
        reply: Callable[[str], str | None],
        watchers: Sequence[Watcher],
        sleep: Callable[[float], None],
    ) -> None:
        self.instruction, self._device, self._modules, self._conduct = instruction, device, modules, conduct
        self._apps, self._reply, self._permission = apps, reply, Permission(allow, conduct.sure)
        self._watchers, self._sleep = watchers, sleep
        self._eyes, self._asking = Eyes(device, conduct, sleep), Asking(modules, conduct)
        self._choosing = Choosing(self._asking)
        self._finished = 0
        self._facts: tuple[Fact, ...] = ()
        self._past: tuple[Past, ...] = ()
        self._last: tuple[Situation, Action, bytes] | None = None
        self._plan: tuple[str, Plan] | None = None
        self._failures, self._faults, self._windows, self._verified = 0, 0, 0, False
        self._key: Key = ("", "", 0)

    def end(self, reason: str, told: str = "") -> End:
        """How the run ended."""
        return End(reason, told, self._asking.steps, self._asking.spent, self._asking.seconds)

    def step(self) -> None:
        """One step.

        Raises:
            Over: if it was the last.
        """
        self._asking.begin_step()
        self._asking.check()
        waited = self._last is not None and self._last[1].kind != "wait"
        before = self._last[0].screen.picture if waited and self._last is not None else ""
        seen, screen = self._eyes.perceive(self._asking, before)
        for each in self._watchers:
            each.looked(seen.look)
        if self._closed_window(seen, screen):
            return
        self._reflect(screen, seen)
        situation, plan = self._understand(screen, seen)
        if self._closes(plan.done, situation, seen, plan, None):
            return
        decision, action = self._choose(situation)
        if action.kind == "finish":
            if self._closes(action.outcome == "success", situation, seen, plan, decision):
                return
            raise self._last_step(Over("infeasible", decision.why), situation, seen, plan, decision, action)
        if action.kind in ("answer", "ask_user"):
            self._speak(situation, seen, plan, decision, action)
            return
        self._verified = False
        asked = self._permission.ask(action, situation, decision)
        if asked:
            self._asking.notes.append(asked)
        self._do(situation, action, seen, plan, decision, "modules")

    def _closed_window(self, seen: Seen, screen: Screen) -> bool:
        """Close a window of the system that lies over the app, if there is one.

        Raises:
            Over: if they keep coming.
        """
        closing = dismissal(screen, seen.look.tree, seen.look.app)
        if closing is None:
            self._windows = 0
            return False
        self._windows += 1
        if self._windows > MOST_WINDOWS:
            raise Over("pop-up", "windows of the system keep coming")
        self._asking.notes.append("closes a window of the system")
        self._choosing.undid(self._key)
        self._do(self._situation(screen), closing, seen, None, None, "guard")
        return True

    def _situation(self, screen: Screen) -> Situation:
        return Situation(
            instruction=self.instruction,
            screen=screen,
            finished=self._finished,
            facts=self._facts,
            past=self._past[-STEPS:],
            apps=self._apps,
        )

    def _reflect(self, screen: Screen, seen: Seen) -> None:
        """Find out how the last action went; identical pictures say so by themselves."""
        if self._last is None:
            return
        before, action, png = self._last
        self._last = None
        asked = before.screen.picture != screen.picture
        if asked:
            changed = share_changed(png, seen.look.png)
            change = Change(before=before, action=action, after=screen, changed=changed)
            reflected = self._asking.ask("reflection", change, Reflected(outcome="A", confidence=0.0))
        else:
            reflected = Reflected(outcome="C")
        self._failures = 0 if reflected.outcome == "A" else self._failures + 1
        self._past = (*self._past[:-1], self._past[-1].model_copy(update={"outcome": reflected.outcome}))
        for each in self._watchers:
            each.reflected(reflected.outcome, reflected, asked)
        if self._failures >= MOST_FAILURES:
            raise Over("stuck", f"{self._failures} actions in a row went wrong")

    def _understand(self, screen: Screen, seen: Seen) -> tuple[Situation, Plan]:
        """What memory and planning say; of the same picture they are asked once, unless a new plan is due."""
        afresh = self._failures > 0 and self._failures % NEW_PLAN == 0
        if self._plan is not None and self._plan[0] == seen.picture and not afresh and not self._verified:
            return self._situation(screen), self._plan[1]
        if afresh:
            self._asking.notes.append("a new plan after failures")
        kept = self._asking.ask("memory", self._situation(screen), Kept())
        if kept.fact is not None and kept.fact not in self._facts:
            if read_there(kept, screen):
                self._facts = (*self._facts, kept.fact)[-FACTS:]
            else:
                self._asking.notes.append("memory: what it keeps does not stand there")
        plan = self._asking.ask("planning", self._situation(screen), Plan(finished=self._finished))
        self._finished, self._plan = plan.finished, (seen.picture, plan)
        for each in self._watchers:
            each.planned(plan)
        return self._situation(screen), plan

    def _closes(self, done: bool, situation: Situation, seen: Seen, plan: Plan, decision: Decision | None) -> bool:
        """Look again before the end if the task is said to be done; whether this step is over.

        Raises:
            Over: if it was looked again already.
        """
        if not done:
            return False
        if self._conduct.verify and not self._verified:
            self._verified = True
            place = "planning" if decision is None else "decision"
            self._asking.notes.append(f"{place} says that the task is done: looks again")
            for each in self._watchers:
                each.verifying()
            self._record(situation, seen, plan, decision, None, "verification")
            self._eyes.settle()
            return True
        action = Action(kind="finish", outcome="success")
        raise self._last_step(Over("success"), situation, seen, plan, decision, action)

    def _last_step(
        self, over: Over, situation: Situation, seen: Seen, plan: Plan, decision: Decision | None, action: Action
    ) -> Over:
        self._record(situation, seen, plan, decision, action, "end")
        return over

    def _choose(self, situation: Situation) -> tuple[Decision, Action]:
        anew = self._failures >= AFRESH and self._failures % AFRESH == 0
        home = self._choosing.from_home(situation) if anew else None
        return home or self._choosing.choose(situation)

    def _speak(self, situation: Situation, seen: Seen, plan: Plan, decision: Decision, action: Action) -> None:
        """Answer or ask the user; an answer of the user is kept as a fact.

        Raises:
            Over: after an answer, or where nobody replies.
        """
        if action.kind == "answer":
            raise self._last_step(Over("answer", action.text), situation, seen, plan, decision, action)
        said = self._reply(action.text)
        if said is None:
            raise self._last_step(Over("question", action.text), situation, seen, plan, decision, action)
        self._facts = (*self._facts, Fact(text=said[:LONGEST], source="user"))[-FACTS:]
        self._choosing.did(self._choosing.key(situation, action))
        self._record(situation, seen, plan, decision, action, "modules")

    def _do(
        self,
        situation: Situation,
        action: Action,
        seen: Seen,
        plan: Plan | None,
        decision: Decision | None,
        by: By,
    ) -> None:
        """Do an action, and wait until the page is at rest."""
        if by == "modules":
            for each in self._watchers:
                each.acting(action)
        made = self._perform(situation.screen, action)
        if by == "modules" and made != "lost":
            self._key = self._choosing.key(situation, action)
            if made == "made":
                self._choosing.did(self._key)
        self._eyes.settle()
        if by == "modules" and made != "lost":
            item = situation.screen.items[action.item] if action.item is not None else None
            past = Past(
                action=action,
                target="" if item is None else item.label,
                page=situation.screen.title,
                finished=self._finished,
            )
            self._past, self._last = (*self._past, past)[-STEPS:], (situation, action, seen.look.png)
        self._record(situation, seen, plan, decision, action, by)

    def _perform(self, screen: Screen, action: Action) -> Literal["made", "failed", "lost"]:
        """Do it: it was done, may be tried again, or the phone was lost.

        Raises:
            Over: with the fault's name, if the phone does not come back or typing keeps failing.
        """
        try:
            perform(self._device, screen, action, self._sleep)
        except (TypingFailed, KeyboardDenied, CommandFailed) as error:
            self._asking.notes.append(f"{error.name}: {error}"[:LONGEST])
            self._faults += 1
            if self._faults > MOST_FAULTS:
                raise Over(error.name, str(error)) from None
            return "made" if isinstance(error, CommandFailed) else "failed"
        except DeviceError as error:
            self._asking.notes.append(f"{error.name}: {error}"[:LONGEST])
            self._eyes.revive(error)
            return "lost"
        self._faults = 0
        return "made"

    def _record(
        self,
        situation: Situation,
        seen: Seen,
        plan: Plan | None,
        decision: Decision | None,
        action: Action | None,
        by: By,
    ) -> None:
        step = Step(
            number=self._asking.steps,
            screen=situation.screen,
            by=by,
            plan=plan,
            decision=decision,
            action=action,
            points=() if action is None else points_of(situation.screen, action),
            facts=self._facts,
            finished=self._finished,
            latency=self._asking.latency,
            calls=self._asking.in_step.calls,
            tokens=self._asking.in_step.tokens,
            money=self._asking.in_step.money,
            trouble=seen.trouble,
            notes=tuple(each[:LONGEST] for each in self._asking.notes),
            seconds=self._asking.seconds,
        )
        self._asking.steps += 1
        for each in self._watchers:
            each.acted(step, seen.look.png)
