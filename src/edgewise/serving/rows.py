"""A decision as it is kept."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass

from edgewise.common.packed import flat, pack
from edgewise.environments.service import Question, Service
from edgewise.serving.decide import Decision
from edgewise.serving.store import DecisionRow, SessionRow


@dataclass(frozen=True)
class Noted:
    """A question as it is kept.

    Attributes:
        observation, sha256: see `store.DecisionRow`.
        outside: what of the question is outside of what the policy was trained on.
    """

    observation: bytes
    sha256: str
    outside: list[str]


def noted(service: Service, question: Question) -> Noted:
    """A question of a service as it is kept."""
    observation = pack(flat(question.observation), {})
    return Noted(observation, hashlib.sha256(observation).hexdigest(), service.outside(question))


def in_order(time: float) -> str:
    """A name of 32 characters that nothing else has; those of later times come later, so that an index grows at its end.

    Args:
        time: s since 1970.
    """
    return f"{int(1e6 * time):016x}{secrets.token_hex(8)}"


def decision_row(session: SessionRow, request: str, question: Noted, decision: Decision) -> DecisionRow:
    """The row of a decision.

    Args:
        session: in which it was made.
        request: id of the request.
        question: what was asked.
        decision: what was answered.
    """
    return DecisionRow(
        id=in_order(session.time),
        time=session.time,
        session=session.id,
        system=session.system,
        model=session.model,
        policy=decision.policy,
        request=request,
        input_sha256=question.sha256,
        observation=question.observation,
        action=pack(flat(decision.action), {}),
        degraded=decision.degraded,
        outside="\n".join(question.outside),
        milliseconds=decision.milliseconds,
    )
