"""Computing the cells that are missing."""

from __future__ import annotations

from collections.abc import Iterable

from edgewise.common.interrupt import Interrupted
from edgewise.execution.contract import Executor, JobReporter
from edgewise.experiments.cell import Bound, Cell, CellResult, Learned, digest
from edgewise.experiments.job import Job
from edgewise.experiments.store import Store
from edgewise.training.progress import Reporter, progress_bar


def make_jobs(cells: Iterable[Cell], store: Store) -> list[Job]:
    """Group cells that differ in their setting only, so that a run is trained once and one program plays all settings.

    Bounds are not played, so each is a job of its own.
    """
    groups: dict[tuple[object, ...], dict[str, Cell]] = {}
    for cell in cells:
        alone = cell.address if isinstance(cell.player, Bound) else ""
        group_of = (cell.environment, digest(cell.description["player"]), cell.episodes, cell.seed, alone)
        groups.setdefault(group_of, {})[cell.address] = cell
    jobs = []
    for group in groups.values():
        members = tuple(group.values())
        player = members[0].player
        jobs.append(Job(members, store.run_folder(player) if isinstance(player, Learned) else None))
    return jobs


def compute(cells: Iterable[Cell], store: Store, executor: Executor) -> dict[str, CellResult]:
    """Results of cells, by address; what the store holds is taken from there, the rest is computed and kept in it.

    A killed computation loses only what it has not saved: finished cells, and a run's training up to its newest checkpoint,
    are found again. A job of which some cells are missing plays all its settings again, though only the missing are kept: other
    shapes would round otherwise, and a computation that was killed must end as an undisturbed one.

    Raises:
        StoreError: if a stored result was made with another configuration or version.
        Interrupted: after Ctrl-C.
    """
    wanted = {cell.address: cell for cell in cells}
    found = {address: store.load(cell) for address, cell in wanted.items()}
    results = {address: result for address, result in found.items() if result is not None}
    jobs = [job for job in make_jobs(wanted.values(), store) if any(cell.address not in results for cell in job.cells)]
    if jobs:
        store.open()
    with progress_bar("experiment", sum(job.work for job in jobs), "steps") as bar:
        try:
            for job, outcome in executor(jobs, _progress(jobs, bar)):
                for cell, result in zip(job.cells, outcome, strict=True):
                    if cell.address not in results:
                        results[cell.address] = store.save(cell, result)
        except Interrupted:
            raise Interrupted("stopped; give the same command again to go on") from None
    return results


def _progress(jobs: list[Job], bar: Reporter) -> JobReporter:
    done = [0] * len(jobs)

    def report(index: int, work: int, text: str) -> None:
        done[index] = work
        bar(sum(done), f"job {index + 1} of {len(jobs)}: {text}")

    return report
