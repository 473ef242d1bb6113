"""What views show of the systems: scenes as plain data, as SVG, as frames, and as a page that needs nothing else."""

from __future__ import annotations

import importlib.util
import re
import xml.etree.ElementTree as ElementTree
from dataclasses import replace

import equinox as eqx
import gymnasium
import jax
import numpy as np
import pytest

from edgewise.cli.main import main
from edgewise.cli.played import parse_source
from edgewise.cli.show import Options, Show
from edgewise.common.errors import NothingToShow
from edgewise.drawing.scene import Bar, Bars, Curve, Curves, Scene, ends, ticks
from edgewise.drawing.scene_figure import FRAME, frame
from edgewise.drawing.scene_svg import markup, panels, whole
from edgewise.environments import registry
from edgewise.environments.moments import Moments, show
from edgewise.reports.episode import play
from edgewise.reports.replay import replay_page

SMALL = {
    "agent-migration": {
        "vehicles": 3,
        "rsus": 2,
        "slots": 6,
        "scheduled_attacks": ((1, 0, 5),),
        "attack_frequency": 0.0,
    },
    "service-selection": {"providers": 3, "tasks": 8, "arrival_rate": 0.0001},
    "twin-trading": {"slots": 4},
    "dynamic-contract": {"episode_states": 2},
}
PLAYED = {"agent-migration": "nearest", "service-selection": "round-robin"}
"""The others are played at random."""


@pytest.fixture(scope="module")
def episodes():
    made = {}
    for name, fields in SMALL.items():
        system = registry.find(name)
        environment = system.build(system.config(**fields))
        policies = system.references(environment, (PLAYED.get(name, "random"), "random"))
        moments, *other = (play(system, environment, policy, 0, each) for each, policy in policies.items())
        moments = moments.beside("random", other[0]) if other else moments
        made[name] = system, environment, moments, show(system, environment, moments)
    return made


@pytest.mark.parametrize("name", SMALL)
def test_every_step_has_a_scene_that_can_be_drawn(episodes, name):
    _, _, moments, scenes = episodes[name]
    assert len(scenes) == moments.count == moments.length
    assert len({scene.time for scene in scenes}) == len(scenes)
    for panel in panels(scenes[-1]):
        text = whole(panel)
        ElementTree.fromstring(text)
        assert not re.search(r"\b(nan|inf)\b", text.replace("unknown", "")), panel.title
    drawn = frame(scenes[-1])
    assert drawn.shape == (FRAME[1], FRAME[0], 3)
    assert len(np.unique(drawn.reshape(-1, 3), axis=0)) > 20


def test_a_map_tells_attacks_suspicions_moves_and_who_is_served_by_whom(episodes):
    _, environment, moments, scenes = episodes["agent-migration"]
    state, action = moments.at(3)
    shown = scenes[3].map
    units = {point.label: point for point in shown.points if point.shape == "triangle"}
    assert set(units) == {"RSU 0", "RSU 1"}
    assert ["attack" in [badge.text for badge in point.badges] for point in units.values()] == [False, True]
    low = state.reputation.mean(0) < environment.parameters.reputation_threshold
    assert ["suspected" in [badge.text for badge in point.badges] for point in units.values()] == list(low)
    served = [link for link in shown.links if not link.arrow]
    assert [link.end for link in served] == [
        tuple(map(float, environment.parameters.rsu_positions[s])) for s in state.serving
    ]
    target = action[: 3 * 2].reshape(3, 2).argmax(1)
    moves = [link for link in shown.links if link.arrow]
    assert sum(int(link.label) for link in moves) == (target != state.serving).sum()
    assert len({point.key for scene in scenes for point in scene.map.points}) == 3 + 2


def test_scenes_show_what_is_learned_only_as_tasks_are_finished(episodes):
    _, _, moments, scenes = episodes["service-selection"]
    bands = np.array([[curves.curves[0].band for curves in scene.curves[1:]] for scene in scenes])
    widths = (bands[:, :, 1] - bands[:, :, 0]).sum((1, 2))
    finished = np.array([state.ended.size.sum() for state in (moments.at(t)[0] for t in range(moments.count))]).cumsum()
    assert (finished == 0).any()
    assert (finished > 0).any()
    np.testing.assert_array_equal(widths < widths[0] - 0.01, finished > 0)
    loads = [bar.value for bar in scenes[-1].bars[0].bars]
    assert loads == pytest.approx(
        moments.at(-1)[0].size.sum(1) / np.asarray(episodes["service-selection"][1].providers.capacity)
    )
    assert {scene.headlines[2].text for scene in scenes[:3]} == {"provider 0", "provider 1", "provider 2"}


