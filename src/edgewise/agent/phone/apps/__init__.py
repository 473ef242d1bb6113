"""The apps of the simulated phone, each a set of pages and deeds."""
