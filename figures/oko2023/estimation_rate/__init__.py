"""How fast generated densities come close to the data's as data grow in number."""
