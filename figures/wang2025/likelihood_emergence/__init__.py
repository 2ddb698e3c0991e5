"""When a network has the likelihood, and when its samples are there."""
