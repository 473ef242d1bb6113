"""Reflection: how an action went. Its quality is the reflection accuracy.

The network also says what it would have done before the action; whether that was done tells much.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, UInt8
from pydantic import BaseModel

from edgewise.agent.actions import DIRECTIONS, KINDS, Action
from edgewise.agent.modules.interfaces import OUTCOMES, Change, Decision, Reflected, Situation
from edgewise.agent.modules.learned import texts as typing_texts
from edgewise.agent.modules.learned.action import text_arrays, text_scores, text_shapes
from edgewise.agent.modules.learned.choices import GLOBALS, choices, place_of
from edgewise.agent.modules.learned.encode import FEW_ITEMS, WHOLE, Room, encode, named_in, one_hot, page_pieces
from edgewise.agent.modules.learned.kind import PhoneKind, several
from edgewise.agent.modules.learned.moments import Moment
from edgewise.agent.modules.learned.network import HEADS, NEVER, chosen, chosen_shapes, looked_up, read, trunk_shapes
from edgewise.agent.modules.learned.text import Instruction, read_instruction, said, same
from edgewise.agent.modules.learned.texts import CANDIDATES, candidates
from edgewise.construction.kind import Data, Name, Weights
from edgewise.construction.modules.learned import ANSWER, rightly

CHANGE_FACTS = 8 + len(KINDS) + len(DIRECTIONS) + CANDIDATES + 2 + 15
"""Values of a change."""
JUDGED = 3
"""Values that the outcome is judged by beside what was seen: of the choice and of the text, how much they were to be expected."""


def change_arrays(change: Change, room: Room, salt: str = "") -> Data:
    """Arrays of an action and what has changed; salt as of `encode.encode`."""
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
        *_reached_facts(change),
    ]
    made = np.zeros(choices(room.items), bool)
    if place is not None:
        made[place] = True
    texts = np.zeros(2 * CANDIDATES, bool)
    if typed is not None:
        texts[typing_texts.place_of(typed, action.clear)] = True
    asked = read_instruction(before.instruction)
    shown = [{each.text for each in screen.items} for screen in (before.screen, after)]
    return {
        "change": np.array(facts, np.float16),
        "made": made,
        "typed": texts,
        "after_pieces": np.array(page_pieces(after, salt), np.int16),
        "after_match": np.stack(
            [
                named_in(asked, after.title, room.words),
                _most_named(asked, shown[1] - shown[0], room.words),
                _most_named(asked, shown[0] - shown[1], room.words),
            ]
        ),
    }


def _most_named(asked: Instruction, texts: set[str], room: int) -> UInt8[np.ndarray, " l"]:
    """How alike the words of an instruction are to the texts that come nearest."""
    found = [np.zeros(room, np.uint8), *(named_in(asked, each, room) for each in texts)]
    return np.max(found, axis=0)


def _reached_facts(change: Change) -> tuple[float, ...]:
    """What the page that an action has led to says of it."""
    action, before, after = change.action, change.before, change.after
    items = before.screen.items
    touched = None if action.item is None or action.item >= len(items) else items[action.item]
    label = "" if touched is None else touched.text
    asked = read_instruction(before.instruction)
    again = next((each for each in after.items if touched is not None and same(each.text, touched.text)), None)
    checked = (None if touched is None else touched.checked, None if again is None else again.checked)
    typed = action.text if action.kind == "type" else ""
    return (
        float(same(after.title, label)),
        said(asked.words, after.title)[1],
        float(any(same(after.title, each) for each in asked.quotes)),
        float(any(same(after.title, each.text) for each in before.facts)),
        float(any(same(each.text, typed) for each in items)),
        float(any(same(each.text, typed) for each in after.items)),
        float(any(each.focused for each in after.items)),
        float(after.keyboard),
        *(float(each is value) for each in checked for value in (True, False)),
        float(len(after.items) <= FEW_ITEMS),
        float(len(after.items) > len(items)),
        float(len(after.items) < len(items)),
    )


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

    @property
    def views(self) -> int:
        return 2

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
                "judge_page": (width, width),
                "judge_match": (3 * HEADS, width),
                "judge_bias": (width,),
                "judge_2": (width, width),
                "judge_2_bias": (width,),
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
        matched = jnp.einsum("nql,nlk->nqk", inputs["after_match"].astype(jnp.float32) / WHOLE, found.due)
        hidden = (
            inputs["change"].astype(jnp.float32) @ weights["judge_change"]
            + likely @ weights["judge_likely"]
            + item @ weights["judge_item"]
            + found.state @ weights["judge_state"]
            + found.asked @ weights["judge_asked"]
            + looked_up(weights["item_table"], inputs["after_pieces"]) @ weights["judge_page"]
            + matched.reshape(len(matched), -1) @ weights["judge_match"]
            + weights["judge_bias"]
        )
        hidden = jax.nn.relu(hidden)
        hidden = jax.nn.relu(hidden @ weights["judge_2"] + weights["judge_2_bias"]) + hidden
        outcome = hidden @ weights["judge"]
        return jnp.stack([_wide(outcome, would.shape[1]), would, _wide(texts, would.shape[1])], axis=1)

    def situation(self, request: Change) -> Situation:
        return request.before

    def arrays(self, request: Change, room: Room, salt: str = "") -> Data:
        return (
            encode(request.before, room, salt) | text_arrays(request.before, room) | change_arrays(request, room, salt)
        )

    def examples(self, moment: Moment, room: Room) -> Sequence[Data]:
        made = [] if moment.change is None else [(moment.change, moment.outcome)]
        made += [] if moment.aside is None else [(moment.aside.change, moment.aside.outcome)]
        count = choices(room.items)
        rest = [several(moment.right, count), several(moment.texts, count)]
        return [
            self.arrays(change, room, moment.salt)
            | {ANSWER: np.stack([several([OUTCOMES.index(outcome)], count), *rest])}
            for change, outcome in made
        ]

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
