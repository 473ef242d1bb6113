"""Action: the text that a decision to type needs, and whether the field is cleared. Its quality is the share of right texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from pydantic import BaseModel

from edgewise.agent.actions import Action
from edgewise.agent.modules.interfaces import Decision, Intent, Situation
from edgewise.agent.modules.learned.encode import Room, encode, one_hot
from edgewise.agent.modules.learned.kind import PhoneKind, several
from edgewise.agent.modules.learned.moments import Moment
from edgewise.agent.modules.learned.network import NEVER, Read, read, trunk_shapes
from edgewise.agent.modules.learned.text import read_instruction, same
from edgewise.agent.modules.learned.texts import CANDIDATES, candidates, place_of
from edgewise.common.errors import ConfigurationError, EdgewiseError
from edgewise.construction.kind import Data, Name
from edgewise.construction.modules.learned import ANSWER

TEXT_FACTS = CANDIDATES + 3
"""Values of a text."""


def text_arrays(situation: Situation, room: Room) -> Data:
    """Arrays of the texts that can be typed: which there are, what is known of them, the words that each stands among."""
    asked = read_instruction(situation.instruction)
    texts = candidates(situation)
    field = next((each for each in situation.screen.items if each.focused), None)
    facts, among = [], np.zeros((CANDIDATES, room.words), np.float16)
    for place, text in enumerate(texts):
        filled = field is not None and bool(text) and same(field.text, text)
        facts.append(
            [*one_hot(place if text else None, CANDIDATES), float(filled), float(bool(field and field.text)), 1.0]
        )
    for place in range(len(asked.quotes)):
        inside = [where for where, quote in enumerate(asked.quote[: room.words]) if quote == place]
        if inside:
            among[place, inside] = 1 / len(inside)
    return {
        "text_there": np.array([bool(each) for each in texts]),
        "text_facts": np.array(facts, np.float16),
        "text_words": among,
        "focused": np.array(
            [each.focused for each in situation.screen.items[: room.items]]
            + [False] * max(0, room.items - len(situation.screen.items))
        ),
    }


def text_shapes(width: int) -> dict[str, tuple[int, ...]]:
    """Shapes of the weights that `text_scores` takes."""
    square = (width, width)
    return {
        "text_facts": (TEXT_FACTS, width),
        "text_words": square,
        "text_field": square,
        "text_state": square,
        "text_asked": square,
        "text_seen": (2 * width, width),
        "text_bias": (width,),
        "text": (width, 2),
    }


def text_scores(weights: Mapping[str, Array], inputs: Mapping[str, Array], found: Read) -> Float[Array, "n t 2"]:
    """Scores of the texts, as they are and with clearing the field first."""
    texts = inputs["text_facts"].astype(jnp.float32) @ weights["text_facts"]
    words = jnp.einsum("ntl,nlw->ntw", inputs["text_words"].astype(jnp.float32), found.words)
    field = (found.items * inputs["focused"][..., None]).sum(1)
    stands = field @ weights["text_field"] + found.state @ weights["text_state"] + found.asked @ weights["text_asked"]
    stands = stands + found.seen @ weights["text_seen"] + weights["text_bias"]
    hidden = jax.nn.relu(texts + words @ weights["text_words"] + stands[:, None])
    return jnp.where(inputs["text_there"][..., None], hidden @ weights["text"], NEVER)


@dataclass(frozen=True)
class PhoneAction(PhoneKind):
    """A choice among quoted texts and facts; every action but typing is whole without it."""

    request: type[BaseModel] = Intent
    answering: type[BaseModel] = Action

    @property
    def name(self) -> Name:
        return "action"

    @property
    def typing(self) -> bool:
        return True

    def shapes(self) -> dict[str, tuple[int, ...]]:
        return trunk_shapes(self.width) | text_shapes(self.width)

    def scores(self, weights: Mapping[str, Array], inputs: Mapping[str, Array]) -> Float[Array, "n 1 c"]:
        scores = text_scores(weights, inputs, read(weights, inputs))
        return scores.reshape(len(scores), 1, -1)

    def situation(self, request: Intent) -> Situation:
        return request.situation

    def arrays(self, request: Intent, room: Room, salt: str = "") -> Data:
        return encode(request.situation, room, salt) | text_arrays(request.situation, room)

    def examples(self, moment: Moment, room: Room) -> Sequence[Data]:
        if not moment.texts:
            return ()
        arrays = encode(moment.after, room, moment.salt) | text_arrays(moment.after, room)
        return (arrays | {ANSWER: several(moment.texts, 2 * CANDIDATES)[None]},)

    def right(self, request: Intent, answer: Action, room: Room) -> np.ndarray:
        texts = candidates(request.situation)
        if answer.kind != "type" or answer.text not in texts or not answer.text:
            allowed = (
                "one that the instruction quotes or a fact" if answer.kind == "type" else "of an action that types"
            )
            raise ConfigurationError("text", answer.text[:80], allowed)
        return several([place_of(texts.index(answer.text), answer.clear)], 2 * CANDIDATES)[None]

    def decode(self, request: Intent, choices: np.ndarray, confidence: np.ndarray) -> Any:
        if request.decision.kind != "type":
            return whole_action(request)
        text, clear = candidates(request.situation)[int(choices[0]) // 2], bool(choices[0] % 2)
        if not text:
            raise EdgewiseError("nothing to type: the instruction quotes nothing, and no fact is kept")
        return Action(kind="type", item=request.decision.item, text=text, clear=clear)


def whole_action(intent: Intent) -> Action:
    """The action of a decision that needs no text."""
    made: Decision = intent.decision
    if made.kind in ("answer", "ask_user"):
        facts = intent.situation.facts
        return Action(kind=made.kind, text=facts[-1].text if facts else intent.situation.instruction)
    if made.kind == "swipe":
        return Action(kind="scroll", direction=made.direction or "down", item=made.item)
    return Action(
        kind=made.kind,
        item=made.item,
        text=made.app if made.kind == "open_app" else "",
        direction=made.direction,
        key=made.key,
        outcome=None if made.kind != "finish" else "infeasible" if made.infeasible else "success",
    )


PHONE_ACTION = PhoneAction()
