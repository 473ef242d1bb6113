"""The figures that the paper publishes."""

from __future__ import annotations

TEST_REWARD = {
    "random": -35, "round-robin": 280, "crash-avoid": 400, "prophet": 596, "DQN": 503, "Prioritized-DQN": 460, "DRQN": 430,
    "REINFORCE": 463, "PPO": 481, "Rainbow": 450, "SAC": 436, "D2SAC": 537,
}  # fmt: skip
STEPS_TO_BASELINE = {
    "DQN": "470", "Prioritized-DQN": "470", "DRQN": "700", "REINFORCE": "850", "PPO": "950", "Rainbow": "{130,850}",
    "SAC": "430", "D2SAC": "190",
}  # fmt: skip
HOURS = {
    "DQN": 1.9, "Prioritized-DQN": 1.8, "DRQN": 2.9, "REINFORCE": 1.1, "PPO": 1.1, "Rainbow": 2.6, "SAC": 2.9, "D2SAC": 7.0,
}  # fmt: skip
CONTROL_TASKS = {
    "Acrobot-v1": {
        "DQN": (-81.81, 17.19), "Prioritized-DQN": (-105.20, 14.74), "DRQN": (-82.26, 14.34), "REINFORCE": (-104.80, 14.51),
        "PPO": (-77.22, 8.45), "Rainbow": (-158.10, 55.48), "SAC": (-121.00, 35.31), "D2SAC": (-70.77, 4.12),
    },
    "CartPole-v1": {
        "DQN": (499.80, 0.14), "Prioritized-DQN": (498.70, 1.43), "DRQN": (132.50, 69.79), "REINFORCE": (500.00, 0.00),
        "PPO": (499.90, 0.33), "Rainbow": (478.30, 29.28), "SAC": (500.00, 0.00), "D2SAC": (500.00, 0.00),
    },
    "CoinRun-v0": {
        "DQN": (6.00, 4.90), "Prioritized-DQN": (5.00, 5.00), "REINFORCE": (0.00, 0.00), "PPO": (0.00, 0.00),
        "Rainbow": (5.00, 5.00), "SAC": (10.00, 0.00), "D2SAC": (10.00, 0.00),
    },
    "Maze-v0": {
        "DQN": (3.00, 4.58), "Prioritized-DQN": (2.00, 4.00), "REINFORCE": (0.00, 0.00), "PPO": (2.00, 4.00),
        "Rainbow": (2.00, 4.00), "SAC": (3.00, 4.58), "D2SAC": (7.00, 4.58),
    },
}  # fmt: skip
"""Mean and standard deviation of the reward, by task; what DRQN did in the last two is not given."""
TASKS = {  # finished rate %, obtained utility, crashed rate %, lost utility
    "random": (70.2, 215, 27.7, 93), "round-robin": (90.3, 309, 7.6, 32), "crash-avoid": (97.7, 357, 0, 0),
    "prophet": (97.7, 548, 0, 0), "DQN": (97.7, 479, 0, 0), "Prioritized-DQN": (97.7, 433, 0, 0), "DRQN": (94.3, 433, 3.8, 17),
    "REINFORCE": (95.8, 458, 1.9, 10), "PPO": (97.0, 457, 0.7, 4), "Rainbow": (97.7, 419, 0, 0), "SAC": (94.3, 412, 3.5, 11),
    "D2SAC": (96.6, 494, 1.1, 5),
}  # fmt: skip
BEST_STEPS, BEST_TEMPERATURE = 5.0, 0.05
"""Figs. 7 and 9: where the reward is highest."""
