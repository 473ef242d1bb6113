"""Computing the cells and probes that are missing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from edgewise.common.interrupt import Interrupted
from edgewise.common.progress import Reporter, progress_bar
from edgewise.execution.contract import Executor, TaskReporter
from edgewise.experiments.cell import Bound, Cell, CellResult, Learned, ProbeResult, digest
from edgewise.experiments.job import Job
from edgewise.experiments.probe import Probe
from edgewise.experiments.store import Store, code_digest, machine


@dataclass(frozen=True)
class Computed:
    """Results by address."""

    cells: dict[str, CellResult]
    probes: dict[str, ProbeResult]


@dataclass(frozen=True)
class ProbeTask:
    """A probe, for an executor.

    Attributes:
        probe: what to compute.
        folder: the folder of the training run whose policies it reads; None if it reads none.
    """

    probe: Probe
    folder: Path | None

    work = 1

    def carry_out(self, report: Reporter) -> ProbeResult:
        """Compute the probe."""
        report(0, self.probe.name)
        return ProbeResult(self.probe.compute(self.folder), code_digest(), machine())


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


def compute(cells: Iterable[Cell], store: Store, executor: Executor, probes: Iterable[Probe] = ()) -> Computed:
    """Results of cells and probes; what the store holds is taken from there, the rest is computed and kept in it.

    A killed computation loses only what it has not saved: finished cells and probes, and a run's training up to its newest
    checkpoint, are found again. A job of which some cells are missing plays all its settings again, though only the missing are
    kept: other shapes would round otherwise, and a computation that was killed must end as an undisturbed one.

    Probes that read no trained policies are carried out beside the cells, those that do after them, and those that want to be
    alone last, one by one.

    Raises:
        StoreError: if a stored result was made with another configuration or version.
        Interrupted: after Ctrl-C.
    """
    wanted = {cell.address: cell for cell in cells}
    asked = {probe.address: probe for probe in probes}
    found = {address: store.load(cell) for address, cell in wanted.items()}
    told = {address: store.load_probe(probe) for address, probe in asked.items()}
    results = Computed(
        {address: result for address, result in found.items() if result is not None},
        {address: result for address, result in told.items() if result is not None},
    )
    jobs = [
        job for job in make_jobs(wanted.values(), store) if any(cell.address not in results.cells for cell in job.cells)
    ]
    batches = _batches(jobs, _probe_tasks((p for a, p in asked.items() if a not in results.probes), store))
    tasks = [task for batch in batches for task in batch]
    if tasks:
        store.open()
    with progress_bar("experiment", sum(task.work for task in tasks), "steps") as bar:
        report = _progress(tasks, bar)
        begun = 0
        try:
            for batch in batches:
                for task, outcome in executor(batch, _shifted(report, begun)):
                    _keep(task, outcome, results, store)
                begun += len(batch)
        except Interrupted:
            raise Interrupted("stopped; give the same command again to go on") from None
    return results


def _probe_tasks(probes: Iterable[Probe], store: Store) -> list[ProbeTask]:
    return [ProbeTask(p, None if p.learned is None else store.run_folder(p.learned)) for p in probes]


def _batches(jobs: Sequence[Job], probes: Sequence[ProbeTask]) -> list[list[Job | ProbeTask]]:
    """What may be carried out at the same time, in the order in which it must be."""
    alone = [task for task in probes if task.probe.alone]
    together = [task for task in probes if not task.probe.alone]
    free = [task for task in together if task.folder is None]
    reading = [task for task in together if task.folder is not None]
    batches: list[list[Job | ProbeTask]] = [[*jobs, *free], [*reading]]
    batches += [[task] for task in alone]
    return [batch for batch in batches if batch]


def _keep(task: Job | ProbeTask, outcome: object, results: Computed, store: Store) -> None:
    """Save what a task has given, but for cells that exist."""
    if isinstance(task, ProbeTask):
        assert isinstance(outcome, ProbeResult)
        results.probes[task.probe.address] = store.save_probe(task.probe, outcome)
        return
    assert isinstance(outcome, list)
    for cell, result in zip(task.cells, outcome, strict=True):
        if cell.address not in results.cells:
            results.cells[cell.address] = store.save(cell, result)


def _progress(tasks: Sequence[Job | ProbeTask], bar: Reporter) -> TaskReporter:
    done = [0] * len(tasks)

    def report(index: int, work: int, text: str) -> None:
        done[index] = work
        bar(sum(done), f"task {index + 1} of {len(tasks)}: {text}")

    return report


def _shifted(report: TaskReporter, begun: int) -> TaskReporter:
    """Progress of a batch before which others were begun."""
    return lambda index, work, text: report(begun + index, work, text)
