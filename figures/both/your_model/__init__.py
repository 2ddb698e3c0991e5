"""A training run of the user's own, by its samples at several steps."""
