"""The folder of a run: claimed by one process, named on every system, told in words that can be pasted."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path

import pytest

from edgewise.common.errors import ConfigurationError, EdgewiseError
from edgewise.policies.folders import policy_folder
from edgewise.training.claim import LOCK_FILE, claimed, claimed_new
from edgewise.training.run_folder import folder_name, resume_command

HOLDER = """
import sys
from pathlib import Path
from edgewise.training.claim import claimed
with claimed(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_folder_belongs_to_one_process_until_that_ends(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(EdgewiseError, match="run: another process is at work in this run folder"), claimed(folder):
        pass
    holder.kill()
    holder.wait()
    with claimed(folder):
        assert (folder / LOCK_FILE).exists()


def test_nor_can_one_process_claim_it_twice(tmp_path: Path) -> None:
    with claimed(tmp_path / "run"), pytest.raises(EdgewiseError, match="another process"), claimed(tmp_path / "run"):
        pass


def test_unnamed_runs_of_one_second_get_folders_of_their_own(tmp_path: Path) -> None:
    with claimed_new(tmp_path / "sac", "now") as first, claimed_new(tmp_path / "sac", "now") as second:
        (first / "config.yaml").touch()
        (second / "config.yaml").touch()
    with claimed_new(tmp_path / "sac", "now") as third:
        (third / "config.yaml").touch()
    assert [each.name for each in (first, second, third)] == ["now", "now-2", "now-3"]
    assert not list(tmp_path.rglob(LOCK_FILE))


def test_a_claim_without_content_leaves_nothing(tmp_path: Path) -> None:
    with claimed(tmp_path / "runs" / "sac" / "one"):
        pass
    assert not (tmp_path / "runs").exists()
    with pytest.raises(ZeroDivisionError), claimed_new(tmp_path, "now"):
        raise ZeroDivisionError
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("claim", [claimed, lambda folder: claimed_new(folder, "now")])
def test_a_folder_that_cannot_be_made_is_told_in_one_line(tmp_path: Path, claim: object) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(EdgewiseError, match="file") as caught, claim(tmp_path / "file" / "run"):
        pass
    assert "\n" not in str(caught.value)


def test_names_are_for_every_system_and_for_the_shell() -> None:
    assert folder_name("gymnasium:package:space/Game-v0") == "gymnasium-package-space-Game-v0"
    assert resume_command(Path("runs/my run")) == "edgewise train --resume 'runs/my run'"
    assert policy_folder(Path("run"), "best", 3) == Path("run/policy/best/seed-3")


def test_the_package_runs_as_a_module() -> None:
    done = subprocess.run([sys.executable, "-m", "edgewise", "--help"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("usage: edgewise COMMAND")


def test_an_error_keeps_its_words_between_processes() -> None:
    error = ConfigurationError("vehicles", 0, "at least 1")
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), again.field) == (str(error), "vehicles")
    assert str(ConfigurationError(error)) == str(error)  # as Gymnasium raises a worker's error anew
