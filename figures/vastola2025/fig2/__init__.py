"""Figure 2 of Vastola 2025: the average distribution that linear models learn from {-1, 0, 1}."""
