"""Learners of other libraries on our tasks, with the settings that ours have there.

Stable-Baselines3's PPO, DQN, SAC, TD3 and DDPG, Tianshou's discrete SAC. What they lack is left out: their DQN is not double,
their PPO has one learning rate, Tianshou's errors are squared and its rates do not fall, and it plays the actor itself, not an
average.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import gymnasium
import numpy as np
from gymnasium.wrappers import RescaleAction, RescaleObservation

from edgewise.environments.adapters.gymnasium import make_single
from edgewise.training.presets import default_configs

GYMNASIUM = {"cartpole": "CartPole-v1", "acrobot": "Acrobot-v1", "pendulum": "Pendulum-v1"}

VARIANTS: dict[str, tuple[str, dict[str, Any]]] = {
    "dqn-without-double": ("dqn", {"double": False}),
    "discrete-sac-plain": ("discrete-sac", {"final_rate": 1.0, "huber": None, "deploy_average": False}),
    "discrete-sac-slow": ("discrete-sac", {"actor_rate": 1e-3, "critic_rate": 1e-3}),
}
"""Ours with something changed, so that another library can follow: algorithm, and fields of its configuration."""

Play = Callable[[np.ndarray], Any]
"""A policy: observation to action."""


def configs(task: str, name: str) -> tuple[str, Any, Any]:
    """An algorithm of the registry and its configurations on a task, by its name or a variant's."""
    name, changed = VARIANTS.get(name, (name, {}))
    algorithm, training = default_configs(task, name)
    return name, replace(algorithm, **changed), training


def make_environment(task: str, span: float | None) -> gymnasium.Env[Any, Any]:
    """Gymnasium's own control task, or one of our systems; scaled as our learners see and move it."""
    environment: Any = gymnasium.make(GYMNASIUM[task]) if task in GYMNASIUM else make_single(task)
    if isinstance(environment.action_space, gymnasium.spaces.Box):
        environment = RescaleAction(environment, np.float32(-1), np.float32(1))
    return environment if span is None else RescaleObservation(environment, np.float32(-span), np.float32(span))


def falling(rate: float, final: float) -> Callable[[float], float]:
    """Our cosine of a learning rate, as a function of the share of the run that remains."""
    return lambda remaining: rate * (final + (1 - final) * (1 + math.cos(math.pi * (1 - remaining))) / 2)


def sb3(task: str, algorithm: str, steps: int, seed: int) -> Play:
    """Train a learner of Stable-Baselines3."""
    import stable_baselines3
    import torch
    from stable_baselines3.common.env_util import make_vec_env

    torch.set_num_threads(1)  # faster than two with networks this small
    _, c, t = configs(task, algorithm)
    environments = make_vec_env(lambda: make_environment(task, t.input_span), t.environments, seed=seed)
    learner = getattr(stable_baselines3, algorithm.upper())
    settings = SB3_SETTINGS[algorithm](c, t, environments.action_space)
    network = {"net_arch": list(c.hidden), "activation_fn": torch.nn.Mish, **settings.pop("policy_kwargs", {})}
    model = learner(
        "MlpPolicy", environments, seed=seed, device="cpu", gamma=c.discount, policy_kwargs=network, **settings
    )
    model.learn(steps)
    return lambda observation: model.predict(observation, deterministic=True)[0]


def sb3_replayed(c: Any, t: Any, rate: float) -> dict[str, Any]:
    """What all that learn from a replay have in common."""
    return {
        "learning_rate": falling(rate, c.final_rate), "buffer_size": t.replay_capacity, "learning_starts": t.warmup_steps,
        "batch_size": c.batch_size, "train_freq": 1, "gradient_steps": t.updates,
    }  # fmt: skip


def sb3_dqn(c: Any, t: Any, space: Any) -> dict[str, Any]:
    return {
        **sb3_replayed(c, t, c.rate), "tau": 1 - (1 - c.target_rate) ** t.updates, "target_update_interval": 1,
        "n_steps": c.n_step, "exploration_fraction": c.epsilon_share, "exploration_initial_eps": c.epsilon_start,
        "exploration_final_eps": c.epsilon_end,
    }  # fmt: skip


def sb3_sac(c: Any, t: Any, space: Any) -> dict[str, Any]:
    return {
        **sb3_replayed(c, t, c.critic_rate), "tau": c.target_rate, "ent_coef": f"auto_{c.temperature}",
        "target_entropy": c.target_entropy * space.shape[0],
    }  # fmt: skip


def sb3_td3(c: Any, t: Any, space: Any) -> dict[str, Any]:
    return {
        **sb3_ddpg(c, t, space), "policy_delay": c.delay, "target_policy_noise": c.smoothing,
        "target_noise_clip": c.smoothing_clip,
    }  # fmt: skip


def sb3_ddpg(c: Any, t: Any, space: Any) -> dict[str, Any]:
    from stable_baselines3.common.noise import NormalActionNoise

    noise = NormalActionNoise(np.zeros(space.shape), np.full(space.shape, c.exploration))
    return {**sb3_replayed(c, t, c.critic_rate), "tau": c.target_rate, "action_noise": noise}


