"""The CGDM paper (Kang et al.)."""
