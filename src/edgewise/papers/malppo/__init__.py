"""The MALPPO paper (Kang et al.)."""
