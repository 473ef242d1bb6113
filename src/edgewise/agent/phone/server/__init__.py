"""The simulated phone behind the protocol of the Android Debug Bridge."""
