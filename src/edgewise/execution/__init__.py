"""Where work is carried out: in this process, in several, or on a Ray cluster."""
