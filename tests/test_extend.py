"""What packages and scripts add is found wherever ours is; the examples run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples"
SMALL = ["--evaluations", "1", "--evaluation-episodes", "2", "--warmup-steps", "64", "--replay-capacity", "1000"]


def run(words: list[str], folder: Path, **more: str) -> str:
    """Standard output of a command that must succeed."""
    done = subprocess.run(
        [sys.executable, *words], cwd=folder, env=os.environ | more, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def plugin(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A folder into which pip has installed the example package."""
    target = tmp_path_factory.mktemp("installed")
    source = tmp_path_factory.mktemp("source") / "plugin"
    source.mkdir()
    for path in (EXAMPLES / "plugin").rglob("*"):
        if path.is_file() and "egg-info" not in str(path) and path.suffix != ".pyc":
            place = source / path.relative_to(EXAMPLES / "plugin")
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(path.read_bytes())
    pip = ["-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--disable-pip-version-check"]
    run([*pip, "--target", str(target), str(source)], source)
    return str(target)


@pytest.mark.slow
class TestPackage:
    """A package that adds one of each, without a line changed here."""

    def test_is_listed(self, plugin: str, tmp_path: Path) -> None:
        listed = json.loads(run(["-m", "edgewise", "list", "--json"], tmp_path, PYTHONPATH=plugin))
        assert listed["environments"]["corridor"]["gymnasium"] == "edgewise_corridor/Corridor-v0"
        assert listed["environments"]["corridor"]["references"] == ["random", "forward"]
        assert listed["games"]["duel"]["references"] == ["random"]
        assert listed["algorithms"]["tabular-q"] == "Q-learning in a table"
        assert set(listed["experiments"]["corridor-paper"]) == {"fig1"}
        assert {"prototypes", "perception"} <= set(listed["modules"])

    def test_its_kind_of_module_is_built_judged_and_put_into_an_agent(self, plugin: str, tmp_path: Path) -> None:
        pytest.importorskip("cryptography", reason="the extra `federation` is not installed")
        said = run([str(ROOT / "tests/foreign_module.py")], tmp_path, PYTHONPATH=plugin)
        first, last, verdict, answered = json.loads(said)
        assert first < 0.2 < 0.4 < last
        assert verdict == "accepted"
        assert answered == pytest.approx(last)

    def test_is_trained_and_judged(self, plugin: str, tmp_path: Path) -> None:
        words = ["-m", "edgewise", "train", "corridor", "--steps", "2000", "--folder", "run", "--no-report"]
        run(words, tmp_path, PYTHONPATH=plugin)
        assert json.loads((tmp_path / "run/policy/best/seed-0/policy.json").read_text())["kind"] == "table"
        judged = run(["-m", "edgewise", "evaluate", "run", "--against", "all", "--json"], tmp_path, PYTHONPATH=plugin)
        returns = {row["policy"]: row["metrics"]["return"]["mean"] for row in json.loads(judged)["policies"]}
        assert set(returns) == {"tabular-q", "random", "forward"}
        assert returns["tabular-q"] == pytest.approx(returns["forward"])  # forward is best, and was learned
        assert returns["random"] < returns["forward"]

    def test_game_is_trained(self, plugin: str, tmp_path: Path) -> None:
        words = ["train", "duel", "--steps", "160", "--rollout", "5", "--minibatches", "1", "--no-report"]
        said = run(["-m", "edgewise", *words, "--folder", "run", "--json"], tmp_path, PYTHONPATH=plugin)
        assert "miss" in json.loads(said)["test"]

    def test_experiment_is_made(self, plugin: str, tmp_path: Path) -> None:
        words = ["-m", "edgewise", "experiment", "corridor-paper", "fig1", "--cells", "cells", "--out", "out"]
        said = run(words, tmp_path, PYTHONPATH=plugin)
        assert "Learning beats random moves" in said
        assert (tmp_path / "out/fig1/figure.png").exists()

    def test_gymnasium_makes_it(self, plugin: str, tmp_path: Path) -> None:
        code = (
            "import edgewise, gymnasium;"
            "from gymnasium.utils.env_checker import check_env;"
            "check_env(gymnasium.make('edgewise_corridor/Corridor-v0').unwrapped)"
        )
        run(["-W", "error::UserWarning", "-c", code], tmp_path, PYTHONPATH=plugin)

    def test_a_name_that_two_packages_bring_is_told(self, plugin: str, tmp_path: Path) -> None:
        other = tmp_path / "other-1.0.dist-info"
        other.mkdir()
        (other / "METADATA").write_text("Metadata-Version: 2.1\nName: other\nVersion: 1.0\n")
        (other / "entry_points.txt").write_text("[edgewise.systems]\ncorridor = other.system:CORRIDOR\n")
        paths = os.pathsep.join((plugin, str(tmp_path)))
        words = [sys.executable, "-m", "edgewise", "train", "corridor"]
        done = subprocess.run(
            words, cwd=tmp_path, env=os.environ | {"PYTHONPATH": paths}, capture_output=True, text=True, check=False
        )
        assert done.returncode == 1
        assert "corridor stands for" in done.stderr
        assert "other.system:CORRIDOR" in done.stderr
        assert "Traceback" not in done.stderr


