"""Figure 3 of Vastola 2025: what linear models learn from the corners of a square."""
