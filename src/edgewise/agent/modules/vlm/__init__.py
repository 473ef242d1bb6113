"""The six modules of an agent on a language model that sees pictures."""
