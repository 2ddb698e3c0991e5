"""Computations of theory beside simulation that several figures share."""
