"""What the cloud server makes of the deliveries of a period: verdicts, an agent of what passes, and what it has cost."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np

from edgewise.common import packed
from edgewise.construction.agent import Agent, kind_of
from edgewise.construction.artefact import Refused, unpack
from edgewise.construction.books import Edge, Integrated, Judged, micro
from edgewise.construction.ground import GROUNDS
from edgewise.construction.keys import Key
from edgewise.construction.kind import MODULES
from edgewise.construction.order import Order
from edgewise.construction.origin import Begin
from edgewise.construction.terms import Terms, curves_of
from edgewise.construction.verdicts import Examined, Held, Wanted, examine_all, integrate_best

HIDDEN_SEED, PROBE_SEED, TASK_SEED = 1_000_000, 2_000_000, 3_000_000
"""Added to the seed of a construction, far from those of servers' data."""


@dataclass(frozen=True)
class Delivered:
    """A module that has come.

    Attributes:
        edge: from whom.
        order: what for.
        content: its file, from anyone.
        begin: seed of the initial weights of its order.
    """

    edge: Edge
    order: Order
    content: bytes = field(repr=False)
    begin: int


@dataclass(frozen=True)
class Judgement:
    """What becomes of a period.

    Attributes:
        judged: verdict by public key.
        integrated: the agent.
        agent: of what has passed; None if nothing has.
    """

    judged: dict[str, Judged]
    integrated: Integrated
    agent: Agent | None = None


def logged(content: bytes) -> tuple[int | None, float | None]:
    """Rounds and CPU time (s) of a module's own log; None for what is no module."""
    try:
        manifest = unpack(content).manifest
    except Refused:
        return None, None
    return len(manifest.rounds), manifest.cpu_seconds


def judge(
    terms: Terms,
    name: str,
    delivered: Sequence[Delivered],
    earlier: Sequence[Delivered],
    initial: Mapping[str, bytes],
    key: Key,
    begun: Sequence[Begin] = (),
) -> Judgement:
    """Judge all deliveries of a period in the order in which they came, and integrate what passes.

    Args:
        terms: of the construction.
        name: of the agent.
        delivered: in this period.
        earlier: what was accepted in periods before.
        initial: initial weights by kind.
        key: of the cloud server, which signs the agent.
        begun: initial weights of all orders, in this period and before, where each has its own.
    """
    began = time.process_time()
    held = {kind: _held(terms, kind, earlier, initial[kind], begun) for kind in terms.kinds}
    examined = examine_all([(each.content, _wanted(each)) for each in delivered], held)
    ground = GROUNDS.find(terms.ground)
    tasks = ground.draw_tasks(min(terms.tasks, ground.most_tasks), TASK_SEED + terms.seed)
    found, agent = integrate_best(examined, held, tasks, key, name, ground.successes)
    spent = micro((time.process_time() - began) * terms.watts)
    judged = {each.edge.edge: _judged(one) for each, one in zip(delivered, found, strict=True)}
    built = {kind_of(module).name for module in agent.modules.values()}
    missing = tuple(kind for kind in terms.kinds if MODULES.find(kind).name not in built)
    if not agent.modules:
        return Judgement(judged, Integrated(None, None, missing, spent))
    manifests = [module.manifest for place in agent.modules for module in agent.parts(place)]
    parts = {manifest.author: manifest.digest for manifest in manifests}
    integrated = Integrated(agent.lock.digest, micro(agent.lock.acceptance), missing, spent, parts)
    return Judgement(judged, integrated, agent)


def _held(terms: Terms, name: str, earlier: Sequence[Delivered], initial: bytes, begun: Sequence[Begin]) -> Held:
    kind, apps = MODULES.find(name), GROUNDS.find(terms.ground).hidden
    hidden = kind.draw_data(apps, terms.examples, HIDDEN_SEED + terms.seed, "mixed")
    probe = kind.draw_data(apps, max(1, terms.examples // 2), PROBE_SEED + terms.seed, "mixed")
    curve = curves_of(terms).get(name)
    before = [(each.edge.edge, unpack(each.content)) for each in earlier if each.order.kind == name]
    outputs: dict[str, list[np.ndarray]] = {}
    for author, module in before:
        outputs.setdefault(author, []).append(kind.respond(module.weights, probe))
    return Held(
        hidden=hidden,
        probe=probe,
        initial=packed.unpack(initial)[0],
        least=_anything if curve is None else partial(curve.least, examples=terms.examples),
        delivered={module.manifest.digest for _, module in before},
        earlier=outputs,
        begun=[each for each in begun if each.kind == name],
    )


def _anything(rounds: int) -> float:
    """Where nothing is known of a kind, no quality is asked for."""
    return 0.0


def _wanted(each: Delivered) -> Wanted:
    return Wanted(each.edge.edge, each.order.name, each.order.kind, each.order.rounds, each.begin)


def _judged(one: Examined) -> Judged:
    quality = None if one.quality is None else micro(one.quality)
    return Judged(one.verdict, one.why[:500], quality)


def agent_path(folder: Path, name: str, period: int) -> Path:
    """The folder in which a cloud server keeps the agent of a period."""
    return folder / "agents" / f"{name}-{period}"
