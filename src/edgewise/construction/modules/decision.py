"""Decision: a wish and the elements of a screen to the element to use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from pydantic import BaseModel, ConfigDict, Field

from edgewise.common.errors import ConfigurationError
from edgewise.construction.kind import Data, Name
from edgewise.construction.modules.learned import ANSWER, NEVER, LearnedKind
from edgewise.construction.modules.perception import function_place
from edgewise.construction.modules.wishes import ELEMENTS, GESTURES, draw_screen, draw_wish
from edgewise.construction.modules.words import FEATURES, FUNCTIONS, Text, draw_languages, features, text_features


class Shown(BaseModel):
    """An element of a screen."""

    model_config = ConfigDict(extra="forbid")
    label: Text = Field(default="", description="what stands on it")
    function: str = Field(default="", description="what its picture was taken for; empty if unknown")


class Choice(BaseModel):
    """A wish, and what can be used."""

    model_config = ConfigDict(extra="forbid")
    wish: Text
    elements: Annotated[list[Shown], Field(min_length=1, max_length=ELEMENTS)]


class Chosen(BaseModel):
    """What to use."""

    model_config = ConfigDict(extra="forbid")
    element: int = Field(ge=0, lt=ELEMENTS, description="place among the elements")
    confidence: float = Field(default=1.0, ge=0, le=1)


@dataclass(frozen=True)
class Decision(LearnedKind):
    """Attention of a wish over elements. Its quality is the decision accuracy: the share of right elements."""

    request: type[BaseModel] = Choice
    answering: type[BaseModel] = Chosen

    @property
    def name(self) -> Name:
        return "decision"

    def shapes(self) -> dict[str, tuple[int, ...]]:
        return {
            "wish": (FEATURES, self.width),
            "label": (FEATURES, self.width),
            "function": (len(FUNCTIONS), self.width),
        }

    def scores(self, weights: Mapping[str, Array], inputs: Mapping[str, Array]) -> Float[Array, "n 1 e"]:
        wish = inputs["wish"] @ weights["wish"]
        elements = inputs["label"] @ weights["label"] + inputs["function"] @ weights["function"]
        scores = jnp.einsum("nw,new->ne", wish, elements) / self.width**0.5
        return jnp.where(inputs["there"] > 0, scores, NEVER)[:, None, :]

    def encode(self, request: Choice) -> Data:
        spare = ELEMENTS - len(request.elements)
        return {
            "wish": text_features(request.wish),
            "label": features([each.label for each in request.elements] + [""] * spare),
            "function": one_hot([function_place(each.function) for each in request.elements] + [-1] * spare),
            "there": np.array([1.0] * len(request.elements) + [0.0] * spare, np.float32),
        }

    def encode_answer(self, request: Choice, answer: Chosen) -> np.ndarray:
        if answer.element >= len(request.elements):
            raise ConfigurationError("element", answer.element, f"below {len(request.elements)}")
        return np.array([answer.element])

    def decode(self, request: Choice, choices: np.ndarray, confidence: np.ndarray) -> dict[str, Any]:
        return {"element": int(choices[0]), "confidence": float(confidence[0])}

    def draw_examples(self, apps: tuple[str, ...], examples: int, rng: np.random.Generator, language: str) -> Data:
        rows = [self._drawn(language, rng) for _ in range(examples)]
        return {name: np.stack([row[name] for row in rows]) for name in rows[0]}

    def _drawn(self, language: str, rng: np.random.Generator) -> Data:
        request, right = draw_choice(language, rng)
        return self.encode(request) | {ANSWER: np.array([right], np.int32)}


def draw_choice(language: str, rng: np.random.Generator) -> tuple[Choice, int]:
    """A wish with the elements of a screen, and the place of the right one.

    Args:
        language: of most users; see `words.LANGUAGES`, or "mixed".
        rng: of all.
    """
    wanted, gesture = int(rng.integers(len(FUNCTIONS))), int(rng.integers(len(GESTURES)))
    spoken = draw_languages(language, 1, rng)[0]
    screen = draw_screen(spoken, int(rng.integers(4, ELEMENTS + 1)), rng, wanted)
    shown = [
        Shown(label=each.label, function="" if each.perceived < 0 else FUNCTIONS[each.perceived]) for each in screen
    ]
    right = next(place for place, each in enumerate(screen) if each.function == wanted)
    return Choice(wish=draw_wish(wanted, gesture, spoken, rng), elements=shown), right


def one_hot(places: list[int]) -> Float[np.ndarray, "n f"]:
    """Functions as vectors; zeros for one that is unknown."""
    return np.stack([np.arange(len(FUNCTIONS)) == place for place in places]).astype(np.float32)


DECISION = Decision(rate=5e-5)
