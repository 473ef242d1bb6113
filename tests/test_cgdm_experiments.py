"""The CGDM paper's experiments: what is declared, verdicts on made-up results, and the known attack of Fig. 10."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import equinox as eqx
import jax
import numpy as np
import pandas as pd
import pytest

from edgewise.common.errors import ConfigurationError, EdgewiseError
from edgewise.common.plain import from_plain
from edgewise.diffusion.denoiser import Denoiser
from edgewise.diffusion.schedule import make_schedule
from edgewise.environments import registry
from edgewise.environments.episode import record_episode
from edgewise.execution.local import serial
from edgewise.experiments.cell import CellResult, Learned, ProbeResult
from edgewise.experiments.experiment import TEST_SEED, Experiment, Plan, compute_plans
from edgewise.experiments.results import Outcome, Output, Results
from edgewise.experiments.setting import Setting
from edgewise.experiments.store import Store
from edgewise.experiments.sweep import Curve
from edgewise.experiments.training_time import TRAINING_TIME
from edgewise.papers.cgdm import trust
from edgewise.papers.cgdm.claims import gains, shape
from edgewise.papers.cgdm.experiments import EXPERIMENTS
from edgewise.papers.cgdm.names import NO_CONFIDENCE, NO_CONSISTENCY
from edgewise.papers.cgdm.paper import PROFILES
from edgewise.papers.cgdm.probes import attacked_reputations
from edgewise.papers.cgdm.published import SWEPT
from edgewise.policies.artefact import PolicyArtefact, save_policy
from edgewise.policies.diffusion import DiffusionPolicy
from edgewise.statistics.estimates import reduction
from edgewise.systems.agent_migration.configuration import AgentMigrationConfig
from edgewise.systems.agent_migration.environment import AgentMigration
from tiny_experiment import must_not_be_called

SWEEPS = ("fig6", "fig7", "fig8", "fig9")
SEEDS, EPISODES = 6, 2
AGREES = {
    "CGDM": 300.0, NO_CONFIDENCE: 310.0, NO_CONSISTENCY: 330.0, "GDM": 340.0, "PPO": 400.0, "SAC": 380.0, "TD3": 500.0,
    "DDPG": 550.0, "random": 700.0, "nearest-next": 560.0, "look-ahead": 295.0, "oracle": 280.0, "bound": 250.0,
    "1": 360.0, "2": 350.0, "3": 340.0, "4": 330.0, "5": 300.0, "6": 320.0, "8": 330.0, "10": 340.0, "15": 400.0,
    "entity-cgdm": 300.0, "masked-diffusion": 306.0, "entity-sac": 312.0, "entity-ppo": 318.0,
    "filtering-look-ahead": 290.0, "far-sighted-look-ahead": 285.0,
}  # fmt: skip


pytestmark = pytest.mark.usefixtures("few_resamples")
Score = Callable[[str, float], float]
"""Latency of a player at a point of the axis, 0 where there is none."""


def made_up(experiment: Experiment, score: Score) -> Results:
    """Results as if each player had its score, with a little spread; nothing is trained."""
    profile = dataclasses.replace(PROFILES["paper"], seeds=SEEDS, episodes=EPISODES)
    outcomes = []
    cells = experiment.cells(profile)
    for planned in cells:
        label, learned = planned.label, isinstance(planned.cell.player, Learned)
        seeds, episodes = (SEEDS, EPISODES) if learned else (1, 8)
        centre = score(label, next(iter(planned.setting.at.values()), 0.0))
        spread = np.repeat(np.linspace(-1, 1, seeds), episodes) + np.tile(np.linspace(-1, 1, episodes), seeds)
        table = pd.DataFrame(
            {"seed": np.repeat(np.arange(seeds), episodes), "episode": np.tile(np.arange(episodes), seeds),
             "latency": centre + spread}
        )  # fmt: skip
        if label != "bound":
            table = table.assign(**{"return": -table["latency"] / 5, "violations": 2.0, "defences": 1.0})
        curve = pd.DataFrame(
            [
                {"evaluation": k, "steps": 1000 * k, "seed": seed, "return": -(centre + 50 / k) / 5 + seed / 100,
                 "latency": centre + 50 / k,
                 "wall_s": k * (10.0 + 5 * int(label) if label.isdigit() else 10.0)}
                for k in range(1, 4)
                for seed in range(seeds if learned else 0)
            ]
        )  # fmt: skip
        outcomes.append(Outcome.of(planned, CellResult(table, curve, "code")))
    times = [{"policy": o.label, "seconds": 10.0 + 5 * int(o.label)} for o in outcomes if o.label.isdigit()]
    probes = {(TRAINING_TIME, ""): ProbeResult(pd.DataFrame(times), "code")}
    return Results(profile, tuple(outcomes), probes)


def shaped(name: str, scores: dict[str, float]) -> Score:
    """Curves that go the paper's way, for Fig. 8 with distances that widen up to 250 MHz and narrow beyond."""

    def score(label: str, x: float) -> float:
        worse = scores[label] - 300.0
        if name == "fig6":
            return scores[label] * x / 300
        if name == "fig7":
            return 200 + (100 + worse) * 200 / x
        if name == "fig8":
            return 600 - 1.5 * x + worse * {100: 0.8, 150: 0.9, 200: 1.0, 250: 1.1, 300: 0.9}[round(x)]
        if name == "fig9":
            return 250 + (50 + worse) * (0.8 + 0.4 * (1 - np.exp(-4 * x))) + 0.05 * worse * x
        return scores[label]

    return score