def sb3_ppo(c: Any, t: Any, space: Any) -> dict[str, Any]:
    return {
        "learning_rate": falling(c.actor_rate, c.final_rate), "n_steps": t.rollout,
        "batch_size": t.environments * t.rollout // c.minibatches, "n_epochs": c.epochs, "gae_lambda": c.trace,
        "clip_range": c.clip, "ent_coef": c.entropy_weight, "max_grad_norm": c.gradient_norm,
        "policy_kwargs": {"log_std_init": math.log(c.initial_deviation)},
    }  # fmt: skip


SB3_SETTINGS: dict[str, Callable[[Any, Any, Any], dict[str, Any]]] = {
    "ppo": sb3_ppo,
    "dqn": sb3_dqn,
    "sac": sb3_sac,
    "td3": sb3_td3,
    "ddpg": sb3_ddpg,
}
"""Learner to its arguments, from our configurations of algorithm and training and the space of actions."""


def tianshou(task: str, algorithm: str, steps: int, seed: int) -> Play:
    """Train discrete SAC of Tianshou."""
    import torch
    from tianshou.algorithm.modelfree.discrete_sac import DiscreteSAC, DiscreteSACPolicy
    from tianshou.algorithm.modelfree.sac import AutoAlpha
    from tianshou.algorithm.optim import AdamOptimizerFactory
    from tianshou.data import Collector, VectorReplayBuffer
    from tianshou.env import DummyVectorEnv
    from tianshou.trainer import OffPolicyTrainerParams
    from tianshou.utils.net.common import Net
    from tianshou.utils.net.discrete import DiscreteActor, DiscreteCritic

    torch.set_num_threads(1)
    torch.manual_seed(seed)
    _, c, t = configs(task, algorithm)
    environments = DummyVectorEnv([lambda: make_environment(task, t.input_span) for _ in range(t.environments)])
    environments.seed(seed)
    space = make_environment(task, t.input_span)
    actions = int(space.action_space.n)  # type: ignore[attr-defined]

    def network() -> Net:
        return Net(state_shape=space.observation_space.shape, hidden_sizes=c.hidden, activation=torch.nn.Mish)

    def adam(rate: float) -> AdamOptimizerFactory:
        return AdamOptimizerFactory(lr=rate)

    alpha: Any = c.temperature
    if c.target_entropy is not None:
        alpha = AutoAlpha(c.target_entropy * math.log(actions), math.log(c.temperature), adam(c.actor_rate))
    actor = DiscreteActor(preprocess_net=network(), action_shape=actions, softmax_output=False)
    critics = [DiscreteCritic(preprocess_net=network(), last_size=actions) for _ in range(2)]
    learner = DiscreteSAC(
        policy=DiscreteSACPolicy(actor=actor, action_space=space.action_space), policy_optim=adam(c.actor_rate),
        critic=critics[0], critic_optim=adam(c.critic_rate), critic2=critics[1], critic2_optim=adam(c.critic_rate),
        tau=c.target_rate, gamma=c.discount, alpha=alpha, n_step_return_horizon=c.n_step,
    )  # fmt: skip
    collector = Collector(learner, environments, VectorReplayBuffer(t.replay_capacity, t.environments))
    collector.reset()
    collector.collect(n_step=t.warmup_steps, random=True)
    learner.run_training(
        OffPolicyTrainerParams(
            training_collector=collector, max_epochs=1, epoch_num_steps=steps - t.warmup_steps,
            collection_step_num_env_steps=t.environments, batch_size=c.batch_size, show_progress=False, verbose=False,
            update_step_num_gradient_steps_per_sample=t.updates / t.environments,
        )
    )  # fmt: skip

    def play(observation: np.ndarray) -> int:
        with torch.no_grad():
            return int(actor(torch.as_tensor(observation[None]))[0].argmax())

    return play


LEARNERS: dict[str, tuple[Callable[[str, str, int, int], Play], str]] = {
    **{f"sb3-{name}": (sb3, name) for name in SB3_SETTINGS},
    **{f"tianshou-{name}": (tianshou, name) for name in ("discrete-sac", "discrete-sac-slow")},
}
"""Name to what trains it, and ours with the same settings."""


def train(name: str, task: str, steps: int, seed: int) -> Play:
    """Train the named learner."""
    learn, algorithm = LEARNERS[name]
    return learn(task, algorithm, steps, seed)


def judge(begin: Callable[[], Play], task: str, span: float | None, episodes: int, seed: int) -> np.ndarray:
    """Returns [episodes], of the same episodes for every policy.

    Args:
        begin: gives a policy for an episode.
        task: to play.
        span: of the observations that the policy takes; none gives them as they are.
        episodes: how many.
        seed: their randomness.
    """
    environment = make_environment(task, span)
    returns = []
    for episode in range(episodes):
        play = begin()
        observation, _ = environment.reset(seed=seed if episode == 0 else None)
        total, over = 0.0, False
        while not over:
            observation, reward, terminated, truncated, _ = environment.step(play(observation))
            total, over = total + float(reward), terminated or truncated
        returns.append(total)
    return np.array(returns)
