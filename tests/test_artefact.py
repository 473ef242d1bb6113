"""The policy artefact: loaded elsewhere it acts the same, damaged it says so."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
from pathlib import Path

import jax
import numpy as np
import pytest

from edgewise.diffusion.denoiser import Denoiser
from edgewise.diffusion.schedule import make_schedule
from edgewise.policies import artefact as module
from edgewise.policies.artefact import ArtefactError, PolicyArtefact, load_policy, save_policy
from edgewise.policies.diffusion import DiffusionPolicy

OBSERVATION = np.linspace(-1, 1, 6, dtype=np.float32)
READER = """
import sys
import numpy as np, jax
from edgewise.policies.artefact import load_policy
policy = load_policy(sys.argv[1])
observation = np.linspace(-1, 1, 6, dtype=np.float32)
np.save(sys.argv[2], np.stack([policy.act(observation), policy.act(observation, jax.random.key(4))]))
loaded = [name for name in sys.modules if name.startswith(("edgewise.training", "edgewise.algorithms", "optax", "flashbax"))]
assert not loaded, loaded
"""


def make(squash: bool = False) -> PolicyArtefact:
    denoiser = Denoiser(6, 3, (16, 16), 8, jax.random.key(0))
    return PolicyArtefact(
        DiffusionPolicy(denoiser, make_schedule("vp", 4), squash), "agent-migration", {"vehicles": 2}, "cgdm", 100
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("artefact")
    save_policy(folder, make())
    return folder


def test_a_fresh_process_acts_the_same(folder: Path, tmp_path: Path) -> None:
    output = tmp_path / "actions.npy"
    subprocess.run([sys.executable, "-c", READER, str(folder), str(output)], check=True)
    ours = make()
    expected = np.stack([ours.act(OBSERVATION), ours.act(OBSERVATION, jax.random.key(4))])
    np.testing.assert_array_equal(np.load(output), expected)


def test_everything_known_comes_back(folder: Path) -> None:
    loaded, saved = load_policy(folder), make()
    for name in ("environment", "environment_config", "algorithm", "steps"):
        assert getattr(loaded, name) == getattr(saved, name)
    assert all(
        np.array_equal(a, b) for a, b in zip(jax.tree.leaves(loaded.policy), jax.tree.leaves(saved.policy), strict=True)
    )


@pytest.mark.parametrize("case", range(50))
def test_damage_is_found(folder: Path, tmp_path: Path, case: int) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(folder, broken)
    draw = random.Random(case)
    file = broken / draw.choice([module.DESCRIPTION_FILE, module.WEIGHTS_FILE])
    content = bytearray(file.read_bytes())
    kind = ("flip", "cut", "remove", "other", "empty", "grow")[case % 6]
    if kind == "flip":
        place = draw.randrange(len(content))
        content[place] ^= 1 << draw.randrange(8)
        if file.name == module.DESCRIPTION_FILE and bytes(content).split() == file.read_bytes().split():
            content[0] = 0  # the flip fell on white space, which means nothing
    elif kind == "cut":
        del content[draw.randrange(len(content)) :]
    elif kind == "other":
        content = bytearray(json.dumps({"format": 1}).encode())
    elif kind == "empty":
        content = bytearray()
    elif kind == "grow":
        content += b"\0\0"
    file.write_bytes(content)
    if kind == "remove":
        file.unlink()
    with pytest.raises(ArtefactError) as caught:
        load_policy(broken)
    assert "\n" not in str(caught.value)
    assert file.name in str(caught.value)


def test_newer_formats_and_other_architectures_are_refused(folder: Path, tmp_path: Path) -> None:
    for change, said in (({"format": 99}, "format = 99"), ({"architecture": {"hidden": [8, 8]}}, "architecture")):
        broken = tmp_path / said.split()[0]
        shutil.copytree(folder, broken)
        description = json.loads((broken / module.DESCRIPTION_FILE).read_text())
        description |= {k: ({**description[k], **v} if isinstance(v, dict) else v) for k, v in change.items()}
        description["sha256"] = module._digest(description)
        (broken / module.DESCRIPTION_FILE).write_text(json.dumps(description))
        with pytest.raises(ArtefactError, match=said):
            load_policy(broken)


@pytest.mark.parametrize(
    "observation", [np.zeros(5, np.float32), np.zeros((2, 7), np.float32), np.full(6, np.nan, np.float32)]
)
def test_bad_observations_are_refused(folder: Path, observation: np.ndarray) -> None:
    with pytest.raises(ArtefactError, match="observation"):
        load_policy(folder).act(observation)


def test_a_failed_write_leaves_the_old_artefact(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "policy"
    save_policy(target, make())
    before = {p.name: p.read_bytes() for p in target.iterdir()}
    monkeypatch.setattr("os.fsync", lambda _: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        save_policy(target, make(squash=True))
    assert {p.name: p.read_bytes() for p in target.iterdir()} == before