def test_the_course_of_the_headline_stands_beside_the_rule_in_the_same_episode(episodes):
    _, _, moments, scenes = episodes["agent-migration"]
    course = scenes[2].curves[0]
    assert [curve.label for curve in course.curves] == ["nearest", "random"]
    assert course.curves[0].y == pytest.approx(moments.info["latency"])
    assert course.now == 2
    assert f"{moments.info['latency'][2]:.1f}" in scenes[2].headlines[0].text


def test_trade_and_menus_are_those_of_the_step(episodes):
    _, _, moments, scenes = episodes["twin-trading"]
    prices = [bar.value for bar in scenes[1].bars[0].bars]
    assert prices == pytest.approx([moments.info[f"price/leader_{j}"][1] for j in range(2)], rel=1e-5)
    bought = [bar.value for bar in scenes[1].bars[2].bars]
    assert bought == pytest.approx([moments.info[f"bought/follower_{i}"][1] for i in range(3)], rel=1e-5)
    _, environment, moments, scenes = episodes["dynamic-contract"]
    offered, best = (next(c for c in scenes[1].curves[0].curves if c.label == word) for word in ("offered", "best"))
    assert offered.x == best.x
    assert all(0 <= value <= environment.config.hardware.max_rounds for value in (*offered.y, *best.y))


def test_a_page_holds_everything_once_and_names_no_address(episodes):
    _, _, _, scenes = episodes["agent-migration"]
    page = replay_page("a <title> & more", "played", scenes)
    assert "a &lt;title&gt; &amp; more" in page
    assert not re.findall(r"(?:https?:)?//\w", re.sub(r"^\s*//.*$", "", page, flags=re.M))
    assert "src=" not in page
    assert len(replay_page("x", "y", scenes * 4)) < 1.1 * len(page)  # a moment that comes again takes no room


def test_names_of_others_cannot_leave_their_place():
    bad = '"><script>alert(1)</script>'
    scene = Scene(bad, bad, (), None, (Bars(bad, (Bar(bad, 0.5),), 1.0, note=bad),),
                  (Curves(bad, (Curve(bad, (0.0, 1.0), (0.0, 1.0)),), bad, bad, (0, 1), (0, 1)),))  # fmt: skip
    page = replay_page(bad, bad, [scene, replace(scene, time="later")])
    assert "<script>alert" not in page
    assert "<script>" not in markup(scene)


def test_a_system_without_scenes_says_so():
    system = registry.find("cartpole")
    assert not system.draws
    with pytest.raises(NothingToShow, match="cartpole"):
        system.scenes(None, None)


@pytest.mark.parametrize(("values", "zero"), [((3.0, 7.0), True), ((-2.0, 5.0), False), ((4.0,), False), ((), True)])
def test_axes_hold_their_values(values, zero):
    low, high = ends(values, (float("nan"), float("inf")), zero=zero)
    assert low < high
    assert all(low <= value <= high for value in values)
    assert all(low <= value <= high for value in ticks(low, high))


class TestFrames:
    ID = "edgewise/AgentMigration-v0"

    def test_record_video_records_an_episode(self, tmp_path):
        if importlib.util.find_spec("moviepy") is None:
            pytest.skip("moviepy is not installed, without which gymnasium.wrappers.RecordVideo records nothing")
        from gymnasium.wrappers import RecordVideo

        made = gymnasium.make(self.ID, render_mode="rgb_array", vehicles=3, rsus=2, slots=3)
        with RecordVideo(
            made, str(tmp_path / "videos"), episode_trigger=lambda number: True, disable_logger=True
        ) as environment:
            environment.reset(seed=0)
            for _ in range(3):
                environment.step(environment.action_space.sample())
        (video,) = tmp_path.glob("videos/*.mp4")
        assert video.stat().st_size > 10_000

    def test_frames_follow_the_steps_of_an_episode(self):
        environment = gymnasium.make(self.ID, render_mode="rgb_array", vehicles=3, rsus=2, slots=3)
        assert environment.metadata["render_fps"] > 0
        with pytest.raises(gymnasium.error.ResetNeeded):
            environment.unwrapped.render()
        environment.reset(seed=0)
        first = environment.render()
        environment.step(environment.action_space.sample())
        assert environment.render().shape == first.shape == (FRAME[1], FRAME[0], 3)
        assert (environment.render() != first).any()
        environment.reset(seed=0)
        np.testing.assert_array_equal(environment.render(), first)

    @pytest.mark.parametrize("mode", ["NextStep", "SameStep"])
    def test_every_copy_has_a_frame(self, mode):
        from edgewise.environments.adapters.gymnasium import make_vector

        fields = {"providers": 3, "tasks": 2}
        copies = make_vector("service-selection", 2, "rgb_array", mode, **fields)
        copies.reset(seed=0)
        texts = []
        frames = copies._frames._frames
        for _ in range(4):
            copies.step(np.array([0, 1]))
            texts.append([len(each._course) for each in frames])
        assert texts == [[1, 1], [2, 2], [0, 0], [1, 1]] if mode == "NextStep" else [[1, 1], [0, 0], [1, 1], [0, 0]]
        one, other = copies.render()
        assert one.shape == other.shape == (FRAME[1], FRAME[0], 3)
        assert (one != other).any()

    def test_a_game_is_drawn_slot_by_slot(self):
        from edgewise.environments.adapters.pettingzoo import parallel_env

        game = parallel_env("twin-trading", render_mode="rgb_array", slots=2)
        game.reset(seed=0)
        before = game.render()
        game.step({agent: np.full(game.action_space(agent).shape, 0.5, np.float32) for agent in game.agents})
        np.testing.assert_array_equal(game.render(), before)  # prices are announced, and nobody has bought
        game.step({agent: np.full(game.action_space(agent).shape, 0.5, np.float32) for agent in game.agents})
        assert (game.render() != before).any()

    def test_other_modes_and_systems_without_scenes_are_refused(self):
        from edgewise.environments.adapters.gymnasium import make_single

        with pytest.warns(UserWarning, match="draws no such frames"):
            environment = make_single("cartpole", "rgb_array")
        assert environment.metadata["render_modes"] == []
        with pytest.raises(NotImplementedError, match="render_mode = 'rgb_array': must be None"):
            environment.render()
        with pytest.warns(UserWarning, match="draws no such frames"):
            environment = make_single("agent-migration", "human", vehicles=3, rsus=2)
        with pytest.raises(NotImplementedError, match="render_mode = 'human': must be None or 'rgb_array'"):
            environment.render()


