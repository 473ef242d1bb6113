"""Slow twins of the modules' arithmetic: attention of a wish over elements, and a pass of Adam, written out by hand."""

from __future__ import annotations

import math
import zlib

import numpy as np

FEATURES = 256


def letters(text: str) -> list[float]:
    """Hashed runs of three letters and whole words, of mean square 1."""
    counts = [0.0] * FEATURES
    for word in text.lower().split():
        bounded = "<" + word + ">"
        for start in range(len(bounded) - 2):
            counts[zlib.crc32(bounded[start : start + 3].encode()) % FEATURES] += 1
        counts[zlib.crc32(bounded.encode()) % FEATURES] += 1
    square = sum(each * each for each in counts) / FEATURES
    return [each / math.sqrt(square) if square else 0.0 for each in counts]


def decision_scores(weights: dict[str, np.ndarray], data: dict[str, np.ndarray], row: int) -> list[float]:
    """Scores of the elements of one example; -1e9 for one that is not there."""
    width = weights["wish"].shape[1]
    wish = data["wish"][row].astype(float) @ weights["wish"].astype(float)
    scores = []
    for place in range(data["label"].shape[1]):
        element = data["label"][row, place].astype(float) @ weights["label"].astype(float)
        element = element + data["function"][row, place].astype(float) @ weights["function"].astype(float)
        scores.append(float(wish @ element) / math.sqrt(width) if data["there"][row, place] else -1e9)
    return scores


def softmax(scores: list[float]) -> list[float]:
    """Probabilities of scores."""
    most = max(scores)
    parts = [math.exp(score - most) for score in scores]
    return [part / sum(parts) for part in parts]


def decision_slope(
    weights: dict[str, np.ndarray], data: dict[str, np.ndarray], rows: list[int]
) -> tuple[dict[str, np.ndarray], float]:
    """Slope of the mean cross-entropy over some examples, and that mean."""
    slope = {name: np.zeros(array.shape) for name, array in weights.items()}
    loss, root = 0.0, math.sqrt(weights["wish"].shape[1])
    for row in rows:
        chances = softmax(decision_scores(weights, data, row))
        right = int(data["answer"][row, 0])
        loss -= math.log(chances[right]) / len(rows)
        wish = data["wish"][row].astype(float) @ weights["wish"].astype(float)
        for place, chance in enumerate(chances):
            error = (chance - (place == right)) / len(rows) / root
            label, function = data["label"][row, place].astype(float), data["function"][row, place].astype(float)
            element = label @ weights["label"].astype(float) + function @ weights["function"].astype(float)
            slope["wish"] += error * np.outer(data["wish"][row], element)
            slope["label"] += error * np.outer(label, wish)
            slope["function"] += error * np.outer(function, wish)
    return slope, loss


def decision_pass(
    weights: dict[str, np.ndarray], data: dict[str, np.ndarray], order: list[int], batch: int, rate: float
) -> tuple[dict[str, np.ndarray], float]:
    """A pass of Adam (Kingma and Ba, 2015, algorithm 1), and the mean loss on the way."""
    weights = {name: array.astype(float) for name, array in weights.items()}
    first = {name: np.zeros(array.shape) for name, array in weights.items()}
    second = {name: np.zeros(array.shape) for name, array in weights.items()}
    total = 0.0
    for step, start in enumerate(range(0, len(order), batch), 1):
        rows = order[start : start + batch]
        slope, loss = decision_slope(weights, data, rows)
        total += loss * len(rows)
        for name in weights:
            first[name] = 0.9 * first[name] + 0.1 * slope[name]
            second[name] = 0.999 * second[name] + 0.001 * slope[name] ** 2
            move = first[name] / (1 - 0.9**step) / (np.sqrt(second[name] / (1 - 0.999**step)) + 1e-8)
            weights[name] = weights[name] - rate * move
    return weights, total / len(order)
