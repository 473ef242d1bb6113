"""Action: a wish and what its element does to the gesture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
from jaxtyping import Array, Float
from pydantic import BaseModel, ConfigDict, Field

from edgewise.common.errors import ConfigurationError
from edgewise.construction.kind import Data, Name
from edgewise.construction.modules.learned import ANSWER, LearnedKind
from edgewise.construction.modules.wishes import GESTURES, draw_wish
from edgewise.construction.modules.words import FEATURES, FUNCTIONS, Text, draw_languages, text_features


class Use(BaseModel):
    """A wish for whose element a gesture is looked for."""

    model_config = ConfigDict(extra="forbid")
    wish: Text


class Used(BaseModel):
    """How the element is used."""

    model_config = ConfigDict(extra="forbid")
    gesture: str = Field(description=", ".join(GESTURES))
    confidence: float = Field(default=1.0, ge=0, le=1)


@dataclass(frozen=True)
class Action(LearnedKind):
    """A network of one hidden layer on the wish's letters. Its quality is the share of right gestures."""

    request: type[BaseModel] = Use
    answering: type[BaseModel] = Used

    @property
    def name(self) -> Name:
        return "action"

    def shapes(self) -> dict[str, tuple[int, ...]]:
        return {
            "wish": (FEATURES, self.width),
            "bias": (self.width,),
            "choice": (self.width, len(GESTURES)),
            "choice_bias": (len(GESTURES),),
        }

    def scores(self, weights: Mapping[str, Array], inputs: Mapping[str, Array]) -> Float[Array, "n 1 g"]:
        hidden = jax.nn.relu(inputs["wish"] @ weights["wish"] + weights["bias"])
        return (hidden @ weights["choice"] + weights["choice_bias"])[:, None, :]

    def encode(self, request: Use) -> Data:
        return {"wish": text_features(request.wish)}

    def encode_answer(self, request: Use, answer: Used) -> np.ndarray:
        if answer.gesture not in GESTURES:
            raise ConfigurationError("gesture", answer.gesture, f"one of {', '.join(GESTURES)}")
        return np.array([GESTURES.index(answer.gesture)])

    def decode(self, request: Use, choices: np.ndarray, confidence: np.ndarray) -> dict[str, Any]:
        return {"gesture": GESTURES[int(choices[0])], "confidence": float(confidence[0])}

    def draw_examples(self, apps: tuple[str, ...], examples: int, rng: np.random.Generator, language: str) -> Data:
        gestures = rng.integers(len(GESTURES), size=examples)
        functions = rng.integers(len(FUNCTIONS), size=examples)
        users = draw_languages(language, examples, rng)
        wishes = [
            draw_wish(int(function), int(gesture), user, rng)
            for function, gesture, user in zip(functions, gestures, users, strict=True)
        ]
        wished = np.stack([text_features(wish) for wish in wishes])
        return {"wish": wished, ANSWER: gestures[:, None].astype(np.int32)}


ACTION = Action(rate=5e-5)
