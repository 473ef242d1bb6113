"""The D2SAC paper (Du et al.)."""
