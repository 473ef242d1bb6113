"""The wheel holds what the package reads at run time, the policies that come with systems among it."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import edgewise
from edgewise.environments import registry
from edgewise.policies.artefact import load_policy
from edgewise.reports.card import markdown, read_card

ROOT = Path(edgewise.__file__).parents[2]
LARGEST = 300_000
"""Bytes of a policy that comes with the package."""
SHIPPED = [
    (system.name, name, folder) for system in registry.SYSTEMS.items() for name, folder in system.shipped.items()
]


def size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def test_every_policy_that_comes_with_a_system_is_small_whole_and_described() -> None:
    for system, name, folder in SHIPPED:
        assert load_policy(folder).environment == system, name
        assert size(folder) <= LARGEST, name
        assert folder.is_relative_to(ROOT / "src"), name
        card = read_card(folder)
        assert card is not None, f"{name} has no card of its own"
        assert card["figures"], name
        assert (folder / "card.md").read_text() == markdown(card), name


@pytest.mark.slow
def test_a_wheel_holds_every_policy(tmp_path: Path) -> None:
    copy = tmp_path / "checkout"
    shutil.copytree(ROOT / "src", copy / "src", ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy)
    planted = copy / "src/edgewise/systems/agent_migration/data/policies/planted"
    planted.mkdir(parents=True)
    for name in ("policy.json", "weights.safetensors", "card.json", "card.md"):
        (planted / name).write_text("of a policy")
    build = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--no-deps",
        "--no-build-isolation",
        "--wheel-dir",
        str(tmp_path),
        str(copy),
    ]
    subprocess.run(build, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("edgewise-*.whl")
    held = set(zipfile.ZipFile(wheel).namelist())
    folders = [planted.relative_to(copy / "src"), *(folder.relative_to(ROOT / "src") for _, _, folder in SHIPPED)]
    for folder in folders:
        for file in (copy / "src" / folder).iterdir():
            assert (folder / file.name).as_posix() in held
    assert len(folders) == len(SHIPPED) + 1