def judged(name: str, score: Score) -> dict[str, str]:
    """Verdict of every claim of an experiment."""
    return {claim.text: claim.verdict for claim in shown(name, score).claims}


def shown(name: str, score: Score) -> Output:
    return EXPERIMENTS[name].output(made_up(EXPERIMENTS[name], score))


@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES)
@pytest.mark.parametrize("name", EXPERIMENTS)
def test_every_cell_can_be_described(name: str, profile: object) -> None:
    experiment = EXPERIMENTS[name]
    cells = experiment.cells(profile)
    shown = set(experiment.labels()) - (set() if profile.name == "paper" else set(experiment.spared))
    left_out = sum(len(shown & set(setting.without)) for setting in experiment.settings)
    assert len({planned.cell.address for planned in cells}) == len(experiment.settings) * len(shown) - left_out
    assert {planned.label for planned in cells} == shown


def test_a_learner_that_is_spared_can_be_asked_for() -> None:
    assert [planned.label for planned in EXPERIMENTS["fig4"].cells(PROFILES["quick"], ("4", "5"))] == ["4", "5"]


def test_learners_are_trained_once_for_all_figures() -> None:
    runs = {
        name: {
            planned.cell.player.address
            for planned in experiment.cells(PROFILES["paper"])
            if isinstance(planned.cell.player, Learned)
        }
        for name, experiment in EXPERIMENTS.items()
    }
    assert all(runs[name] == runs["fig5"] for name in SWEEPS)
    assert runs["fig10"] < runs["fig5"]
    assert len(runs["fig3"] & runs["fig5"]) == 2
    assert len(runs["fig4"] & runs["fig5"]) == 1


def test_the_budget_is_the_papers_for_every_learner() -> None:
    for planned in EXPERIMENTS["fig5"].cells(PROFILES["paper"]):
        if isinstance(planned.cell.player, Learned):
            training = planned.cell.player.run.training
            assert training.seeds == 10, planned.label
            assert 0.95 * 300_000 < training.steps_done(training.evaluations) <= 300_000, planned.label


