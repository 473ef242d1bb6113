"""Decision by hints: cards that a language model writes about an edge server's examples; plain data, no network of its own."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from edgewise.common.chat import ChatClient, endpoint_named, said_in
from edgewise.common.endpoint_key import find_key
from edgewise.common.errors import ConfigurationError, check_integer
from edgewise.construction.kind import Answering, Data, ModuleKind, Name, Weights
from edgewise.construction.modules.decision import DECISION, Choice, draw_choice
from edgewise.construction.modules.learned import ANSWER, examples_in
from edgewise.construction.modules.words import FEATURES, text_features

ROOM = 4096
"""Bytes of an example's text in an array of examples."""
MOST_CARDS = 5_000
"""Cards of a module: far more than a thousand rounds write."""
SHARPNESS = 8.0
"""How much better an element must fit to be nearly sure."""
INSTRUCTION = (
    "You write hints for an assistant that operates a telephone. You get examples in JSON: what a user wished, and the "
    "label of the element that was used for it. For each example answer with the few words of the wish that told which "
    'element was meant, and the label. Answer with nothing but a JSON list: [{"words": "...", "label": "..."}, ...].'
)


class Card(BaseModel):
    """A hint: which words ask for which element."""

    model_config = ConfigDict(extra="forbid")
    words: Annotated[str, Field(min_length=1, max_length=200)]
    label: Annotated[str, Field(min_length=1, max_length=200)]


CARDS = TypeAdapter(list[Card])


@dataclass(frozen=True)
class Hints(ModuleKind):
    """A kind for the place of decision whose round asks a model about some examples, and keeps the cards that it writes.

    The endpoint sees the examples that it is asked about: take one of your own machine or one that may see them. Its quality
    is the decision accuracy, as of the learned kind.

    Attributes:
        asked: examples of a round.
    """

    asked: int = 8

    def __post_init__(self) -> None:
        check_integer("asked", self.asked, 1, 100)

    @property
    def name(self) -> Name:
        return DECISION.name

    @property
    def interface(self) -> int:
        return DECISION.interface

    @property
    def inputs(self) -> dict[str, Any]:
        return DECISION.inputs

    @property
    def outputs(self) -> dict[str, Any]:
        return DECISION.outputs

    @property
    def learned(self) -> bool:
        return False

    def draw_data(self, apps: tuple[str, ...], examples: int, seed: int, language: str) -> Data:
        DECISION.draw_data(apps, 1, seed, language)  # the same is allowed
        check_integer("examples", examples, 1)
        rng = np.random.default_rng(seed)
        return _data([draw_choice(language, rng) for _ in range(examples)])

    def data_from(self, folder: Path) -> Data:
        return _data([(choice, answer.element) for choice, answer in examples_in(folder, DECISION)])

    def initial(self, seed: int) -> Weights:
        return _weights([])

    def train_round(self, weights: Weights, data: Data, seed: int) -> tuple[Weights, dict[str, float]]:
        """One round: ask the model about some examples.

        Raises:
            EdgewiseError: if no endpoint is named, it cannot be reached, or it refuses.
        """
        began = time.process_time()
        chosen = np.random.default_rng(seed).choice(
            len(data[ANSWER]), min(self.asked, len(data[ANSWER])), replace=False
        )
        examples = []
        for row in chosen:
            choice = _choice(data["request"][row])
            element = choice.elements[int(data[ANSWER][row, 0])]
            examples.append({"wish": choice.wish, "label": element.label or element.function})
        told = read_cards(_ask(examples))
        cards = _cards(weights)
        known = {(card.words, card.label) for card in cards}
        cards += [card for card in told if (card.words, card.label) not in known]
        figures = {
            "loss": 1 - min(len(told), len(examples)) / len(examples),
            "examples": float(len(examples)),
            "cpu_seconds": time.process_time() - began,
        }
        return _weights(cards[:MOST_CARDS]), figures

    def evaluate(self, weights: Weights, data: Data) -> float:
        return float(np.mean(self.respond(weights, data).argmax(-1) == data[ANSWER]))

    def respond(self, weights: Weights, data: Data) -> np.ndarray:
        """Probabilities [n, 1, elements]."""
        table = _Table(_cards(weights))
        return np.stack([table.chances(_choice(text)) for text in data["request"]])[:, None, :]

    def load(self, weights: Weights) -> Answering:
        table = _Table(_cards(weights))

        def answer(request: Mapping[str, Any]) -> dict[str, Any]:
            asked = DECISION.read_request(request)
            chances = table.chances(asked)[None]
            return DECISION.decode(asked, chances.argmax(-1), chances.max(-1))

        return answer


