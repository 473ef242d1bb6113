"""A matching whose optimum is known: every job goes to one of several machines, and each pair has its price.

The task of a learner of kind "matching": numbers of jobs and of machines vary, rows are drawn anew at every reset, and
nothing carries over from step to step but the prices. With `crowding` 0 every job is best off at its cheapest machine; with
`crowding` above 0 jobs at the same machine pay for each other, so that the best choice of a job depends on the others'.
"""

from __future__ import annotations

from itertools import product

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from edgewise.environments.bipartite import PAIRS, Bipartite
from edgewise.environments.environment import Environment, TimeStep
from edgewise.environments.spaces import MASK, Box, Choices, Dict, Entities, Flags

SWITCH_PRICE = 0.3
"""What a switched-on machine costs."""
FAULT_PRICE = 1.0
"""What every job at a faulty machine costs that is not switched on."""


class MatchingState(eqx.Module):
    """Prices, faults, who is there, and steps done; `hidden` is a surcharge per machine that only a critic may see."""

    price: Float[Array, "v s"]
    faulty: Bool[Array, " s"]
    hidden: Float[Array, " s"]
    jobs: Bool[Array, " v"]
    machines: Bool[Array, " s"]
    step: Int[Array, ""]


class MatchingTask(Environment[MatchingState]):
    """Send every job to a machine, and switch machines on: the reward is minus the mean cost of a job.

    A job at a machine costs the price of the pair, plus `crowding` for each other job there, plus `FAULT_PRICE` where the machine
    is faulty and off; a machine that is on costs `SWITCH_PRICE`. A job sent to a machine that is not there costs 2.

    Attributes:
        jobs, machines: most of each.
        crowding: what a job pays for each other job at its machine.
        vary: draw the numbers of jobs and machines at every reset; otherwise all are there.
        switches: whether the action has the flags "on" of the machines, and machines have faults.
        surcharge: largest of a machine's surcharge, which no observation shows but `privileged` does.
        steps: of an episode.
    """

    jobs: int = eqx.field(static=True, default=4)
    machines: int = eqx.field(static=True, default=3)
    crowding: float = eqx.field(static=True, default=0.0)
    vary: bool = eqx.field(static=True, default=True)
    switches: bool = eqx.field(static=True, default=True)
    surcharge: float = eqx.field(static=True, default=0.0)
    steps: int = eqx.field(static=True, default=4)

    @property
    def observation_space(self) -> Bipartite:
        unit = Box.of(0, 1, "1")
        return Bipartite(
            {
                "jobs": Entities({"cheapest": unit}, self.jobs),
                "machines": Entities({"faulty": Flags(()), "mean price": unit}, self.machines),
                PAIRS: Entities({"price": Box.of(0, 1, "1", (self.machines,))}, self.jobs),
            },
            rows="jobs",
            columns="machines",
        )

    @property
    def action_space(self) -> Dict:
        switches = {"on": Flags((self.machines,))} if self.switches else {}
        return Dict({"machine": Choices((self.jobs,), self.machines), **switches})

    @property
    def privileged_space(self) -> Dict:
        return Dict({"machines": Dict({"surcharge": Box.of(0, self.surcharge, "1", (self.machines,))})})

    @property
    def horizon(self) -> int:
        return self.steps

    def reset(self, key: PRNGKeyArray) -> tuple[MatchingState, dict[str, Array]]:
        counts, drawn = jax.random.split(key)
        state = self._drawn(drawn, *self._present(counts), jnp.zeros((), int))
        return state, self.observe(state)

    def step(self, key: PRNGKeyArray, state: MatchingState, action: dict[str, Array]) -> tuple[MatchingState, TimeStep]:
        cost = self.costs(state, action)
        rows = jnp.where(state.jobs, -cost / state.jobs.sum(), 0.0)
        after = self._drawn(key, state.jobs, state.machines, state.step + 1)
        switched = self._on(action) & state.machines
        paid = SWITCH_PRICE * switched.sum() / state.jobs.sum()
        return after, TimeStep(
            observation=self.observe(after),
            reward=rows.sum() - paid,
            terminated=jnp.zeros((), bool),
            truncated=after.step >= self.steps,
            info={"switched": switched.mean()},
            credit={
                "rows": rows,
                "links": jax.nn.one_hot(action["machine"], self.machines, dtype=bool),
                "columns": jnp.where(switched, -SWITCH_PRICE / state.jobs.sum(), 0.0),
            },
        )

    def privileged(self, state: MatchingState) -> dict[str, dict[str, Array]]:
        return {"machines": {"surcharge": state.hidden}}

    def observe(self, state: MatchingState) -> dict[str, dict[str, Array]]:
        """What a policy sees; padding is zero."""
        both = state.jobs[:, None] & state.machines
        price = jnp.where(both, state.price, 0.0)
        cheapest = jnp.where(state.jobs, jnp.min(jnp.where(both, state.price, 1.0), axis=1), 0.0)
        return {
            "jobs": {MASK: state.jobs, "cheapest": cheapest},
            "machines": {MASK: state.machines, "faulty": state.faulty, "mean price": price.sum(0) / state.jobs.sum()},
            PAIRS: {MASK: state.jobs, "price": price},
        }

    def costs(self, state: MatchingState, action: dict[str, Array]) -> Float[Array, " v"]:
        """What each job costs where it is sent, without the switches."""
        machine = action["machine"]
        sent = jax.nn.one_hot(machine, self.machines) * state.jobs[:, None]
        others = jnp.take(sent.sum(0), machine) - 1
        fault = jnp.take(state.faulty & ~self._on(action), machine) * FAULT_PRICE
        price = jnp.take_along_axis(state.price, machine[:, None], axis=1)[:, 0] + jnp.take(state.hidden, machine)
        return jnp.where(jnp.take(state.machines, machine), price + self.crowding * others + fault, 2.0)

    def _on(self, action: dict[str, Array]) -> Bool[Array, " s"]:
        return action["on"] if self.switches else jnp.zeros(self.machines, bool)

    def _present(self, key: PRNGKeyArray) -> tuple[Bool[Array, " v"], Bool[Array, " s"]]:
        if not self.vary:
            return jnp.ones(self.jobs, bool), jnp.ones(self.machines, bool)
        rows, columns = jax.random.split(key)
        jobs = jax.random.randint(rows, (), 1, self.jobs + 1)
        machines = jax.random.randint(columns, (), 1, self.machines + 1)
        return jnp.arange(self.jobs) < jobs, jnp.arange(self.machines) < machines

    def _drawn(self, key: PRNGKeyArray, jobs: Array, machines: Array, step: Array) -> MatchingState:
        price_key, fault_key, hidden_key = jax.random.split(key, 3)
        price = jax.random.uniform(price_key, (self.jobs, self.machines))
        faulty = jax.random.bernoulli(fault_key, 0.3, (self.machines,)) & machines & self.switches
        hidden = self.surcharge * jax.random.uniform(hidden_key, (self.machines,))
        return MatchingState(price, faulty, hidden, jobs, machines, step)


def best_reward(task: MatchingTask, state: MatchingState) -> float:
    """The highest reward of one step that an action can have, by trying all of them; for tiny sizes."""
    jobs, machines = np.flatnonzero(state.jobs), np.flatnonzero(state.machines)
    price, hidden, faulty = np.asarray(state.price), np.asarray(state.hidden), np.asarray(state.faulty)
    best = -np.inf
    for chosen in product(machines, repeat=len(jobs)):
        count = np.bincount(chosen, minlength=task.machines)
        cost = sum(
            price[job, at] + hidden[at] + task.crowding * (count[at] - 1) for job, at in zip(jobs, chosen, strict=True)
        )
        cost += sum(min(SWITCH_PRICE, FAULT_PRICE * count[at]) for at in machines if faulty[at] and count[at])
        best = max(best, -cost / len(jobs))
    return float(best)
