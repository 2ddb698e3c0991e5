"""Sampling: schedules and solvers, for one network or an ensemble."""