class TestVerdicts:
    @pytest.mark.parametrize(
        "name", [name for name in EXPERIMENTS if name not in ("fig10", "general", "general-features")]
    )
    def test_a_world_that_agrees_and_one_that_does_not(self, name: str) -> None:
        agreeing = shown(name, shaped(name, AGREES))
        words = {claim.text: claim.verdict for claim in agreeing.claims}
        of_sizes = {text for text in words if "% less latency" in text}
        assert len(words) > 1
        assert {word for text, word in words.items() if text not in of_sizes} == {"holds"}
        best = {
            "CGDM": 600.0,
            "entity-cgdm": 600.0,
            "5": 600.0,
            "10": 600.0,
            NO_CONSISTENCY: 301.0,
            NO_CONFIDENCE: 400.0,
        }
        refuted = judged(name, shaped(name, AGREES | best))
        lowest = next(text for text in words if "lowest" in text or "best policy" in text)
        assert refuted[lowest] == "does not hold"
        assert {refuted[text] for text in of_sizes if "Random" not in text} <= {"does not hold"}
        assert not agreeing.data["value"].isna().any()
        assert len(agreeing.table) == len(EXPERIMENTS[name].labels())

    @pytest.mark.parametrize(("latency", "word"), [(280.0, "holds"), (300.0, "does not hold"), (285.0, "undecided")])
    def test_a_policy_for_any_fleet_is_ahead_of_each_look_ahead_or_not(self, latency: float, word: str) -> None:
        output = shown("general", shaped("general", AGREES | {"general-1": latency, "trained there": 279.0}))
        words = {claim.text: claim.verdict for claim in output.claims}
        assert len(words) == 3 * len(EXPERIMENTS["general"].settings)
        assert {verdict for text, verdict in words.items() if "far-sighted" in text} == {word}
        assert len(output.table) == len(EXPERIMENTS["general"].settings)
        share = output.data[output.data["policy"] == "general-1"]["share"]
        np.testing.assert_allclose(share, (700 - latency) / (700 - 280), rtol=1e-3)

    @pytest.mark.parametrize(("worth", "word"), [(10.0, "holds"), (-10.0, "does not hold"), (0.0, "undecided")])
    def test_a_group_of_fields_is_worth_what_is_lost_without_it(self, worth: float, word: str) -> None:
        output = shown("general-features", lambda label, left_out: 300.0 + worth * left_out)
        assert len(output.claims) == len(output.table) - 1
        assert {claim.verdict for claim in output.claims} == {word}

    def test_the_ablation_tells_what_each_part_adds(self) -> None:
        equal = judged("fig3", shaped("fig3", AGREES | {NO_CONFIDENCE: 300.0, NO_CONSISTENCY: 280.0}))
        assert equal["Without confidence the final policy is worse"] == "undecided"
        assert equal["Without the consistency term the final policy is worse"] == "does not hold"
        assert equal["Without the consistency term it converges slower"] == "does not hold"

    @pytest.mark.parametrize(
        ("ours", "word"), [(90.0, "undecided"), (70.0, "holds"), (97.0, "does not hold"), (103.0, "does not hold")]
    )
    def test_a_gain_is_the_part_of_the_baselines_latency(self, ours: float, word: str) -> None:
        noise = np.linspace(-1, 1, 9)
        [claim] = gains({"GDM": reduction(ours + noise, 100 + noise)}, {"GDM": 10.0, "SAC": 3.0})
        assert (claim.verdict, claim.paper) == (word, "10%")
        assert claim.evidence.startswith(f"ours {100 - ours:.1f}")
        assert ("smaller part" in claim.evidence) == (ours == 97.0)
        assert ("not less" in claim.evidence) == (ours == 103.0)
        assert ("interval has the paper's figure" in claim.evidence) == (ours == 90.0)

    def test_a_gain_that_may_be_none_is_undecided(self) -> None:
        wide = np.linspace(-30, 30, 7)
        [claim] = gains({"GDM": reduction(98 + wide, 100 + wide)}, {"GDM": 5.7})
        assert claim.verdict == "undecided"

    def test_reduction_has_the_interval_of_its_parts(self) -> None:
        part = reduction(np.array([70.0, 80.0, 75.0, 75.0]), np.array([100.0, 100.0, 100.0, 100.0]))
        assert part.value == pytest.approx(0.25)
        assert (part.low, part.high) == pytest.approx((0.2, 0.3))

    @pytest.mark.parametrize("name", ["fig5", "fig6"])
    def test_a_fixed_policy_counts_with_all_its_episodes(self, name: str) -> None:
        """One terrible episode in eight; every seed of a learner would have it in its mean."""
        results = made_up(EXPERIMENTS[name], shaped(name, AGREES))
        for outcome in results:
            if outcome.label == "random":
                outcome.result.episodes.loc[0, "latency"] = 1e6
        text = (
            "CGDM takes 44.8% less latency than Random"
            if name == "fig5"
            else "CGDM takes 48.7% less latency than Random"
        )
        [claim] = [claim for claim in EXPERIMENTS[name].output(results).claims if claim.text == text]
        assert claim.evidence.startswith("ours 99.")


