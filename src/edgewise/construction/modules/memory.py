"""Memory: a question and stored facts to the fact that answers it."""

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
from edgewise.construction.modules.wishes import STORED, draw_facts, draw_question
from edgewise.construction.modules.words import FEATURES, Text, draw_languages, features, text_features


class Question(BaseModel):
    """A question, and what is stored."""

    model_config = ConfigDict(extra="forbid")
    question: Text
    facts: Annotated[list[Text], Field(min_length=1, max_length=STORED)]


class Remembered(BaseModel):
    """What answers it."""

    model_config = ConfigDict(extra="forbid")
    fact: int = Field(ge=0, lt=STORED, description="place among the facts")
    confidence: float = Field(default=1.0, ge=0, le=1)


@dataclass(frozen=True)
class Memory(LearnedKind):
    """Attention of a question over facts. Its quality is the share of right facts."""

    request: type[BaseModel] = Question
    answering: type[BaseModel] = Remembered

    @property
    def name(self) -> Name:
        return "memory"

    def shapes(self) -> dict[str, tuple[int, ...]]:
        return {"question": (FEATURES, self.width), "fact": (FEATURES, self.width)}

    def scores(self, weights: Mapping[str, Array], inputs: Mapping[str, Array]) -> Float[Array, "n 1 f"]:
        question, facts = inputs["question"] @ weights["question"], inputs["fact"] @ weights["fact"]
        scores = jnp.einsum("nw,nfw->nf", question, facts) / self.width**0.5
        return jnp.where(inputs["there"] > 0, scores, NEVER)[:, None, :]

    def encode(self, request: Question) -> Data:
        spare = STORED - len(request.facts)
        return {
            "question": text_features(request.question),
            "fact": features([*request.facts, *[""] * spare]),
            "there": np.array([1.0] * len(request.facts) + [0.0] * spare, np.float32),
        }

    def encode_answer(self, request: Question, answer: Remembered) -> np.ndarray:
        if answer.fact >= len(request.facts):
            raise ConfigurationError("fact", answer.fact, f"below {len(request.facts)}")
        return np.array([answer.fact])

    def decode(self, request: Question, choices: np.ndarray, confidence: np.ndarray) -> dict[str, Any]:
        return {"fact": int(choices[0]), "confidence": float(confidence[0])}

    def draw_examples(self, apps: tuple[str, ...], examples: int, rng: np.random.Generator, language: str) -> Data:
        rows = [self._drawn(language, rng) for _ in range(examples)]
        return {name: np.stack([row[name] for row in rows]) for name in rows[0]}

    def _drawn(self, language: str, rng: np.random.Generator) -> Data:
        spoken = draw_languages(language, 1, rng)[0]
        facts = draw_facts(spoken, int(rng.integers(4, STORED + 1)), rng)
        right = int(rng.integers(len(facts)))
        request = Question(question=draw_question(facts[right], spoken, rng), facts=[fact.text for fact in facts])
        return self.encode(request) | {ANSWER: np.array([right], np.int32)}


MEMORY = Memory(rate=5e-5)
