"""The bound on known episodes of service selection, against every sequence of actions of tiny ones."""

from __future__ import annotations

import itertools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from edgewise.environments.episode import record_episode
from edgewise.systems.service_selection import references
from edgewise.systems.service_selection.bound import Episode, room_weights, upper_bound
from edgewise.systems.service_selection.configuration import ServiceSelectionConfig
from edgewise.systems.service_selection.environment import ServiceSelection
from edgewise.systems.service_selection.offline import KnownEpisode, solve_episode
from edgewise.systems.service_selection.sampling import Providers
from edgewise.systems.service_selection.schedule import follow_bound, improve, play
from edgewise.systems.service_selection.solve import plain, show

TASKS = 9
SEQUENCES = np.array(list(itertools.product(range(2), repeat=TASKS)))


def tiny(**changes) -> ServiceSelection:
    """A provider that is much better than the other, which is larger."""
    curves = ([400.0, 900.0], [0.0, 0.0], [0.0, 0.0], [100.0, 250.0], [0.95, 0.1])
    config = ServiceSelectionConfig(providers=2, tasks=TASKS, **changes)
    return ServiceSelection(config, Providers(*(jnp.asarray(values) for values in curves)))


@eqx.filter_jit
def every_outcome(environment: ServiceSelection, key: jax.Array):
    """States of an episode, and for every sequence of actions its reward and whether it was ever punished."""
    states, _, _ = record_episode(environment, references.build(environment)["prophet"], key)

    def outcome(actions):
        rewards = play(environment, states, actions)
        return rewards.sum(), (rewards < 0).any()

    return states, *jax.vmap(outcome)(jnp.asarray(SEQUENCES))


# gaps from a ninth of a running time, where crashes cannot be avoided, to about a half; penalties up to the paper's
@pytest.mark.parametrize(
    ("rate", "penalty"), [(0.0003, 2.0), (0.0001, 2.0), (0.0001, 0.0), (0.0001, 0.01), (0.00006, 0.1), (0.00006, 2.0)]
)
def test_no_sequence_of_actions_beats_the_bound(rate, penalty) -> None:
    environment = eqx.tree_at(
        lambda e: (e.arrival_rate, e.crash_penalty), tiny(), (jnp.asarray(rate), jnp.asarray(penalty))
    )
    pays = 0
    for seed in range(6):
        states, rewards, crashed = every_outcome(environment, jax.random.key(seed))
        best, calm = float(rewards.max()), float(jnp.where(crashed, -jnp.inf, rewards).max())
        episode = Episode.of(environment, states)
        bound = upper_bound(episode)
        assert best - 1e-4 <= bound.value <= episode.reward.max(1).sum() + 1e-4
        pays += best > calm + 1e-4
        found = improve(episode, follow_bound(episode, bound))
        reward = float(play(environment, states, found).sum())
        assert reward <= best + 1e-4
        if penalty == 2 and rate < 0.0003 and calm > 0:
            assert reward == pytest.approx(calm, rel=2e-3)
    assert (pays > 0) == ((rate, penalty) in [(0.0003, 2.0), (0.0001, 0.01), (0.00006, 0.1)])


def test_crashing_on_purpose_by_hand() -> None:
    """A full provider is emptied for 0.01 by a task that earns nothing elsewhere: three more good tasks then fit.

    Equation (18) also charges 0.01 for each task times its remaining progress. Without crashes 0.95 x 4 is the most.
    """
    curves = ([400.0, 100.0], [0.0, 0.0], [0.0, 0.0], [100.0, 100.0], [0.95, 0.0])
    config = ServiceSelectionConfig(providers=2, tasks=8, crash_penalty=0.01)
    environment = ServiceSelection(config, Providers(*(jnp.asarray(values) for values in curves)))
    states, _, _ = record_episode(environment, references.build(environment)["prophet"], jax.random.key(0))
    gaps = jnp.full(8, 100.0).at[0].set(0.0)
    states = eqx.tree_at(lambda s: (s.task, s.gap), states, (jnp.full(8, 100.0), gaps))
    rewards = play(environment, states, np.zeros(8, int))
    assert float(rewards.sum()) == pytest.approx(7 * 0.95 - 0.01 * (1 + 4 - 10 / 147.6), rel=1e-4)
    value = upper_bound(Episode.of(environment, states)).value
    assert float(rewards.sum()) < value <= 7 * 0.95 + 0.95


def test_weights_of_tasks_that_fit_together() -> None:
    """All sets of tasks that fit weigh 1 at most; two of more than half the capacity weigh 2 in one of the weights."""
    size = np.arange(100.0, 251, 10)
    for capacity in (400.0, 500.0, 900.0, 430.0):
        weights = room_weights(size, capacity)
        most = int(capacity // size[0])
        sets = [s for n in range(1, min(most, 4) + 1) for s in itertools.combinations_with_replacement(range(16), n)]
        fitting = [list(s) for s in sets if size[list(s)].sum() <= capacity]
        assert max(weights[:, s].sum(1).max() for s in fitting) <= 1 + 1e-12
    assert room_weights(size, 400.0)[:, [11, 11]].sum(1).max() == 2


def test_an_uncontended_episode_is_solved() -> None:
    """With room for all at the best provider the bound is what Prophet earns."""
    environment = ServiceSelection(ServiceSelectionConfig(tasks=40, arrival_rate=1e-5))
    solved = solve_episode(environment, jax.random.key(2))
    assert solved.bound == pytest.approx(solved.references["prophet"], abs=1e-3)
    assert solved.schedule == pytest.approx(solved.bound, abs=1e-3)


@pytest.mark.slow
def test_a_contended_episode_is_nearly_solved() -> None:
    environment = ServiceSelection(ServiceSelectionConfig(tasks=60, arrival_rate=0.002))
    solved = solve_episode(environment, jax.random.key(0))
    assert solved.references["prophet"] < solved.schedule <= solved.bound + 1e-3
    assert solved.share(solved.schedule) > 0.95


def test_shares_of_a_loose_bound_are_not_told(capsys) -> None:
    tight = KnownEpisode({"random": -5.0, "prophet": 80.0}, 90.0, np.zeros(1, int), 100.0)
    assert not tight.loose
    loose = KnownEpisode({"random": -5.0, "prophet": -90.0}, -27.0, np.zeros(1, int), 100.0)
    assert set(plain(loose)["shares"].values()) == {None}
    show(loose)
    told = capsys.readouterr().out
    assert "The bound is loose here" in told
    assert "%" not in told
    show(tight)
    assert "below 0" in capsys.readouterr().out
