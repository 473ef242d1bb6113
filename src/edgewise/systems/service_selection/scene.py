"""What views show of an assignment: the load of each provider, what has been learned of its quality, and crashes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from edgewise.drawing.scene import Bar, Bars, Curve, Curves, Headline, Scene
from edgewise.environments.moments import Moments, headline_panels
from edgewise.environments.system import Headline as Metric
from edgewise.systems.service_selection import experience as learning
from edgewise.systems.service_selection.curves import Prior
from edgewise.systems.service_selection.entities import PROVIDER, EntitySelection, EntityState
from edgewise.systems.service_selection.environment import ServiceSelection, ServiceSelectionState
from edgewise.systems.service_selection.experience import Experience

DEVIATIONS = 2.0
"""Half width of the bands around learned curves, in standard deviations."""
CURVES = 24
"""Most providers whose curves are drawn one by one."""


class Learned(NamedTuple):
    """What is believed of the providers' quality at the sizes of tasks.

    Attributes:
        mean, deviation: of the utility [I, K].
        done: finished tasks [I, K].
        scores: their mean score, not a number where none is done [I, K].
    """

    mean: Float[Array, "i k"]
    deviation: Float[Array, "i k"]
    done: Float[Array, "i k"]
    scores: Float[Array, "i k"]


@dataclass(frozen=True, eq=False)
class Board:
    """What is known when a task waits; I providers, K sizes of tasks.

    Attributes:
        providers: their names.
        capacity, used: denoising steps [I].
        running: tasks that run [I].
        open: who takes tasks [I].
        sizes: of tasks, denoising steps [K].
        task: size of the waiting one, denoising steps; None if none waits.
        learned: what is believed of qualities. If None, it is not known what was learned.
        truth: utility of every size [I, K]. If None, nobody can know.
        chosen: who gets the task; None if that is not decided.
        crashed: whether that crashes him.
    """

    providers: Sequence[str]
    capacity: Float[np.ndarray, " i"]
    used: Float[np.ndarray, " i"]
    running: Float[np.ndarray, " i"]
    open: Bool[np.ndarray, " i"]
    sizes: Float[np.ndarray, " k"]
    task: float | None = None
    learned: Learned | None = None
    truth: Float[np.ndarray, "i k"] | None = None
    chosen: int | None = None
    crashed: bool = False


@eqx.filter_jit
def believed(prior: Prior, experience: Experience) -> Learned:
    """What experience says of every size of tasks."""
    covariance = jnp.einsum("kd,ide,ke->ik", prior.basis, experience.curves.covariance, prior.basis)
    done = experience.done
    scores = jnp.where(done > 0, experience.scores / jnp.maximum(done, 1.0), jnp.nan)
    return Learned(experience.curves.table(prior), jnp.sqrt(jnp.maximum(covariance, 0.0)), done, scores)


def panels_of(board: Board) -> tuple[tuple[Bars, ...], tuple[Curves, ...]]:
    """Loads, what the waiting task is worth at each provider, and curves of quality."""
    bars = [_loads(board)]
    if board.task is not None and (board.learned is not None or board.truth is not None):
        bars.append(_offers(board))
    few = len(board.providers) <= CURVES
    return tuple(bars), tuple(_curve(board, i) for i in range(len(board.providers))) if few else ()


def small_words(board: Board) -> str:
    """What the curve of a provider shows."""
    learned = "utility as learned (band: two standard deviations), mean scores of finished tasks (dots)"
    said = [
        *([learned] if board.learned is not None else []),
        *(["true utility (dashed)"] if board.truth is not None else []),
    ]
    return f"Providers one by one: {', '.join(said)}, for tasks of {board.sizes[0]:g} to {board.sizes[-1]:g} steps."


def scenes(metric: Metric, environment: Any, moments: Moments) -> list[Scene]:
    """The scenes of an episode, of the system in either of its forms.

    Args:
        metric: the headline of the system.
        environment: in which it was played.
        moments: its steps; unless they hold what was learned, or begin with the episode, nothing of that is shown.
    """
    system: ServiceSelection = environment.system if isinstance(environment, EntitySelection) else environment
    at = headline_panels(metric, moments, "task")
    known: Experience | None = learning.begin(system) if moments.first == 0 else None
    made = []
    crashes = np.cumsum(moments.info["crashes"]) if "crashes" in moments.info else np.zeros(moments.count)
    for place in range(moments.count):
        state, action = moments.at(place)
        if isinstance(state, EntityState):
            known, state = state.experience, state.system
        elif known is not None:
            known = _learn(system, known, state)
        chosen = (
            None if action is None else int(np.asarray(action[PROVIDER] if isinstance(action, dict) else action).item())
        )
        told = moments.told(place)
        board = _board(system, state, known, chosen, told.get("crashes", 0.0) > 0)
        bars, curves = panels_of(board)
        figure, course = at(place)
        made.append(
            Scene(
                f"{len(board.providers)} providers",
                f"task {moments.first + place + 1} of {moments.length}",
                (figure, *_headlines(board, int(crashes[place]), moments.first == 0)),
                None,
                bars,
                (course, *curves),
                small_words(board) if curves else "",
            )
        )
    return made


def _board(
    system: ServiceSelection, state: ServiceSelectionState, known: Experience | None, chosen: int | None, crashed: bool
) -> Board:
    capacity, truth, open_, sizes = (np.asarray(each) for each in _look(system, state))
    learned = None if known is None else jax.tree.map(np.asarray, believed(system.prior, known))
    return Board(
        providers=tuple(f"provider {i}" for i in range(len(capacity))),
        capacity=capacity,
        used=np.asarray(state.size).sum(axis=1),
        running=(np.asarray(state.size) > 0).sum(axis=1).astype(float),
        open=open_,
        sizes=sizes,
        task=float(state.task),
        learned=learned,
        truth=truth,
        chosen=chosen,
        crashed=crashed,
    )


@eqx.filter_jit
def _look(system: ServiceSelection, state: ServiceSelectionState) -> tuple[Array, ...]:
    """Capacities, utilities of all sizes [I, K], who is open, and the sizes."""
    sizes = system.prior.sizes
    truth = jax.vmap(lambda size: system.utility(state, size), out_axes=1)(sizes)
    return system.present(state).capacity, truth, system.is_open(state), sizes


_learn = eqx.filter_jit(learning.learn)


def _headlines(board: Board, crashes: int, whole: bool) -> list[Headline]:
    figures = []
    if board.task is not None:
        figures.append(Headline("waiting task", f"{board.task:g} steps"))
    if board.chosen is not None:
        text = board.providers[board.chosen]
        figures.append(
            Headline(
                "assigned to",
                f"{text}, which crashes" if board.crashed else text,
                "vermilion" if board.crashed else "ink",
            )
        )
    if whole:
        figures.append(Headline("crashes so far", str(crashes), "vermilion" if crashes else "ink"))
    return figures


def _name(board: Board, provider: int) -> str:
    return f"▸ {board.providers[provider]}" if provider == board.chosen else board.providers[provider]


def _tone(board: Board, provider: int) -> Any:
    if provider != board.chosen:
        return "sky"
    return "vermilion" if board.crashed else "blue"


def _loads(board: Board) -> Bars:
    rows = []
    for i in range(len(board.providers)):
        text = f"{board.used[i]:.0f}/{board.capacity[i]:.0f}" if board.open[i] else "has left"
        share = float(board.used[i] / max(board.capacity[i], 1.0))
        with_task = share + (board.task or 0.0) / max(float(board.capacity[i]), 1.0)
        mark = with_task if i == board.chosen and board.task is not None else None
        rows.append(Bar(_name(board, i), share, _tone(board, i), mark=mark, text=text))
    task = "latest task" if board.task is None else "waiting task; tick: with it"
    note = f"▸ who has the {task}; dashed: full, more crashes it"
    return Bars("load of each provider (part of its capacity)", tuple(rows), 1.25, 1.0, note)


def _offers(board: Board) -> Bars:
    assert board.task is not None
    size = int(np.abs(board.sizes - board.task).argmin())
    rows = []
    for i in range(len(board.providers)):
        true = None if board.truth is None else float(board.truth[i, size])
        if board.learned is None:
            rows.append(Bar(_name(board, i), float("nan") if true is None else true, _tone(board, i)))
            continue
        mean, deviation = float(board.learned.mean[i, size]), float(board.learned.deviation[i, size])
        span = (mean - DEVIATIONS * deviation, mean + DEVIATIONS * deviation)
        rows.append(Bar(_name(board, i), mean, _tone(board, i), span, true))
    note = "as learned; thin line: two standard deviations" if board.learned is not None else "as it is"
    if board.truth is not None and board.learned is not None:
        note += "; tick: the true one"
    return Bars("utility of the waiting task at each provider", tuple(rows), 1.1, note=note)


def _curve(board: Board, provider: int) -> Curves:
    x = tuple(float(size) for size in board.sizes)
    curves = []
    if board.learned is not None:
        mean, deviation, done, scores = (each[provider] for each in board.learned)
        low, high = (tuple(np.clip(mean + sign * DEVIATIONS * deviation, -0.1, 1.1).tolist()) for sign in (-1, 1))
        curves.append(Curve("learned", x, _numbers(mean), _tone(board, provider), band=(low, high)))
        seen = np.asarray(done) > 0
        places = tuple(size for size, there in zip(x, seen, strict=True) if there)
        curves.append(Curve("", places, _numbers(np.asarray(scores)[seen]), "orange", dots=True, joined=False))
    if board.truth is not None:
        curves.append(Curve("true", x, _numbers(board.truth[provider]), "ink", dashed=True))
    name = _name(board, provider)
    return Curves(
        name, tuple(curves), "task size (steps)", "utility", (x[0], max(x[-1], x[0] + 1)), (-0.1, 1.1), small=True
    )


def _numbers(values: Any) -> tuple[float, ...]:
    return tuple(float(value) for value in values)
