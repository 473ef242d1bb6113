"""What all learned kinds of a phone share: their data are moments of tasks, their requests situations."""

from __future__ import annotations

import abc
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import optax
from pydantic import BaseModel

from edgewise.agent.modules.interfaces import Situation
from edgewise.agent.modules.learned.encode import FEW, Room, room_for
from edgewise.agent.modules.learned.moments import Moment, draw_moments
from edgewise.common.errors import ConfigurationError, check_integer
from edgewise.construction.kind import Data, ManyAnswering, Weights
from edgewise.construction.modules.learned import ANSWER, LearnedKind, examples_in

KEPT = 4
"""Draws of moments that are kept, so that the kinds of an agent share them."""
PATIENCE = 2000
"""Moments of which one has to say something to a kind."""
LAST_RATE = 0.1
"""Learning rate at the end of a round, over that at its beginning."""
WARM = 20
"""Steps in which a round's learning rate rises: its moments begin anew."""


@dataclass(frozen=True)
class PhoneKind(LearnedKind):
    """A kind whose modules operate a phone.

    Within a round the learning rate falls along a cosine: where a module is measured, it is where the rate is low.
    """

    width: int = 40
    rate: float = 2e-3
    batch: int = 64

    def optimiser(self, steps: int) -> optax.GradientTransformation:
        warm = min(WARM, max(1, steps // 4))
        rate = optax.warmup_cosine_decay_schedule(
            0.1 * self.rate, self.rate, warm, max(steps, warm + 1), LAST_RATE * self.rate
        )
        return optax.chain(optax.clip_by_global_norm(1.0), optax.adam(rate))

    @property
    def ground(self) -> str:
        return "phone"

    @property
    def usual(self) -> bool:
        return False

    @property
    def typing(self) -> bool:
        """Whether only moments say something to it in which something is typed: tasks without are not drawn for it."""
        return False

    @property
    def views(self) -> int:
        """Examples that a moment makes at most."""
        return 1

    @abc.abstractmethod
    def situation(self, request: Any) -> Situation:
        """The situation of a request."""

    @abc.abstractmethod
    def arrays(self, request: Any, room: Room, salt: str = "") -> Data:
        """Arrays of a request, with room for so many items and words; salt as in `encode.encode`."""

    @abc.abstractmethod
    def examples(self, moment: Moment, room: Room) -> Sequence[Data]:
        """Arrays of a moment with its answers; none for one that says nothing to this kind."""

    @abc.abstractmethod
    def right(self, request: Any, answer: Any, room: Room) -> np.ndarray:
        """Which choices [parts, choices] an answer means."""

    def encode(self, request: Any) -> Data:
        return self.arrays(request, room_for(self.situation(request)))

    def encode_answer(self, request: Any, answer: Any) -> np.ndarray:
        return self.right(request, answer, room_for(self.situation(request)))

    def draw_data(self, apps: tuple[str, ...], examples: int, seed: int, language: str) -> Data:
        if not apps:
            raise ConfigurationError("apps", apps, "one name or more")
        check_integer("examples", examples, 1)
        check_integer("seed", seed, 0)
        return self.data_of(moments(tuple(apps), seed, language, self.typing), examples)

    def draw_examples(self, apps: tuple[str, ...], examples: int, rng: np.random.Generator, language: str) -> Data:
        return self.draw_data(apps, examples, int(rng.integers(2**31)), language)

    def data_of(self, drawn: Iterable[Moment], most: int | None = None) -> Data:
        """Data of moments.

        Args:
            drawn: they; those that say nothing to this kind are left out.
            most: examples after which it ends. If None, all moments are taken.

        Raises:
            ConfigurationError: if none says something, or none of the first `PATIENCE`.
        """
        room = Room(*FEW)
        rows: list[Data] = []
        for place, moment in enumerate(drawn):
            rows += self.examples(moment, room)
            if (most is not None and len(rows) >= most) or (not rows and place >= PATIENCE):
                break
        if not rows:
            raise ConfigurationError("apps", "of the moments", f"some with tasks that say something to {self.name}")
        return {name: np.stack([row[name] for row in rows[:most]]) for name in rows[0]}

    def data_from(self, folder: Path) -> Data:
        pairs = examples_in(folder, self)
        room = _largest(room_for(self.situation(request)) for request, _ in pairs)
        rows = [self.arrays(request, room) | {ANSWER: self.right(request, answer, room)} for request, answer in pairs]
        return {name: np.stack([row[name] for row in rows]) for name in rows[0]}

    def load_many(self, weights: Weights) -> ManyAnswering:
        answer = self.answering_with(weights)
        return lambda requests: [
            given.model_dump() for given in answer([self.read_request(request) for request in requests])
        ]

    def answering_with(self, weights: Weights, most: int = 1) -> Callable[[Sequence[Any]], list[BaseModel]]:
        """The module at work on requests that are models already.

        Args:
            weights: its own.
            most: requests that come at a time as a rule; fewer are filled up, so that one program is compiled for all.
        """
        self.check_weights(weights)

        def answer(requests: Sequence[Any]) -> list[BaseModel]:
            rooms = [room_for(self.situation(each)) for each in requests]
            found: dict[int, Any] = {}
            for room in sorted(set(rooms), key=lambda each: each.items):
                group = [place for place, each in enumerate(rooms) if each == room]
                rows = [self.arrays(requests[place], room) for place in group]
                given = self._given(weights, {name: np.stack([row[name] for row in rows]) for name in rows[0]}, most)
                for place, parts in zip(group, given, strict=True):
                    found[place] = self.decode(requests[place], parts.argmax(-1), parts.max(-1))
            return [found[place] for place in range(len(requests))]

        return answer

    def chances(self, weights: Weights, request: Any) -> np.ndarray:
        """Probabilities [parts, choices] on one request."""
        row = self.arrays(request, room_for(self.situation(request)))
        return self._given(weights, {name: array[None] for name, array in row.items()})[0]

    def _given(self, weights: Weights, inputs: Data, least: int = 1) -> np.ndarray:
        """Probabilities [n, parts, choices], by a program for a power of two of examples, `least` at least."""
        count = len(next(iter(inputs.values())))
        size = 1 << (max(count, least) - 1).bit_length()
        filled = {
            name: np.concatenate([array, np.zeros((size - count, *array.shape[1:]), array.dtype)])
            for name, array in inputs.items()
        }
        return self.probabilities(weights, filled)[:count]


def _largest(rooms: Iterable[Room]) -> Room:
    return max(rooms, key=lambda each: each.items)


@lru_cache(maxsize=KEPT)
def _kept(apps: tuple[str, ...], seed: int, language: str, typing: bool) -> _Drawn:
    return _Drawn(draw_moments(apps, seed, language, typing=typing))


def moments(apps: tuple[str, ...], seed: int, language: str, typing: bool = False) -> Iterable[Moment]:
    """Moments without end, as `draw_moments` draws them; kinds that are trained one after the other share them."""
    return _kept(tuple(sorted(apps)), seed, language, typing)


class _Drawn:
    """Moments that are drawn when they are first asked for."""

    def __init__(self, source: Iterable[Moment]) -> None:
        self._source, self._drawn = iter(source), list[Moment]()

    def __iter__(self) -> Iterator[Moment]:
        place = 0
        while True:
            if place == len(self._drawn):
                self._drawn.append(next(self._source))
            yield self._drawn[place]
            place += 1


def several(places: Iterable[int], choices: int) -> np.ndarray:
    """Which of so many choices are among places."""
    found = np.zeros(choices, bool)
    found[list(places)] = True
    return found
