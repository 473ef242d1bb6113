"""MALPPO and its baselines: against NumPy, nothing shared between agents, games of known answer, runs in their folders."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest

from edgewise.algorithms.base import Step
from edgewise.algorithms.malppo import (
    MALPPO,
    AgentMemory,
    MALPPOConfig,
    MALPPORandomFollowersConfig,
    MALPPORandomLeadersConfig,
    MAPPOConfig,
    critic_objective,
)
from edgewise.cli import main
from edgewise.common.errors import ConfigurationError
from edgewise.environments import registry
from edgewise.environments.game import GameSpaces, Kind
from edgewise.environments.scaled import ScaledGame
from edgewise.numerics.running import RunningScale
from edgewise.policies.artefact import load_policy
from edgewise.policies.joint import JointPolicy
from edgewise.policies.learned import LearnedPolicy
from edgewise.systems.twin_trading.configuration import TwinTradingConfig
from edgewise.systems.twin_trading.environment import TwinTrading
from edgewise.systems.twin_trading.files import plain_market
from edgewise.training.build import build
from edgewise.training.evaluation import evaluate
from edgewise.training.game_loop import GameLoop
from edgewise.training.on_policy import OnPolicyConfig
from edgewise.training.run_folder import RunConfig
from edgewise.training.saved import load_learned
from first_chunk import first_chunk, learned
from game_probe import PairGame
from reference import twin_trading as plain

JOINT = GameSpaces(
    (Kind(("leader_0", "leader_1"), 3, (0.0,), (1.0,)), Kind(("follower_0",), 4, (0.0, -1.0), (1.0, 3.0)))
)
SMALL = MALPPOConfig(hidden=(6,), memory=(5, 4), epochs=2, minibatches=2, actor_rate=1e-2, critic_rate=1e-2)
TRAINING = OnPolicyConfig(
    steps=96,
    environments=4,
    rollout=6,
    evaluations=4,
    evaluation_episodes=2,
    checkpoint_every=1,
    seeds=2,
    input_span=2.0,
)
RUN = RunConfig("twin-trading", TwinTradingConfig(with_delay=False, slots=8), "malppo", SMALL, TRAINING)


def agent_rollout(steps: int = 7, copies: int = 4) -> tuple[Step, AgentMemory]:
    keys = jax.random.split(jax.random.key(4), 6)
    shape = (steps, copies)
    terminated = jax.random.uniform(keys[3], shape) < 0.2
    step = Step(
        observation=jax.random.normal(keys[0], (*shape, 3)),
        action=jax.random.normal(keys[1], (*shape, 1)),
        reward=jax.random.normal(keys[2], shape),
        terminated=terminated,
        ended=terminated | (jax.random.uniform(keys[4], shape) < 0.3),
        next_observation=jax.random.normal(keys[5], (*shape, 3)),
    )
    drawn = iter(jax.random.split(jax.random.key(5), 8))
    memories = [tuple((jax.random.normal(next(drawn), (copies, size)),) * 2 for size in SMALL.memory) for _ in range(2)]
    return step, AgentMemory(*memories)


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def plain_network(network: Any, x: np.ndarray, memory: list[Any]) -> tuple[np.ndarray, list[Any]]:
    """One input vector through the layers, cells and head, in double precision."""
    for layer in network.encoder.layers:
        z = np.asarray(layer.weight, float) @ x + np.asarray(layer.bias, float)
        x = z * np.tanh(np.log1p(np.exp(z)))
    after = []
    for cell, (h, c) in zip(network.cells, memory, strict=True):
        gates = (
            np.asarray(cell.weight_ih, float) @ x + np.asarray(cell.weight_hh, float) @ h + np.asarray(cell.bias, float)
        )
        i, f, g, o = np.split(gates, 4)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        x = h = sigmoid(o) * np.tanh(c)
        after.append((h, c))
    return np.asarray(network.head.weight, float) @ x + np.asarray(network.head.bias, float), after


def plain_outputs(network: Any, step: Step, memory: Any) -> tuple[np.ndarray, np.ndarray]:
    """Outputs of every observation and of what followed it, copy by copy."""
    steps, copies = step.reward.shape
    blank = [(np.zeros(size), np.zeros(size)) for size in SMALL.memory]
    now, then = [], []
    for copy in range(copies):
        state = [(np.asarray(h[copy], float), np.asarray(c[copy], float)) for h, c in memory]
        for t in range(steps):
            output, state = plain_network(network, np.asarray(step.observation[t, copy], float), state)
            now.append(output)
            then.append(plain_network(network, np.asarray(step.next_observation[t, copy], float), state)[0])
            state = blank if step.ended[t, copy] else state
    return tuple(np.asarray(x).reshape(copies, steps, -1).swapaxes(0, 1) for x in (now, then))


@pytest.mark.slow
def test_advantages_and_losses_are_those_of_an_obvious_loop() -> None:
    config = replace(SMALL, discount=0.8, trace=0.7, clip=0.2, entropy_weight=0.03)
    algorithm = MALPPO(config, JOINT, 10)
    agent = algorithm.new_agent(JOINT.kinds[0], jax.random.key(1))
    step, memory = agent_rollout()
    sample, scale = algorithm.samples(agent, step, None, None, memory)
    value, following = (x[..., 0] for x in plain_outputs(agent.critic, step, memory.critic))
    steps, copies = value.shape
    advantage = np.zeros((steps, copies))
    for copy in range(copies):
        for start in range(steps):
            weight = 1.0
            for t in range(start, steps):
                future = 0.0 if step.terminated[t, copy] else 0.8 * following[t, copy]
                advantage[start, copy] += weight * (float(step.reward[t, copy]) + future - value[t, copy])
                weight *= 0.8 * 0.7
                if step.ended[t, copy]:
                    break
    np.testing.assert_allclose(sample.advantage, advantage, rtol=1e-3, atol=1e-4)
    goal = advantage + value
    assert (float(scale.mean), float(scale.deviation)) == pytest.approx((goal.mean(), goal.std()), rel=1e-3)
    goal = (goal - goal.mean()) / goal.std()
    np.testing.assert_allclose(sample.target, goal, rtol=1e-3, atol=1e-3)
    rescaled = replace(agent, scale=RunningScale(jnp.array(2.0), jnp.array(4.5), jnp.array(0.5)))  # mean 4, deviation 3
    reward = 3 * step.reward + 4 * (1 - 0.8 * ~step.terminated)
    again, _ = algorithm.samples(rescaled, replace(step, reward=reward), None, None, memory)
    np.testing.assert_allclose(again.advantage, 3 * advantage, rtol=1e-3, atol=1e-3)

    learned = eqx.tree_at(lambda a: a.network.head.weight, agent.actor, replace_fn=lambda weight: 500 * weight)
    mean = plain_outputs(learned.network, step, memory.actor)[0]
    before = plain_outputs(agent.actor.network, step, memory.actor)[0]
    z, deviation = np.asarray(step.action, float), config.initial_deviation
    ratio = np.exp((-0.5 * ((z - mean) / deviation) ** 2 + 0.5 * ((z - before) / deviation) ** 2).sum(-1))
    shifted = (advantage - advantage.mean()) / advantage.std()
    terms = [min(r * a, min(max(r, 0.8), 1.2) * a) for r, a in zip(ratio.ravel(), shifted.ravel(), strict=True)]
    assert (np.abs(ratio - 1) > 0.2).any()
    assert (np.abs(ratio - 1) < 0.2).any()
    entropy = np.log(deviation * np.sqrt(2 * np.pi * np.e))
    loss, _ = algorithm.actor_objective(learned, sample, memory.actor)
    assert float(loss) == pytest.approx(-(np.mean(terms) + 0.03 * entropy), rel=1e-3, abs=1e-4)
    other = algorithm.new_agent(JOINT.kinds[0], jax.random.key(2)).critic
    said = plain_outputs(other, step, memory.critic)[0][..., 0]
    error = ((said - goal) ** 2).mean()
    assert float(critic_objective(other, sample, memory.critic)) == pytest.approx(error, rel=1e-3)


def loop_of(game: Any, config: MALPPOConfig = SMALL, training: OnPolicyConfig = TRAINING) -> GameLoop:
    return GameLoop(game, MALPPO(config, game.spaces, training.total_updates), training)


@pytest.fixture(scope="module")
def pair_game() -> PairGame:
    return PairGame(jnp.array([0.0, 0.4]), jnp.array([1.0, 0.5]))


ROLL_OUT = eqx.filter_jit(lambda loop, key: (loop.start(key), loop.roll_out(loop.start(key), key)))


@pytest.mark.slow
def test_rollout_follows_the_order_of_moves(pair_game: PairGame) -> None:
    loop = loop_of(pair_game)
    start, (_, observations, _, (leaders, followers)) = ROLL_OUT(loop, jax.random.key(0))
    price, bought = (np.asarray(jax.nn.sigmoid(turns.step.action[..., 0])) for turns in (leaders, followers))
    cost, scale = np.asarray(pair_game.cost)[:, None], np.asarray(pair_game.scale)[:, None]
    np.testing.assert_allclose(followers.step.observation[..., 1], price, rtol=1e-6)  # they see the prices of the slot
    np.testing.assert_allclose(leaders.step.reward, (price - cost) * bought, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(
        followers.step.reward, bought * scale * (1 - price) - bought**2 / 2, rtol=1e-5, atol=1e-6
    )
    ended = np.asarray(leaders.step.ended)
    np.testing.assert_array_equal(ended[:, 0, 0], [False] * 4 + [True, False])
    assert not leaders.step.terminated.any()
    for turns in (leaders, followers):
        step = turns.step
        same = np.asarray(step.next_observation[:-1] == step.observation[1:]).all(-1)
        assert same[~ended[:-1]].all()
        assert not same[ended[:-1]].any()
        # the view of a next move shows the same episode's number, also where the episode is over or the rollout ends
        np.testing.assert_array_equal(step.next_observation[..., 0], step.observation[..., 0])
    assert (np.asarray(followers.step.next_observation[..., 1]) > 0).all()  # prices are announced by then
    np.testing.assert_array_equal(observations["leader_0"], leaders.step.next_observation[-1, 0])
    np.testing.assert_array_equal(start.observations["leader_1"], leaders.step.observation[0, 1])


ROLL_ON = eqx.filter_jit(lambda loop, state: loop.roll_out(state, jax.random.key(3)))


@pytest.mark.slow
def test_memory_in_a_rollout_is_that_of_learning(pair_game: PairGame) -> None:
    """The network unrolled over a rollout gives what it gave step by step, across the ends of episodes."""
    loop = loop_of(pair_game)
    start, (_, _, memory, _) = ROLL_OUT(loop, jax.random.key(0))
    _, _, after, rollout = ROLL_ON(loop, eqx.tree_at(lambda state: state.memory, start, memory))
    actor, begin, end = (
        jax.tree.map(lambda leaf: leaf[0], tree)
        for tree in (start.train_state[1].actor, memory[1].actor, after[1].actor)
    )
    step = jax.tree.map(lambda leaf: leaf[:, 0], rollout[1].step)
    mean = actor.network.outputs(step.observation, step.ended, begin)
    assert float(jnp.abs((step.action - mean) / jnp.exp(actor.log_deviation)).max()) < 5
    state = begin
    for t in range(len(mean)):
        output, state = actor.network(step.observation[t], state)
        np.testing.assert_allclose(output, mean[t], rtol=1e-5, atol=1e-6)
        state = jax.tree.map(lambda leaf, over=step.ended[t]: jnp.where(over[:, None], 0.0, leaf), state)
    for ours, theirs in zip(jax.tree.leaves(state), jax.tree.leaves(end), strict=True):
        assert float(jnp.abs(ours).max()) > 0
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)


def agent_leaves(state: Any, index: int) -> list[np.ndarray]:
    return [np.asarray(leaf[index]) for leaf in jax.tree.leaves(state)]


def equal(these: list[np.ndarray], those: list[np.ndarray]) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(these, those, strict=True))


LEARN = eqx.filter_jit(
    lambda loop, state, rollout: loop.algorithm.update(state.train_state, rollout, state.memory, jax.random.key(9))[0]
)


def changed(turns: Any, agent: int) -> Any:
    """Another rollout of one agent: what it saw, drew and got."""
    step = replace(
        turns.step,
        observation=turns.step.observation.at[:, agent].multiply(0.7),
        action=turns.step.action.at[:, agent].add(0.1),
        reward=turns.step.reward.at[:, agent].multiply(-1.3),
        next_observation=turns.step.next_observation.at[:, agent].multiply(0.9),
    )
    return replace(turns, step=step)


@pytest.mark.slow
@pytest.mark.parametrize("who", [(0, 0), (1, 1)], ids=["leader", "follower"])
def test_no_agent_learns_from_anothers_experience(pair_game: PairGame, who: tuple[int, int]) -> None:
    """Parameters and moments of gradients of all others are the same, bit for bit."""
    kind, agent = who
    loop = loop_of(pair_game)
    start, (*_, rollout) = ROLL_OUT(loop, jax.random.key(0))
    other = tuple(changed(turns, agent) if place == kind else turns for place, turns in enumerate(rollout))
    before, after = LEARN(loop, start, rollout), LEARN(loop, start, other)
    for place, states in enumerate(zip(before, after, strict=True)):
        for index in range(2):
            same = equal(*(agent_leaves(state, index) for state in states))
            assert same == ((place, index) != who)


@pytest.mark.slow
def test_central_critics_do_learn_from_what_others_saw(pair_game: PairGame) -> None:
    loop = loop_of(pair_game, MAPPOConfig(hidden=(6,), minibatches=2))
    start, (*_, rollout) = ROLL_OUT(loop, jax.random.key(0))
    assert rollout[0].global_observation is not None
    assert rollout[0].global_observation.shape == (6, 4, 8)
    # nobody's critic may see a price before it is set: prices are the last numbers of followers' observations
    np.testing.assert_array_equal(rollout[0].global_observation[..., 5::2], 0)
    assert (np.asarray(rollout[1].global_observation[..., 5::2]) > 0).all()
    shifted = replace(rollout[1], global_observation=rollout[1].global_observation.at[..., 5].add(0.3))
    before, after = LEARN(loop, start, rollout), LEARN(loop, start, (rollout[0], shifted))
    assert not equal(agent_leaves(before[1], 1), agent_leaves(after[1], 1))
    assert equal(agent_leaves(before[0], 1), agent_leaves(after[0], 1))


@pytest.mark.slow
def test_private_data_reach_no_other_agent() -> None:
    """Another satisfaction, size of data, deadline of one follower: what others see, do, get and learn stays the same."""
    game = TwinTrading(TwinTradingConfig(slots=4))

    def private(game: TwinTrading) -> tuple[Any, ...]:
        m = game.market
        return m.satisfaction, m.sensitivity, m.delay.data_bits, m.delay.deadline_s

    other = eqx.tree_at(private, game, tuple(x.at[1].multiply(1.5) for x in private(game)))
    results = []
    for each in (game, other):
        loop = loop_of(each)
        start, (*_, rollout) = ROLL_OUT(loop, jax.random.key(0))
        results.append((rollout, LEARN(loop, start, rollout)))
    (first, learned), (second, relearned) = results
    for place, agents in enumerate((2, 3)):
        for index in range(agents):
            inputs = [[np.asarray(leaf[:, index]) for leaf in jax.tree.leaves(r[place].step)] for r in (first, second)]
            assert equal(*inputs) == ((place, index) != (1, 1))
            states = [agent_leaves(s[place], index) for s in (learned, relearned)]
            assert equal(*states) == ((place, index) != (1, 1))
    np.testing.assert_array_equal(first[1].step.observation, second[1].step.observation)


def test_no_policy_looks_at_anothers_observation(pair_game: PairGame) -> None:
    algorithm = MALPPO(SMALL, pair_game.spaces, 10)
    policy = algorithm.policy(algorithm.init(jax.random.key(0)))
    _, observations = pair_game.reset(jax.random.key(1))
    other = observations | {"leader_0": observations["leader_0"] + 0.5}
    key = jax.random.key(2)
    (now, _), (then, _) = (
        policy.move(pair_game.agents, o, policy.initial_memory(), key, False) for o in (observations, other)
    )
    assert {agent for agent in now if not np.array_equal(now[agent], then[agent])} == {"leader_0"}


PROBE_TRAINING = OnPolicyConfig(steps=48_000, environments=32, rollout=10, evaluations=1, input_span=1.0)


def learned_actions(game: PairGame, config: MALPPOConfig) -> tuple[np.ndarray, np.ndarray]:
    """Prices and purchases of the policies learned."""
    loop = loop_of(ScaledGame(game, 1.0), config, PROBE_TRAINING)
    state, _ = learned(loop, jax.random.key(0))
    policy = loop.policy(state.train_state)
    before, observations = game.reset(jax.random.key(1))
    memory = policy.initial_memory()
    prices, memory = policy.move(game.stages[0], observations, memory, jax.random.key(2), False)
    _, step = game.move(jax.random.key(3), before, 0, prices)
    bought, _ = policy.move(game.stages[1], step.observations, memory, jax.random.key(2), False)
    return tuple(np.concatenate([np.asarray(x[a]) for a in game.stages[i]]) for i, x in enumerate((prices, bought)))


@pytest.mark.slow
@pytest.mark.parametrize("central", [False, True], ids=["malppo", "mappo"])
def test_equilibrium_of_a_game_of_known_answer_is_learned(pair_game: PairGame, central: bool) -> None:
    """Prices (1 + c) / 2, not c or 1: leaders anticipate followers; followers answer prices that they see."""
    config = MALPPOConfig(
        hidden=(16,),
        memory=() if central else (8,),
        central=central,
        actor_rate=5e-3,
        critic_rate=1e-2,
        epochs=4,
        leader_share=1.0 if central else 0.1,
    )
    prices, bought = learned_actions(pair_game, config)
    np.testing.assert_allclose(prices, [0.5, 0.7], atol=0.06)
    np.testing.assert_allclose(bought, [0.5, 0.15], atol=0.06)


@pytest.mark.slow
def test_leaders_explore_before_they_learn(pair_game: PairGame) -> None:
    """With `leader_start` 0.5, actors of leaders are as they were after the first of two updates, and not after the second."""
    loop = loop_of(pair_game, replace(SMALL, leader_start=0.5), replace(TRAINING, steps=48, evaluations=1))
    assert loop.config.total_updates == 2
    start, (*_, rollout) = ROLL_OUT(loop, jax.random.key(0))
    once = LEARN(loop, start, rollout)
    twice = LEARN(loop, replace(start, train_state=once), rollout)
    leaders, followers = (
        [jax.tree.leaves(eqx.filter(states[kind].actor, eqx.is_array)) for states in (start.train_state, once, twice)]
        for kind in (0, 1)
    )
    assert equal(leaders[0], leaders[1])
    assert not equal(leaders[1], leaders[2])
    assert not equal(followers[0], followers[1])


@pytest.mark.parametrize("config", [MALPPORandomLeadersConfig, MALPPORandomFollowersConfig])
def test_agents_at_random_draw_over_the_whole_range_and_the_others_learn(config: type[MALPPOConfig]) -> None:
    game = PairGame(jnp.array([0.0, 0.4]), jnp.array([1.0, 0.5]))
    loop = loop_of(game, config(hidden=(6,), memory=(5,)), replace(TRAINING, rollout=12, steps=192))
    start, (*_, rollout) = ROLL_OUT(loop, jax.random.key(0))
    place = loop.algorithm.spaces.names.index(config().at_random[0])
    drawn = np.asarray(rollout[place].step.action)
    assert (drawn >= 0).all()
    assert (drawn <= 1).all()
    assert drawn.mean() == pytest.approx(0.5, abs=0.1)
    assert drawn.std() == pytest.approx(np.sqrt(1 / 12), abs=0.06)
    learned = LEARN(loop, start, rollout)
    assert learned[place] is None
    assert not equal(agent_leaves(learned[1 - place], 0), agent_leaves(start.train_state[1 - place], 0))
    policy = loop.policy(learned)
    observations = {agent: jnp.zeros(2) for agent in game.agents}
    draws = [
        policy.move(game.agents, observations, policy.initial_memory(), jax.random.key(k), False)[0] for k in range(2)
    ]
    others = game.stages[1 - place][0]
    assert draws[0][game.stages[place][0]] != draws[1][game.stages[place][0]]
    assert draws[0][others] == draws[1][others]


def test_a_fresh_learner_has_the_types_that_updates_keep() -> None:
    """A leaf of weak type would become a strong one, and the whole program be compiled once more."""
    fresh = eqx.filter_eval_shape(MALPPO(SMALL, JOINT, 10).init, jax.random.key(0))
    leaves = jax.tree_util.tree_leaves_with_path(eqx.filter(fresh, lambda leaf: isinstance(leaf, jax.ShapeDtypeStruct)))
    assert leaves
    assert [jax.tree_util.keystr(path) for path, leaf in leaves if leaf.weak_type] == []


@pytest.mark.slow
def test_same_key_same_bits_other_key_other_bits(pair_game: PairGame) -> None:
    loop = loop_of(pair_game)
    first, again, other = (jax.tree.leaves(first_chunk(loop, jax.random.key(k))[0].train_state) for k in (0, 0, 1))
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not any(np.array_equal(a, b) for a, b in zip(first, other, strict=True) if a.size > 4)


@pytest.fixture(scope="module")
def finished(trained: Callable[[RunConfig], Path]) -> Path:
    return trained(RUN)


def weights(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.glob("policy/**/*.safetensors"))}


@pytest.mark.slow
def test_the_newest_policies_count_and_seeds_differ(finished: Path) -> None:
    """In a game no return tells which policies are best."""
    saved = weights(finished)
    assert len(saved) == 2 * 2 * 5  # best and last, seeds, agents
    for name, content in saved.items():
        assert saved[name.replace("best", "last")] == content
        assert saved[name.replace("seed-0", "seed-1")] != content or "seed-1" in name


@pytest.mark.slow
def test_metrics_tell_distances_and_what_each_agent_could_gain(finished: Path) -> None:
    columns = set(pd.read_csv(finished / "metrics.csv").columns)
    agents = {"leader_0", "leader_1", "follower_0", "follower_1", "follower_2"}
    assert columns >= {f"exploitability/{agent}" for agent in agents} | {f"reward/{agent}" for agent in agents}
    assert columns >= {"price_distance", "demand_distance", "leader_distance", "follower_distance", "exploitability"}
    assert columns >= {"learning/leader/actor_gain", "learning/follower/critic_loss"}
    summary = json.loads((finished / "test.json").read_text())
    worst = max(summary[f"exploitability/{agent}"]["mean"][0] for agent in agents)
    assert summary["exploitability"]["mean"][0] >= worst - 1e-4 > 0


@pytest.mark.slow
def test_saved_policies_act_the_same_one_by_one_and_together(finished: Path) -> None:
    environment, _ = build(RUN)
    folder = finished / "policy" / "last" / "seed-0"
    together = load_learned(folder, environment)
    assert isinstance(together, JointPolicy)
    _, observations = environment.reset(jax.random.key(7))
    expected, _ = together.move(environment.agents, observations, together.initial_memory(), jax.random.key(0), False)
    for agent in environment.agents:
        artefact = load_policy(folder / agent)
        action, _ = artefact.step(np.asarray(observations[agent]), artefact.initial_memory())
        np.testing.assert_allclose(action, expected[agent], rtol=1e-5, atol=1e-6)
        assert artefact.algorithm == "malppo"
        assert environment.action_spaces[agent].shape == action.shape
    result = evaluate(environment, LearnedPolicy(together), jax.random.key(TRAINING.test_seed), 2)
    written = json.loads((finished / "test.json").read_text())
    for name in ("price_distance", "reward/follower_1", "exploitability"):
        assert float(result[name].mean()) == pytest.approx(written[name]["mean"][0], rel=1e-3, abs=1e-3)


@pytest.mark.slow
def test_references_mark_both_ends_of_the_scale() -> None:
    entry = registry.find("twin-trading")
    environment = entry.build_evaluation(TwinTradingConfig(with_delay=False, slots=3))
    played = eqx.filter_jit(evaluate)
    references = entry.references(environment, entry.reference_names)
    best, random = (played(environment, references[name], jax.random.key(0), 4) for name in ("equilibrium", "random"))
    for name in ("price_distance", "demand_distance", "leader_distance", "follower_distance", "exploitability"):
        assert float(best[name].max()) < 0.05
        assert float(random[name].mean()) > 10
    solved = environment.equilibrium
    np.testing.assert_allclose(best["reward/leader_1"], solved.leader_utilities[1], rtol=1e-3)


@pytest.mark.slow
def test_gains_are_those_of_a_search_by_hand() -> None:
    """Against policies of given prices and demands: each player's best alone, by a fine grid."""
    entry = registry.find("twin-trading")
    environment = entry.build_evaluation(TwinTradingConfig(with_delay=False, slots=3))
    market = environment.market

    def answer(stage: int, state: Any) -> dict[str, Any]:
        actions = {agent: jnp.full(1, 0.3 + 0.3 * j) for j, agent in enumerate(environment.leaders)}
        return actions | {
            agent: jnp.clip(0.8 - 0.5 * state.prices - 0.1 * i, 0.0, 1.0)
            for i, agent in enumerate(environment.followers)
        }

    state, _ = environment.reset(jax.random.key(0))
    gains = environment.gains(state, answer)
    m = plain_market(market)
    prices = [c + (1.5 - c) * share for c, share in zip(m["cost"], (0.3, 0.6), strict=True)]

    def demands(prices: list[float]) -> list[list[float]]:
        largest = float(environment.largest_demand)
        return [[largest * min(max(0.8 - 0.5 * p - 0.1 * i, 0.0), 1.0) for p in prices] for i in range(3)]

    leaders = [plain.leader_utility(m, j, prices, demands(prices)) for j in range(2)]
    for j in range(2):
        grid = np.linspace(m["cost"][j], 1.5, 2001)
        trials = [[float(x) if k == j else prices[k] for k in range(2)] for x in grid]
        best = max(plain.leader_utility(m, j, trial, demands(trial)) for trial in trials)
        expected = 100 * (best - leaders[j]) / max(abs(u) for u in leaders)
        assert float(gains[f"exploitability/leader_{j}"]) == pytest.approx(expected, rel=1e-2, abs=0.02)
    b = demands(prices)
    followers = [plain.follower_utility(m, i, prices, b) for i in range(3)]
    for i in range(3):
        free = [
            max(
                m["satisfaction"][i]
                + sum(m["social"][i][k] * b[k][j] for k in range(3))
                - m["payment_scale"] * prices[j],
                0,
            )
            / (2 * m["sensitivity"][i])
            for j in range(2)
        ]
        best = plain.follower_utility(m, i, prices, [free if k == i else b[k] for k in range(3)])
        expected = 100 * (best - followers[i]) / max(abs(u) for u in followers)
        assert float(gains[f"exploitability/follower_{i}"]) == pytest.approx(expected, rel=1e-2, abs=0.02)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"hidden": ()}, "hidden = "),
        ({"memory": (0,)}, "memory"),
        ({"masking": True}, "masking = True"),
        ({"discount": 1.0}, "discount = 1.0"),
        ({"actor_rate": 0.0}, "actor_rate = 0.0"),
        ({"leader_start": 1.0}, "leader_start = 1.0"),
    ],
)
def test_bad_settings_name_the_field(change: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        MALPPOConfig(**change)


def test_what_does_not_fit_together_is_said(pair_game: PairGame) -> None:
    with pytest.raises(ConfigurationError, match="at_random = 'buyer': must be"):
        MALPPO(replace(SMALL, at_random=("buyer",)), JOINT, 1)
    with pytest.raises(ConfigurationError, match="one must learn"):
        MALPPO(replace(SMALL, at_random=("leader", "follower")), JOINT, 1)
    with pytest.raises(ConfigurationError, match="minibatches = 3: must be a divisor of environments = 4"):
        loop_of(pair_game, replace(SMALL, minibatches=3))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ["twin-trading", "--algorithm", "ppo"],
            "algorithm = 'ppo': must be one that fits twin-trading: maa2c, malppo",
        ),
        (["pendulum", "--algorithm", "malppo"], "algorithm = 'malppo': must be one that fits pendulum: cgdm"),
        (["twin-trading", "--followers", "0"], "followers = 0"),
        (["twin-trading", "--at-random", "buyer"], "at_random = 'buyer'"),
    ],
)
def test_command_says_what_is_not_allowed(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(["train", *words, "--folder", str(tmp_path / "run")]) == 2
    assert said in capsys.readouterr().err
