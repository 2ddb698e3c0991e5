"""How programs that train and sample networks are compiled."""

import functools
from collections.abc import Callable
from typing import Any, Literal

import equinox as eqx
import jax
import jax.numpy as jnp

from sims.training.compiler_options import FUSED_LOOPS, options_are_known
from theory.definitions.arrays import is_traced


def jit_with_fused_loops(
    function: Callable[..., Any], *, donate: Literal["none", "all-except-first"] = "none"
) -> Callable[..., Any]:
    """`equinox.filter_jit` that fuses the elementwise work of networks into loops of vector instructions on a CPU.

    That is XLA's default, which the command line turns off for quick presets: most programs there run for less time
    than they take to compile. Networks are trained sooner with it, and compiled no later
    (`python -m benchmarks.fused_loops`). Inside another transformation, which decides on its own compilation, it is
    `filter_jit` as it is.
    """
    plain = eqx.filter_jit(function, donate=donate)

    @functools.cache
    def fused() -> Callable[..., Any]:
        return eqx.filter_jit(function, donate=donate, **{"compiler_options": _options()})

    @functools.wraps(function)
    def compiled(*arguments: Any) -> Any:
        return (fused() if _stands_alone(arguments) else plain)(*arguments)

    return compiled


def _options() -> dict[str, bool]:
    return {FUSED_LOOPS: True} if jax.default_backend() == "cpu" and options_are_known() else {}


def _stands_alone(arguments: Any) -> bool:
    """Whether nothing is traced: neither the arguments, nor what a function among them may have taken along."""
    leaves = [*jax.tree.leaves(arguments), jnp.zeros(())]  # inside `jax.jit` any new array is traced
    return all(map(eqx.is_array_like, leaves)) and not is_traced(leaves)
