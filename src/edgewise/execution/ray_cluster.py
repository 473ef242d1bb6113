"""Jobs on a Ray cluster: one that exists, or one that is started on this machine for as long as the command works."""

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
from edgewise.execution.contract import POLL_S, JobReporter, Task, attempt, unwrap

RETRIES = 20
"""How often a job is begun again because the node or the process that carried it out was lost."""

KNOCK_S = 10.0


class RayCluster:
    """One job per CPU of the cluster, or per GPU if it has any; a job whose node is lost is carried out by another.

    Only this process keeps results. Runs are trained in the store's folder, which every node must see under the same path: so a
    node goes on from the newest checkpoint of the one that was lost.
    """

    def __init__(self, address: str | None) -> None:
        """Args: `address`, HOST:PORT; none takes RAY_ADDRESS or a cluster of this machine, or else starts one."""
        self._address = address

    def __call__(self, jobs: Sequence[Task], report: JobReporter) -> Iterator[tuple[Task, Any]]:
        if not jobs:
            return
        sent: list[Any] = [replace(cast(Any, job), folder=job.folder.resolve()) if job.folder else job for job in jobs]
        with _connection(self._address), _marked(sent) as mark:
            news = _start_news()
            gpus = 1 if ray.cluster_resources().get("GPU") else 0
            task: Any = ray.remote(_carry_out).options(max_retries=RETRIES, num_cpus=1, num_gpus=gpus)
            running = {task.remote(news, index, job, mark, __version__): index for index, job in enumerate(sent)}
            try:
                while running:
                    ended, _ = ray.wait(list(running), timeout=POLL_S)
                    for index, (done, text) in ray.get(news.newest.remote()).items():
                        report(index, done, text)
                    for reference in ended:
                        index = running.pop(reference)
                        yield jobs[index], unwrap(*ray.get(reference))
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
                raise EdgewiseError(f"Ray gave a job up ({cause}); give the same command again to go on") from None
            finally:
                for reference in running:
                    ray.cancel(reference, force=True)


@contextmanager
def _connection(address: str | None) -> Iterator[None]:
    """To a cluster; one that was there before is left as it was."""
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
def _marked(jobs: Sequence[Task]) -> Iterator[str]:
    """A file beside the runs, by which a node knows that it sees their folder."""
    parents = {job.folder.parent for job in jobs if job.folder}
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
    """The newest word of every job."""

    def __init__(self) -> None:
        self._words: dict[int, tuple[int, str]] = {}

    def tell(self, index: int, done: int, text: str) -> None:
        self._words[index] = (done, text)

    def newest(self) -> dict[int, tuple[int, str]]:
        """What was told since the last call."""
        words, self._words = self._words, {}
        return words


def _carry_out(news: Any, index: int, job: Task, mark: str, version: str) -> tuple[str, Any]:
    node = platform.node()
    if version != __version__:
        return "error", f"node {node}: edgewise = {__version__!r}: must be {version!r}, as where the command was given"
    if job.folder and not (job.folder.parent / mark).exists():
        return "error", f"{job.folder.parent}: is not seen by node {node}: must be a folder that all nodes share"
    try:
        return attempt(job, lambda done, text: news.tell.remote(index, done, text))
    finally:
        jax.clear_caches()
