"""Settings that tuning found for service selection; docs/algorithms describes the search."""

from __future__ import annotations

from typing import Any

from edgewise.environments.system import Preset

TRAINING: dict[str, Any] = {"evaluation_episodes": 8, "input_span": 4.0}
"""An episode has a thousand tasks, so that few are needed."""
_HIDDEN = (128, 128)
"""Hidden layers of the networks."""
_Q_LEARNING: dict[str, Any] = {"rate": 3e-3, "epsilon_end": 0.01, "target_rate": 0.02}
"""What DQN, prioritised DQN and DRQN share."""
_REPLAY: dict[str, Any] = {"updates": 1}
"""Updates per step of all copies."""
_ENTITIES: dict[str, Any] = {"width": 16, "rounds": 1, "discount": 0.995}
"""What learners over sets share: one task chooses, so that one round of messages tells it all. What a task occupies is missed by
thirty later ones or more, and a discount that counts these less makes policies greedy: with 0.97 PPO ended 0.9% below the rule
that it started from, with 0.995 0.35%, on 100 instances that it had not seen."""
_WHOLE: dict[str, Any] = {"input_span": None}
"""Numbers of entities have their scale already."""
PRESETS = {
    "d2sac": Preset(
        {"discount": 0.8, "n_step": 1, "actor_rate": 1e-3, "critic_rate": 2e-3, "hidden": _HIDDEN}, _REPLAY
    ),
    "discrete-sac": Preset(
        {
            "discount": 0.5,
            "n_step": 1,
            "actor_rate": 3e-3,
            "critic_rate": 3e-3,
            "temperature": 0.1,
            "hidden": _HIDDEN,
        },
        _REPLAY,
    ),
    "dqn": Preset({**_Q_LEARNING, "discount": 0.8, "hidden": _HIDDEN}, _REPLAY),
    "prioritised-dqn": Preset({**_Q_LEARNING, "discount": 0.5, "priority_exponent": 0.3, "hidden": _HIDDEN}, _REPLAY),
    "drqn": Preset({**_Q_LEARNING, "discount": 0.8}, _REPLAY),
    "rainbow": Preset(
        {
            "discount": 0.0,
            "n_step": 3,
            "rate": 3e-3,
            "target_rate": 0.005,
            "lowest": -20.0,
            "hidden": _HIDDEN[:1],
            "stream": _HIDDEN[1],
        },
        _REPLAY,
    ),
    "reinforce": Preset(
        {
            "discount": 0.5,
            "actor_rate": 3e-3,
            "critic_rate": 3e-3,
            "entropy_weight": 0.01,
            "critic_steps": 20,
            "hidden": _HIDDEN,
        },
        {"rollout": 16},
    ),
    "entity-ppo": Preset(
        {**_ENTITIES, "trace": 0.97, "rate": 1e-4, "entropy_weight": 0.0},
        _WHOLE,
    ),
    **{
        name: Preset(_ENTITIES, _WHOLE | _REPLAY)
        for name in ("entity-sac", "entity-d2sac", "entity-cgdm", "masked-diffusion")
    },
    "ppo": Preset({"discount": 0.9, "actor_rate": 1e-3, "critic_rate": 1e-3, "minibatches": 16, "hidden": _HIDDEN}),
}
"""Settings by the learner's name."""
