"""Compiled programs kept between commands."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import time
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from edgewise.common import program_cache
from edgewise.common.program_cache import FOLDER_VARIABLE, SETTINGS, VARIABLE, keep_programs


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """A process that has not loaded JAX and whose user has set nothing."""
    monkeypatch.delitem(sys.modules, "jax")
    for name in (VARIABLE, FOLDER_VARIABLE, *SETTINGS):
        monkeypatch.delenv(name, raising=False)
    yield monkeypatch
    for name in (FOLDER_VARIABLE, *SETTINGS):
        os.environ.pop(name, None)


def write(folder: Path, name: str, content: bytes, used: float) -> Path:
    path = folder / f"{name}-cache"
    path.write_bytes(content)
    os.utime(path, (used, used))
    return path


def test_programs_are_kept_in_the_folder_that_is_asked_for(fresh: pytest.MonkeyPatch, tmp_path: Path) -> None:
    fresh.setenv(VARIABLE, str(tmp_path / "here"))
    folder = keep_programs()
    assert folder is not None
    assert folder.parent == tmp_path / "here"
    assert os.environ[FOLDER_VARIABLE] == str(folder)


def test_by_default_they_are_in_the_users_cache(fresh: pytest.MonkeyPatch, tmp_path: Path) -> None:
    fresh.setenv("XDG_CACHE_HOME", str(tmp_path))
    folder = keep_programs()
    assert folder is not None
    assert folder.is_relative_to(tmp_path)


def test_off_is_off(fresh: pytest.MonkeyPatch) -> None:
    fresh.setenv(VARIABLE, "off")
    assert keep_programs() is None
    assert FOLDER_VARIABLE not in os.environ


def test_the_users_own_setting_has_precedence(fresh: pytest.MonkeyPatch, tmp_path: Path) -> None:
    fresh.setenv(VARIABLE, str(tmp_path))
    fresh.setenv(FOLDER_VARIABLE, "/elsewhere")
    assert keep_programs() is None
    assert os.environ[FOLDER_VARIABLE] == "/elsewhere"
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_is_done_without(fresh: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    fresh.setenv(VARIABLE, str(tmp_path / "file"))
    assert keep_programs() is None
    assert FOLDER_VARIABLE not in os.environ


def test_what_is_damaged_goes_and_what_is_whole_stays(fresh: pytest.MonkeyPatch, tmp_path: Path) -> None:
    fresh.setenv(VARIABLE, str(tmp_path))
    folder = keep_programs()
    assert folder is not None
    del os.environ[FOLDER_VARIABLE]
    whole = zlib.compress(b"program" * 1000)
    kept = write(folder, "whole", whole, time.time())
    cut = write(folder, "cut", whole[:-5], time.time())
    keep_programs()
    assert kept.exists()
    assert not cut.exists()


def test_the_longest_unused_go_first(fresh: pytest.MonkeyPatch, tmp_path: Path) -> None:
    fresh.setenv(VARIABLE, str(tmp_path))
    fresh.setattr(program_cache, "LIMIT_BYTES", 250)
    other = tmp_path / "another-machine"
    other.mkdir()
    old, middle, new = (write(other, name, b"x" * 100, used) for name, used in [("a", 1e9), ("b", 1.1e9), ("c", 1.2e9)])
    keep_programs()
    assert not old.exists()
    assert middle.exists()
    assert new.exists()


COMMAND = "import sys; from edgewise.cli import main; sys.exit(main())"
TINY = [
    "train", "cartpole", "--algorithm", "dqn", "--steps", "200", "--warmup-steps", "40", "--environments", "4",
    "--batch-size", "16", "--hidden", "16", "--evaluations", "1", "--evaluation-episodes", "2", "--no-report",
]  # fmt: skip


def trained(folder: Path, cache: str) -> str:
    """A digest of the policy that a small run ends with."""
    environment = {name: value for name, value in os.environ.items() if name not in (FOLDER_VARIABLE, *SETTINGS)}
    command = [sys.executable, "-c", COMMAND, *TINY, "--folder", str(folder)]
    done = subprocess.run(command, env=environment | {VARIABLE: cache}, capture_output=True, text=True, check=True)
    assert "Error" not in done.stderr
    return hashlib.sha256((folder / "policy/last/seed-0/weights.safetensors").read_bytes()).hexdigest()


@pytest.mark.slow
def test_results_are_the_same_with_programs_kept_and_without(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    digests = [trained(tmp_path / name, place) for name, place in [("a", "off"), ("b", str(cache)), ("c", str(cache))]]
    assert list(cache.rglob("*-cache"))
    assert len(set(digests)) == 1
    for program in cache.rglob("*-cache"):
        program.write_bytes(b"nonsense")
    assert trained(tmp_path / "d", str(cache)) == digests[0]
