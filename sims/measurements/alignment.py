"""How nearly generated samples have the data's own modes: χ, the share of their squared covariance on the diagonal."""

import numpy as np
from jaxtyping import Float

from sims.measurements.finite import finite
from theory.definitions.checks import whole_arguments


def alignment(covariance: Float[np.ndarray, "*batch modes modes"]) -> Float[np.ndarray, "*batch"]:
    """χ = Σ_i C_ii²/Σ_ij C_ij² of covariances in the data's eigenbasis: 1 where the modes are the data's.

    (Wang & Pehlevan 2025; of a random basis χ is about (tr C)²/(d tr C²).) NaN for a covariance of zeros.
    Raises ValueError for matrices that are not square or not finite.
    """
    covariance = _covariances(covariance)
    return _ratio(_diagonal_squares(covariance), np.sum(covariance**2, axis=(-2, -1)))


@whole_arguments(count=3)
def alignment_of_samples(
    covariance: Float[np.ndarray, "*batch modes modes"], count: int
) -> Float[np.ndarray, "*batch"]:
    """χ without what the finite number of samples adds to the off-diagonal, for samples that are nearly normal.

    Of n samples E S_ij² = C_ij² + (C_ii C_jj + C_ij²)/m with m = n - 1, so that the χ of S itself falls below that of C
    by far where n is not many times the number (tr C)²/tr C² of effective modes. Here both sums are unbiased,
    Σ_i S_ii² m/(m + 2) over [tr S² - (tr S)²/m] m²/((m - 1)(m + 2)); their ratio may exceed 1 by noise.

    **Arguments:** `covariance`, S with n - 1 in its denominator, as `mode_covariances` has it; `count`, n.
    Raises ValueError for fewer than three samples, and as `alignment`.
    """
    covariance, m = _covariances(covariance), count - 1
    trace = np.trace(covariance, axis1=-2, axis2=-1)
    squares = np.sum(covariance**2, axis=(-2, -1)) - trace**2 / m
    return _ratio(_diagonal_squares(covariance) * (m - 1) / m, squares)


def _covariances(covariance: np.ndarray) -> np.ndarray:
    """With a largest number of one each: squares of those of a run that diverges could leave the range."""
    covariance = finite("covariances", covariance)
    if covariance.ndim < 2 or covariance.shape[-1] != covariance.shape[-2]:
        raise ValueError(f"covariances must be (..., modes, modes); got shape {covariance.shape}")
    largest = np.max(np.abs(covariance), axis=(-2, -1), keepdims=True)
    return covariance / np.where(largest > 0, largest, 1.0)


def _diagonal_squares(covariance: np.ndarray) -> np.ndarray:
    return np.sum(np.diagonal(covariance, axis1=-2, axis2=-1) ** 2, axis=-1)


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """NaN where the whole is not above zero."""
    return np.where(whole > 0, part / np.where(whole > 0, whole, 1.0), np.nan)
