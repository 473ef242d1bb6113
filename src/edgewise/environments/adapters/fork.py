"""Processes that were forked from one that runs JAX: its threads are missing there, and the first step would never end."""

from __future__ import annotations

import os
from typing import Any, NoReturn

import gymnasium

from edgewise.common.errors import EdgewiseError

_LOADED_IN = os.getpid()
"""The process that loaded this module, and JAX with it; a forked copy of it has another number."""


def forked() -> bool:
    """Whether this process was forked from one that had loaded JAX."""
    return os.getpid() != _LOADED_IN


def require_unforked() -> None:
    """Refuse to calculate in a process that was forked from one that had loaded JAX.

    Raises:
        EdgewiseError: telling how to start a process.
    """
    if forked():
        refuse_fork()


def refuse_fork() -> NoReturn:
    """Raise an EdgewiseError that says how to start a process."""
    raise EdgewiseError(
        "this process was forked from one that runs JAX, where it would wait for ever: start it with "
        "vector_kwargs={'context': 'spawn'} or multiprocessing.get_context('spawn'), or make copies with "
        "vectorization_mode='vector_entry_point', which steps all of them at once"
    )


class ForkedEnvironment(gymnasium.Env[Any, Any]):
    """Stands in a forked process for an environment, and refuses to do anything.

    Gymnasium passes on what goes wrong in a reset; of an environment that could not be made it tells only that the process is
    gone.

    Args:
        observation_space, action_space: of the environment.
    """

    metadata: dict[str, Any] = {"render_modes": []}  # noqa: RUF012 declared so by Gymnasium

    def __init__(self, observation_space: Any, action_space: Any) -> None:
        self.observation_space = observation_space
        self.action_space = action_space

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        refuse_fork()

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        refuse_fork()
