"""Modules of plain rules: what stands in the instruction is looked for on the screen."""
