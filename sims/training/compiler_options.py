"""Options of XLA that we set, and whether the installed jaxlib has them. Imports no JAX: commands ask first."""

import importlib.metadata

FUSED_LOOPS = "xla_cpu_use_fusion_emitters"  # whether elementwise work is fused into loops of vector instructions

_FIRST_UNTRIED = (0, 11)  # jaxlib 0.6 to 0.10 know our options; one that it does not know makes XLA end the process


def options_are_known() -> bool:
    """Whether the options of ours can be given to this jaxlib."""
    release = tuple(int(part) for part in importlib.metadata.version("jaxlib").split(".")[:2])
    return release < _FIRST_UNTRIED
