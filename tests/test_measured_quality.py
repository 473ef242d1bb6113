"""Quality of a generator, measured: scores, costs, the fitted curve, and the provider that is made of it."""

from __future__ import annotations

import importlib
import json
import re
import signal
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from edgewise.cli import main
from edgewise.common.errors import ConfigurationError, EdgewiseError
from edgewise.common.interrupt import Interrupted
from edgewise.systems.service_selection.files import load_providers
from edgewise.systems.service_selection.quality import fitting
from edgewise.systems.service_selection.quality.curve import Curve, fit_curve
from edgewise.systems.service_selection.quality.functions import load_function
from edgewise.systems.service_selection.quality.measure import Task, measure_quality
from edgewise.systems.service_selection.quality.measurements import Settings, read_table_of
from edgewise.systems.service_selection.quality.meters import Declared, Rapl, find_energy, measured
from edgewise.systems.service_selection.quality.metrics import Metric, find_metric
from edgewise.systems.service_selection.quality.pictures import find_references, to_picture
from pictures import shows_something
from reference import quality_curve

STEPS = np.array([10, 20, 40, 60, 80, 100, 130, 160, 200, 250], dtype=float)
TRUE = Curve(30.0, 0.2, 150.0, 0.8)
NOISE = 0.04
GENERATOR = """
import numpy as np

def generate(prompt, steps, seed):
    rng = np.random.default_rng([seed, steps, len(prompt)])
    level = np.interp(steps, [30, 150], [0.2, 0.8]) + 0.04 * rng.normal()
    return np.full((4, 5), np.clip(level, 0, 1))

def level(image):
    return image.mean()

def sameness(image, reference):
    return 1 - np.abs(image - reference).mean()

def white(prompt):
    return np.full((4, 5), 255, np.uint8)

def broken(prompt, steps, seed):
    raise ValueError("no memory\\nfor this")

def wrong(prompt, steps, seed):
    return np.zeros((3, 4, 5))

def percent(image):
    return 100 * image.mean()

number = 3
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "own.py"
    path.write_text(GENERATOR)
    return path


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fitting, "RESAMPLES", 40)


def drawn(rows: int, seed: int) -> np.ndarray:
    """Scores of a generator with the true curve."""
    return TRUE.at(STEPS) + NOISE * np.random.default_rng(seed).normal(size=(rows, len(STEPS)))


def run(*words: object) -> int:
    return main(["workload", "measure-quality", *map(str, words)])


def test_the_curve_of_noiseless_scores_is_found() -> None:
    found = fit_curve(STEPS, TRUE.at(STEPS))
    assert (found.start_steps, found.end_steps) == pytest.approx((30, 150), abs=0.1)
    assert (found.start_score, found.end_score) == pytest.approx((0.2, 0.8), abs=1e-3)


@pytest.mark.parametrize("seed", range(4))
def test_no_curve_on_a_grid_fits_better(seed: int) -> None:
    steps = np.array([10.0, 40.0, 80.0, 120.0, 160.0, 200.0])
    scores = TRUE.at(steps) + 0.05 * np.random.default_rng(seed).normal(size=len(steps))
    ours = np.square(fit_curve(steps, scores).at(steps) - scores).sum()
    assert ours <= quality_curve.least_error(list(steps), list(scores), 10.0) + 1e-6


def test_the_curve_is_that_of_its_slow_reading() -> None:
    curve = Curve(20.5, 0.1, 170.0, 0.9)
    by_hand = [quality_curve.quality(place, 20.5, 0.1, 170.0, 0.9) for place in STEPS]
    np.testing.assert_allclose(curve.at(STEPS), by_hand)


@pytest.mark.parametrize("scores", [np.full(10, 0.4), np.linspace(0.9, 0.3, 10), np.zeros(10), np.ones(10)])
def test_scores_that_do_not_rise_give_a_level_curve_in_range(scores: np.ndarray) -> None:
    found = fit_curve(STEPS, scores)
    assert found.at(STEPS) == pytest.approx(scores.mean(), abs=1e-5)
    assert found.end_steps > found.start_steps


def test_a_steep_curve_stays_in_range() -> None:
    found = fit_curve(STEPS, np.where(STEPS > 90, 1.0, 0.0))
    assert 0 <= found.start_score <= found.end_score <= 1
    assert 80 <= found.start_steps < found.end_steps <= 100


@pytest.mark.slow
@pytest.mark.usefixtures("quick")
def test_intervals_hold_the_true_curve_and_further_pictures_as_often_as_they_say() -> None:
    repeats, inside, single, means = 8, 0, [], []
    for seed in range(repeats):
        fit = fitting.fit_quality(STEPS, drawn(16, seed))
        inside += fit.intervals["end_score"].low <= 0.8 <= fit.intervals["end_score"].high
        judged = fitting.judge(fit, STEPS, drawn(8, 1000 + seed))
        single.append(judged.single)
        means.append(judged.means_inside / len(STEPS))
    assert inside >= repeats - 2
    assert 0.92 <= np.mean(single) <= 0.98
    assert 0.9 <= np.mean(means) <= 1.0


@pytest.mark.usefixtures("quick")
def test_a_curve_that_does_not_fit_is_seen_on_held_out_pictures() -> None:
    bump = np.where(STEPS == 80, 0.3, 0.0)
    fit = fitting.fit_quality(STEPS, drawn(16, 0) + bump)
    assert fitting.judge(fit, STEPS, drawn(8, 1) + bump).means_inside < len(STEPS) - 1


@pytest.mark.usefixtures("quick")
def test_remarks_say_that_quality_falls_or_still_rises() -> None:
    falling = np.linspace(0.8, 0.4, 10) + 0.01 * np.random.default_rng(0).normal(size=(6, 10))
    rising = 0.1 + 0.8 * STEPS / 250 + 0.01 * np.random.default_rng(0).normal(size=(6, 10))
    (fall,) = fitting.remarks(fitting.fit_quality(STEPS, falling), STEPS, falling)
    (rise,) = fitting.remarks(fitting.fit_quality(STEPS, rising), STEPS, rising)
    assert "does not rise" in fall
    assert "falls by 0.39" in fall
    assert "may still rise at 250" in rise
    level = drawn(12, 3)
    assert fitting.remarks(fitting.fit_quality(STEPS, level), STEPS, level) == []


@pytest.mark.usefixtures("quick")
def test_costs_are_polynomials_in_the_steps() -> None:
    slow = 1 + 0.01 * np.arange(9)[:, None]
    found = fitting.fit_cost(STEPS, slow * (2e-5 * STEPS**2 + 0.01 * STEPS + 0.3), fitting.QUADRATIC)
    assert [each.value for each in found] == pytest.approx([2e-5 * 1.04, 0.01 * 1.04, 0.3 * 1.04])
    assert found[1].low < found[1].value < found[1].high


@pytest.mark.usefixtures("quick")
def test_a_measured_generator_becomes_a_provider(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "out"
    words = ("--metric", f"{file}:level", f"{file}:sameness", "--reference", f"{file}:white", "--capacity", 700)
    code = run(f"{file}:generate", *words, "--output", folder, "--watts", 9, "--seeds", 6, "--json")
    said = capsys.readouterr()
    assert code == 0, said.err
    answer = json.loads(said.out)
    curve = answer["curves"][f"{file}:level"]
    assert curve["start_steps"]["value"] == pytest.approx(30, abs=25)
    assert curve["end_score"]["low"] <= curve["end_score"]["value"] <= curve["end_score"]["high"]
    assert curve["held_out"]["pictures_per_number_of_steps"] == 2
    assert answer == json.loads((folder / "fit.json").read_text()) | {"output": str(folder)}
    assert answer["settings"]["energy"] == "processor seconds times a declared 9 W"
    assert shows_something(folder / "figure.png")
    rows = read_table_of(folder / "measurements.csv", answer["settings"]["metrics"])
    assert len(rows) == 6 * 10
    assert all(row.usage.joules == pytest.approx(9 * row.usage.processor_seconds, abs=1e-5) for row in rows)
    providers = load_providers(folder / "providers.csv")
    assert float(providers.capacity[0]) == 700
    found = Curve(*(curve[name]["value"] for name in ("start_steps", "start_score", "end_steps", "end_score")))
    sizes = np.arange(10, 260, 10.0)
    rise = [float(providers.utility(jnp.asarray(size), with_offset=False)[0]) for size in sizes]
    np.testing.assert_allclose(rise, found.at(sizes) - found.start_score, atol=1e-3)
    counted = [float(providers.utility(jnp.asarray(size), with_offset=True)[0]) for size in sizes]
    np.testing.assert_allclose(counted, np.where(sizes < found.start_steps, 0, found.at(sizes)), atol=1e-3)


@pytest.mark.slow
@pytest.mark.usefixtures("quick")
def test_service_selection_plays_with_the_provider(file: Path, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    assert run(f"{file}:generate", "--metric", f"{file}:level", "--output", folder, "--seeds", 3) == 0
    words = ["evaluate", "service-selection", "--providers-file", str(folder / "providers.csv"), "--with-offset"]
    assert main([*words, "--tasks", "20", "--episodes", "2"]) == 0


@pytest.mark.usefixtures("quick")
def test_an_interrupted_run_goes_on(file: Path, tmp_path: Path) -> None:
    generate = load_function("generator", f"{file}:generate")
    settings = Settings("own", "", ("level",), None, None, (10, 20, 30, 40), ("a", "b"), 3, "")
    calls: list[tuple[str, int, int]] = []

    def stopping(prompt: str, steps: int, seed: int) -> Any:
        calls.append((prompt, steps, seed))
        if len(calls) == 9:
            signal.raise_signal(signal.SIGINT)
        return generate(prompt, steps, seed)

    task = Task(settings, stopping, [Metric("level", lambda image: image.mean())], Declared(5.0))
    with pytest.raises(Interrupted, match="same command"):
        measure_quality(tmp_path / "out", task)
    before = read_table_of(tmp_path / "out" / "measurements.csv", ("level",))
    rows = measure_quality(tmp_path / "out", task)
    assert rows[: len(before)] == before
    assert len(rows) == 24
    assert len(calls) == 24 + 2 * 4  # every number of steps is warmed up in both runs
    assert measure_quality(tmp_path / "out", task) == rows


def test_a_folder_of_other_measurements_is_left_alone(file: Path, tmp_path: Path) -> None:
    settings = Settings("own", "", ("level",), None, None, (10, 20, 30, 40), ("",), 2, "")
    generate = load_function("generator", f"{file}:generate")
    metric = Metric("level", lambda image: image.mean())
    measure_quality(tmp_path / "out", Task(settings, generate, [metric], Declared(5.0)))
    kept = (tmp_path / "out" / "measurements.csv").read_bytes()
    other = Settings("own", "", ("level",), None, None, (10, 20, 30, 50), ("",), 2, "")
    with pytest.raises(ConfigurationError, match="there steps differs"):
        measure_quality(tmp_path / "out", Task(other, generate, [metric], Declared(5.0)))
    with pytest.raises(ConfigurationError, match="a new folder"):
        measure_quality(tmp_path, Task(settings, generate, [metric], Declared(5.0)))
    assert (tmp_path / "out" / "measurements.csv").read_bytes() == kept


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["FILE:broken"], r"generate\('', 10, 0\) failed: ValueError: no memory$"),
        (["FILE:wrong"], r"shape \(3, 4, 5\): must be \(H, W\) or \(H, W, 3\)"),
        (["FILE:nothing"], "has no nothing"),
        (["FILE:number"], "number is of type int"),
        (["nowhere.py:generate"], "there is no file nowhere.py"),
        (["no_such_module:generate"], "there is no module no_such_module"),
        (["generate"], "MODULE:FUNCTION or FILE.py:FUNCTION"),
        (["FILE:generate", "--steps", "10", "20", "30"], "4 or more different numbers"),
        (["FILE:generate", "--steps", "0", "20", "30", "40"], "steps = 0"),
        (["FILE:generate", "--seeds", "1"], "seeds = 1"),
        (["FILE:generate", "--prompts", "a", "a"], "all different"),
        (["FILE:generate", "--metric", "beauty"], "one of brisque, sharpness, psnr, ssim"),
        (["FILE:generate", "--metric", "FILE:percent"], r"must be in \[0, 1\].*--metric-range"),
        (["FILE:generate", "--metric", "FILE:sameness"], "given for the metric"),
        (["FILE:generate", "--metric-range", "1", "1"], "two different numbers"),
        (["FILE:generate", "--watts", "0"], "watts = 0"),
        (["FILE:generate", "--capacity", "-1"], "capacity = -1"),
        (["FILE:generate", "--figure", "x.doc"], "figure = 'x.doc'"),
        (["FILE:generate", "--prompts-file", "nowhere.txt"], "prompts_file = 'nowhere.txt'"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_line_and_leaves_nothing(
    words: list[str], said: str, file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    metric = [] if "--metric" in words else ["--metric", "FILE:level"]
    given = [word.replace("FILE", str(file)) for word in [*words, *metric, "--output", str(tmp_path / "out")]]
    assert run(*given) in (1, 2)
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert re.search(said, line), line
    assert not (tmp_path / "out" / "measurements.csv").exists()
    assert not (tmp_path / "out" / "providers.csv").exists()


def test_pixels_are_read_as_they_are_meant() -> None:
    assert to_picture(np.full((3, 4), 255, np.uint8), "it").max() == 1.0
    assert to_picture(jnp.full((3, 4, 1), 0.5), "it").shape == (3, 4)
    for wrong in (np.full((3, 4), 255.0), np.full((3, 4), np.nan), np.zeros((3, 4), int), np.zeros((0, 4)), "text"):
        with pytest.raises(EdgewiseError, match=r"^it: gave"):
            to_picture(wrong, "it")


def test_a_range_turns_figures_into_scores() -> None:
    worst_first = Metric("error", lambda image: 7.0, worst=10.0, best=5.0)
    assert worst_first.score(np.zeros((2, 2)), None, "it") == pytest.approx(0.6)
    assert Metric("error", lambda image: 12.0, worst=10.0, best=5.0).score(np.zeros((2, 2)), None, "it") == 0.0
    with pytest.raises(EdgewiseError, match="no value"):
        Metric("error", lambda image: np.nan).score(np.zeros((2, 2)), None, "it")
    with pytest.raises(EdgewiseError, match="failed: ValueError"):
        Metric("error", lambda image: float("high")).score(np.zeros((2, 2)), None, "it")


def test_energy_is_read_from_counters_that_begin_again(tmp_path: Path) -> None:
    for number, (name, count) in enumerate((("package-0", 9_000_000), ("psys", 1), ("package-1", 5_000_000))):
        zone = tmp_path / f"intel-rapl:{number}"
        zone.mkdir()
        (zone / "name").write_text(f"{name}\n")
        (zone / "energy_uj").write_text(f"{count}\n")
        (zone / "max_energy_range_uj").write_text("9999999\n")
    energy = find_energy(4.0, tmp_path)
    assert isinstance(energy, Rapl)
    assert "2 processor packages" in energy.words

    def work() -> int:
        (tmp_path / "intel-rapl:0" / "energy_uj").write_text("2000000\n")  # passed its end
        (tmp_path / "intel-rapl:2" / "energy_uj").write_text("6500000\n")
        return 5

    result, usage = measured(work, energy)
    assert result == 5
    assert usage.joules == pytest.approx(3.0 + 1.5)
    assert isinstance(find_energy(4.0, tmp_path / "nothing"), Declared)
    assert find_energy(None, tmp_path / "nothing").joules(1.0) is None


class TestPictures:
    """Metrics of packages that are not always there."""

    @pytest.fixture
    def camera(self) -> Any:
        data = pytest.importorskip("skimage.data")
        return data.camera()[100:356, 100:356] / 255

    def test_brisque_prefers_the_clean_picture(self, camera: Any) -> None:
        pytest.importorskip("brisque")
        metric = find_metric("brisque")
        noise = np.random.default_rng(0).normal(size=camera.shape)
        clean, noisy, noisier = (
            metric.score(np.clip(camera + share * noise, 0, 1), None, "it") for share in (0.0, 0.05, 0.2)
        )
        assert clean > 0.8
        assert clean > noisy + 0.2 > noisier + 0.2
        colour = np.repeat(camera[:, :, None], 3, axis=2)
        assert metric.score(colour, None, "it") == pytest.approx(clean, abs=1e-6)

    def test_a_picture_without_contrast_has_no_brisque(self) -> None:
        pytest.importorskip("brisque")
        with pytest.raises(EdgewiseError, match="brisque"):
            find_metric("brisque").score(np.full((32, 32), 0.5), None, "it")

    def test_sharpness_falls_with_blur(self, camera: Any) -> None:
        from scipy.ndimage import gaussian_filter

        metric = find_metric("sharpness")
        scores = [metric.score(gaussian_filter(camera, width), None, "it") for width in (0, 1, 3)]
        assert scores[0] > scores[1] + 0.1 > scores[2] + 0.2

    def test_references_are_compared_with(self, camera: Any, tmp_path: Path) -> None:
        from PIL import Image

        Image.fromarray((camera * 255).astype(np.uint8)).save(tmp_path / "street.png")
        reference = find_references(str(tmp_path))("street")
        noise = np.random.default_rng(0).normal(size=camera.shape)
        for name in ("psnr", "ssim"):
            metric = find_metric(name)
            same, near, far = (
                metric.score(np.clip(reference + share * noise, 0, 1), reference, "it") for share in (0, 0.02, 0.2)
            )
            assert same == 1.0
            assert same > near > far + 0.1
        with pytest.raises(ConfigurationError, match=r"town\.png"):
            find_references(str(tmp_path))("town")
        with pytest.raises(EdgewiseError, match="not that of its reference"):
            find_metric("ssim").score(np.zeros((20, 20)), reference, "it")

    def test_a_picture_that_is_too_small_is_refused(self) -> None:
        pytest.importorskip("skimage")
        with pytest.raises(EdgewiseError, match="sharpness needs 14 x 14"):
            find_metric("sharpness").score(np.zeros((8, 8)), None, "it")


@pytest.mark.slow
@pytest.mark.usefixtures("quick")
def test_a_diffusion_model_that_was_hardly_trained_is_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("skimage")
    path = Path(__file__).parents[1] / "examples" / "own_generator.py"
    monkeypatch.syspath_prepend(path.parent)
    module = importlib.import_module("own_generator")
    monkeypatch.chdir(tmp_path)
    module.train((2, 3), seed=1)
    (tmp_path / "runs" / "faces" / "3.safetensors").rename(tmp_path / "runs" / "faces" / "4000.safetensors")
    words = ("--metric", "ssim", "sharpness", "--reference", f"{path}:truth", "--prompts", 0, 1)
    assert run(f"{path}:generate", *words, "--steps", 2, 3, 4, 5, "--seeds", 2, "--output", "out") == 0
    first, second = (module.generate("1", 3, 0) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    middle = slice(20, 28)  # of the given square, which is copied; the enlargement spreads a little
    np.testing.assert_allclose(first[middle, middle], module.truth("1")[middle, middle], atol=5e-3)
    assert len(load_providers(tmp_path / "out" / "providers.csv").capacity) == 1
