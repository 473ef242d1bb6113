"""The command line as a user meets it."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from edgewise.__main__ import start
from edgewise.cli import main
from edgewise.cli.train import parse
from edgewise.environments import registry
from edgewise.training.run_folder import read_config
from pictures import shows_something

TINY = [
    "--vehicles", "2", "--rsus", "2", "--slots", "5", "--hidden", "16", "16", "--batch-size", "16", "--denoising-steps", "2",
    "--environments", "4", "--updates", "1", "--evaluation-episodes", "3", "--warmup-steps", "40", "--replay-capacity", "300",
    "--no-report",
]  # fmt: skip
"""Sizes of `test_training.RUN`, so that programs are compiled once for both."""
COMMAND = [sys.executable, "-c", "import sys; from edgewise.cli import main; sys.exit(main())"]


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "tiny"
    words = [
        "train",
        "agent-migration",
        "--folder",
        str(folder),
        "--steps",
        "400",
        "--evaluations",
        "4",
        "--seeds",
        "2",
    ]
    assert main([*words, *TINY]) == 0
    return folder


def output(capsys: pytest.CaptureFixture[str], words: list[str], code: int = 0) -> tuple[str, str]:
    assert main(words) == code
    return capsys.readouterr()


def test_list_names_everything(capsys: pytest.CaptureFixture[str]) -> None:
    text, _ = output(capsys, ["list"])
    plain = json.loads(output(capsys, ["list", "--json"])[0])
    entry = plain["environments"]["agent-migration"]
    assert entry["gymnasium"] == "edgewise/AgentMigration-v0"
    assert {"random", "look-ahead", "oracle"} <= set(entry["references"])
    assert "cgdm" in plain["algorithms"]
    assert all(name in text for name in (*plain["environments"], *plain["algorithms"], *entry["references"]))


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ([], 2, ""),
        (["frobnicate"], 2, "frobnicate"),
        (["train"], 2, ""),
        (["train", "nowhere"], 2, "agent-migration"),
        (["train", "agent-migration", "--vehicles", "0"], 2, "vehicles = 0"),
        (["train", "agent-migration", "--discount", "1.5"], 2, "discount = 1.5"),
        (["train", "agent-migration", "--algorithm", "magic"], 2, "cgdm"),
        (["train", "agent-migration", "--steps", "10"], 2, "steps = 10"),
        (["train", "agent-migration", "--no-such-option"], 2, "no-such-option"),
        (["train", "agent-migration", "--mobility", "missing.csv"], 1, "missing.csv"),
        (["train", "--resume", "missing"], 1, "missing"),
        (["evaluate", "missing"], 1, "missing"),
        (["report", "missing"], 1, "missing"),
        (["mobility"], 2, ""),
        (["mobility", "import", "missing.csv"], 1, "missing.csv"),
    ],
)
def test_mistakes_get_one_clear_line(
    capsys: pytest.CaptureFixture[str], words: list[str], code: int, said: str
) -> None:
    _, error = output(capsys, words, code)
    assert said in error
    assert "Traceback" not in error
    if said and "no-such-option" not in said:
        assert error.count("\n") == 1


def test_help_tells_units_and_defaults(capsys: pytest.CaptureFixture[str]) -> None:
    text, _ = output(capsys, ["train", "agent-migration", "--help"])
    words = " ".join(text.replace("│", " ").split())
    assert "length of a slot, s. (default: 30.0)" in words
    assert "--denoising-steps" in words


def test_help_of_train_explains_the_options_of_every_run(capsys: pytest.CaptureFixture[str]) -> None:
    text, _ = output(capsys, ["train", "--help"])
    for said in ("agent-migration", "gymnasium:ID", "--resume RUN", "--config FILE", "--steps N"):
        assert said in text


def test_options_are_grouped(capsys: pytest.CaptureFixture[str]) -> None:
    text, _ = output(capsys, ["train", "agent-migration", "--help"])
    places = [text.index(f"{group} options") for group in ("run", "training", "learner", "system")]
    assert places == sorted(places)
    assert places[1] < text.index("--warmup-steps") < places[2] < text.index("--denoising-steps") < places[3]


def test_only_algorithms_that_fit_are_offered(capsys: pytest.CaptureFixture[str]) -> None:
    assert "dqn" not in output(capsys, ["train", "agent-migration", "--help"])[0]
    _, error = output(capsys, ["train", "agent-migration", "--algorithm", "dqn"], 2)
    assert error.count("\n") == 1
    assert "cgdm" in error
    assert "rainbow" not in error


@pytest.mark.slow
def test_a_run_starts_from_a_saved_configuration(
    run_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = run_folder / "config.yaml"
    saved = read_config(run_folder)
    entry = registry.find(saved.environment)
    words = ["--config", str(config), "--seed", "5", "--name", "again"]
    common, again = parse(entry, saved, words, "train")
    assert common.name == "again"
    assert again == dataclasses.replace(saved, training=dataclasses.replace(saved.training, seed=5))
    _, error = output(capsys, ["train", "--config", str(config), "--algorithm", "td3"], 2)
    assert "cgdm" in error
    _, error = output(capsys, ["train", "--config", str(tmp_path / "missing.yaml")], 1)
    assert "missing.yaml" in error


def test_train_leaves_a_complete_folder(run_folder: Path) -> None:
    for name in (
        "config.yaml",
        "metrics.csv",
        "test.json",
        "checkpoints",
        "tensorboard",
        "policy/best/seed-1/policy.json",
    ):
        assert (run_folder / name).exists(), name


def test_evaluate_prints_json(run_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["evaluate", str(run_folder), "--episodes", "3", "--against", "random", "stay", "--json"]
    plain = json.loads(output(capsys, words)[0])
    rows = {row["policy"]: row for row in plain["policies"]}
    assert set(rows) == {"cgdm", "random", "stay"}
    assert rows["cgdm"]["seeds"] == 2
    low, high = rows["random"]["metrics"]["latency"]["interval"]
    assert low <= rows["random"]["metrics"]["latency"]["mean"] <= high
    assert json.loads(output(capsys, words)[0]) == plain


def test_evaluate_refuses_unknown_references(run_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, error = output(capsys, ["evaluate", str(run_folder), "--against", "psychic"], 2)
    assert "psychic" in error
    assert "look-ahead" in error


def test_training_and_evaluation_give_one_figure(run_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plain = json.loads(output(capsys, ["evaluate", str(run_folder), "--against", "random", "--json"])[0])
    learned = next(row for row in plain["policies"] if row["policy"] == "cgdm")
    tested = json.loads((run_folder / "test.json").read_text())
    assert (plain["seed"], plain["episodes"]) == (2, read_config(run_folder).training.evaluation_episodes)
    for metric, row in learned["metrics"].items():
        assert row["mean"] == pytest.approx(np.mean(tested[metric]["mean"]), rel=1e-12), metric
    last = output(capsys, ["train", "--resume", str(run_folder), "--no-report"])[0]
    assert (
        f"{plain['episodes']} test episodes of seed 2: {learned['metrics']['latency']['value']:.1f} s per slot" in last
    )


def changed(run_folder: Path, folder: Path, old: str, new: str) -> Path:
    shutil.copytree(run_folder, folder)
    config = (folder / "config.yaml").read_text()
    assert old in config
    (folder / "config.yaml").write_text(config.replace(old, new))
    return folder


def test_a_policy_for_another_size_is_refused_in_one_line(
    run_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = str(changed(run_folder, tmp_path / "other", "vehicles: 2", "vehicles: 3"))
    for words in (["evaluate", other], ["compare", str(run_folder), other], ["report", other]):
        printed, error = output(capsys, words, 1)
        assert "seed-0: was trained for observations of 14 numbers, the environment here gives 20" in error, error
        assert error.count("\n") == 1
        assert printed == ""


def test_compare_tells_environments_apart(
    run_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "300")
    other = str(changed(run_folder, tmp_path / "other", "slots: 5", "slots: 6"))
    words = ["compare", str(run_folder), other, str(run_folder), "--figure", str(tmp_path / "figure.svg")]
    text, _ = output(capsys, words)
    first, second = text.split("played with slots = 5")[1].split("played with slots = 6")
    assert (first.count("cgdm tiny"), second.count("cgdm other")) == (2, 1)
    plain = json.loads(output(capsys, [*words, "--json"])[0])
    assert [row["environment"] for row in plain["policies"]] == ["slots = 5", "slots = 5", "slots = 6"]


def test_compare_draws_and_tabulates(
    run_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "300")
    figure = tmp_path / "figure.svg"
    words = [
        "compare",
        str(run_folder),
        str(run_folder),
        "--episodes",
        "3",
        "--against",
        "random",
        "--figure",
        str(figure),
    ]
    text, _ = output(capsys, words)
    assert figure.read_text().lstrip().startswith("<?xml")
    assert text.count("cgdm tiny") == 2
    _, error = output(capsys, ["compare", str(run_folder), "--figure", "figure.doc"], 2)
    assert "figure" in error


def test_compare_answers_whatever_becomes_of_its_figure(
    run_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    mine = tmp_path / "comparison.png"
    mine.write_text("mine")
    words = ["compare", str(run_folder), "--episodes", "3"]
    text, _ = output(capsys, words)
    assert text.endswith("figure: comparison-2.png (comparison.png was not written by edgewise, and stays)\n")
    assert mine.read_text() == "mine"
    text, error = output(capsys, [*words, "--figure", "comparison.png/figure.png", "--json"])
    assert json.loads(text)["figure"] is None
    assert error.startswith("figure: not drawn: ")


@pytest.mark.slow
def test_files_of_a_run_that_were_damaged_are_named(
    run_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(run_folder, folder)
    (folder / "test.json").write_text("{")
    _, error = output(capsys, ["train", "--resume", str(folder), "--no-report"], 1)
    assert "test.json: is damaged" in error
    for content, said in (("", "is no CSV"), ("steps,seed\n1,0\n", "latency: must be a column of numbers")):
        (folder / "metrics.csv").write_text(content)
        _, error = output(capsys, ["report", str(folder)], 1)
        assert f"metrics.csv: {'cannot be read: ' if 'no CSV' in said else ''}" in error
        assert said in error
    config = (folder / "config.yaml").read_text()
    for name, value in (("environment: agent-migration", "environment: [1]"), ("algorithm: cgdm", "algorithm:")):
        (folder / "config.yaml").write_text(config.replace(name, value))
        _, error = output(capsys, ["evaluate", str(folder)], 1)
        assert "must be a name" in error
    (folder / "config.yaml").unlink()
    _, error = output(capsys, ["train", "agent-migration", "--folder", str(folder), *TINY], 1)
    assert "holds test.json, metrics.csv, checkpoints, policy but no config.yaml, and so no run" in error


def test_a_finished_run_is_not_trained_again(run_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = (run_folder / "metrics.csv").read_bytes()
    output(capsys, ["train", "--resume", str(run_folder), "--no-report"])
    assert (run_folder / "metrics.csv").read_bytes() == before


@pytest.mark.slow
def test_a_trace_is_imported_and_trained_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [f"{t},{v},{100 * v + 3 * t},{50 * v}" for v in range(4) for t in range(0, 1000, 10)]
    trace = tmp_path / "trace.csv"
    trace.write_text("time,id,x,y\n" + "\n".join(rows))
    prepared = tmp_path / "city.npz"
    facts = json.loads(
        output(capsys, ["mobility", "import", str(trace), "--output", str(prepared), "--vehicles", "2", "--json"])[0]
    )
    assert facts["places"] == 4
    assert shows_something(Path(facts["map"]))
    folder = tmp_path / "run"
    words = ["train", "agent-migration", "--mobility", str(trace), "--folder", str(folder), "--steps", "200"]
    _, error = output(capsys, [*words, "--evaluations", "1", *[w for w in TINY if w not in ("--slots", "5")]])
    assert "slots" in error
    assert (folder / "mobility.npz").exists()


@pytest.mark.slow
def test_interrupt_leaves_a_resumable_run(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    words = ["train", "agent-migration", "--folder", str(folder), "--steps", "400000", "--evaluations", "200", *TINY]
    process = subprocess.Popen([*COMMAND, *words], stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 240
    while not (folder / "metrics.csv").exists() and time.monotonic() < deadline:
        time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=120)
    assert process.returncode == 130, error
    assert "--resume" in error
    assert list((folder / "checkpoints").glob("[0-9]*"))
    assert (folder / "policy" / "best" / "seed-0" / "policy.json").exists()


@pytest.mark.parametrize("buffered", [True, False], ids=["buffered", "unbuffered"])
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a file that is always full")
def test_output_that_cannot_be_written_is_one_line(buffered: bool) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    environment |= {} if buffered else {"PYTHONUNBUFFERED": "1"}
    with Path("/dev/full").open("w") as full:
        done = subprocess.run([*COMMAND, "--help"], stdout=full, stderr=subprocess.PIPE, text=True, env=environment)
    assert (done.returncode, done.stderr) == (1, "edgewise --help: No space left on device\n")


def test_output_that_nobody_reads_ends_quietly() -> None:
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w") as pipe:
        done = subprocess.run([*COMMAND, "--help"], stdout=pipe, stderr=subprocess.PIPE, text=True)
    assert (done.returncode, done.stderr) == (1, "")


def test_an_interrupt_while_a_command_is_loaded_is_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted() -> int:
        raise KeyboardInterrupt

    monkeypatch.setitem(sys.modules, "edgewise.cli.main", SimpleNamespace(main=interrupted))
    assert start() == 130
