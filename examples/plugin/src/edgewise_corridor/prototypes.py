"""A kind of module: perception by the mean picture of each function, without a network."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edgewise.common.errors import ConfigurationError
from edgewise.construction.kind import Answering, Data, ModuleKind, Name, Weights
from edgewise.construction.modules.learned import ANSWER
from edgewise.construction.modules.perception import PERCEPTION
from edgewise.construction.modules.words import FUNCTIONS


@dataclass(frozen=True)
class Prototypes(ModuleKind):
    """It takes the same place as the built-in kind, with the same requests, answers and data.

    Attributes:
        step: examples that a round adds to the means.
    """

    step: int = 8

    @property
    def name(self) -> Name:
        return PERCEPTION.name

    @property
    def interface(self) -> int:
        return PERCEPTION.interface

    @property
    def inputs(self) -> dict[str, Any]:
        return PERCEPTION.inputs

    @property
    def outputs(self) -> dict[str, Any]:
        return PERCEPTION.outputs

    @property
    def learned(self) -> bool:
        return True

    def draw_data(self, apps: tuple[str, ...], examples: int, seed: int, language: str) -> Data:
        return PERCEPTION.draw_data(apps, examples, seed, language)

    def data_from(self, folder: Path) -> Data:
        return PERCEPTION.data_from(folder)

    def initial(self, seed: int) -> Weights:
        return {"sum": np.zeros((len(FUNCTIONS), 16, 16), np.float32), "count": np.zeros(len(FUNCTIONS), np.float32)}

    def train_round(self, weights: Weights, data: Data, seed: int) -> tuple[Weights, dict[str, float]]:
        began = time.process_time()
        chosen = np.random.default_rng(seed).integers(len(data[ANSWER]), size=self.step)
        total, count = weights["sum"].copy(), weights["count"].copy()
        for picture, function in zip(_signs(data["picture"][chosen]), data[ANSWER][chosen, 0], strict=True):
            total[function] += picture
            count[function] += 1
        figures = {"loss": 0.0, "examples": float(self.step), "cpu_seconds": time.process_time() - began}
        return {"sum": total, "count": count}, figures

    def evaluate(self, weights: Weights, data: Data) -> float:
        return float(np.mean(self.respond(weights, data).argmax(-1) == data[ANSWER]))

    def respond(self, weights: Weights, data: Data) -> np.ndarray:
        if {name: array.shape for name, array in weights.items()} != {"sum": (12, 16, 16), "count": (12,)}:
            raise ConfigurationError("weights", sorted(weights), "sum [12, 16, 16] and count [12]")
        means = weights["sum"] / np.maximum(weights["count"], 1)[:, None, None]
        apart = ((_signs(data["picture"])[:, None] - means) ** 2).mean((-2, -1))
        return np.exp(-apart)[:, None, :]

    def joined(self, parts: Sequence[Weights]) -> tuple[ModuleKind, Weights] | None:
        """The means of all pictures that any of them has seen."""
        return self, {name: sum((part[name] for part in parts), np.zeros_like(parts[0][name])) for name in parts[0]}

    def load(self, weights: Weights) -> Answering:
        self.respond(weights, self.draw_data(("any",), 1, 0, "en"))

        def answer(request: Mapping[str, Any]) -> dict[str, Any]:
            picture = PERCEPTION.encode(PERCEPTION.read_request(request))["picture"]
            scores = self.respond(weights, {"picture": picture[None]})[0, 0]
            return {"function": FUNCTIONS[int(scores.argmax())], "confidence": float(scores.max() / scores.sum())}

        return answer


def _signs(pictures: np.ndarray) -> np.ndarray:
    """How far pixels are from their median, of mean 1: a sign is the same on dark and on light paper."""
    away = np.abs(pictures - np.median(pictures, axis=(-2, -1), keepdims=True))
    return away / (away.mean((-2, -1), keepdims=True) + 1e-3)


PROTOTYPES = Prototypes()
