"""The network on pairs, and the policy and critic on it: equivariant, blind to padding, and as its equations say."""

from __future__ import annotations

from dataclasses import replace

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from edgewise.algorithms.entity import RowValue, matching_sets, matching_sizes
from edgewise.environments.bipartite import COLUMN, PAIRS
from edgewise.environments.description import Description
from edgewise.environments.spaces import MASK
from edgewise.networks.bipartite import Features
from edgewise.policies.artefact import PolicyArtefact, load_policy, save_policy
from edgewise.policies.matching import MatchingPolicy, Sets, pack
from matching_task import MatchingTask
from reference import bipartite as reference

NUMBERS = (3, 4, 5)
SETS = Sets("jobs", "machines", "machine", "on")
SHAPES = [(1, 1), (1, 4), (6, 1), (5, 4)]


@pytest.fixture(scope="module")
def policy():
    fresh = MatchingPolicy.create(SETS, NUMBERS, width=16, rounds=2, key=jax.random.key(0))
    return eqx.tree_at(  # Heads of full size: fresh ones are nearly zero, and so would be every difference.
        lambda p: (p.choice_head.weight, p.switch_head.weight), fresh, replace_fn=lambda w: 100 * w
    )


@pytest.fixture(scope="module")
def critic():
    return RowValue(NUMBERS, width=16, rounds=2, key=jax.random.key(1))


@eqx.filter_jit
def outputs(policy, critic, x):
    return (*policy.logits(x), critic(x))


def drawn(rows: int, columns: int, seed: int = 0, batch: tuple[int, ...] = ()) -> Features:
    rng = np.random.default_rng([seed, rows, columns])

    def numbers(*shape: int):
        return jnp.asarray(rng.normal(0, 2, (*batch, *shape)), jnp.float32)

    f, g, p = NUMBERS
    everyone = jnp.ones((*batch, rows), bool), jnp.ones((*batch, columns), bool)
    return Features(numbers(rows, f), numbers(columns, g), numbers(rows, columns, p), *everyone)


def permuted(x: Features, rows: np.ndarray, columns: np.ndarray) -> Features:
    return Features(
        x.rows[rows], x.columns[columns], x.pairs[rows][:, columns], x.row_mask[rows], x.column_mask[columns]
    )


def hidden_among(x: Features, more_rows: int, more_columns: int, seed: int) -> tuple[Features, np.ndarray, np.ndarray]:
    """The same rows and columns among others that do not exist, and where they are."""
    rng = np.random.default_rng(seed)
    v, s = len(x.rows), len(x.columns)
    large = drawn(v + more_rows, s + more_columns, seed=seed + 1)
    rows, columns = (np.sort(rng.permutation(n + m)[:n]) for n, m in ((v, more_rows), (s, more_columns)))
    there = Features(
        100 * large.rows.at[rows].set(x.rows / 100),
        100 * large.columns.at[columns].set(x.columns / 100),
        100 * large.pairs.at[np.ix_(rows, columns)].set(x.pairs / 100),
        jnp.zeros(v + more_rows, bool).at[rows].set(True),
        jnp.zeros(s + more_columns, bool).at[columns].set(True),
    )
    return there, rows, columns


@pytest.mark.parametrize(("rows", "columns"), SHAPES)
def test_it_is_what_its_equations_say(policy, critic, rows, columns):
    x = drawn(rows, columns)
    numbers = tuple(np.asarray(each, float) for each in (x.rows, x.columns, x.pairs))
    expected = (*reference.logits(policy, *numbers), reference.values(critic, *numbers))
    for mine, theirs in zip(outputs(policy, critic, x), expected, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("rows", "columns"), SHAPES)
