"""Tasks on a Ray cluster: one that exists, or one that is started on this machine for as long as the command works."""

from __future__ import annotations

import logging
import os
import platform
import socket
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, cast

import jax
import ray
from ray.exceptions import RayError, RayTaskError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from edgewise import __version__
from edgewise.common.errors import ConfigurationError, EdgewiseError
from edgewise.common.interrupt import Interrupted
from edgewise.execution.contract import POLL_S, Task, TaskReporter, attempt, unwrap

RETRIES = 20
"""How often a task is begun again because the node or the process that carried it out was lost."""

KNOCK_S = 10.0
"""Seconds within which somebody must answer at an address."""


class RayCluster:
    """One task per CPU of the cluster, or per GPU if it has any; a task whose node is lost is carried out by another.

    Only this process keeps results. Every node must see the folders of tasks under the same path: so a node goes on from the
    newest checkpoint of the one that was lost.
    """

    def __init__(self, address: str | None) -> None:
        """Args: `address`, HOST:PORT; if None, RAY_ADDRESS, a cluster of this machine, or one that is started."""
        self._address = address

    def __call__(self, tasks: Sequence[Task], report: TaskReporter) -> Iterator[tuple[Task, Any]]:
        if not tasks:
            return
        sent = [_with_whole_path(task) for task in tasks]
        with _connection(self._address), _marked(sent) as mark:
            news = _start_news()
            gpus = 1 if ray.cluster_resources().get("GPU") else 0
            remote: Any = ray.remote(_carry_out).options(max_retries=RETRIES, num_cpus=1, num_gpus=gpus)
            running = {remote.remote(news, index, task, mark, __version__): index for index, task in enumerate(sent)}
            try:
                while running:
                    ended, _ = ray.wait(list(running), timeout=POLL_S)
                    for index, (done, text) in ray.get(news.newest.remote()).items():
                        report(index, done, text)
                    for reference in ended:
                        index = running.pop(reference)
                        yield tasks[index], unwrap(*ray.get(reference))
            except KeyboardInterrupt:
                for reference in running:
                    ray.cancel(reference)
                ray.wait(list(running), num_returns=len(running))  # those at work save a checkpoint
                running.clear()
                raise Interrupted("stopped") from None
            except RayTaskError:
                raise
            except RayError as error:
                cause = " ".join(str(error).split())
                raise EdgewiseError(f"Ray gave a task up ({cause}); give the same command again to go on") from None
            finally:
                for reference in running:
                    ray.cancel(reference, force=True)


def _with_whole_path(task: Task) -> Any:
    return replace(cast(Any, task), folder=task.folder.resolve()) if task.folder else task


@contextmanager
def _connection(address: str | None) -> Iterator[None]:
    """Connect to a cluster; one that was there before is left as it was."""
    if ray.is_initialized():
        yield
        return
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    place = address or os.environ.get("RAY_ADDRESS")
    try:
        if place and place not in ("auto", "local"):
            _knock(place)
        ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
    except (OSError, ValueError):
        raise ConfigurationError("ray_address", place, "HOST:PORT of a Ray cluster that is running") from None
    try:
        yield
    finally:
        ray.shutdown()


def _knock(place: str) -> None:
    """Fail at once where nobody listens, which Ray would wait for."""
    host, _, port = place.removeprefix("ray://").rpartition(":")
    socket.create_connection((host, int(port)), timeout=KNOCK_S).close()


@contextmanager
def _marked(tasks: Sequence[Task]) -> Iterator[str]:
    """A file beside the tasks' folders, by which a node knows that it sees where they are."""
    parents = {task.folder.parent for task in tasks if task.folder}
    name = f".{uuid.uuid4().hex}.shared"
    for parent in parents:
        parent.mkdir(parents=True, exist_ok=True)
        (parent / name).touch()
    try:
        yield name
    finally:
        for parent in parents:
            (parent / name).unlink(missing_ok=True)


def _start_news() -> Any:
    """A place for news on the node of this process."""
    here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
    return ray.remote(_News).options(num_cpus=0, scheduling_strategy=here).remote()


class _News:
    """The newest word of every task."""

    def __init__(self) -> None:
        self._words: dict[int, tuple[int, str]] = {}

    def tell(self, index: int, done: int, text: str) -> None:
        self._words[index] = (done, text)

    def newest(self) -> dict[int, tuple[int, str]]:
        """The reports since the last call."""
        words, self._words = self._words, {}
        return words


def _carry_out(news: Any, index: int, task: Task, mark: str, version: str) -> tuple[str, Any]:
    node = platform.node()
    if version != __version__:
        return "error", f"node {node}: edgewise = {__version__!r}: must be {version!r}, as where the command was given"
    if task.folder and not (task.folder.parent / mark).exists():
        return "error", f"{task.folder.parent}: is not seen by node {node}: must be a folder that all nodes share"
    try:
        return attempt(task, lambda done, text: news.tell.remote(index, done, text))
    finally:
        jax.clear_caches()
