"""The EDMSAC paper (Wen et al.)."""
