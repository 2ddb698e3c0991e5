"""Whether the learned score is Gaussian over training sets, and what it costs to pretend so."""
