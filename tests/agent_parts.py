"""Parts of agents for tests: phones whose pictures cost nothing, modules that do as they are told."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache

import pytest
from PIL import Image

from edgewise.agent.actions import Action
from edgewise.agent.agents import AGENTS, Setting
from edgewise.agent.conduct import Conduct, End, Limits
from edgewise.agent.device.images import picture_size
from edgewise.agent.loop import run_agent
from edgewise.agent.modules.interfaces import Decision, Kept, Modules, Plan, Reflected
from edgewise.agent.perception.plain import PlainPerception
from edgewise.agent.phone.apps.catalogue import packages
from edgewise.agent.phone.core import draw_phone
from edgewise.agent.phone.in_process import SimulatedDevice
from edgewise.agent.phone.session import Session
from edgewise.agent.phone.state import State
from edgewise.agent.phone.tasks.simple import Template
from edgewise.agent.phone.tasks.suites import SUITES, draw_tasks
from edgewise.agent.phone.tasks.task import Task
from edgewise.agent.phone.tree import tree
from edgewise.agent.steps import Step, Watcher
from edgewise.agent.truth import Truth

SMALLER = 10
"""Part of the display's width and height that such pictures have."""
QUICK = Conduct(Limits(steps=40), late_s=0.0, wait_s=0.001, lost_s=0.05)


def pattern(state: State) -> Image.Image:
    """A small picture of 64 squares, others for every display."""
    squares = Image.frombytes("L", (8, 8), hashlib.sha512(tree(state).encode()).digest())
    wide, high = state.size
    return squares.resize((wide // SMALLER, high // SMALLER), Image.Resampling.NEAREST).convert("RGB")


def full_size(png: bytes) -> tuple[int, int]:
    wide, high = picture_size(png)
    return (wide, high) if high > 1000 else (SMALLER * wide, SMALLER * high)


def make_pictures_quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgewise.agent.phone.session.picture", pattern)
    monkeypatch.setattr("edgewise.agent.perception.plain.picture_size", full_size)
    monkeypatch.setattr("edgewise.agent.perception.plain.READER", "edgewise.agent:nothing")
    monkeypatch.setattr("edgewise.agent.loop.share_changed", lambda before, after: 0.5)
    monkeypatch.setattr("edgewise.agent.phone.session.LATE_S", 0.1)
    monkeypatch.setattr("edgewise.agent.forced.share_changed", lambda before, after: 0.5)


@cache
def templates() -> dict[str, Template]:
    """What draws a task, by the name of its kind."""
    return {task.name: each for suite in SUITES for task, each in zip(draw_tasks(suite, 0), SUITES[suite], strict=True)}


def some_task(kind: str, seed: int = 3, change: Callable[[State], State] = lambda state: state) -> Task:
    return templates()[kind](change(draw_phone(seed, "en", True)), random.Random(f"{kind} {seed}"))


def with_texts(text: str) -> Callable[[State], State]:
    """What puts a text into all messages and notes."""

    def changed(state: State) -> State:
        messages = tuple(replace(each, text=text, own=False) for each in state.world.messages)
        notes = tuple(replace(each, text=text) for each in state.world.notes)
        return replace(state, world=replace(state.world, messages=messages, notes=notes))

    return changed


class Seeing(Watcher):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self.outcomes: list[str] = []

    def acted(self, step: Step, png: bytes) -> None:
        self.steps.append(step)

    def reflected(self, outcome: str, reflected: Reflected, asked: bool) -> None:
        self.outcomes.append(outcome + ("" if asked else " unasked"))


def scripted(decisions: Sequence[Decision], text: str = "text", plan: Plan | None = None) -> Modules:
    """Modules that decide what they are told, the last for ever."""
    left = list(decisions)

    def decide(situation: object) -> Decision:
        return left.pop(0) if len(left) > 1 else left[0]

    def act(intent: object) -> Action:
        decision = intent.decision  # type: ignore[attr-defined]
        return Action(
            kind=decision.kind,
            item=decision.item,
            key=decision.key,
            direction=decision.direction,
            text=decision.app or (text if decision.kind in ("type", "answer", "ask_user") else ""),
            outcome="success" if decision.kind == "finish" else None,
        )

    return Modules(
        PlainPerception(),
        lambda situation: Kept(),
        lambda situation: plan or Plan(finished=0),
        decide,
        act,
        lambda change: Reflected(outcome="A"),
    )


def at_work(
    task: Task,
    modules: str | Modules,
    *,
    conduct: Conduct = QUICK,
    session: Session | None = None,
    watchers: Sequence[Watcher] = (),
    **more: object,
) -> tuple[End, Truth]:
    """An agent at work on a task, on a phone in this process."""
    session = session or Session(task.start)
    truth = Truth(session, task)
    if isinstance(modules, str):
        modules = AGENTS.find(modules)(Setting(truth=truth, seed=1))
    end = run_agent(
        task.instruction,
        SimulatedDevice(session),
        modules,
        conduct,
        apps=packages(),
        watchers=watchers,
        **more,  # type: ignore[arg-type]
    )
    return end, truth


def within(conduct: Conduct = QUICK, **limits: float) -> Conduct:
    return replace(conduct, limits=Limits(**limits))  # type: ignore[arg-type]
