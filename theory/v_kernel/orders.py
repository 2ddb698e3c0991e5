"""What the orders of a kernel in F/P are called, and how many draws each of them needs."""

from jax.core import Tracer

from theory.definitions.checks import check_count
from theory.v_kernel.weight_law import Number


def check_order(order: str, known: tuple[str, ...]) -> None:
    """Raises ValueError for an order that is not among the known ones."""
    if order not in known:
        raise ValueError(f"order must be one of {', '.join(known)}; got {order!r}")


def check_draws(draws: Number, number: int, *, more_than_features: bool) -> None:
    """Raises ValueError for fewer than one draw or, where more draws than features are needed, for too few of them."""
    check_count("draws", draws)
    if isinstance(draws, Tracer):
        return
    if more_than_features and not draws > number:
        raise ValueError(f"draws must be more than the {number} features for this order; got {draws}")
