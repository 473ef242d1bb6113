"""Decision: what to do next, and to what. Its quality is the decision accuracy without texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Array, Float
from pydantic import BaseModel

from edgewise.agent.modules.interfaces import Decision, Situation
from edgewise.agent.modules.learned.choices import GLOBALS, choices, decision_of, place_of
from edgewise.agent.modules.learned.encode import Room, encode, room_for
from edgewise.agent.modules.learned.kind import PhoneKind, several
from edgewise.agent.modules.learned.moments import Moment
from edgewise.agent.modules.learned.network import chosen, chosen_shapes, read, trunk_shapes
from edgewise.common.errors import ConfigurationError
from edgewise.construction.kind import Data, Name
from edgewise.construction.modules.learned import ANSWER


@dataclass(frozen=True)
class PhoneDecision(PhoneKind):
    """Attention of what is due in the instruction over items, and over what can be done on the whole."""

    request: type[BaseModel] = Situation
    answering: type[BaseModel] = Decision

    @property
    def name(self) -> Name:
        return "decision"

    def shapes(self) -> dict[str, tuple[int, ...]]:
        return trunk_shapes(self.width) | chosen_shapes(self.width, GLOBALS)

    def scores(self, weights: Mapping[str, Array], inputs: Mapping[str, Array]) -> Float[Array, "n 1 c"]:
        return chosen(weights, inputs, read(weights, inputs))[:, None]

    def situation(self, request: Situation) -> Situation:
        return request

    def arrays(self, request: Situation, room: Room, salt: str = "") -> Data:
        return encode(request, room, salt)

    def examples(self, moment: Moment, room: Room) -> Sequence[Data]:
        answer = several(moment.right, choices(room.items))[None]
        return (encode(moment.after, room, moment.salt) | {ANSWER: answer},)

    def right(self, request: Situation, answer: Decision, room: Room) -> np.ndarray:
        place = place_of(answer, room.items, request)
        if place is None or (answer.item is not None and answer.item >= len(request.screen.items)):
            raise ConfigurationError("decision", answer.kind, "one that can be chosen in the situation")
        return several([place], choices(room.items))[None]

    def decode(self, request: Situation, choices: np.ndarray, confidence: np.ndarray) -> Any:
        return decision_of(int(choices[0]), room_for(request).items, request, float(confidence[0]))


PHONE_DECISION = PhoneDecision()
