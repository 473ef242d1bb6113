"""Planning: subgoals and the history of steps to which subgoals are finished, and which is next."""

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
from edgewise.construction.modules.learned import ANSWER, LearnedKind
from edgewise.construction.modules.reflection import OUTCOMES, OutcomeName
from edgewise.construction.modules.wishes import GESTURES, draw_called, draw_wish
from edgewise.construction.modules.words import (
    FEATURES,
    FUNCTIONS,
    Text,
    draw_languages,
    features,
)

TRIED = 0.7
"""Part of the drawn steps without success that were made for a subgoal; the others used any element."""
UNBEGUN = 0.1
"""Part of the drawn tasks of which nothing is finished."""
SUBGOALS, STEPS = 4, 8
"""Subgoals of a task, and latest steps of its history, that a request may have."""


class Past(BaseModel):
    """A step that was made."""

    model_config = ConfigDict(extra="forbid")
    label: Text = Field(description="of the element that was used, or the name of its function")
    outcome: OutcomeName = Field(description="A as expected, B another page, C nothing happened")


class Course(BaseModel):
    """A task and how far it has come."""

    model_config = ConfigDict(extra="forbid")
    subgoals: Annotated[list[Text], Field(min_length=1, max_length=SUBGOALS)]
    history: Annotated[list[Past], Field(max_length=STEPS)]


class Plan(BaseModel):
    """What is finished, and what comes next."""

    model_config = ConfigDict(extra="forbid")
    finished: Annotated[list[bool], Field(min_length=1, max_length=SUBGOALS)]
    next: int | None = Field(default=None, description="place of the first subgoal that is not; null if all are")
    confidence: float = Field(default=1.0, ge=0, le=1)


@dataclass(frozen=True)
class Planning(LearnedKind):
    """Attention of subgoals over steps. Its quality is the planning accuracy: the share of plans that are right as a whole."""

    request: type[BaseModel] = Course
    answering: type[BaseModel] = Plan

    @property
    def name(self) -> Name:
        return "planning"

    def shapes(self) -> dict[str, tuple[int, ...]]:
        return {
            "subgoal": (FEATURES, self.width),
            "zero_label": (FEATURES, self.width),
            "zero_outcome": (len(OUTCOMES), 1),
            "zero_bias": (1,),
        }

    def scores(self, weights: Mapping[str, Array], inputs: Mapping[str, Array]) -> Float[Array, "n g 2"]:
        subgoals, labels = inputs["subgoal"] @ weights["subgoal"], inputs["label"] @ weights["zero_label"]
        alike = jnp.einsum("ngw,nsw->ngs", subgoals, labels) / self.width**0.5
        said = (inputs["outcome"] @ weights["zero_outcome"])[..., 0]
        there = inputs["outcome"].sum(-1)
        counted = jax.nn.softplus(alike + SAID * said[:, None, :]) * there[:, None, :]
        finished = counted.sum(-1) - STEPS + SAID * weights["zero_bias"]
        return jnp.stack([jnp.zeros_like(finished), finished], axis=-1)

    def encode(self, request: Course) -> Data:
        subgoals, steps = SUBGOALS - len(request.subgoals), STEPS - len(request.history)
        outcomes = [OUTCOMES.index(each.outcome) for each in request.history] + [-1] * steps
        return {
            "subgoal": features([*request.subgoals, *[""] * subgoals]),
            "label": features([*(each.label for each in request.history), *[""] * steps]),
            "outcome": np.stack([np.arange(len(OUTCOMES)) == place for place in outcomes]).astype(np.float32),
        }

    def encode_answer(self, request: Course, answer: Plan) -> np.ndarray:
        if len(answer.finished) != len(request.subgoals):
            raise ConfigurationError("finished", answer.finished, f"{len(request.subgoals)} values, one per subgoal")
        return np.array([*map(int, answer.finished), *[-1] * (SUBGOALS - len(answer.finished))])

    def decode(self, request: Course, choices: np.ndarray, confidence: np.ndarray) -> dict[str, Any]:
        finished = [bool(each) for each in choices[: len(request.subgoals)]]
        following = next((place for place, done in enumerate(finished) if not done), None)
        return {"finished": finished, "next": following, "confidence": float(confidence[: len(finished)].min())}

    def draw_examples(self, apps: tuple[str, ...], examples: int, rng: np.random.Generator, language: str) -> Data:
        rows = [self._drawn(language, rng) for _ in range(examples)]
        return {name: np.stack([row[name] for row in rows]) for name in rows[0]}

    def _drawn(self, language: str, rng: np.random.Generator) -> Data:
        goals = rng.permutation(len(FUNCTIONS))[: int(rng.integers(2, SUBGOALS + 1))]
        spoken = draw_languages(language, 1, rng)[0]
        done = 0 if rng.random() < UNBEGUN else int(rng.integers(1, len(goals) + 1))
        steps = [(int(goal), 0) for goal in goals[:done]]
        for _ in range(int(rng.integers(STEPS - done + 1))):  # steps that have finished nothing, at any time
            used = int(goals[rng.integers(len(goals))]) if rng.random() < TRIED else int(rng.integers(len(FUNCTIONS)))
            how = int(rng.integers(1 if used in goals else 0, len(OUTCOMES)))
            steps.insert(int(rng.integers(len(steps) + 1)), (used, how))
        request = Course(
            subgoals=[draw_wish(int(goal), int(rng.integers(len(GESTURES))), spoken, rng) for goal in goals],
            history=[Past(label=draw_called(used, spoken, rng), outcome=OUTCOMES[how]) for used, how in steps],
        )
        finished = [place < done for place in range(len(goals))]
        return self.encode(request) | {ANSWER: self.encode_answer(request, Plan(finished=finished)).astype(np.int32)}


SAID = 30.0
"""How many times faster the few weights of outcomes learn than those of letters, of which many act together."""
PLANNING = Planning(rate=2e-4)
