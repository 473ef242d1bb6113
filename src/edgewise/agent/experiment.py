"""Agents on the simulated phone as the EDMSAC paper measures them (section VI-B): built alone, built together, rules, oracle."""

from __future__ import annotations

import base64
import io
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from PIL import Image

from edgewise.agent.agents import AGENTS, Maker
from edgewise.agent.evaluate import Trial, evaluate, figures, latencies, play
from edgewise.agent.measures import Episode
from edgewise.agent.modules.folder import modules_of
from edgewise.agent.modules.learned.moments import MIXED, NAMES
from edgewise.agent.modules.learned.train import KINDS, Schooling, examples_of, phone_kind, train_agent
from edgewise.agent.phone.skins import LANGUAGES
from edgewise.agent.phone.tasks.suites import SUITES
from edgewise.agent.steps import Step, Watcher
from edgewise.construction.agent import Agent, integrate
from edgewise.construction.artefact import Module
from edgewise.construction.joining import best_together
from edgewise.construction.keys import make_key

HIDDEN_SEED, TEST_SEED = 900_000, 20_000
"""Of the examples by which modules are chosen and joined, and of the tasks; no training has them."""
SMALL = (216, 480)
"""Size of the pictures of a case, pixels."""
QUALITY = 80
"""Of these pictures, JPEG."""
WRITTEN = {"messages", "notes"}
"""Apps one of which every server's users have: in them simple tasks type, from which an action module learns."""
FIGURES = ("success", "decisions", "reflections", "asked", "plans", "steps", "redundant", "false_claims")


@dataclass(frozen=True)
class Servers:
    """Edge servers that build modules.

    Attributes:
        count: how many.
        apps: of the phone that the users of each have.
        examples: of each.
        rounds: passes over them.
        hidden: examples by which the cloud server chooses and joins, of all apps.
    """

    count: int
    apps: int
    examples: int
    rounds: int
    hidden: int

    def schoolings(self, seed: int) -> Iterator[Schooling]:
        """What each of them learns from: other apps, a language of most users, a seed."""
        for number in range(self.count):
            rng = random.Random(f"apps {seed} {number}")
            apps = rng.sample(NAMES, self.apps)
            while not WRITTEN & set(apps):
                apps = rng.sample(NAMES, self.apps)
            language = LANGUAGES[number % len(LANGUAGES)]
            yield Schooling(self.examples, self.rounds, self.count * seed + number, tuple(sorted(apps)), language)


def integrated(agents: Mapping[str, Agent], hidden: int, seed: int) -> dict[str, Agent]:
    """Agents of modules from several servers, measured on examples of all apps.

    Args:
        agents: of single servers, by name.
        hidden: examples.
        seed: of them.

    Returns:
        "federated": for each place the best module and those that make it better when they answer together, as a cloud server
        integrates them; "chosen": the best module alone.
    """
    best: list[Module] = []
    further: list[Module] = []
    schooling = Schooling(hidden, 1, HIDDEN_SEED + seed, NAMES, MIXED)
    for name in KINDS:
        kind, data = phone_kind(name), examples_of(name, schooling)
        modules = [agent.modules[kind.name] for agent in agents.values()]
        first, *others = best_together(modules, [kind.evaluate(each.weights, data) for each in modules], data)
        best.append(first)
        further += others
    key = make_key()
    return {"federated": integrate(best, key, "federated", further=further), "chosen": integrate(best, key, "chosen")}


