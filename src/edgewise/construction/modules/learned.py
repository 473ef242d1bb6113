"""What all learned kinds share: a small network that scores choices, trained by cross-entropy, one pass over the data a round."""

from __future__ import annotations

import abc
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float
from pydantic import BaseModel, ValidationError

from edgewise.common.errors import ConfigurationError, EdgewiseError, check_choice, check_integer
from edgewise.common.files import told
from edgewise.construction.kind import Answering, Data, ManyAnswering, ModuleKind, Weights
from edgewise.construction.modules.words import LANGUAGES, MIXED

ANSWER = "answer"
"""Name of the array of right choices: [n, parts] places, -1 where a part has none; or [n, parts, choices], true for each that is
right, where several may be."""
NEVER = -1e9
"""Score of a choice that is not there."""
SMALLEST, LARGEST = 64, 16_384
"""Examples of the smallest padded data, which is that of requests too, and of the largest piece that is scored at once; sizes
between are powers of 2, so that few programs are compiled."""


@dataclass(frozen=True)
class LearnedKind(ModuleKind):
    """A kind whose modules score choices.

    Attributes:
        width: of the hidden layers; it makes the size of a module.
        rate: learning rate of Adam, whose moments begin anew in each round: a round knows nothing but the weights.
        batch: examples of a step.
        members: modules that answer together, whose probabilities are averaged; weights then have an axis of members in front.
    """

    width: int = 64
    rate: float = 1e-3
    batch: int = 32

    request: type[BaseModel] = BaseModel
    answering: type[BaseModel] = BaseModel
    members: int = 1

    def __post_init__(self) -> None:
        check_integer("width", self.width, 1, 65_536)
        check_choice("batch", self.batch, (1, 2, 4, 8, 16, 32, 64))

    @property
    def interface(self) -> int:
        return 1

    @property
    def inputs(self) -> dict[str, Any]:
        return self.request.model_json_schema()

    @property
    def outputs(self) -> dict[str, Any]:
        return self.answering.model_json_schema()

    @property
    def learned(self) -> bool:
        return True

    def optimiser(self, steps: int) -> optax.GradientTransformation:
        """What a round of so many steps is trained with."""
        return optax.adam(self.rate)

    @abc.abstractmethod
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Shapes of the weights by name; those of one axis, or named "zero...", begin at zero, others at random."""

    @abc.abstractmethod
    def scores(self, weights: Mapping[str, Array], inputs: Mapping[str, Array]) -> Float[Array, "n parts choices"]:
        """Scores of the choices; NEVER for one that is not there. Pure, in JAX."""

    @abc.abstractmethod
    def encode(self, request: Any) -> Data:
        """Arrays of a request, without the axis of examples."""

    @abc.abstractmethod
    def encode_answer(self, request: Any, answer: Any) -> np.ndarray:
        """The choices [parts] of an answer to a request."""

    @abc.abstractmethod
    def decode(self, request: Any, choices: np.ndarray, confidence: np.ndarray) -> dict[str, Any]:
        """The answer of choices [parts], with the probability that the network gives each."""

    @abc.abstractmethod
    def draw_examples(self, apps: tuple[str, ...], examples: int, rng: np.random.Generator, language: str) -> Data:
        """Synthetic examples, see `draw_data`."""

    def draw_data(self, apps: tuple[str, ...], examples: int, seed: int, language: str) -> Data:
        if not apps:
            raise ConfigurationError("apps", apps, "one name or more")
        check_integer("examples", examples, 1)
        check_integer("seed", seed, 0)
        check_choice("language", language, (*LANGUAGES, MIXED))
        return self.draw_examples(tuple(apps), examples, np.random.default_rng(seed), language)

    def data_from(self, folder: Path) -> Data:
        rows = [
            self.encode(request) | {ANSWER: np.asarray(self.encode_answer(request, answer), np.int32)}
            for request, answer in examples_in(folder, self)
        ]
        return {name: np.stack([row[name] for row in rows]) for name in rows[0]}

    def initial(self, seed: int) -> Weights:
        rng = np.random.default_rng(seed)

        def drawn(name: str, shape: tuple[int, ...]) -> np.ndarray:
            if len(shape) < 2 or name.startswith("zero"):
                return np.zeros(shape, np.float32)
            return (rng.standard_normal(shape) / np.sqrt(shape[-2])).astype(np.float32)

        return {name: drawn(name, shape) for name, shape in self.shapes().items()}

    def train_round(self, weights: Weights, data: Data, seed: int) -> tuple[Weights, dict[str, float]]:
        self.check_weights(weights)
        check_integer("seed", seed, 0)
        inputs, there = padded(data)
        count, size = len(data[ANSWER]), len(there)
        program = _training(self, shape_of(weights), shape_of(inputs))
        began = time.process_time()
        order = np.concatenate([np.random.default_rng(seed).permutation(count), np.arange(count, size)])
        batches = order.reshape(-1, self.batch).astype(np.int32)
        trained, loss = jax.block_until_ready(program(weights, inputs, there, batches))
        figures = {"loss": float(loss), "examples": float(count), "cpu_seconds": time.process_time() - began}
        return {name: np.asarray(array) for name, array in trained.items()}, figures

    def evaluate(self, weights: Weights, data: Data) -> float:
        """The share of examples all of whose parts are chosen rightly."""
        return float(np.mean(np.all(rightly(self.respond(weights, data), data[ANSWER]), axis=-1)))

    def respond(self, weights: Weights, data: Data) -> np.ndarray:
        """Probabilities [n, parts, choices]."""
        self.check_weights(weights)
        count = len(data[ANSWER])
        pieces = []
        for start in range(0, count, LARGEST):
            piece = {name: array[start : start + LARGEST] for name, array in data.items()}
            inputs, _ = padded(piece)
            pieces.append(self.probabilities(weights, inputs)[: len(piece[ANSWER])])
        return np.concatenate(pieces)

    def probabilities(self, weights: Weights, inputs: Data) -> np.ndarray:
        """Probabilities [n, parts, choices], by a program for inputs of just this size; those of members are averaged.

        Choices are places that a request fixes, the same for all members. The mean of probabilities, not of their logarithms:
        a member that does not know an app must not forbid what the others know of it.
        """
        if self.members == 1:
            return np.asarray(scoring(self, shape_of(weights), shape_of(inputs))(weights, inputs))
        each = replace(self, members=1)
        parts = [{name: array[place] for name, array in weights.items()} for place in range(self.members)]
        given: np.ndarray = np.mean([each.probabilities(part, inputs) for part in parts], axis=0)
        return given

    def joined(self, parts: Sequence[Weights]) -> tuple[ModuleKind, Weights] | None:
        """Modules that answer together."""
        for part in parts:
            self.check_weights(part)
        return replace(self, members=len(parts)), {name: np.stack([part[name] for part in parts]) for name in parts[0]}

    def load(self, weights: Weights) -> Answering:
        answer = self.load_many(weights)
        return lambda request: answer([request])[0]

    def load_many(self, weights: Weights) -> ManyAnswering:
        self.check_weights(weights)

        def answer(requests: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
            asked = [self.read_request(request) for request in requests]
            return [
                given for start in range(0, len(asked), SMALLEST) for given in piece(asked[start : start + SMALLEST])
            ]

        def piece(asked: list[Any]) -> list[dict[str, Any]]:
            rows = [self.encode(request) for request in asked]
            inputs = {name: np.stack([row[name] for row in rows]) for name in rows[0]}
            parts = self.respond(weights, inputs | {ANSWER: np.zeros((len(asked), 1), np.int32)})
            return [self.decode(*each) for each in zip(asked, parts.argmax(-1), parts.max(-1), strict=True)]

        return answer

    def read_request(self, request: Mapping[str, Any]) -> Any:
        """A request, checked.

        Raises:
            ConfigurationError: naming the field.
        """
        return _valid(self.request, request)

    def check_weights(self, weights: Weights) -> None:
        """Require arrays of this kind's names, shapes and type.

        Raises:
            ConfigurationError: naming the first one that differs.
        """
        front = () if self.members == 1 else (self.members,)
        expected = {name: (*front, *shape) for name, shape in self.shapes().items()}
        for name in {**expected, **weights}:
            shape = weights[name].shape if name in weights else None
            if shape != expected.get(name) or weights[name].dtype != np.float32:
                allowed = f"float32 {expected[name]}" if name in expected else f"one of {', '.join(expected)}"
                raise ConfigurationError(f"{self.name} weights", name[:80], allowed)


def examples_in(folder: Path, kind: LearnedKind) -> list[tuple[Any, Any]]:
    """Requests and answers of a user's files, see `ModuleKind.data_from`.

    Raises:
        EdgewiseError: if there is none, or one cannot be read, naming the line.
    """
    found = [pair for path in sorted(Path(folder).glob("*.jsonl")) for pair in _examples_of(path, kind)]
    if not found:
        raise EdgewiseError(f"{folder}: must have a file *.jsonl with an example in each line")
    return found


def _examples_of(path: Path, kind: LearnedKind) -> list[tuple[Any, Any]]:
    pairs = []
    try:
        lines = path.read_text().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise EdgewiseError(told(error) if isinstance(error, OSError) else f"{path}: must be UTF-8") from None
    for number, line in enumerate(lines, 1):
        try:
            row = json.loads(line)
            request, answer = kind.read_request(row["request"]), _valid(kind.answering, row["answer"])
            kind.encode_answer(request, answer)
            pairs.append((request, answer))
        except (ConfigurationError, KeyError, RecursionError, TypeError, ValueError) as error:
            raise EdgewiseError(f"{path}, line {number}: must be an example of {kind.name}: {error}") from None
    return pairs


def rightly(given: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Which parts [n, parts] are chosen rightly; those that nothing is right for are.

    Args:
        given: [n, parts, choices], of which the largest is chosen.
        right: see `ANSWER`.
    """
    chosen = given.argmax(-1)
    if right.ndim == given.ndim:
        return np.take_along_axis(right > 0, chosen[..., None], axis=-1)[..., 0] | ~(right > 0).any(-1)
    return (chosen == right) | (right < 0)


