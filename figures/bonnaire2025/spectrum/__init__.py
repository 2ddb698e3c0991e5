"""Eigenvalues of what random features see of their training points, against the fixed point of Theorem 3.1."""
