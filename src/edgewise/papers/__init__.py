"""The papers whose experiments are made again, one folder each."""