def padded(data: Data) -> tuple[Data, np.ndarray]:
    """Data with zeros behind, up to a size of which there are few; and which examples [n] are there."""
    count = len(data[ANSWER])
    size = max(SMALLEST, 1 << (count - 1).bit_length())
    filled = {
        name: np.concatenate([array, np.zeros((size - count, *array.shape[1:]), array.dtype)])
        for name, array in data.items()
    }
    return filled, np.arange(size) < count


def _valid(model: type[BaseModel], values: object) -> Any:
    try:
        return model.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "request"
        raise ConfigurationError(
            place, str(first["input"])[:80], first["msg"].removeprefix("Input should be ")
        ) from None


Shape = tuple[tuple[str, tuple[int, ...], str], ...]


def shape_of(arrays: Data) -> Shape:
    """Names, shapes and types of arrays, for which programs are compiled."""
    return tuple((name, array.shape, array.dtype.name) for name, array in sorted(arrays.items()))


def _like(shape: Shape) -> dict[str, Any]:
    return {name: jax.ShapeDtypeStruct(sizes, dtype) for name, sizes, dtype in shape}


@lru_cache(maxsize=256)
def scoring(kind: LearnedKind, weights: Shape, inputs: Shape) -> Any:
    """The compiled probabilities [n, parts, choices]."""
    return jax.jit(lambda w, x: jax.nn.softmax(kind.scores(w, x))).lower(_like(weights), _like(inputs)).compile()