def test_permuted_rows_and_columns_permute_what_it_gives(policy, critic, rows, columns):
    x = drawn(rows, columns)
    rng = np.random.default_rng(rows)
    order = rng.permutation(rows), rng.permutation(columns)
    choice, switch, value = outputs(policy, critic, x)
    mine = outputs(policy, critic, permuted(x, *order))
    for one, other in zip(mine, (choice[order[0]][:, order[1]], switch[order[1]], value[order[0]]), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("rows", "columns"), SHAPES)
def test_rows_and_columns_that_are_not_there_change_nothing(policy, critic, rows, columns, seed):
    """Wherever they stand and whatever they hold."""
    x = drawn(rows, columns, seed)
    choice, switch, value = outputs(policy, critic, x)
    large, i, j = hidden_among(x, 7 - rows, 6 - columns, seed)
    all_choice, all_switch, all_value = outputs(policy, critic, large)
    np.testing.assert_allclose(all_choice[np.ix_(i, j)], choice, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(all_switch[j], switch, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(all_value[i], value, rtol=1e-5, atol=1e-5)
    assert (np.delete(all_choice[i], j, axis=1) < -1e8).all()


def test_gradients_do_not_reach_what_is_not_there(policy, critic):
    x = drawn(3, 2)
    large, i, j = hidden_among(x, 4, 4, seed=5)
    action = {"machine": jnp.full(7, int(j[0])), "on": jnp.ones(6, bool)}

    def told(policy, critic, x):
        log, entropy = policy.assess(x, action)
        of_rows = jnp.where(x.row_mask, log.choice + entropy.choice + critic(x), 0.0).sum()
        return of_rows + jnp.where(x.column_mask, log.switch + entropy.switch, 0.0).sum()

    *weights, numbers = eqx.filter_jit(eqx.filter_grad(lambda both: told(*both)))((policy, critic, large))
    assert jax.tree.all(jax.tree.map(lambda w: bool(jnp.isfinite(w).all()), weights))
    assert not np.delete(numbers.rows, i, axis=0).any()
    assert not np.delete(numbers.columns, j, axis=0).any()
    there = np.zeros((7, 6), bool)
    there[np.ix_(i, j)] = True
    assert not np.asarray(numbers.pairs)[~there].any()
    assert np.asarray(numbers.pairs)[there].any()


@eqx.filter_jit
@eqx.filter_value_and_grad
def everything(both, x):
    policy, critic = both
    log, entropy = policy.assess(x, {"machine": jnp.zeros(5, int), "on": jnp.zeros(4, bool)})
    return log.choice.sum() + log.switch.sum() + entropy.choice.sum() + entropy.switch.sum() + critic(x).sum()


@pytest.mark.parametrize("gone", ["rows", "columns", "both"])
def test_it_stays_finite_if_nobody_is_there(policy, critic, gone):
    x = drawn(5, 4)
    if gone != "columns":
        x = replace(x, row_mask=jnp.zeros(5, bool))
    if gone != "rows":
        x = replace(x, column_mask=jnp.zeros(4, bool))

    value, gradient = everything((policy, critic), x)
    assert jnp.isfinite(value)
    assert jax.tree.all(jax.tree.map(lambda w: bool(jnp.isfinite(w).all()), gradient))


def test_leading_axes_are_a_batch(policy, critic):
    x = drawn(5, 4, batch=(2, 3))
    x = replace(x, row_mask=x.row_mask.at[1, 2, 3:].set(False))
    together = outputs(policy, critic, x)
    for place in ((0, 0), (1, 2)):
        alone = outputs(policy, critic, jax.tree.map(lambda leaf, place=place: leaf[place], x))
        for one, many in zip(alone, together, strict=True):
            np.testing.assert_allclose(many[place], one, rtol=1e-5, atol=1e-5)


def observation(x: Features) -> dict:
    def named(numbers):
        return {name: numbers[..., i] for i, name in enumerate("abcde"[: numbers.shape[-1]])}

    return {
        "jobs": {MASK: x.row_mask, **named(x.rows)},
        "machines": {MASK: x.column_mask, **named(x.columns)},
        PAIRS: {MASK: x.row_mask, **named(x.pairs)},
    }


def test_packed_numbers_stand_in_the_order_of_their_names(policy):
    x = drawn(5, 4)
    shown = observation(x)
    shuffled = {name: dict(reversed(fields.items())) for name, fields in shown.items()}
    for one, other in zip(jax.tree.leaves(pack(shuffled, SETS)), jax.tree.leaves(x), strict=True):
        np.testing.assert_array_equal(one, other)


def test_decisions_are_the_likeliest_or_follow_the_probabilities(policy):
    x = drawn(5, 4)
    choice, switch = policy.logits(x)
    likeliest = policy(observation(x), None)
    np.testing.assert_array_equal(likeliest["machine"], choice.argmax(-1))
    np.testing.assert_array_equal(likeliest["on"], switch > 0)
    many = jax.vmap(lambda key: policy(observation(x), key))(jax.random.split(jax.random.key(3), 4000))
    counted = np.asarray(jax.nn.one_hot(many["machine"], 4).mean(0))
    np.testing.assert_allclose(counted, jax.nn.softmax(choice), atol=0.04)
    np.testing.assert_allclose(np.asarray(many["on"]).mean(0), jax.nn.sigmoid(switch), atol=0.04)


def test_nobody_is_sent_to_or_switches_on_what_is_not_there(policy):
    large, _, j = hidden_among(drawn(5, 2), 2, 4, seed=0)
    for key in (None, *jax.random.split(jax.random.key(0), 5)):
        action = policy(observation(large), key)
        assert set(np.asarray(action["machine"]).tolist()) <= set(j.tolist())
        assert not np.delete(action["on"], j).any()


def test_assessed_probabilities_are_those_of_the_samples(policy):
    x = drawn(5, 4)
    choice, switch = policy.logits(x)
    action = {"machine": jnp.array([0, 1, 2, 3, 0]), "on": jnp.array([True, False, True, False])}
    log, entropy = policy.assess(x, action)
    probability = np.asarray(jax.nn.softmax(choice), float)
    on = np.asarray(jax.nn.sigmoid(switch), float)
    np.testing.assert_allclose(np.exp(log.choice), probability[np.arange(5), action["machine"]], rtol=1e-5)
    np.testing.assert_allclose(np.exp(log.switch), np.where(action["on"], on, 1 - on), rtol=1e-5)
    np.testing.assert_allclose(entropy.choice, -(probability * np.log(probability)).sum(-1), rtol=1e-4, atol=1e-6)
    expected = -(on * np.log(on) + (1 - on) * np.log1p(-on))
    np.testing.assert_allclose(entropy.switch, expected, rtol=1e-4, atol=1e-6)


def test_without_switches_it_only_chooses(policy):
    alone = replace(policy, sets=SETS._replace(switch=None))
    x = drawn(5, 4)
    assert list(alone(observation(x), None)) == ["machine"]
    assert list(alone(observation(x), jax.random.key(0))) == ["machine"]
    log, entropy = alone.assess(x, {"machine": jnp.zeros(5, int)})
    assert log.switch is None
    assert entropy.switch is None
    both = policy.assess(x, {"machine": jnp.zeros(5, int), "on": jnp.zeros(4, bool)})[0]
    np.testing.assert_array_equal(log.choice, both.choice)


def test_a_saved_policy_decides_the_same_at_any_size(policy, tmp_path):
    task = MatchingTask()
    sizes = matching_sizes(task.spaces)
    fresh = MatchingPolicy.create(matching_sets(task.spaces), sizes, width=8, rounds=1, key=jax.random.key(2))
    descriptions = (Description.of(task.observation_space, "observation"), Description.of(task.action_space, "action"))
    save_policy(tmp_path / "policy", PolicyArtefact(fresh, "matching", {}, "test", 0, *descriptions))
    loaded = load_policy(tmp_path / "policy")
    for jobs, machines in ((4, 3), (7, 2)):
        _, seen = MatchingTask(jobs, machines, vary=False).reset(jax.random.key(jobs))
        mine, theirs = fresh(seen, None), loaded.act(jax.tree.map(np.asarray, seen))
        np.testing.assert_array_equal(mine["machine"], theirs["machine"])
        np.testing.assert_array_equal(mine["on"], theirs["on"])


def limited(x: Features, candidates: int, seed: int = 0) -> Features:
    """Every row with so many of its pairs, in any order."""
    rng = np.random.default_rng(seed)
    v, s = x.pairs.shape[:2]
    index = jnp.asarray(np.array([rng.permutation(s)[:candidates] for _ in range(v)], np.int32))
    return replace(x, pairs=jnp.take_along_axis(x.pairs, index[..., None], axis=1), index=index)


def test_with_every_column_a_candidate_it_is_the_same(policy, critic):
    x = drawn(5, 4)
    choice, switch, value = outputs(policy, critic, x)
    few = limited(x, 4)
    few_choice, few_switch, few_value = outputs(policy, critic, few)
    np.testing.assert_allclose(few_choice, np.take_along_axis(choice, few.index, axis=1), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(few_switch, switch, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(few_value, value, rtol=1e-5, atol=1e-5)
    action = {"machine": jnp.array([0, 1, 2, 3, 0]), "on": jnp.array([True, False, True, False])}
    for one, other in zip(*(jax.tree.leaves(policy.assess(each, action)) for each in (x, few)), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5)


def test_with_a_few_candidates_it_is_what_its_equations_say(policy, critic):
    """A column that is nobody's candidate among them."""
    x = limited(drawn(3, 7), 2, seed=1)
    assert len(np.unique(x.index)) < 7
    numbers = tuple(np.asarray(each, float) for each in (x.rows, x.columns, x.pairs))
    index = np.asarray(x.index)
    expected = (*reference.logits(policy, *numbers, index), reference.values(critic, *numbers, index))
    for mine, theirs in zip(outputs(policy, critic, x), expected, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-4, atol=1e-4)


def test_batches_and_padding_among_candidates_change_nothing(policy, critic):
    x = limited(drawn(5, 4), 3)
    more = drawn(7, 6)
    index = jnp.zeros((7, 3), int).at[:5].set(x.index).at[5:].set(5)
    padded = Features(
        more.rows.at[:5].set(x.rows),
        more.columns.at[:4].set(x.columns),
        more.pairs[:, :3].at[:5].set(x.pairs),
        jnp.arange(7) < 5,
        jnp.arange(6) < 4,
        index,
    )
    choice, switch, value = outputs(policy, critic, x)
    batch = outputs(policy, critic, jax.tree.map(lambda leaf: jnp.stack([leaf, jnp.zeros_like(leaf), leaf]), padded))
    for place in (0, 2):
        for one, other in zip((each[place] for each in batch), (choice, switch, value), strict=True):
            inside = one[:5] if other is not switch else one[:4]
            np.testing.assert_allclose(inside, other, rtol=1e-5, atol=1e-5)


def test_choices_among_candidates_are_columns(policy):
    x = limited(drawn(5, 4), 2)
    shown = observation(x)
    shown[PAIRS][COLUMN] = x.index
    choice, _ = policy.logits(x)
    likeliest = policy(shown, None)["machine"]
    np.testing.assert_array_equal(likeliest, np.take_along_axis(x.index, choice.argmax(-1)[:, None], 1)[:, 0])
    drawn_ones = policy(shown, jax.random.key(0))["machine"]
    assert (drawn_ones[:, None] == x.index).any(1).all()
    log, _ = policy.assess(x, {"machine": likeliest, "on": jnp.zeros(4, bool)})
    np.testing.assert_allclose(log.choice, jax.nn.log_softmax(choice).max(-1), rtol=1e-6)
