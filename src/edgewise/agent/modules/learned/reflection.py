"""Reflection: how an action went. Its quality is the reflection accuracy.

The network also says what it would have done before the action; whether that was done tells much.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from pydantic import BaseModel

from edgewise.agent.actions import DIRECTIONS, KINDS, Action
from edgewise.agent.modules.interfaces import OUTCOMES, Change, Decision, Reflected, Situation
from edgewise.agent.modules.learned import texts as typing_texts
from edgewise.agent.modules.learned.action import text_arrays, text_scores, text_shapes
from edgewise.agent.modules.learned.choices import GLOBALS, choices, place_of
from edgewise.agent.modules.learned.encode import Room, encode, one_hot
from edgewise.agent.modules.learned.kind import PhoneKind, several
from edgewise.agent.modules.learned.moments import Moment
from edgewise.agent.modules.learned.network import NEVER, chosen, chosen_shapes, read, trunk_shapes
from edgewise.agent.modules.learned.text import same
from edgewise.agent.modules.learned.texts import CANDIDATES, candidates
from edgewise.construction.kind import Data, Name, Weights
from edgewise.construction.modules.learned import ANSWER, rightly

CHANGE_FACTS = 8 + len(KINDS) + len(DIRECTIONS) + CANDIDATES + 2
"""Values of a change."""
JUDGED = 3
"""Values that the outcome is judged by beside what was seen: of the choice and of the text, how much they were to be expected."""


def change_arrays(change: Change, room: Room) -> Data:
    """Arrays of an action and what has changed."""
    action, before, after = change.action, change.before, change.after
    typed = _typed(action, before)
    place = _place(action, room, before)
    share = change.changed
    same_items = len(before.screen.items) == len(after.items)
    facts = [
        float(share == 0),
        float(share < 1e-3),
        math.log10(max(share, 1e-5)) / 5 + 1,
        float(before.screen.app == after.app),
        float(before.screen.title == after.title),
        float(before.screen.keyboard == after.keyboard),
        float(same_items),
        float(bool(after.title) and any(same(after.title, each.text) for each in before.screen.items)),
        *one_hot(KINDS.index(action.kind), len(KINDS)),
        *one_hot(None if action.direction is None else DIRECTIONS.index(action.direction), len(DIRECTIONS)),
        *one_hot(typed, CANDIDATES),
        float(action.clear),
        float(place is None),
    ]
    made = np.zeros(choices(room.items), bool)
    if place is not None:
        made[place] = True
    texts = np.zeros(2 * CANDIDATES, bool)
    if typed is not None:
        texts[typing_texts.place_of(typed, action.clear)] = True
    return {"change": np.array(facts, np.float16), "made": made, "typed": texts}


def _typed(action: Action, before: Situation) -> int | None:
    """The place of the text that was typed."""
    texts = candidates(before)
    return texts.index(action.text) if action.kind == "type" and action.text in texts and action.text else None


def _place(action: Action, room: Room, before: Situation) -> int | None:
    app = action.text if action.kind == "open_app" else ""
    decision = Decision(kind=action.kind, item=action.item, direction=action.direction, key=action.key, app=app)
    return place_of(decision, room.items, before)


@dataclass(frozen=True)
class PhoneReflection(PhoneKind):
    """Three outcomes; and what would have been right, which is learned along."""

    request: type[BaseModel] = Change
    answering: type[BaseModel] = Reflected

    @property
    def name(self) -> Name:
        return "reflection"

    def shapes(self) -> dict[str, tuple[int, ...]]:
        width = self.width
        return (
            trunk_shapes(width)
            | chosen_shapes(width, GLOBALS)
            | text_shapes(width)
            | {
                "judge_change": (CHANGE_FACTS, width),
                "judge_likely": (JUDGED, width),
                "judge_item": (width, width),
                "judge_state": (width, width),
                "judge_asked": (width, width),
                "judge_bias": (width,),
                "judge": (width, len(OUTCOMES)),
            }
        )

    def scores(self, weights: Mapping[str, Array], inputs: Mapping[str, Array]) -> Float[Array, "n 3 c"]:
        found = read(weights, inputs)
        would = chosen(weights, inputs, found)
        texts = text_scores(weights, inputs, found).reshape(len(would), -1)
        likely = jnp.stack([*_likely(would, inputs["made"]), _likely(texts, inputs["typed"])[0]], axis=-1)
        room = inputs["there"].shape[1]
        touched = inputs["made"][:, :room] | inputs["made"][:, room : 2 * room]
        item = (found.items * touched[..., None]).sum(1)
        hidden = (
            inputs["change"].astype(jnp.float32) @ weights["judge_change"]
            + likely @ weights["judge_likely"]
            + item @ weights["judge_item"]
            + found.state @ weights["judge_state"]
            + found.asked @ weights["judge_asked"]
            + weights["judge_bias"]
        )
        outcome = jax.nn.relu(hidden) @ weights["judge"]
        return jnp.stack([_wide(outcome, would.shape[1]), would, _wide(texts, would.shape[1])], axis=1)

    def situation(self, request: Change) -> Situation:
        return request.before

    def arrays(self, request: Change, room: Room, salt: str = "") -> Data:
        return encode(request.before, room, salt) | text_arrays(request.before, room) | change_arrays(request, room)

    def example(self, moment: Moment, room: Room) -> Data | None:
        if moment.change is None:
            return None
        count = choices(room.items)
        answer = np.stack(
            [
                several([OUTCOMES.index(moment.outcome)], count),
                several(moment.right, count),
                several(moment.texts, count),
            ]
        )
        return self.arrays(moment.change, room, moment.salt) | {ANSWER: answer}

    def right(self, request: Change, answer: Reflected, room: Room) -> np.ndarray:
        count = choices(room.items)
        return np.stack([several([OUTCOMES.index(answer.outcome)], count), several([], count), several([], count)])

    def evaluate(self, weights: Weights, data: Data) -> float:
        return float(np.mean(rightly(self.respond(weights, data)[:, :1], data[ANSWER][:, :1])))

    def decode(self, request: Change, choices: np.ndarray, confidence: np.ndarray) -> Any:
        return Reflected(outcome=OUTCOMES[int(choices[0])], confidence=min(1.0, float(confidence[0])))


def _likely(scores: Array, made: Array) -> tuple[Array, Array]:
    """How far what was done is from what is likeliest, in logarithms of probabilities, and its probability; zeros for nothing."""
    logs = jax.nn.log_softmax(scores)
    of_it = jnp.where(made, logs, 0.0).sum(-1)
    behind = jnp.clip(jnp.where(made.any(-1), of_it - logs.max(-1), 0.0), LOWEST, 0.0)
    return behind, jnp.where(made.any(-1), jnp.exp(jnp.clip(of_it, LOWEST, 0.0)), 0.0)


LOWEST = -12.0
"""Logarithm of a probability below which it makes no difference how low it is."""


def _wide(scores: Array, choices: int) -> Array:
    return jnp.pad(scores, ((0, 0), (0, choices - scores.shape[1])), constant_values=NEVER)


PHONE_REFLECTION = PhoneReflection(width=36)
