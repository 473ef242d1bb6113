"""Learned decisions at the network edge. Importing the package makes its systems known to Gymnasium."""

from edgewise.environments.adapters.registration import register_installed

__version__ = "0.1.0"

register_installed()