@pytest.mark.slow
class TestExamples:
    def test_own_environment(self, tmp_path: Path) -> None:
        script = str(EXAMPLES / "own_environment.py")
        run([script, "train", "camera", "--steps", "1000", "--folder", "run", "--no-report", *SMALL], tmp_path)
        judged = json.loads(run([script, "evaluate", "run", "--episodes", "20", "--json"], tmp_path))["policies"]
        returns = {row["policy"]: row["metrics"]["return"]["mean"] for row in judged}
        assert returns["best"] > returns["random"]
        assert "sac" in returns

    def test_own_algorithm(self, tmp_path: Path) -> None:
        script = str(EXAMPLES / "own_algorithm.py")
        words = [script, "train", "cartpole", "--algorithm", "soft-q", "--hidden", "32", "--steps", "16000"]
        words += ["--updates", "4", "--evaluation-episodes", "4", "--folder", "run", "--no-report"]
        run(words, tmp_path)
        judged = json.loads(run([script, "evaluate", "run", "--episodes", "10", "--json"], tmp_path))["policies"]
        returns = {row["policy"]: row["metrics"]["return"]["mean"] for row in judged}
        assert returns["soft-q"] > 2 * returns["random"]

    def test_own_policy_beside_ours(self, tmp_path: Path) -> None:
        script = str(EXAMPLES / "own_policy.py")
        words = [script, "train", "service-selection", "--algorithm", "dqn", "--tasks", "50", "--providers", "4"]
        run([*words, "--steps", "300", "--environments", "4", "--folder", "run", "--no-report", *SMALL], tmp_path)
        words = [script, "evaluate", "run", "--episodes", "4", "--against", "random", "tidal", "foreign", "--json"]
        judged = {
            row["policy"]: row["metrics"]["crashed"]["mean"] for row in json.loads(run(words, tmp_path))["policies"]
        }
        assert set(judged) == {"dqn", "random", "tidal", "foreign"}
        assert judged["tidal"] < judged["random"]

    def test_own_city(self, tmp_path: Path) -> None:
        said = run([str(EXAMPLES / "own_city.py"), "city"], tmp_path)
        assert "look-ahead" in said
        assert (tmp_path / "city/ring.png").exists()

    def test_notebook(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        cells = json.loads((EXAMPLES / "tour.ipynb").read_text())["cells"]
        code = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
        run(["-c", f"{code}\nprint(sorted(returns))"], tmp_path)


def test_the_learner_of_the_example_has_60_lines() -> None:
    text = (EXAMPLES / "own_algorithm.py").read_text()
    learner = text.partition("# -- 60 lines from here\n")[2].partition("# -- to here")[0]
    assert 0 < len([line for line in learner.splitlines() if line.strip()]) <= 60


DOCUMENTED = {
    "docs/extend.md": (
        ("examples/own_algorithm.py", "# -- 60 lines from here\n", "# -- to here"),
        ("examples/plugin/pyproject.toml", '[project.entry-points."edgewise.systems"]', "\n[tool.setuptools"),
        ("examples/plugin/src/edgewise_corridor/policy.py", "class TablePolicy", ""),
        ("examples/plugin/src/edgewise_corridor/paper.py", "PAPER = Paper(", ""),
        ("examples/plugin/src/edgewise_corridor/experiments.py", "def claims(", ""),
    ),
    "docs/bring-your-own-environment.md": (
        ("examples/own_environment.py", "@dataclass(frozen=True)\nclass CameraSystem", "\nif __name__"),
    ),
}


@pytest.mark.parametrize("page", DOCUMENTED)
def test_pages_show_the_examples_as_they_are(page: str) -> None:
    shown = (ROOT / page).read_text()
    for file, begin, end in DOCUMENTED[page]:
        text = (ROOT / file).read_text()
        part = text[text.index(begin) :]
        part = part[: part.index(end)] if end else part
        assert part.removeprefix("# -- 60 lines from here\n").strip() in shown, file
