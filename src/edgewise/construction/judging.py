"""What the cloud server makes of the deliveries of a period: verdicts, and an agent of what passes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from edgewise.construction.artefact import Refused, unpack
from edgewise.construction.books import ACCEPTED, Edge, Integrated, Judged, micro
from edgewise.construction.kind import MODULES
from edgewise.construction.order import Order
from edgewise.construction.terms import Terms


@dataclass(frozen=True)
class Delivered:
    """A module that has come.

    Attributes:
        edge: from whom.
        order: what for.
        content: its file, from anyone.
    """

    edge: Edge
    order: Order
    content: bytes = field(repr=False)


@dataclass(frozen=True)
class Judgement:
    """What becomes of a period.

    Attributes:
        judged: verdict by public key.
        integrated: the agent.
    """

    judged: dict[str, Judged]
    integrated: Integrated


def logged(content: bytes) -> tuple[int | None, float | None]:
    """Rounds and CPU time (s) of a module's own log; None for what is no module."""
    try:
        manifest = unpack(content).manifest
    except Refused:
        return None, None
    return len(manifest.rounds), manifest.cpu_seconds


def judge(folder: Path, terms: Terms, name: str, period: int, delivered: Sequence[Delivered]) -> Judgement:
    """Judge all deliveries of a period, and integrate what passes."""
    judged = {each.edge.edge: _judged(terms, each) for each in delivered}
    return Judgement(judged, Integrated(None))


def _judged(terms: Terms, each: Delivered) -> Judged:
    try:
        module = unpack(each.content)
    except Refused as refused:
        return Judged(refused.verdict, refused.why)
    if module.manifest.order != each.order.name:
        return Judged("replayed", "was built for another order")
    kind = MODULES.find(each.order.kind)
    hidden = kind.draw_data(("hidden",), terms.examples, 1_000_000 + terms.seed, "mixed")
    return Judged(ACCEPTED, "", micro(kind.evaluate(module.weights, hidden)))