def test_the_game_of_vehicles_and_units_is_shown_as_the_system_is(episodes):
    system, _, moments, scenes = episodes["agent-migration"]
    game = registry.make_game("agent-migration", **SMALL["agent-migration"])
    blank, _ = eqx.filter_eval_shape(game.reset, jax.random.key(0))
    blank = jax.tree.map(lambda leaf: np.zeros(leaf.shape, leaf.dtype), blank)
    state = eqx.tree_at(lambda state: state.entities.system, blank, moments.at(0)[0])
    actions = dict.fromkeys(game.agents, np.array(0))
    (scene,) = show(
        system, game, Moments(*jax.tree.map(lambda leaf: leaf[None], (state, actions)), {}, np.zeros(0), 0, 6)
    )
    assert [point.key for point in scene.map.points] == [point.key for point in scenes[0].map.points]
    assert [bar.value for bar in scene.bars[0].bars] == [bar.value for bar in scenes[0].bars[0].bars]


class TestCommand:
    @pytest.mark.parametrize(
        ("words", "fault"),
        [
            (["cartpole"], "source = 'cartpole': must be of a system with scenes"),
            (["twin-trading", "--output", "page.txt"], "output = 'page.txt': must be a file name that ends in .html"),
            (["twin-trading", "--policy", "oracel"], "policy = 'oracel': must be one of random, equilibrium"),
            (["twin-trading", "--steps", "0"], "steps = 0: must be an integer in"),
            (["twin-trading", "--seed", "-1"], "seed = -1: must be an integer in"),
        ],
    )
    def test_what_cannot_be_shown_is_told_in_one_line(self, words, fault, capsys):
        assert main(["show", *words]) == 2
        told = capsys.readouterr().err
        assert fault in told
        assert len(told.splitlines()) == 1

    def test_options_of_the_system_change_the_environment_that_is_played(self, capsys):
        words = ["twin-trading", "--leaders", "3", "--steps", "5"]
        options, source, instance = parse_source(words, "edgewise show", Show, ("shown", Options()))
        assert (source.name, options.steps, instance.changes) == ("twin-trading", 5, {"leaders": 3})
        assert instance.config == source.system.config(leaders=3)
        assert main(["show", "twin-trading", "--leaders", "0"]) == 2
        assert "leaders = 0: must be" in capsys.readouterr().err

    @pytest.mark.slow
    def test_a_part_of_an_episode_is_written_and_no_file_of_others_replaced(self, tmp_path, monkeypatch, capsys):
        monkeypatch.chdir(tmp_path)
        (tmp_path / "episode.html").write_text("of somebody else")
        words = ["show", "dynamic-contract", "--policy", "random", "--against", "none", "--start", "3", "--steps", "2"]
        assert main(words) == 0
        assert (tmp_path / "episode.html").read_text() == "of somebody else"
        page = (tmp_path / "episode-2.html").read_text()
        assert capsys.readouterr().out == "episode-2.html\n"
        assert "network state 4 of 20" in page
        assert "network state 5 of 20" in page
        assert "network state 6 of 20" not in page
        assert main([*words, "--start", "20"]) == 2