@lru_cache(maxsize=256)
def _training(kind: LearnedKind, weights: Shape, inputs: Shape) -> Any:
    """The compiled pass over data: (weights, data, which are there, examples of each step) to (weights, mean loss)."""
    size = inputs[0][1][0]
    there, batches = ((size,), bool), ((size // kind.batch, kind.batch), np.int32)
    shapes = [jax.ShapeDtypeStruct(*each) for each in (there, batches)]
    return jax.jit(lambda *args: _one_pass(kind, *args)).lower(_like(weights), _like(inputs), *shapes).compile()


def _one_pass(kind: LearnedKind, weights: Any, data: Any, there: Array, batches: Array) -> tuple[Any, Array]:
    """One pass of Adam; batches without an example change nothing."""
    adam = kind.optimiser(len(batches))

    def step(state: Any, batch: Array) -> Any:
        weights, moments = state
        part, shown = {name: array[batch] for name, array in data.items()}, there[batch]
        loss, slope = jax.value_and_grad(_loss)(weights, kind, part, shown)
        change, after = adam.update(slope, moments, weights)
        moved = (optax.apply_updates(weights, change), after)
        state = jax.tree.map(lambda new, old: jnp.where(shown.any(), new, old), moved, state)
        return state, (loss, shown.sum())

    (weights, _), (losses, counts) = jax.lax.scan(step, (weights, adam.init(weights)), batches)
    return weights, (losses * counts).sum() / counts.sum()


def _loss(weights: Any, kind: LearnedKind, data: Any, there: Array) -> Array:
    """Mean cross-entropy of the parts that have a right choice; of several right ones, of all their probabilities together."""
    right = data[ANSWER]
    if right.ndim > 2:
        several = right > 0
        counted = several.any(-1) & there[:, None]
        scores = jax.nn.log_softmax(kind.scores(weights, data))
        chosen = jax.nn.logsumexp(jnp.where(several, scores, NEVER), axis=-1)
        return -(jnp.where(counted, chosen, 0.0)).sum() / jnp.maximum(counted.sum(), 1)
    counted = (right >= 0) & there[:, None]
    scores = jax.nn.log_softmax(kind.scores(weights, data))
    chosen = jnp.take_along_axis(scores, jnp.maximum(right, 0)[..., None], axis=-1)[..., 0]
    return -(chosen * counted).sum() / jnp.maximum(counted.sum(), 1)