class _Table:
    """Cards as arrays.

    Args:
        cards: any number.
    """

    def __init__(self, cards: Sequence[Card]) -> None:
        self.words = np.array([text_features(card.words) for card in cards]).reshape(-1, FEATURES)
        self.labels = np.array([text_features(card.label) for card in cards]).reshape(-1, FEATURES)

    def chances(self, choice: Choice) -> np.ndarray:
        """Probabilities of the elements, zero behind the last: how well a card fits wish and element both, at best."""
        fit = np.zeros(len(choice.elements))
        if len(self.words):
            wish = self.words @ text_features(choice.wish) / FEATURES
            for place, each in enumerate(choice.elements):
                shown = text_features(each.label or each.function)
                fit[place] = (wish * (self.labels @ shown / FEATURES)).max()
        parts = np.exp(SHARPNESS * (fit - fit.max()))
        chances = np.zeros(DECISION.encode(choice)["there"].shape)
        chances[: len(parts)] = parts / parts.sum()
        return chances


def read_cards(said: str) -> list[Card]:
    """The cards of a model's answer; none of an answer that holds no list of them."""
    found = re.search(r"\[.*\]", said, re.DOTALL)
    try:
        return CARDS.validate_json(found[0]) if found else []
    except ValidationError:
        return []


def _ask(examples: list[dict[str, str]]) -> str:
    """What the model says about examples."""
    body = {
        "temperature": 0,
        "messages": [
            {"role": "system", "content": INSTRUCTION},
            {"role": "user", "content": json.dumps(examples, ensure_ascii=False)},
        ],
    }
    with ChatClient(endpoint_named(), find_key()) as client:
        return said_in(client.complete(body))


def _data(examples: Sequence[tuple[Choice, int]]) -> Data:
    texts = [choice.model_dump_json().encode()[:ROOM].ljust(ROOM) for choice, _ in examples]
    return {
        "request": np.stack([np.frombuffer(text, np.uint8) for text in texts]),
        ANSWER: np.array([[right] for _, right in examples], np.int32),
    }


def _choice(text: np.ndarray) -> Choice:
    try:
        return Choice.model_validate_json(text.tobytes())
    except ValidationError:
        raise ConfigurationError("request", text.tobytes()[:80], f"a request of at most {ROOM} bytes") from None


def _weights(cards: Sequence[Card]) -> Weights:
    text = json.dumps([card.model_dump() for card in cards], ensure_ascii=False).encode()
    return {"cards": np.frombuffer(text, np.uint8)}


def _cards(weights: Weights) -> list[Card]:
    """The cards of a module.

    Raises:
        ConfigurationError: if weights are no list of cards.
    """
    array = weights.get("cards")
    if len(weights) != 1 or array is None or array.dtype != np.uint8 or array.ndim != 1:
        raise ConfigurationError("hints weights", sorted(weights), "cards, bytes of JSON")
    try:
        cards = CARDS.validate_json(array.tobytes())
    except ValidationError as error:
        raise ConfigurationError("cards", str(error.errors()[0]["loc"]), "a list of words and labels") from None
    check_integer("cards", len(cards), 0, MOST_CARDS)
    return cards


HINTS = Hints()