class TestTrends:
    @staticmethod
    def shape(name: str, *heights: float, x: tuple[float, ...] = ()) -> str:
        noise = np.linspace(-20, 20, 5)
        places = x or tuple(float(i) for i in range(len(heights)))
        return shape(SWEPT[name], Curve(places, tuple(height + noise for height in heights)))

    def test_units_are_compared_with_themselves(self) -> None:
        """Seeds differ more than points do."""
        assert self.shape("fig6", 100, 101, 102) == "holds"

    def test_one_step_back_refutes(self) -> None:
        assert self.shape("fig6", 100, 130, 120, 160) == "does not hold"
        assert self.shape("fig7", 160, 120, 130, 100) == "does not hold"
        assert self.shape("fig7", 160, 130, 120, 100) == "holds"
        assert self.shape("fig8", 100, 130) == "does not hold"

    def test_flattening_needs_a_lower_slope(self) -> None:
        x = (0.0, 0.2, 0.5, 1.0)
        assert self.shape("fig9", 100, 130, 150, 155, x=x) == "holds"
        assert self.shape("fig9", 100, 110, 125, 155, x=x) == "does not hold"
        assert self.shape("fig9", 150, 130, 120, 110, x=x) == "does not hold"

    def test_what_cannot_be_told_is_undecided(self) -> None:
        rise = [np.array([0.0, 0.0, 0.0, 0.0]), np.array([5.0, -4.0, 3.0, -3.5])]
        assert shape(SWEPT["fig6"], Curve((0.0, 1.0), tuple(rise))) == "undecided"

    def test_distances_follow_the_baselines(self) -> None:
        text = "The distances to CGDM grow with the data"
        parallel = judged("fig6", lambda label, x: AGREES[label] + x)
        assert parallel[text] == "undecided"
        closing = judged("fig6", lambda label, x: AGREES[label] + x - (0.2 * x if label != "CGDM" else 0))
        assert closing[text] == "does not hold"

    def test_no_two_players_are_drawn_alike(self) -> None:
        [axes] = shown("fig9", shaped("fig9", AGREES)).figure.axes
        looks = [(line.get_color(), line.get_linestyle(), line.get_marker()) for line in axes.lines]
        assert len(looks) == len(set(looks)) == len(EXPERIMENTS["fig9"].labels())


@pytest.fixture(scope="module")
def attacked() -> AgentMigration:
    return AgentMigration.build(Setting("attack", "agent-migration", trust.ATTACK).build())


def small_policy(environment: AgentMigration, key: int) -> DiffusionPolicy:
    sizes = environment.observation_space.low.size, environment.action_space.low.size
    return DiffusionPolicy(Denoiser(*sizes, (8,), 4, jax.random.key(key)), make_schedule("vp", 1), squash=False)


