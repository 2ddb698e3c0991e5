"""Runs that several figures share and that need no theory."""
