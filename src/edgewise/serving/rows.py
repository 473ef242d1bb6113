"""A decision as it is kept."""

from __future__ import annotations

import hashlib
import uuid

from edgewise.common.packed import flat, pack
from edgewise.environments.service import Question
from edgewise.serving.decide import Decision
from edgewise.serving.store import DecisionRow, SessionRow


def decision_row(
    session: SessionRow, request: str, question: Question, decision: Decision, outside: list[str]
) -> DecisionRow:
    """The row of a decision.

    Args:
        session: in which it was made.
        request: id of the request.
        question: what was asked.
        decision: what was answered.
        outside: what of the question is outside of what the policy was trained on.
    """
    observation = pack(flat(question.observation), {})
    return DecisionRow(
        id=uuid.uuid4().hex,
        time=session.time,
        session=session.id,
        system=session.system,
        model=session.model,
        policy=decision.policy,
        request=request,
        input_sha256=hashlib.sha256(observation).hexdigest(),
        observation=observation,
        action=pack(flat(decision.action), {}),
        degraded=decision.degraded,
        outside="\n".join(outside),
        milliseconds=decision.milliseconds,
    )
