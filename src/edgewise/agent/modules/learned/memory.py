"""Memory: which text of a display is needed later. Its quality is the share of displays of which what it keeps is right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from pydantic import BaseModel

from edgewise.agent.modules.interfaces import Fact, Kept, Situation
from edgewise.agent.modules.learned.encode import Room, encode, room_for
from edgewise.agent.modules.learned.kind import PhoneKind, several
from edgewise.agent.modules.learned.moments import Moment
from edgewise.agent.modules.learned.network import NEVER, read, trunk_shapes, whole, whole_shapes
from edgewise.common.errors import ConfigurationError
from edgewise.construction.kind import Data, Name
from edgewise.construction.modules.learned import ANSWER


@dataclass(frozen=True)
class PhoneMemory(PhoneKind):
    """A choice among the items, or none of them."""

    request: type[BaseModel] = Situation
    answering: type[BaseModel] = Kept

    @property
    def name(self) -> Name:
        return "memory"

    def shapes(self) -> dict[str, tuple[int, ...]]:
        return trunk_shapes(self.width) | {"keep": (self.width, 1)} | whole_shapes(self.width, "nothing", 1)

    def scores(self, weights: Mapping[str, Array], inputs: Mapping[str, Array]) -> Float[Array, "n 1 c"]:
        found = read(weights, inputs)
        items = jnp.where(inputs["there"], (found.items @ weights["keep"])[..., 0], NEVER)
        return jnp.concatenate([items, whole(weights, "nothing", found)], axis=-1)[:, None]

    def situation(self, request: Situation) -> Situation:
        return request

    def arrays(self, request: Situation, room: Room, salt: str = "") -> Data:
        return encode(request, room, salt)

    def examples(self, moment: Moment, room: Room) -> Sequence[Data]:
        kept = [each for each in moment.kept if each < room.items]
        answer = several(kept or [room.items], room.items + 1)[None]
        return (encode(moment.before, room, moment.salt) | {ANSWER: answer},)

    def right(self, request: Situation, answer: Kept, room: Room) -> np.ndarray:
        if answer.item is not None and answer.item >= len(request.screen.items):
            raise ConfigurationError("item", answer.item, f"below {len(request.screen.items)}")
        return several([room.items if answer.item is None else answer.item], room.items + 1)[None]

    def decode(self, request: Situation, choices: np.ndarray, confidence: np.ndarray) -> Any:
        place, sure = int(choices[0]), min(1.0, float(confidence[0]))
        if place == room_for(request).items:
            return Kept(confidence=sure)
        item = request.screen.items[place]
        fact = Fact(text=item.text or item.detail or item.label, source=request.screen.title)
        return Kept(fact=fact, item=place, confidence=sure)


PHONE_MEMORY = PhoneMemory()
