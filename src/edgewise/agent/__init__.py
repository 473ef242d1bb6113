"""An agent that operates a phone: the device that it operates, real or simulated."""
