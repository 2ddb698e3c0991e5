"""When gaps between training points fill, and when they empty: F/P, ε, features, correlation in time."""
