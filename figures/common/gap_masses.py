"""What differences of gap masses are worth naming, as shares of the samples: the same in every figure."""

FILLED = 0.001  # that a gap is filled at all: p(x|ε) itself has less than 1e-6 there
SHIFTED = 0.005  # what a solver may change, and the smallest effect of a cause
EQUAL = 0.01  # within which two gap masses are called equal
