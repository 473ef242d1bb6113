"""What a live view shows of a session of service selection."""

from __future__ import annotations

import jax
import numpy as np

from edgewise.drawing.scene import Headline, Scene
from edgewise.environments.service import Shown
from edgewise.systems.service_selection.operated import Operated, prior_of
from edgewise.systems.service_selection.scene import Board, believed, panels_of, small_words


def shown(state: Operated) -> Shown | None:
    """Load of every provider, and what was learned of its quality."""
    if state.count == 0:
        return None
    board = _board(state)
    used, capacity = float(board.used.sum()), float(board.capacity.sum())
    learned = board.learned
    done = 0 if learned is None else int(learned.done.sum())
    headlines = [
        Headline("capacity in use", f"{used / max(capacity, 1):.0%}"),
        Headline("tasks running", str(len(state.running))),
        Headline("tasks waiting", str(len(state.waiting)), "vermilion" if state.waiting else "ink"),
        Headline("tasks learned from", str(done)),
    ]
    if board.chosen is not None:
        headlines.append(Headline("latest task at", board.providers[board.chosen]))
    bars, curves = panels_of(board)
    scene = Scene(
        f"{len(board.providers)} providers",
        f"task {state.count}",
        tuple(headlines),
        None,
        bars,
        curves,
        small_words(board) if curves else "",
    )
    course = {"in use": (state.count, 100 * used / max(capacity, 1))}
    return Shown(scene, state.count, course, "capacity in use", "%", "task")


def _board(state: Operated) -> Board:
    prior = prior_of(state.config)
    there = [state.of(name).values() for name in state.names]
    latest = max(state.running.values(), key=lambda each: each.started_s, default=None)
    return Board(
        providers=state.names,
        capacity=np.array([each.capacity for each in state.providers], float),
        used=np.array([sum(task.steps for task in tasks) for tasks in there], float),
        running=np.array([len(tasks) for tasks in there], float),
        open=np.array([not each.leaving for each in state.providers]),
        sizes=np.asarray(prior.sizes),
        learned=jax.tree.map(np.asarray, believed(prior, state.experience)),
        chosen=None if latest is None else state.names.index(latest.provider),
    )
