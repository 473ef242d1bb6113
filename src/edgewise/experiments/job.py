"""A job: what is computed in one go, the cells of one player in several settings; and how."""

from __future__ import annotations

import dataclasses
import fcntl
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd

from edgewise import __version__
from edgewise.common.errors import ConfigurationError
from edgewise.common.files import replace_file
from edgewise.common.progress import Reporter
from edgewise.common.yaml_files import read_yaml
from edgewise.environments import registry
from edgewise.environments.environment import Environment
from edgewise.environments.game import Game
from edgewise.environments.host.system import is_host
from edgewise.environments.system import System
from edgewise.experiments.cell import Bound, Cell, CellResult, Learned, Reference
from edgewise.experiments.store import StoreError, code_digest, machine
from edgewise.policies.folders import policy_folder
from edgewise.training.evaluation import evaluate
from edgewise.training.judgement import Played, judge_bound, judge_references, judge_saved, load_policies
from edgewise.training.run import train
from edgewise.training.run_folder import CHECKPOINTS, CONFIG_FILE, METRICS_FILE, TEST_FILE, RunConfig
from edgewise.training.saved import require_same_sizes
from edgewise.training.trainer import evaluate_seeds

Values = dict[str, np.ndarray]
CODE_FILE = "code.txt"
Compiled = Environment[Any] | Game[Any]


@dataclass(frozen=True)
class Job:
    """Cells that differ in their setting only.

    Attributes:
        cells: at least one.
        folder: the folder of the training run, if the player is a learned one.
    """

    cells: tuple[Cell, ...]
    folder: Path | None

    @property
    def work(self) -> int:
        """Environment steps of training over all seeds, or 1."""
        player = self.cells[0].player
        if not isinstance(player, Learned):
            return 1
        training = player.run.training
        return training.steps_done(training.evaluations) * training.seeds

    def carry_out(self, report: Reporter) -> list[CellResult]:
        """Train if need be, then evaluate in every setting; one result per cell."""
        return carry_out(self, report)


def carry_out(job: Job, report: Reporter) -> list[CellResult]:
    """Train if need be, then evaluate in every setting.

    Args:
        job: what to do.
        report: called with progress in the units of `Job.work`.

    Returns:
        One result per cell.
    """
    cell = job.cells[0]
    entry = registry.find(cell.environment)
    environments = [entry.build_evaluation(each.setting) for each in job.cells]
    key, code = jax.random.key(cell.seed), code_digest()
    curve = pd.DataFrame()
    match cell.player:
        case Learned(run):
            assert job.folder is not None
            folder, seeds = job.folder, run.training.seeds
            _require_fit(run, entry, environments)
            with _held(folder):
                _require_version(folder)
                code = _note_code(folder)
                train(folder, run, lambda done, text: report(done * seeds, f"{run.algorithm} {text}"))
                shutil.rmtree(folder / CHECKPOINTS, ignore_errors=True)  # gigabytes, and nothing goes on from them
            curve = pd.read_csv(folder / METRICS_FILE)
            folders = [policy_folder(folder, "best", i) for i in range(seeds)]
            if is_host(cell.environment):
                values = [judge_saved("", folders, each, cell.episodes, cell.seed).values for each in environments]
            else:
                policies = load_policies(folders, environments[0])
                stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), *policies)
                values = play(environments, lambda each: evaluate_seeds(each, stacked, key, cell.episodes))
        case Reference(name) if is_host(cell.environment):
            entry.choose_references((name,))
            judged = [judge_references(entry, each, (name,), cell.episodes, cell.seed) for each in environments]
            values = [only.values for [only] in judged]
        case Reference(name):
            entry.choose_references((name,))
            values = play(
                environments,
                lambda each: jax.tree.map(
                    lambda x: x[None], evaluate(each, entry.references(each, (name,))[name], key, cell.episodes)
                ),
            )
        case Bound():
            bounds = [judge_bound(entry, each, cell.episodes, cell.seed) for each in environments]
            if any(each is None for each in bounds):
                raise ConfigurationError("references", "bound", f"left out: none is known for {entry.name}")
            values = [each.values for each in bounds if each is not None]
    return [CellResult(_tidy(each), curve, code, machine()) for each in values]


