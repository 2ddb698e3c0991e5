"""Data sets: built in, and users' own."""
