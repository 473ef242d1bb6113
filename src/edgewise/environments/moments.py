"""Steps of an episode as views show them, and the headline metric over them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import jax
import numpy as np
from jaxtyping import Float

from edgewise.drawing.scene import Curve, Curves, Headline, Scene, ends
from edgewise.environments.environment import TimeStep
from edgewise.environments.instances import InstanceState
from edgewise.environments.system import Headline as Metric
from edgewise.environments.system import System


@dataclass(frozen=True, eq=False)
class Moments:
    """Steps of an episode, one after another.

    Attributes:
        states: before each step; every array has a leading axis of steps.
        actions: of each step, in a game a dictionary keyed by agent id. If None, nothing has been decided yet.
        info: what each step brought, empty without actions.
        course: the headline metric in every step since the start of the episode, those before the first one here too.
        first: number of the first step here.
        length: steps of the episode.
        policy: who decided, in words.
        rule: another policy that played the same episode; empty for none.
        rule_course: the headline metric of the rule in every step.
    """

    states: Any
    actions: Any
    info: Mapping[str, Float[np.ndarray, " t"]]
    course: Float[np.ndarray, " n"]
    first: int
    length: int
    policy: str = "policy"
    rule: str = ""
    rule_course: Float[np.ndarray, " m"] | None = None

    @property
    def count(self) -> int:
        """Number of steps T."""
        return int(jax.tree.leaves(self.states)[0].shape[0])

    def told(self, place: int) -> dict[str, float]:
        """What the step in that place brought."""
        return {name: float(values[place]) for name, values in self.info.items()}

    def at(self, place: int) -> tuple[Any, Any]:
        """State and action of the step in that place."""
        return jax.tree.map(lambda leaf: leaf[place], (self.states, self.actions))

    def beside(self, rule: str, other: Moments) -> Moments:
        """The same beside what a rule did in the same episode."""
        return replace(self, rule=rule, rule_course=other.course)

    def part(self, first: int, count: int) -> Moments:
        """Some steps of an episode; the course stays whole."""
        start = first - self.first

        def cut(leaf: Any) -> Any:
            return leaf[start : start + count]

        states, actions, info = jax.tree.map(cut, (self.states, self.actions, dict(self.info)))
        return replace(self, states=states, actions=actions, info=info, first=first)


def course_of(metric: Metric, rewards: Float[np.ndarray, " t"], info: Mapping[str, Any]) -> Float[np.ndarray, " t"]:
    """The headline metric in every step, not a number where it was not measured; a return is the sum of the rewards so far."""
    if metric.metric == "return":
        return np.cumsum(np.asarray(rewards, dtype=float))
    return np.asarray(info.get(metric.metric, np.full(len(rewards), np.nan)), dtype=float)


def recorded(metric: Metric, states: Any, timesteps: TimeStep, actions: Any, policy: str) -> Moments:
    """What `record_episode` returned, up to the end of the episode."""
    states, rewards, info, actions, ended = jax.device_get(
        (states, timesteps.reward, timesteps.info, actions, timesteps.terminated | timesteps.truncated)
    )
    length = int(np.argmax(ended)) + 1 if ended.any() else len(ended)
    states, rewards, info, actions = jax.tree.map(lambda leaf: leaf[:length], (states, rewards, info, actions))
    return Moments(states, actions, info, course_of(metric, rewards, info), 0, length, policy)


def show(system: System, environment: Any, moments: Moments) -> list[Scene]:
    """The scenes of a system, of the instance that an episode was played in.

    Raises:
        NothingToShow: if it has none.
    """
    if isinstance(moments.states, InstanceState):
        environment = jax.tree.map(lambda leaf: leaf[0], moments.states.instance)
        moments = replace(moments, states=moments.states.inner)
    found: list[Scene] = system.scenes(environment, moments)
    return found


def headline_panels(metric: Metric, moments: Moments, step_word: str) -> Callable[[int], tuple[Headline, Curves]]:
    """Figure and curve of the headline metric.

    Args:
        metric: the metric.
        moments: the steps.
        step_word: what a step is called in the system, for the axis.

    Returns:
        From the place of a step to the figure and the curve, with the rule beside it where there is one.
    """
    length = max(moments.length, 2)
    curves = [_curve(moments.policy, moments.course)]
    if moments.rule_course is not None:
        rule = _curve(moments.rule, moments.rule_course)
        curves.append(replace(rule, tone="ink", dashed=True))
    drawn = Curves(
        title=metric.label,
        curves=tuple(curves),
        x_label=step_word,
        y_label=metric.unit,
        x_range=(0, length - 1),
        y_range=ends(*(curve.y for curve in curves)),
    )

    def at(place: int) -> tuple[Headline, Curves]:
        step = moments.first + place
        value = moments.course[step] if step < len(moments.course) else float("nan")
        text = f"{metric.text(value)} {metric.unit}" if np.isfinite(value) else "not yet"
        if moments.rule_course is not None and step < len(moments.rule_course):
            text += f", {moments.rule} {metric.text(moments.rule_course[step])}"
        return Headline(metric.label, text), replace(drawn, now=float(step))

    return at


def _curve(label: str, values: Float[np.ndarray, " t"]) -> Curve:
    return Curve(label, tuple(range(len(values))), tuple(float(value) for value in values))
