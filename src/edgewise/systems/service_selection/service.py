"""Service selection behind a server: sessions with providers, to which tasks are assigned and whose qualities are learned."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from pydantic import BaseModel

from edgewise.common.errors import ConfigurationError
from edgewise.environments.bipartite import ADVICE, PAIRS
from edgewise.environments.service import Operation, Question, Service, Settled, Shown, Size
from edgewise.environments.spaces import MASK
from edgewise.systems.service_selection import stored, words
from edgewise.systems.service_selection.configuration import ServiceSelectionConfig
from edgewise.systems.service_selection.entities import PROVIDER
from edgewise.systems.service_selection.operated import (
    USUAL_TASKS,
    Finished,
    Operated,
    Provider,
    Running,
    arrived,
    informed,
    joined,
    opened,
    places_of,
    prior_of,
    running_s,
    without,
)
from edgewise.systems.service_selection.operated_scene import shown
from edgewise.systems.service_selection.tokens import PROVIDERS

EXPECTED: tuple[Size, ...] = ((5,), (20,))
"""Providers of usual sessions."""
MOST_SIZES = 64
"""Most sizes of tasks at which curves are known."""
BELIEVED = {"estimated_quality": "estimate", "quality_deviation": "deviation", "charge": "charge"}
"""Of an answer, with the fields of the observation that tell it."""
TRAINED = {"providers": "providers", "smallest": "smallest task", "largest": "largest task"}
"""Facts of the training (`instances.facts`) that tell ranges."""


class ServiceSelectionService(Service):
    """Sessions of one configuration, decided by policies for any number of providers.

    Args:
        config: of the environment that the policy was trained in.
        facts: what it was trained on, see `instances.facts`.
    """

    def __init__(self, config: ServiceSelectionConfig, facts: Mapping[str, Any]) -> None:
        self._config = replace(
            config, instances=None, sizes=(), workload=None, providers_file=None, provider_turnover=0.0
        )
        self._facts = facts

    counted = ("providers",)

    @property
    def usual(self) -> Sequence[Size]:
        return EXPECTED

    @property
    def opening(self) -> Operation:
        return Operation(words.OpenIn, words.OpenOut, "open a session with its providers")

    @property
    def operations(self) -> Mapping[str, Operation]:
        return {
            "assign": Operation(words.AssignIn, words.AssignOut, "ask who serves a task", decides=True),
            "complete": Operation(words.CompleteIn, words.CompleteOut, "tell that a task is done, and its quality"),
            "fail": Operation(words.FailIn, words.FailOut, "tell that a task is lost"),
            "providers": Operation(words.ProvidersIn, words.ProvidersOut, "tell that providers come or go"),
        }

    def open(self, request: BaseModel) -> Settled:
        assert isinstance(request, words.OpenIn)
        told = {name: value for name, value in request.system.model_dump().items() if value is not None}
        config = replace(self._config, providers=len(request.providers), **told)
        _require_few_sizes(config)
        _require_new([each.id for each in request.providers], ())
        state = opened(config, [Provider(each.id, each.capacity_steps) for each in request.providers])
        for each in request.providers:
            state = _believing(state, each)
        shown = {name: getattr(config, name) for name in words.SystemIn.model_fields}
        return Settled(state, words.OpenOut(providers=list(state.names), configuration=shown))

    def apply(self, state: Any, operation: str, request: BaseModel) -> Settled | Question:
        assert isinstance(state, Operated)
        if isinstance(request, words.AssignIn):
            return _asked(state, request)
        if isinstance(request, words.CompleteIn):
            return _completed(state, request)
        if isinstance(request, words.FailIn):
            return _failed(state, request)
        assert isinstance(request, words.ProvidersIn)
        return _changed(state, request)

    def answer(self, question: Question, action: Any) -> Settled:
        state: Operated = question.state
        row = int(np.asarray(action[PROVIDER])[0])
        pairs = question.observation[PAIRS]
        believed = {name: _finite(pairs[field][0, row]) for name, field in BELIEVED.items()}
        return Settled(*_assigned(state, question.details["task"], question.details["steps"], row, believed))

    def meanwhile(self, state: Any, operation: str, request: BaseModel) -> Settled | None:
        """The provider with the most free steps; qualities that were told are learned from when programs are there.

        The task counts in no price.
        """
        assert isinstance(request, words.AssignIn)
        following = _reached(state, request)
        if request.task not in following.waiting:
            following = replace(following, arrived_s=following.time_s, count=following.count + 1)
        if not _has_room(following, request.steps):
            return _waiting(following, request)
        row = int(np.argmax([following.free(each) for each in following.providers]))
        told = _assigned(following, request.task, request.steps, row, dict.fromkeys(BELIEVED))
        return Settled(*told, {PROVIDER: np.array([row], np.int32)})

    def rule(self, question: Question) -> Any:
        """The rule "bid-price", which the observation holds already as advice."""
        observation = question.observation
        merit = np.where(observation[PROVIDERS][MASK], observation[PAIRS][ADVICE][0], -np.inf)
        return {PROVIDER: np.array([np.argmax(merit)], np.int32)}

    def outside(self, question: Question) -> list[str]:
        state: Operated = question.state
        most = self._facts.get(TRAINED["providers"], [self._config.providers])
        smallest = self._facts.get(TRAINED["smallest"], [self._config.smallest_task])
        largest = self._facts.get(TRAINED["largest"], [self._config.largest_task])
        ranges = {
            "providers": (len(state.providers), min(most), max(most)),
            "steps": (question.details["steps"], min(smallest), max(largest)),
        }
        return [
            f"{name} = {value:g}: trained on {low:g} to {high:g}"
            for name, (value, low, high) in ranges.items()
            if not low <= value <= high
        ]

    def dump(self, state: Any) -> bytes:
        return stored.dump(state)

    def load(self, content: bytes) -> Any:
        return stored.load(content)

    def view(self, state: Any) -> dict[str, Any]:
        """Load of every provider and what is known of its curve, at the sizes of tasks; what runs."""
        prior, curves = prior_of(state.config), state.experience.curves
        mean, basis = np.asarray(prior.mean), np.asarray(prior.basis)
        means = mean + np.asarray(curves.mean) @ basis.T
        variances = np.einsum("kd,ide,ke->ik", basis, np.asarray(curves.covariance), basis)
        deviations = np.sqrt(np.maximum(variances, 0.0))
        told = _told(state)
        prices = np.asarray(state.experience.price, float)
        return {
            "time_s": state.time_s,
            "steps": np.asarray(prior.sizes, float).tolist(),
            "providers": {
                name: {
                    **told[name].model_dump(),
                    "price": _finite(prices[row]),
                    "quality": [_finite(each) for each in means[row]],
                    "deviation": [_finite(each) for each in deviations[row]],
                }
                for row, name in enumerate(state.names)
            },
            "tasks": {
                task: {"provider": each.provider, "steps": each.steps, "started_s": each.started_s}
                for task, each in state.running.items()
            },
            "waiting": list(state.waiting),
        }

    def shown(self, state: Any) -> Shown | None:
        return shown(state)

    def size_of(self, numbers: Size) -> Size:
        return numbers[0], USUAL_TASKS

    def size(self, state: Any, operation: str, request: BaseModel) -> Size | None:
        return self._size(state) if isinstance(request, words.AssignIn) else None

    def likely(self, state: Any, stated: Sequence[Size]) -> list[Size]:
        return [self._size(state)]

    def samples(self, size: Size) -> Iterator[Question]:
        state = self._sample(*size)
        if self._size(state) == size:  # more places than usual come of tasks that run
            asked = words.AssignIn(task="task", steps=self._config.smallest_task, time_s=0.0)
            question = self.apply(state, "assign", asked)
            assert isinstance(question, Question)
            yield question

    @staticmethod
    def _size(state: Operated) -> Size:
        return len(state.providers), places_of(state)

    def _sample(self, count: int, places: int) -> Operated:
        """A session whose providers have room for so many of the smallest tasks."""
        capacity = places * float(self._config.smallest_task)
        told: list[dict[str, Any]] = [{"id": f"{i}", "capacity_steps": capacity} for i in range(count)]
        told[0]["prior_curve"] = [{"steps": self._config.smallest_task, "quality": 0.5}]
        state: Operated = self.open(words.OpenIn.model_validate({"providers": told})).state
        return state


def _asked(state: Operated, request: words.AssignIn) -> Settled | Question:
    following, observation = arrived(_reached(state, request), request.task, request.steps)
    if _has_room(following, request.steps):
        return Question(following, observation, {"task": request.task, "steps": request.steps})
    return _waiting(following, request)


def _reached(state: Operated, request: words.AssignIn) -> Operated:
    """The session when a task is asked for."""
    if request.task in state.running:
        raise ConfigurationError("task", request.task, "another name than that of a task that runs")
    return state.at(request.time_s)


def _has_room(state: Operated, steps: float) -> bool:
    return any(steps <= state.free(each) for each in state.providers)


def _waiting(state: Operated, request: words.AssignIn) -> Settled:
    """A task that finds no room waits."""
    waiting = tuple(dict.fromkeys((*state.waiting, request.task)))
    told = words.AssignOut(task=request.task, provider=None, expected_running_s=running_s(request.steps))
    return Settled(replace(state, waiting=waiting), told)


def _assigned(
    state: Operated, task: str, steps: float, row: int, believed: Mapping[str, Any]
) -> tuple[Operated, words.AssignOut]:
    """The session when a task has a provider, and what is told.

    Args:
        state: before.
        task, steps: its name and size.
        row: of the provider.
        believed: of the answer, see `BELIEVED`.
    """
    provider = state.providers[row]
    there = state.of(provider.name)
    finished = {each.place for each in state.finished if each.provider == provider.name}
    place = min(set(range(len(there) + len(finished) + 1)) - {each.place for each in there.values()} - finished)
    assert state.time_s is not None
    running = {**state.running, task: Running(provider.name, place, steps, state.time_s)}
    waiting = tuple(each for each in state.waiting if each != task)
    following = replace(state, running=running, waiting=waiting)
    told = words.AssignOut(
        task=task,
        provider=provider.name,
        **believed,
        expected_running_s=running_s(steps),
        tasks_running=len(there) + 1,
        free_steps=following.free(provider),
    )
    return following, told


def _completed(state: Operated, request: words.CompleteIn) -> Settled:
    state, ended = _ended(state.at(request.time_s), request.task)
    done = Finished(ended.provider, ended.place, ended.steps, request.quality)
    ran = (state.time_s or 0.0) - ended.started_s
    state = _without_idle_leavers(replace(state, finished=(*state.finished, done)))
    told = words.CompleteOut(provider=ended.provider, ran_s=ran, tasks_running=len(state.of(ended.provider)))
    return Settled(state, told)


def _failed(state: Operated, request: words.FailIn) -> Settled:
    state, ended = _ended(state.at(request.time_s), request.task)
    lost = [request.task, *(state.of(ended.provider) if request.crashed else ())]
    state = replace(state, running={task: each for task, each in state.running.items() if task not in lost})
    return Settled(_without_idle_leavers(state), words.FailOut(provider=ended.provider, lost=lost))


def _changed(state: Operated, request: words.ProvidersIn) -> Settled:
    for name in request.remove:
        if name not in state.names:
            raise ConfigurationError("remove", name, f"one of {', '.join(state.names)}")
    _require_new([each.id for each in request.add], state.names)
    state = replace(
        state, providers=tuple(replace(p, leaving=p.leaving or p.name in request.remove) for p in state.providers)
    )
    for each in request.add:
        state = _believing(joined(state, Provider(each.id, each.capacity_steps)), each)
    if all(each.leaving for each in state.providers):
        raise ConfigurationError(
            "remove", ", ".join(request.remove), "such that a provider stays, or another one comes"
        )
    state = _without_idle_leavers(state)
    return Settled(state, words.ProvidersOut(providers=_told(state)))


def _ended(state: Operated, task: str) -> tuple[Operated, Running]:
    if task not in state.running:
        raise ConfigurationError("task", task, "a task that runs")
    running = {name: each for name, each in state.running.items() if name != task}
    return replace(state, running=running), state.running[task]


def _without_idle_leavers(state: Operated) -> Operated:
    for provider in state.providers:
        if provider.leaving and not state.of(provider.name):
            state = without(state, provider.name)
    return state


def _believing(state: Operated, told: words.ProviderIn) -> Operated:
    points = [(each.steps, each.quality) for each in told.prior_curve]
    return informed(state, told.id, points, told.prior_deviation) if points else state


def _told(state: Operated) -> dict[str, words.ProviderOut]:
    done = np.asarray(state.experience.done).sum(1)
    return {
        each.name: words.ProviderOut(
            capacity_steps=each.capacity,
            used_steps=sum(task.steps for task in state.of(each.name).values()),
            tasks_running=len(state.of(each.name)),
            tasks_done=int(done[row]) + sum(one.provider == each.name for one in state.finished),
            leaving=each.leaving,
        )
        for row, each in enumerate(state.providers)
    }


def _finite(value: Any) -> float | None:
    return float(value) if np.isfinite(value) else None


def _require_few_sizes(config: ServiceSelectionConfig) -> None:
    """A curve is known at every size of tasks: what is believed of it grows with their number."""
    if (config.largest_task - config.smallest_task) // config.task_step >= MOST_SIZES:
        allowed = f"such that from {config.smallest_task} to {config.largest_task} there are at most {MOST_SIZES} sizes"
        raise ConfigurationError("system.task_step", config.task_step, allowed)


def _require_new(names: Sequence[str], known: Sequence[str]) -> None:
    for place, name in enumerate(names):
        if name in known or name in names[:place]:
            raise ConfigurationError("providers.id", name, "another name than that of another provider")
