"""Learned decisions at the network edge. Importing the package makes its systems known to Gymnasium."""

import edgewise.environments  # noqa: F401  registers the Gymnasium ids

__version__ = "0.1.0"
