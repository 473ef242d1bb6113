"""How good an agent's answers were, from the exact state of the simulated phone along its own run.

DA is the share of whole actions (decision and action module) after which the state is one that a gesture of the oracle leads to;
RA the share of reflections that name the true class; PA the share of plans with the true number of finished subgoals that say
exactly of the last that the task is done. On an agent's own run an error leads to states in which no oracle was; `forced` has
the same measures on the oracle's states.
"""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict, Field

from edgewise.agent.actions import Action
from edgewise.agent.conduct import End
from edgewise.agent.modules.interfaces import Outcome, Plan, Reflected
from edgewise.agent.phone.state import State
from edgewise.agent.phone.tasks.oracle import solve
from edgewise.agent.steps import Step, Watcher
from edgewise.agent.truth import Truth


class Share(BaseModel):
    """How many of all were right."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    right: int = Field(default=0, ge=0)
    all: int = Field(default=0, ge=0)

    def add(self, right: bool) -> Share:
        """With one more."""
        return Share(right=self.right + right, all=self.all + 1)


class Episode(BaseModel):
    """What is known of a task that an agent was given.

    Attributes:
        kind: of the task.
        suite: that it belongs to.
        seed: that it was drawn from.
        instruction: that was given.
        succeeded: whether the task's goal was reached and nothing else changed; on a real phone, what a person says.
        reason: why the run ended.
        told: more on the end.
        actions: of the modules.
        oracle: gestures of the oracle. If None, unknown.
        decisions, reflections, asked, plans: how many were right; `asked` are reflections of the module, without those that
            identical pictures told.
        rounds, redundant: looks before the end, and those of them at which the task was done already.
        calls, tokens, money, seconds: that were spent.
        latency: seconds of each call, by the module's place.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    kind: str
    suite: str
    seed: int = 0
    instruction: str
    succeeded: bool
    reason: str
    told: str = ""
    actions: int = 0
    oracle: int | None = None
    decisions: Share = Share()
    reflections: Share = Share()
    asked: Share = Share()
    plans: Share = Share()
    rounds: int = 0
    redundant: int = 0
    calls: int = 0
    tokens: int = 0
    money: float = 0.0
    seconds: float = 0.0
    latency: dict[str, tuple[float, ...]] = Field(default_factory=dict)


def gestures_of(action: Action) -> int:
    """Gestures that an action may take: text that is sent off with "enter", or two touches, takes two."""
    return 2 if action.submit or action.kind == "double_tap" else 1


class Judge(Watcher):
    """Judges an agent at work.

    Args:
        truth: exact knowledge of the phone and the task.
    """

    def __init__(self, truth: Truth) -> None:
        self._truth = truth
        self._before: tuple[State, int, Action] | None = None
        self._decided = False
        self.decisions, self.reflections, self.asked, self.plans = Share(), Share(), Share(), Share()
        self.actions, self.rounds, self.redundant = 0, 0, 0
        self.latency: dict[str, tuple[float, ...]] = {}

    def planned(self, plan: Plan) -> None:
        truth = self._truth
        self.plans = self.plans.add(plan.finished == truth.done and plan.done == truth.all_done)

    def verifying(self) -> None:
        self.rounds += 1
        self.redundant += self._truth.all_done

    def acting(self, action: Action) -> None:
        self._before = (self._truth.session.state, self._truth.done, action)
        self._decided = True

    def acted(self, step: Step, png: bytes) -> None:
        for place, seconds in step.latency.items():
            self.latency[place] = (*self.latency.get(place, ()), seconds)
        if self._decided and self._before is not None:
            before, done, action = self._before
            self._decided = False
            self.actions += 1
            after = self._truth.session.state
            right = self._truth.shortened(done, before, after, gestures_of(action))
            self.decisions = self.decisions.add(right)
        elif step.by in ("verification", "end") and step.decision is not None:
            said = step.decision.kind == "finish" and not (step.action and step.action.outcome == "infeasible")
            self.decisions = self.decisions.add(said and self._truth.all_done)

    def reflected(self, outcome: Outcome, reflected: Reflected, asked: bool) -> None:
        if self._before is None:
            return
        before, done, action = self._before
        right = outcome == self._truth.outcome(done, before, self._truth.session.state, gestures_of(action))
        self.reflections = self.reflections.add(right)
        if asked:
            self.asked = self.asked.add(right)

    def episode(self, end: End, seed: int = 0) -> Episode:
        """What is known after the run."""
        task = self._truth.task
        return Episode(
            kind=task.name,
            suite=task.suite,
            seed=seed,
            instruction=task.instruction,
            succeeded=self._truth.succeeded,
            reason=end.reason,
            told=end.told,
            actions=self.actions,
            oracle=len(solve(task)),
            decisions=self.decisions,
            reflections=self.reflections,
            asked=self.asked,
            plans=self.plans,
            rounds=self.rounds,
            redundant=self.redundant,
            calls=end.spent.calls,
            tokens=end.spent.tokens,
            money=end.spent.money,
            seconds=end.seconds,
            latency=self.latency,
        )


PLACES: Mapping[str, str] = {
    "decisions": "DA: whole actions after which the phone is where one of the oracle's leads",
    "reflections": "RA: reflections that name the true class, identical pictures among them",
    "asked": "RA of the module alone, where pictures differ",
    "plans": "PA: plans with the true number of finished subgoals, done exactly when all are",
}
"""Shares of an episode, and what they are shares of."""
