"""Perception: the picture of an element to what it does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from pydantic import BaseModel, ConfigDict, Field

from edgewise.common.errors import ConfigurationError
from edgewise.construction.kind import Data, Name
from edgewise.construction.modules.icons import SIDE, draw_pictures
from edgewise.construction.modules.learned import ANSWER, LearnedKind
from edgewise.construction.modules.words import FUNCTIONS

Row = Annotated[list[Annotated[float, Field(ge=0, le=1)]], Field(min_length=SIDE, max_length=SIDE)]

SMALLEST = 1e-3
"""Added to a brightness that is divided by."""
Pixels = Annotated[list[Row], Field(min_length=SIDE, max_length=SIDE)]


class Picture(BaseModel):
    """The picture of an element, cut out of the screen and made small."""

    model_config = ConfigDict(extra="forbid")
    picture: Pixels = Field(description="rows of brightness")


class Perceived(BaseModel):
    """What the element does."""

    model_config = ConfigDict(extra="forbid")
    function: str = Field(description=", ".join(FUNCTIONS))
    confidence: float = Field(default=1.0, ge=0, le=1)


@dataclass(frozen=True)
class Perception(LearnedKind):
    """A network of one hidden layer on the pixels. Its quality is the accuracy on pictures."""

    request: type[BaseModel] = Picture
    answering: type[BaseModel] = Perceived

    @property
    def name(self) -> Name:
        return "perception"

    def shapes(self) -> dict[str, tuple[int, ...]]:
        return {
            "first": (SIDE * SIDE, self.width),
            "bias": (self.width,),
            "choice": (self.width, len(FUNCTIONS)),
            "choice_bias": (len(FUNCTIONS),),
        }

    def scores(self, weights: Mapping[str, Array], inputs: Mapping[str, Array]) -> Float[Array, "n 1 f"]:
        pixels = _sign(inputs["picture"])
        hidden = jax.nn.relu(pixels @ weights["first"] + weights["bias"])
        return (hidden @ weights["choice"] + weights["choice_bias"])[:, None, :]

    def encode(self, request: Picture) -> Data:
        return {"picture": np.array(request.picture, np.float32)}

    def encode_answer(self, request: Picture, answer: Perceived) -> np.ndarray:
        place = function_place(answer.function)
        if place < 0:
            raise ConfigurationError("function", answer.function, f"one of {', '.join(FUNCTIONS)}")
        return np.array([place])

    def decode(self, request: Picture, choices: np.ndarray, confidence: np.ndarray) -> dict[str, Any]:
        return {"function": FUNCTIONS[int(choices[0])], "confidence": float(confidence[0])}

    def draw_examples(self, apps: tuple[str, ...], examples: int, rng: np.random.Generator, language: str) -> Data:
        functions = rng.integers(len(FUNCTIONS), size=examples)
        shown = [apps[place] for place in rng.integers(len(apps), size=examples)]
        return {"picture": draw_pictures(shown, functions, rng), ANSWER: functions[:, None].astype(np.int32)}


def function_place(name: str) -> int:
    """Place of a function in `words.FUNCTIONS`; -1 for none of them."""
    return FUNCTIONS.index(name) if name in FUNCTIONS else -1


def _sign(picture: Float[Array, "n s s"]) -> Float[Array, "n s*s"]:
    """How far pixels are from the brightness of the edge, of mean 1: a sign is the same on dark and on light paper."""
    edge = jnp.concatenate([picture[:, 0], picture[:, -1], picture[:, :, 0], picture[:, :, -1]], axis=-1).mean(-1)
    away = jnp.abs(picture - edge[:, None, None]).reshape(len(picture), -1)
    return away / (away.mean(-1, keepdims=True) + SMALLEST)


PERCEPTION = Perception(rate=5e-5)
