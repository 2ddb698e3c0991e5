"""Numbers that stay right at the limits, value and derivative: special functions, functions of matrices."""
