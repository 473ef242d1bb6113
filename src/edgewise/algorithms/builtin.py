"""The algorithms of this package, described for the registry; their modules are loaded when one is used."""

from __future__ import annotations

from edgewise.algorithms.registry import ActionKind, AlgorithmEntry


def _entry(name: str, summary: str, configuration: str, learner: str, *actions: ActionKind) -> AlgorithmEntry:
    here = "edgewise.algorithms"
    return AlgorithmEntry(name, summary, f"{here}.{configuration}", f"{here}.{learner}", actions)


CGDM = _entry("cgdm", "confidence-regulated generative diffusion model", "cgdm:CGDMConfig", "cgdm:CGDM", "box")
GDM = _entry("gdm", "CGDM without confidence and consistency", "cgdm:GDMConfig", "cgdm:CGDM", "box")
EDMSAC = _entry(
    "edmsac", "soft actor-critic with a pruned diffusion actor", "edmsac:EDMSACConfig", "edmsac:EDMSAC", "box"
)
DMSAC = _entry("dmsac", "EDMSAC without pruning", "edmsac:DMSACConfig", "edmsac:EDMSAC", "box")
DMDDPG = _entry(
    "dmddpg", "deterministic policy gradient with a diffusion actor", "edmsac:DMDDPGConfig", "edmsac:EDMSAC", "box"
)
SAC = _entry("sac", "soft actor-critic", "sac:SACConfig", "sac:SAC", "box")
TD3 = _entry("td3", "twin delayed deep deterministic policy gradient", "td3:TD3Config", "td3:TD3", "box")
DDPG = _entry("ddpg", "deep deterministic policy gradient", "ddpg:DDPGConfig", "td3:TD3", "box")
D2SAC = _entry("d2sac", "deep diffusion soft actor-critic", "d2sac:D2SACConfig", "d2sac:D2SAC", "discrete")
DISCRETE_SAC = _entry(
    "discrete-sac",
    "soft actor-critic over actions",
    "discrete_sac:DiscreteSACConfig",
    "discrete_sac:DiscreteSAC",
    "discrete",
)
DQN = _entry("dqn", "deep Q-network with double targets", "dqn:DQNConfig", "dqn:DQN", "discrete")
PRIORITISED_DQN = _entry(
    "prioritised-dqn", "DQN with prioritised replay", "dqn:PrioritisedDQNConfig", "dqn:DQN", "discrete"
)
DRQN = _entry("drqn", "deep recurrent Q-network", "drqn:DRQNConfig", "drqn:DRQN", "discrete")
RAINBOW = _entry(
    "rainbow", "DQN with six improvements together", "rainbow:RainbowConfig", "rainbow:Rainbow", "discrete"
)
PPO = _entry("ppo", "proximal policy optimisation", "ppo:PPOConfig", "ppo:PPO", "box", "discrete")
MALPPO = _entry("malppo", "PPO with a memory for every agent of a game", "malppo:MALPPOConfig", "malppo:MALPPO", "game")
MALPPO_RL = _entry(
    "malppo-rl", "MALPPO with random leaders", "malppo:MALPPORandomLeadersConfig", "malppo:MALPPO", "game"
)
MALPPO_RF = _entry(
    "malppo-rf", "MALPPO with random followers", "malppo:MALPPORandomFollowersConfig", "malppo:MALPPO", "game"
)
MAPPO = _entry("mappo", "PPO for games, with central critics", "malppo:MAPPOConfig", "malppo:MALPPO", "game")
MAA2C = _entry("maa2c", "actor-critic for games, with central critics", "malppo:MAA2CConfig", "malppo:MALPPO", "game")
REINFORCE = _entry(
    "reinforce", "policy gradient by returns", "reinforce:REINFORCEConfig", "reinforce:REINFORCE", "box", "discrete"
)
ENTITY_PPO = _entry(
    "entity-ppo", "PPO over sets of any size", "entity_ppo:EntityPPOConfig", "entity_ppo:EntityPPO", "matching"
)
ENTITY_SAC = _entry(
    "entity-sac",
    "soft actor-critic over sets of any size",
    "entity_sac:EntitySACConfig",
    "entity_sac:EntitySAC",
    "matching",
)
ENTITY_CGDM = _entry(
    "entity-cgdm", "CGDM over sets of any size", "entity_cgdm:EntityCGDMConfig", "entity_cgdm:EntityCGDM", "matching"
)
ENTITY_D2SAC = _entry(
    "entity-d2sac",
    "D2SAC over sets of any size",
    "entity_d2sac:EntityD2SACConfig",
    "entity_d2sac:EntityD2SAC",
    "matching",
)
MASKED_DIFFUSION = _entry(
    "masked-diffusion",
    "masked diffusion over sets of any size, by weighted likelihood",
    "masked_diffusion:MaskedDiffusionConfig",
    "masked_diffusion:MaskedDiffusion",
    "matching",
)
