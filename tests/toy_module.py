"""A kind of module in plain NumPy: points of a plane to one of four corners, by logistic regression; it answers as a memory."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edgewise.common.errors import ConfigurationError
from edgewise.construction.kind import Answering, Data, ModuleKind, Name, Weights

CORNERS = np.array([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]])
TEXT = {"type": "string"}


@dataclass(frozen=True)
class Toy(ModuleKind):
    place: Name = "memory"
    rate: float = 0.1

    @property
    def name(self) -> Name:
        return self.place

    @property
    def interface(self) -> int:
        return 1

    @property
    def inputs(self) -> dict[str, Any]:
        return {"type": "object", "properties": {"question": TEXT, "facts": {"type": "array", "items": TEXT}}}

    @property
    def outputs(self) -> dict[str, Any]:
        return {"type": "object", "properties": {"fact": {"type": "integer"}}}

    @property
    def learned(self) -> bool:
        return True

    def draw_data(self, apps: tuple[str, ...], examples: int, seed: int, language: str) -> Data:
        rng = np.random.default_rng([seed, *map(len, apps)])
        corners = rng.integers(4, size=examples)
        return {"point": CORNERS[corners] + 0.7 * rng.standard_normal((examples, 2)), "answer": corners}

    def data_from(self, folder: Path) -> Data:
        return {"point": np.loadtxt(folder / "points.txt"), "answer": np.loadtxt(folder / "answers.txt").astype(int)}

    def initial(self, seed: int) -> Weights:
        rng = np.random.default_rng(seed)
        return {"matrix": rng.standard_normal((2, 4)).astype(np.float32), "bias": np.zeros(4, np.float32)}

    def train_round(self, weights: Weights, data: Data, seed: int) -> tuple[Weights, dict[str, float]]:
        began = time.process_time()
        wrong = self.respond(weights, data) - np.eye(4)[data["answer"]]
        loss = float((wrong**2).mean())
        slopes = {"matrix": data["point"].T @ wrong / len(wrong), "bias": wrong.mean(0)}
        moved = {name: (weights[name] - self.rate * slopes[name]).astype(np.float32) for name in weights}
        spent = time.process_time() - began
        return moved, {"loss": loss, "examples": float(len(wrong)), "cpu_seconds": spent}

    def evaluate(self, weights: Weights, data: Data) -> float:
        return float((self.respond(weights, data).argmax(-1) == data["answer"]).mean())

    def respond(self, weights: Weights, data: Data) -> np.ndarray:
        scores = data["point"] @ weights["matrix"] + weights["bias"]
        parts = np.exp(scores - scores.max(-1, keepdims=True))
        return parts / parts.sum(-1, keepdims=True)

    def load(self, weights: Weights) -> Answering:
        if {name: array.shape for name, array in weights.items()} != {"matrix": (2, 4), "bias": (4,)}:
            raise ConfigurationError("toy weights", sorted(weights), "matrix and bias")

        def answer(request: Mapping[str, Any]) -> dict[str, Any]:
            point = np.array([[len(request["question"]) % 3 - 1.0, len(request["facts"]) % 3 - 1.0]])
            return {"fact": int(self.respond(weights, {"point": point})[0].argmax())}

        return answer


TOY = Toy()
