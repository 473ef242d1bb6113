"""Dynamic contracts: a menu of rounds and rewards for servers whose willingness is hidden and changes (EDMSAC paper)."""