@pytest.mark.slow
class TestKnownAttack:
    def test_only_the_scheduled_attack_comes(self, attacked: AgentMigration) -> None:
        play = eqx.filter_jit(record_episode)
        silent = lambda key, state, observation: -jax.numpy.ones(44)  # noqa: E731
        states, timesteps, _ = play(attacked, silent, jax.random.key(0))
        expected = np.zeros((50, 4), bool)
        expected[15:25, 1] = True
        np.testing.assert_array_equal(states.attacked, expected)
        np.testing.assert_array_equal(timesteps.info["attacked"], expected.sum(1))

    def test_a_defence_does_not_end_it(self, attacked: AgentMigration) -> None:
        sure = eqx.tree_at(lambda e: e.parameters.defence_success, attacked, jax.numpy.ones(()))
        defend = lambda key, state, observation: jax.numpy.ones(44) * (1 - 2 * (state.slot % 2))  # noqa: E731
        states, timesteps, _ = eqx.filter_jit(record_episode)(sure, defend, jax.random.key(0))
        assert np.asarray(states.attacked)[15:25, 1].all()
        np.testing.assert_array_equal(np.asarray(timesteps.info["attacked"])[15:26], [1, 0] * 5 + [0])

    def test_reputation_falls_and_comes_back(self, attacked: AgentMigration) -> None:
        """The course that an independent implementation of the system gave without defence."""
        policy = registry.find("agent-migration").references(attacked, ("nearest-next",))["nearest-next"]
        found = attacked_reputations(attacked, [policy], 12, TEST_SEED)
        assert found.shape == (1, 12, 50, 8)
        mean = found.mean(axis=(0, 1, 3))
        assert 0.70 < mean[15] < 0.85
        assert 0.55 < mean[16] < 0.65
        assert 0.45 < mean[17] < 0.57
        assert 0.38 < mean[19] < 0.50
        assert mean[29] > 0.6
        assert 1 < trust.slots_to_fall(found, 0.6).mean() < 3

    def test_slots_are_counted_from_the_attack(self) -> None:
        reputation = np.full((1, 1, 50, 3), 0.8)
        reputation[0, 0, 16:, 0] = 0.5
        reputation[0, 0, 18:, 1] = 0.5
        reputation[0, 0, 3, 2] = 0.1
        np.testing.assert_array_equal(trust.slots_to_fall(reputation, 0.6), [[[1, 3, 10]]])

    @pytest.mark.parametrize(
        "attacks", [((4, 0, 1),), ((0, 5, 4),), ((0, 0, 50),), ((0, 1),), ((0.5, 1, 2),)]
    )  # fmt: skip
    def test_attacks_that_cannot_be_are_refused(self, attacks: object) -> None:
        with pytest.raises(ConfigurationError, match=r"^scheduled_attacks"):
            from_plain(AgentMigrationConfig, {"scheduled_attacks": attacks})

    def test_the_figure(self, attacked: AgentMigration, tmp_path: Path) -> None:
        """From policies that lie where a run leaves them, through the executor, to figure and claims; then again without it."""
        profile = dataclasses.replace(PROFILES["quick"], seeds=2, episodes=2)
        experiment, store = EXPERIMENTS["fig10"], Store(tmp_path)
        plan = Plan.of(experiment, profile, ("CGDM",))
        [planned] = plan.cells
        folder = store.run_folder(planned.cell.player)
        for seed in range(2):
            artefact = PolicyArtefact(small_policy(attacked, seed), "agent-migration", {}, "cgdm", 1)
            save_policy(folder / "policy" / "best" / f"seed-{seed}", artefact)
        store.save(planned.cell, CellResult(pd.DataFrame({"latency": [1.0]}), pd.DataFrame(), "code"))
        [results] = compute_plans([plan], store, serial)
        output = experiment.output(results)
        shaded = output.data.query("attacked")
        assert sorted(shaded["slot"]) == list(range(15, 25))
        assert set(shaded["rsu"]) == {1}
        assert list(output.table["policy"]) == ["CGDM"]
        assert len(output.claims) == 2
        [again] = compute_plans([plan], store, must_not_be_called)
        assert experiment.output(again).claims == output.claims
        pd.testing.assert_frame_equal(experiment.output(again).data, output.data, check_exact=True)

    @pytest.mark.parametrize(("spread", "word"), [(0.2, "holds"), (0.05, "does not hold"), (0.0, "does not hold")])
    def test_users_must_differ_visibly(self, spread: float, word: str) -> None:
        found = np.full((6 * 50, 8), 0.7)
        found[:, 0] += spread
        index = pd.DataFrame(np.indices((1, 6, 50)).reshape(3, -1).T, columns=list(trust.INDEX))
        table = pd.concat([index, pd.DataFrame(found)], axis=1)
        results = made_up(EXPERIMENTS["fig10"], lambda label, x: 1.0)
        [nearest] = [o for o in results if not o.learned]
        alone = Results(results.profile, (nearest,), {(trust.REPUTATION, nearest.label): ProbeResult(table, "code")})
        claims = EXPERIMENTS["fig10"].claims(alone)
        assert [claim.verdict for claim in claims if "differ" in claim.text] == [word]

    def test_policies_that_are_gone_are_named(self, tmp_path: Path) -> None:
        probes = Plan.of(EXPERIMENTS["fig10"], PROFILES["quick"]).probes
        with pytest.raises(EdgewiseError, match=f"{tmp_path}/policy/best/seed-0: is missing"):
            probes[trust.REPUTATION, "CGDM"].compute(tmp_path)
