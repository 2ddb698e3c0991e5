"""What is measured must be numbers: NaN and infinity are no part of a sum."""

import numpy as np
from jaxtyping import ArrayLike


def finite(name: str, numbers: ArrayLike) -> np.ndarray:
    """The numbers in double precision. Raises ValueError where some are NaN, infinite or complex."""
    if np.iscomplexobj(numbers):
        raise ValueError(f"{name} must be real; got complex numbers")
    array = np.asarray(numbers, dtype=float)
    if not np.isfinite(array).all():
        raise ValueError(f"{name} must be finite; got NaN or infinite values among them")
    return array