def play(environments: Sequence[Compiled], evaluation: Callable[[Any], Any]) -> list[Values]:
    """Carry an evaluation out in every environment, with one program for all that `stack` can join."""
    groups: list[list[int]] = []
    for place, environment in enumerate(environments):
        for group in groups:
            if stack([environments[group[0]], environment]) is not None:
                group.append(place)
                break
        else:
            groups.append([place])
    found: dict[int, Values] = {}
    for group in groups:
        members = [environments[place] for place in group]
        joined = stack(members) if len(members) > 1 else None
        if joined is None:
            [alone] = members
            found[group[0]] = jax.tree.map(np.asarray, eqx.filter_jit(evaluation)(alone))
            continue
        values = jax.tree.map(np.asarray, eqx.filter_jit(eqx.filter_vmap(evaluation))(joined))
        found |= {place: jax.tree.map(lambda x, i=i: x[i], values) for i, place in enumerate(group)}
    return [found[place] for place in range(len(environments))]


def stack(environments: Sequence[Compiled]) -> Compiled | None:
    """One environment whose arrays have a leading axis of settings, or None if the settings differ in more than arrays.

    A field of the configuration may differ if the environment has an array of that name: such parameters are read from there.
    """
    first = environments[0]
    parts = [eqx.partition(environment, eqx.is_array) for environment in environments]
    shapes = [[leaf.shape for leaf in jax.tree.leaves(arrays)] for arrays, _ in parts]
    paths = jax.tree_util.tree_leaves_with_path(parts[0][0])
    swept = {jax.tree_util.keystr(path[-1:]).lstrip(".") for path, _ in paths}
    if any(each != shapes[0] for each in shapes) or any(not _alike(first, other, swept) for other in environments[1:]):
        return None
    leaves = zip(*(jax.tree.leaves(arrays) for arrays, _ in parts), strict=True)
    arrays = jax.tree.unflatten(jax.tree.structure(parts[0][0]), [jnp.stack(each) for each in leaves])
    joined: Compiled = eqx.combine(arrays, parts[0][1])
    return joined


def _alike(first: Any, other: Any, swept: set[str]) -> bool:
    if type(first) is not type(other):
        return False
    for field in dataclasses.fields(first):
        one, two = getattr(first, field.name), getattr(other, field.name)
        if isinstance(one, eqx.Module):
            if not _alike(one, two, swept):
                return False
        elif field.metadata.get("static", False) and one != two:
            if not dataclasses.is_dataclass(one) or type(one) is not type(two):
                return False
            names = {f.name for f in dataclasses.fields(one) if getattr(one, f.name) != getattr(two, f.name)}
            if not names <= swept:
                return False
    return True


def _tidy(values: Values) -> pd.DataFrame:
    seeds, episodes = next(iter(values.values())).shape
    index = {"seed": np.repeat(np.arange(seeds), episodes), "episode": np.tile(np.arange(episodes), seeds)}
    return pd.DataFrame(index | {name: v.astype(float).ravel() for name, v in sorted(values.items())})


def _require_fit(run: RunConfig, entry: System, environments: Sequence[Played]) -> None:
    """Require settings in which the policy can be played, before it is trained.

    Raises:
        EdgewiseError: if observations or actions have other sizes there.
    """
    trained = entry.build(run.environment_config)
    for place, environment in enumerate(environments, 1):
        require_same_sizes(trained, environment, f"{run.algorithm} on {run.environment}, setting {place}")


@contextmanager
def _held(folder: Path) -> Iterator[None]:
    """Keep a run to this process: another that wants it waits; the hold ends with the process, however it ends."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (folder.parent / f".{folder.name}.lock").open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


def _note_code(folder: Path) -> str:
    """Digests of the code that a run was trained by and of that which evaluates it now; noted as long as there is training."""
    path = folder / CODE_FILE
    codes = path.read_text().split() if path.exists() else []
    digests = " ".join(dict.fromkeys([*codes, code_digest()]))
    if not (folder / TEST_FILE).exists():
        folder.mkdir(parents=True, exist_ok=True)
        replace_file(path, digests.encode())
    return digests


def _require_version(folder: Path) -> None:
    path = folder / CONFIG_FILE
    if path.exists():
        version = read_yaml(path)["edgewise"]
        if version != __version__:
            raise StoreError(
                f"{folder}: edgewise = {version!r}: must be {__version__!r}, this version; "
                "delete this folder to train again"
            )
