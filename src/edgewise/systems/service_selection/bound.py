"""What no policy can reach in an episode of service selection whose arrivals are known, even by crashing providers."""

from __future__ import annotations

from dataclasses import dataclass

import jax
import numpy as np
import scipy.sparse as sp
from jaxtyping import Bool, Float, Int
from scipy.optimize import linprog

from edgewise.common.errors import EdgewiseError
from edgewise.systems.service_selection.environment import ServiceSelection, ServiceSelectionState
from edgewise.systems.service_selection.sampling import running_time

ROUNDING = 1e-4
"""Part of a running time that single precision can gain or lose in up to 1600 arrivals."""
TOLERANCE = 1e-7
"""By how much a crash must pay more than the best provider to be worth a variable: as the solver's prices are no more exact."""
LARGEST_K = 8
"""Functions u_k are taken for k up to this number; with it grow the rows of the linear program."""


@dataclass(frozen=True, eq=False)
class Episode:
    """The n tasks of an episode, and what they bring at i providers.

    Attributes:
        time: arrivals, s.
        size: T, denoising steps.
        duration: running time, s.
        reward: the reward of each task at each provider, if it has room.
        capacity: the capacity of each provider, denoising steps.
        crash_penalty: p, the fixed penalty of a crash.
    """

    time: Float[np.ndarray, " n"]
    size: Float[np.ndarray, " n"]
    duration: Float[np.ndarray, " n"]
    reward: Float[np.ndarray, "n i"]
    capacity: Float[np.ndarray, " i"]
    crash_penalty: float

    @classmethod
    def of(cls, environment: ServiceSelection, states: ServiceSelectionState) -> Episode:
        """The episode that some policy has played; tasks do not depend on the policy.

        Args:
            environment: the system.
            states: the state before each step, along the first axis.
        """
        return cls(
            time=np.cumsum(np.asarray(states.gap, dtype=float)),
            size=np.asarray(states.task, dtype=float),
            duration=np.asarray(running_time(states.task), dtype=float),
            reward=np.asarray(jax.vmap(environment.reward_of)(states.task), dtype=float),
            capacity=np.asarray(environment.providers.capacity, dtype=float),
            crash_penalty=float(environment.crash_penalty),
        )

    def arrivals_within(self, seconds: Float[np.ndarray, " n"] | float) -> Int[np.ndarray, " n"]:
        """For each task the index after the last arrival less than `seconds` after its own, itself included."""
        return np.maximum(np.searchsorted(self.time, self.time + seconds), np.arange(len(self.time)) + 1)


@dataclass(frozen=True, eq=False)
class Bound:
    """A bound on an episode's reward, and what the linear program behind it would do.

    Attributes:
        value: no policy's episode reward is higher.
        shares: part of each task that the program gives to each provider.
        net_reward: reward of each task at each provider minus the price of the room that it takes.
    """

    value: float
    shares: Float[np.ndarray, "n i"]
    net_reward: Float[np.ndarray, "n i"]


def upper_bound(episode: Episode) -> Bound:
    r"""A bound on the episode reward of every sequence of actions, so of every policy, whatever it knows.

    Let x_ji = 1 if task j is accepted at provider i (it may be lost later) and c_ji = 1 if it crashes i. The tasks that run
    at i together have weights w_j that add up to at most 1, for every weight of `room_weights`. Right after arrival k, the
    accepted tasks that would still run if nothing had been lost are those that do run, and others that were lost in a crash
    at an arrival m <= k. Those lost at m ran together until then, and would all have been done D after t_m, D being the
    longest running time d_j. With p the fixed penalty, therefore

        sum_i x_ji + c_ji = 1
        sum of w_j x_ji over j <= k < t_j + d_j   <=   1 + sum of c_mi over m <= k < t_m + D      (arrival k meaning its time)
        reward   <=   sum_ji u_i(T_j) x_ji - p c_ji

    where the remaining progress that a crash is also charged for is left out. For *any* prices v >= 0 of the second line,
    whatever the accuracy of the solver, the reward is then at most

        sum v + sum_j max_i max( u_i(T_j) - w_j (sum of v while j runs),  -p + (sum of v from t_j until t_j + D) )

    which is the value returned. HiGHS finds good prices by solving the linear program, with columns for those crashes only
    that would pay. Running times are taken shorter, and D longer, by `ROUNDING`, so that the bound holds in single precision too.

    Raises:
        EdgewiseError: if the linear program is not solved.
    """
    program = _Program(episode)
    crashes = np.zeros(episode.reward.shape, dtype=bool)
    while True:
        shares, prices = program.solve(crashes)
        net_reward, crash_value = program.net_values(prices)
        best = np.maximum(net_reward.max(1), -episode.crash_penalty)[:, None]
        paying = (crash_value > best + TOLERANCE) & ~crashes
        if not paying.any():
            break
        crashes |= paying
    value = prices.sum() + np.maximum(net_reward, crash_value).max(1).sum()
    return Bound(float(value), shares, net_reward)