def compare(
    servers: int, apps: int, examples: int, rounds: int, hidden: int, episodes: int, repetitions: int, seed: int
) -> pd.DataFrame:
    """Build agents and let them do tasks with names, texts and looks that no server has.

    Args:
        servers: edge servers; each builds all modules from its own users' data.
        apps: of the phone that the users of each have.
        examples: of each server.
        rounds: passes over them.
        hidden: examples by which the cloud server chooses among modules and joins them.
        episodes: tasks of every kind.
        repetitions: each with other servers, data and tasks.
        seed: of the first.

    Returns:
        A row for each repetition, suite and agent: those of single servers ("alone 1", ...), "federated" and "chosen" (see
        `integrated`), "rules" (no training), "oracle"; figures of `evaluate.figures`, median latencies of modules (ms), and for
        agents of several servers how many of them have contributed, and with how many modules.
    """
    built = Servers(servers, apps, examples, rounds, hidden)
    rows = []
    for number in range(seed, seed + repetitions):
        agents = {f"alone {n}": train_agent(each) for n, each in enumerate(built.schoolings(number), 1)}
        several = integrated(agents, hidden, number)
        makers: dict[str, Maker] = {name: _maker(agent) for name, agent in {**agents, **several}.items()}
        makers |= {name: AGENTS.find(name) for name in ("rules", "oracle")}
        for suite in SUITES:
            trial = Trial(suite, episodes, TEST_SEED + 100 * number)
            for name, make in makers.items():
                told = {"repetition": number, "suite": suite, "agent": name}
                more = _origins(several[name]) if name in several else {}
                rows.append(told | more | _row(evaluate(make, trial)))
    return pd.DataFrame(rows)


def _origins(agent: Agent) -> dict[str, int]:
    """From how many servers its modules are, and how many they are."""
    parts = [module for place in agent.modules for module in agent.parts(place)]
    return {"contributors": len({each.manifest.author for each in parts}), "modules": len(parts)}


def _maker(agent: Agent) -> Maker:
    modules = modules_of(agent)
    return lambda setting: modules


def _row(episodes: list[Episode]) -> dict[str, float]:
    found = figures(episodes)
    times = {f"{place}_ms": each["median_ms"] for place, each in latencies(episodes).items()}
    whole = sum(sum(map(sum, each.latency.values())) for each in episodes)
    return {name: found[name].value for name in FIGURES} | times | {"task_ms": 1000 * whole / len(episodes)}


class _Film(Watcher):
    """Keeps small pictures of a run."""

    def __init__(self) -> None:
        self.rows: list[dict[str, object]] = []

    def acted(self, step: Step, png: bytes) -> None:
        picture = Image.open(io.BytesIO(png)).convert("RGB").resize(SMALL)
        kept = io.BytesIO()
        picture.save(kept, "JPEG", quality=QUALITY)
        at = [(x / step.screen.width, y / step.screen.height) for x, y in step.points]
        action = step.action
        item = None if action is None or action.item is None else step.screen.items[action.item]
        self.rows.append(
            {
                "step": step.number,
                "by": step.by,
                "action": "looks again" if action is None else action.kind.replace("_", " "),
                "target": "" if action is None else action.text or ("" if item is None else item.label),
                "finished": step.finished,
                "x": at[0][0] if at else np.nan,
                "y": at[0][1] if at else np.nan,
                "to_x": at[-1][0] if len(at) > 1 else np.nan,
                "to_y": at[-1][1] if len(at) > 1 else np.nan,
                "picture": base64.b64encode(kept.getvalue()).decode(),
            }
        )


def cases(agent: str, simple: str, complex_: str, language: str, seed: int) -> pd.DataFrame:
    """Two runs step by step: a simple task and a complex one.

    Args:
        agent: by name, see `agents.AGENTS`.
        simple, complex_: kinds of tasks.
        language: of the apps.
        seed: of the tasks, whose names and looks are unseen.

    Returns:
        A row for each step: "case" (the suite), "instruction", "succeeded", "step", "action", "target", "finished" (subgoals),
        the touched point "x", "y" and the end of a swipe "to_x", "to_y" as parts of the display, and "picture" (JPEG, base64).
    """
    rows = []
    for suite, kind in (("simple", simple), ("complex", complex_)):
        trial = Trial(suite, 1, seed, language)
        task = next(task for _, task in trial.tasks() if task.name == kind)
        film = _Film()
        episode = play(lambda setting: AGENTS.find(agent)(setting), task, seed, trial, [film])
        about = {"case": suite, "instruction": task.instruction, "succeeded": episode.succeeded}
        rows += [about | row for row in film.rows]
    return pd.DataFrame(rows)
