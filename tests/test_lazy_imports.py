"""What is quick stays quick: heavy packages are loaded by the commands that need them alone."""

from __future__ import annotations

import subprocess
import sys

import pytest

NUMERICS = {"jax", "equinox", "optax", "flashbax", "scipy"}
LEARNING = {"orbax", "tensorboardX"}
SHOWING = {"matplotlib", "pandas", "jinja2"}
PARSING = {"tyro", "rich", "pydantic"}
EVERYTHING = NUMERICS | LEARNING | SHOWING | PARSING | {"sklearn"}


def loaded(words: list[str] | None) -> set[str]:
    """Heavy packages in memory after a command, or after importing the package."""
    command = "import edgewise" if words is None else f"from edgewise.cli import main; main({words!r})"
    code = f"import sys; {command}; print('\\n', *sorted({EVERYTHING!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split())


@pytest.mark.parametrize(
    "words",
    [
        None,
        ["--help"],
        ["--version"],
        ["frobnicate"],
        ["train", "--help"],
        ["train", "nowhere"],
        ["train", "cartpole", "--algorithm", "cgdm"],
        ["solve", "--help"],
        ["solve", "nowhere"],
    ],
    ids=lambda words: "import" if words is None else " ".join(words),
)
def test_nothing_heavy_is_loaded_to_say_what_there_is(words: list[str] | None) -> None:
    assert loaded(words) == set()


@pytest.mark.parametrize(
    "words",
    [
        ["list"],
        ["report", "--help"],
        ["report", "nowhere"],
        ["experiment", "--help"],
        ["experiment", "nowhere"],
        ["evaluate", "--help"],
        ["evaluate", "nowhere"],
        ["card", "--help"],
        ["card", "nowhere"],
    ],
    ids=" ".join,
)
def test_what_needs_no_numerics_loads_the_parser_alone(words: list[str]) -> None:
    assert loaded(words) <= PARSING


def test_a_list_of_all_there_is_loads_no_numerics() -> None:
    assert loaded(["list"]) <= PARSING


def test_options_of_an_evaluation_are_known_without_what_plays_it() -> None:
    assert loaded(["evaluate", "agent-migration", "--help"]) <= PARSING


@pytest.mark.parametrize("command", ["evaluate", "compare"])
def test_judging_loads_neither_what_trains_nor_what_draws(command: str) -> None:
    allowed = SHOWING if command == "compare" else set()  # it always draws
    assert loaded([command, "nowhere"]) & (LEARNING | SHOWING | {"sklearn"}) <= allowed


def test_options_of_a_run_are_known_without_what_trains_it() -> None:
    assert loaded(["train", "cartpole", "--help"]) & (LEARNING | SHOWING | {"sklearn"}) == set()
