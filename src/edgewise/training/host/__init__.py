"""Training in environments that are stepped outside of compiled code.

Acting, replay and learning are the compiled functions of the other loops; only the steps of the environment are not.
"""
