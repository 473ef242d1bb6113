"""Reflection: what was there, what was used and what is there now to how it went."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from pydantic import BaseModel, ConfigDict, Field

from edgewise.construction.kind import Data, Name
from edgewise.construction.modules.learned import ANSWER, LearnedKind
from edgewise.construction.modules.wishes import draw_called
from edgewise.construction.modules.words import (
    FEATURES,
    FUNCTIONS,
    TITLES,
    Text,
    draw_languages,
    draw_slip,
    text_features,
)

OutcomeName = Literal["A", "B", "C"]
OUTCOMES: tuple[OutcomeName, ...] = ("A", "B", "C")
"""As expected, another page, nothing happened."""


class Step(BaseModel):
    """A step of the agent, and what it led to."""

    model_config = ConfigDict(extra="forbid")
    label: Text = Field(description="of the element that was used, or the name of its function")
    before: Text = Field(description="title of the page before")
    after: Text = Field(description="title of the page after")
    change: float = Field(ge=0, le=1, description="part of the picture that has changed")


class Reflected(BaseModel):
    """How it went."""

    model_config = ConfigDict(extra="forbid")
    outcome: OutcomeName = Field(description="A as expected, B another page, C nothing happened")
    confidence: float = Field(default=1.0, ge=0, le=1)


@dataclass(frozen=True)
class Reflection(LearnedKind):
    """Products of what was used, before and after. Its quality is the reflection accuracy: the share of right outcomes."""

    request: type[BaseModel] = Step
    answering: type[BaseModel] = Reflected

    @property
    def name(self) -> Name:
        return "reflection"

    def shapes(self) -> dict[str, tuple[int, ...]]:
        return {
            "label": (FEATURES, self.width),
            "before": (FEATURES, self.width),
            "expected": (FEATURES, self.width),
            "same": (FEATURES, self.width),
            "zero_facts": (3, len(OUTCOMES)),
        }

    def scores(self, weights: Mapping[str, Array], inputs: Mapping[str, Array]) -> Float[Array, "n 1 3"]:
        label, before = inputs["label"] @ weights["label"], inputs["before"] @ weights["before"]
        expected = (label * (inputs["after"] @ weights["expected"])).sum(-1) / self.width**0.5
        same = (before * (inputs["after"] @ weights["same"])).sum(-1) / self.width**0.5
        alike = (inputs["before"] * inputs["after"]).mean(-1)
        facts = jnp.stack([alike, inputs["change"][:, 0], jnp.ones_like(alike)], axis=-1)
        scores = jnp.stack([expected, jnp.zeros_like(same), same], axis=-1) + FACTS * facts @ weights["zero_facts"]
        return scores[:, None, :]

    def encode(self, request: Step) -> Data:
        texts = {name: text_features(getattr(request, name)) for name in ("label", "before", "after")}
        return texts | {"change": np.array([request.change], np.float32)}

    def encode_answer(self, request: Step, answer: Reflected) -> np.ndarray:
        return np.array([OUTCOMES.index(answer.outcome)])

    def decode(self, request: Step, choices: np.ndarray, confidence: np.ndarray) -> dict[str, Any]:
        return {"outcome": OUTCOMES[int(choices[0])], "confidence": float(confidence[0])}

    def draw_examples(self, apps: tuple[str, ...], examples: int, rng: np.random.Generator, language: str) -> Data:
        rows = [self._drawn(language, rng) for _ in range(examples)]
        return {name: np.stack([row[name] for row in rows]) for name in rows[0]}

    def _drawn(self, language: str, rng: np.random.Generator) -> Data:
        outcome = int(rng.integers(len(OUTCOMES)))
        here, used, other = (int(place) for place in rng.permutation(len(FUNCTIONS))[:3])
        spoken = draw_languages(language, 1, rng)[0]
        request = draw_step(outcome, here, used, other, spoken, rng)
        return self.encode(request) | {ANSWER: np.array([outcome], np.int32)}


def draw_step(outcome: int, here: int, used: int, other: int, language: str, rng: np.random.Generator) -> Step:
    """What a step looks like.

    Args:
        outcome: its place in OUTCOMES.
        here: function whose page was there.
        used: function that was used.
        other: function whose page came in its place, for B.
        language: of the app.
        rng: of slips, and of what changes by itself, as a clock does.
    """
    after = (used, other, here)[outcome]
    low, high = (0.0, 0.2) if outcome == OUTCOMES.index("C") else (0.1, 0.9)
    titles = TITLES[language]
    return Step(
        label=draw_called(used, language, rng),
        before=draw_slip(titles[here], rng),
        after=draw_slip(titles[after], rng),
        change=float(rng.uniform(low, high)),
    )


FACTS = 60.0
"""How many times faster the few weights of facts learn than those of letters, of which many act together."""
REFLECTION = Reflection(rate=3e-5)