def room_weights(size: Float[np.ndarray, " n"], capacity: float) -> Float[np.ndarray, "w n"]:
    """Weights of tasks such that those which fit together weigh 1 at most.

    The first is T / C. The others are the dual feasible functions of Fekete and Schepers (2001), "New classes of fast lower
    bounds for bin packing problems": u_k(x) = x if (k + 1) x is an integer, else floor((k + 1) x) / k, with x = T / C. They
    know, for example, that no two tasks of more than half the capacity fit together.

    Args:
        size: T, denoising steps.
        capacity: C, denoising steps.
    """
    weights = [size / capacity]
    for k in range(1, LARGEST_K + 1):
        if size.min() <= capacity / (k + 1) < size.max():
            whole, rest = np.divmod((k + 1) * size, capacity)
            weights.append(np.where(rest == 0, size / capacity, whole / k))
    return np.stack(weights)


class _Program:
    """The linear program of an episode; its rows are pairs of an arrival and a weight."""

    def __init__(self, episode: Episode) -> None:
        self.episode = episode
        tasks, providers = episode.reward.shape
        self.ends = episode.arrivals_within(episode.duration * (1 - ROUNDING))
        self.crash_ends = episode.arrivals_within(float(episode.duration.max()) * (1 + ROUNDING))
        weights = [room_weights(episode.size, capacity) for capacity in episode.capacity]
        self.weights = np.concatenate(weights)
        self.owner = np.repeat(np.arange(providers), [len(w) for w in weights])
        # an arrival after which no task ends before the next one asks for less than the next one
        self.arrivals = np.unique(self.ends - 1)
        running = _intervals(np.arange(tasks), self.ends, self.arrivals)
        by_provider = [sp.vstack([running.multiply(w).tocsr() for w in part]) for part in weights]
        self.room = sp.block_diag(by_provider, format="csr")

    def solve(self, crashes: Bool[np.ndarray, "n i"]) -> tuple[Float[np.ndarray, "n i"], Float[np.ndarray, "k w"]]:
        """Solve it with columns for the given crashes.

        Returns:
            Shares of the tasks, and the prices of the weights right after each arrival.
        """
        episode, (tasks, providers) = self.episode, self.episode.reward.shape
        crashed, at = np.nonzero(crashes)
        relief = self._relief(crashed, at)
        refused = sp.csr_matrix((self.room.shape[0], tasks))
        every = sp.identity(tasks, format="csr")
        penalties = np.full(tasks + len(crashed), episode.crash_penalty)
        result = linprog(
            np.concatenate([-episode.reward.T.ravel(), penalties]),
            A_ub=sp.hstack([self.room, refused, -relief], format="csr"),
            b_ub=np.ones(self.room.shape[0]),
            A_eq=sp.hstack([every] * (providers + 1) + [every[:, crashed]], format="csr"),
            b_eq=np.ones(tasks),
            bounds=(0, None),
            method="highs-ipm",
        )
        if result.status != 0:
            raise EdgewiseError(f"bound of the episode: the linear program is not solved ({result.message})")
        shares = result.x[: tasks * providers].reshape(providers, tasks).T
        prices = np.zeros((tasks, len(self.owner)))
        prices[self.arrivals] = -result.ineqlin.marginals.reshape(len(self.owner), -1).T
        return shares, np.maximum(prices, 0.0)

    def net_values(self, prices: Float[np.ndarray, "k w"]) -> tuple[Float[np.ndarray, "n i"], Float[np.ndarray, "n i"]]:
        """What accepting a task and crashing with it are worth, at every provider, when room has its price."""
        tasks = np.arange(len(prices))
        total = np.concatenate([np.zeros((1, prices.shape[1])), np.cumsum(prices, axis=0)])
        cost = self.weights.T * (total[self.ends] - total[tasks])
        relief = total[self.crash_ends] - total[tasks]
        to_provider = (self.owner[:, None] == np.arange(self.episode.reward.shape[1])).astype(float)
        return self.episode.reward - cost @ to_provider, relief @ to_provider - self.episode.crash_penalty

    def _relief(self, crashed: Int[np.ndarray, " c"], at: Int[np.ndarray, " c"]) -> sp.csr_matrix:
        while_relieved = _intervals(crashed, self.crash_ends[crashed], self.arrivals)
        blocks = [while_relieved.multiply((at == owner).astype(float)).tocsr() for owner in self.owner]
        return sp.vstack(blocks, format="csr")


def _intervals(
    first: Int[np.ndarray, " n"], end: Int[np.ndarray, " n"], arrivals: Int[np.ndarray, " k"]
) -> sp.csr_matrix:
    """A matrix with a row for each arrival and a column for each interval [first, end), 1 where it is inside."""
    begin, stop = np.searchsorted(arrivals, first), np.searchsorted(arrivals, end)
    columns = np.repeat(np.arange(len(first)), stop - begin)
    rows = np.arange(len(columns)) - np.repeat(np.cumsum(stop - begin) - (stop - begin), stop - begin)
    rows = rows + np.repeat(begin, stop - begin)
    return sp.csr_matrix((np.ones(len(columns)), (rows, columns)), shape=(len(arrivals), len(first)))
