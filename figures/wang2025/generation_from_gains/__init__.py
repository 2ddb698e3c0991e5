"""What the gains of trained networks along the data's modes make of noise, beside what the networks generate."""
