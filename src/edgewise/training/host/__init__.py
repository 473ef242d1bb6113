"""Training in environments that are stepped outside of compiled code.

Acting, replay and learning are the compiled functions of the other loops; only the steps of the environment are not.
"""

from edgewise.training.host.evaluation import evaluate_host
from edgewise.training.host.trainer import HostOffPolicyTrainer, HostOnPolicyTrainer, HostTrainer, host_trainer

__all__ = ["HostOffPolicyTrainer", "HostOnPolicyTrainer", "HostTrainer", "evaluate_host", "host_trainer"]
