"""Tasks in this process, or in several local ones; `ray_cluster` has clusters."""

from __future__ import annotations

import multiprocessing
import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from functools import partial
from multiprocessing.process import BaseProcess
from typing import Any

import jax

from edgewise.common.errors import EdgewiseError
from edgewise.common.interrupt import Interrupted, interrupt_flag
from edgewise.common.program_cache import ignore_damaged_programs
from edgewise.execution.contract import POLL_S, Task, TaskReporter, attempt, unwrap


def serial(tasks: Sequence[Task], report: TaskReporter) -> Iterator[tuple[Task, Any]]:
    """One task after the other, in this process; the compiled programs of a task, which no other needs, are released."""
    for index, task in enumerate(tasks):
        results = task.carry_out(partial(report, index))
        jax.clear_caches()
        yield task, results


class Processes:
    """Several tasks at a time, each in a process of its own, which ends when the one that started it is gone."""

    def __init__(self, workers: int) -> None:
        """Args: `workers`, processes at a time."""
        self._workers = workers

    def __call__(self, tasks: Sequence[Task], report: TaskReporter) -> Iterator[tuple[Task, Any]]:
        context = multiprocessing.get_context("spawn")
        news = context.Queue()
        waiting = list(enumerate(tasks))[::-1]
        running: dict[int, BaseProcess] = {}
        try:
            with interrupt_flag(_acknowledge) as interrupted:
                while (waiting or running) and not interrupted():
                    while waiting and len(running) < self._workers:
                        index, task = waiting.pop()
                        process: BaseProcess = context.Process(target=_work, args=(news, os.getpid(), index, task))
                        _start(process)
                        running[index] = process
                    for index, kind, content in _listen(news, running):
                        if kind == "progress":
                            report(index, *content)
                        else:
                            yield tasks[index], unwrap(kind, content)
                            running.pop(index).join()
                if interrupted():
                    for process in running.values():
                        if process.is_alive() and process.pid is not None:
                            os.kill(process.pid, signal.SIGINT)
                    for index, content in _last_results(news, running):
                        yield tasks[index], content
                    raise Interrupted("stopped")
        finally:
            for process in running.values():
                process.terminate()
                process.join()


def _start(process: BaseProcess) -> None:
    """Start a process in which Ctrl-C waits until its work has begun, instead of ending its imports in a traceback."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        process.start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _acknowledge() -> None:
    print("stops when the tasks at work have saved what they have", file=sys.stderr, flush=True)


def _listen(news: Any, running: dict[int, BaseProcess]) -> Iterator[tuple[int, str, Any]]:
    """The next message of a process, if there is one within a while."""
    try:
        yield news.get(timeout=POLL_S)
    except queue.Empty:
        for index, process in running.items():
            if process.exitcode:
                raise EdgewiseError(
                    f"the process of task {index + 1} died with exit code {process.exitcode}; "
                    "give the same command again to go on"
                ) from None


def _last_results(news: Any, running: dict[int, BaseProcess]) -> Iterator[tuple[int, Any]]:
    """Results of the tasks that end before they stop; a process that is told to stop lives until it has been listened to."""
    while True:
        at_work = any(process.is_alive() for process in running.values())
        try:
            index, kind, content = news.get(timeout=POLL_S)
        except queue.Empty:
            if not at_work:
                return
            continue
        if kind == "results":
            yield index, content


def _work(news: Any, parent: int, index: int, task: Task) -> None:
    os.setpgid(0, 0)  # what a terminal tells a command reaches its first process only, which passes it on
    threading.Thread(target=_follow, args=(parent,), daemon=True).start()
    ignore_damaged_programs()
    try:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
        outcome = attempt(task, lambda done, text: news.put((index, "progress", (done, text))))
    except KeyboardInterrupt:
        outcome = "interrupted", "stopped"
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    news.put((index, *outcome))


def _follow(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(POLL_S)
    os._exit(1)
