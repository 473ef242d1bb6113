"""The decision systems, one folder each, with everything that is special to it."""
