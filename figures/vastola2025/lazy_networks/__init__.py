"""Proposition 5.2 of Vastola 2025: the V-kernel at training times, of linear features and of wide networks."""
