"""Planning: how many subgoals are finished, and whether all are. Its quality is the planning accuracy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from pydantic import BaseModel

from edgewise.agent.modules.interfaces import SUBGOALS, Plan, Situation
from edgewise.agent.modules.learned.encode import Room, encode
from edgewise.agent.modules.learned.kind import PhoneKind, several
from edgewise.agent.modules.learned.moments import Moment
from edgewise.agent.modules.learned.network import NEVER, read, trunk_shapes, whole, whole_shapes
from edgewise.common.errors import ConfigurationError
from edgewise.construction.kind import Data, Name
from edgewise.construction.modules.learned import ANSWER

FURTHER = (0, 1, 2, -1)
"""Subgoals that can be found finished at a time; the last says that one of those that were told is not."""


@dataclass(frozen=True)
class PhonePlanning(PhoneKind):
    """Two choices: how many more subgoals are finished, and whether the task is done."""

    request: type[BaseModel] = Situation
    answering: type[BaseModel] = Plan

    @property
    def name(self) -> Name:
        return "planning"

    def shapes(self) -> dict[str, tuple[int, ...]]:
        return trunk_shapes(self.width) | whole_shapes(self.width, "plan", len(FURTHER) + 2)

    def scores(self, weights: Mapping[str, Array], inputs: Mapping[str, Array]) -> Float[Array, "n 2 c"]:
        found = whole(weights, "plan", read(weights, inputs))
        nothing = jnp.full((len(found), len(FURTHER) - 2), NEVER)
        done = jnp.concatenate([found[:, len(FURTHER) :], nothing], axis=-1)
        return jnp.stack([found[:, : len(FURTHER)], done], axis=1)

    def situation(self, request: Situation) -> Situation:
        return request

    def arrays(self, request: Situation, room: Room, salt: str = "") -> Data:
        return encode(request, room, salt)

    def examples(self, moment: Moment, room: Room) -> Sequence[Data]:
        answer = _answer(moment.after.finished - moment.before.finished, moment.done)
        example = encode(moment.before, room, moment.salt) | {ANSWER: answer}
        aside = moment.aside
        if aside is None or not aside.spoilt:
            return (example,)
        further = _answer(aside.finished - aside.after.finished, aside.done)
        return example, encode(aside.after, room, moment.salt) | {ANSWER: further}

    def right(self, request: Situation, answer: Plan, room: Room) -> np.ndarray:
        further = answer.finished - request.finished
        if further not in FURTHER:
            allowed = f"{request.finished + min(FURTHER)} to {request.finished + max(FURTHER)}"
            raise ConfigurationError("finished", answer.finished, allowed)
        return _answer(further, answer.done)

    def decode(self, request: Situation, choices: np.ndarray, confidence: np.ndarray) -> Any:
        finished = min(SUBGOALS, max(0, request.finished + FURTHER[int(choices[0])]))
        return Plan(finished=finished, done=bool(choices[1]), confidence=min(1.0, float(confidence.min())))


def _answer(further: int, done: bool) -> np.ndarray:
    place = FURTHER.index(min(max(FURTHER), max(min(FURTHER), further)))
    return np.stack([several([place], len(FURTHER)), several([int(done)], len(FURTHER))])


PHONE_PLANNING = PhonePlanning()
