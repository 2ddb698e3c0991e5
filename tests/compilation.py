"""How the tests' own process compiles: tests compile much and compute little."""

from paper_repro.environment import QUICK_TO_COMPILE, with_flags

XLA_FLAGS = with_flags([QUICK_TO_COMPILE, "--xla_backend_optimization_level=0"])
