"""How alike models of disjoint data sets are, when they sample from the same noise."""
