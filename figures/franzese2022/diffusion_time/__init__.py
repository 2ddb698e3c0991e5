"""How much noise to begin with."""
