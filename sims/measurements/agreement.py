"""Do trained networks agree with a theory, in all cells (modes, times) at once? An unbiased squared deviation.

The share of cells within some standard errors cannot tell: cells of one network are correlated, standard errors of few
networks are uncertain, and the more networks there are, the smaller a deviation it refuses.
"""

import itertools
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

FEWEST_MODELS = 6  # with five, no outcome of the test has p < .05
_ALL_FLIPS_UP_TO = 12
_RANDOM_FLIPS = 4095


class Agreement(NamedTuple):
    """How far R independently trained models are from a theory on average, over C cells.

    With d_ic the deviation of model i in cell c and K_ij = d_i·d_j/C,

        U = Σ_{i≠j} K_ij / (R(R - 1)),   E U = (1/C) Σ_c (E d_c)²,

    the mean squared systematic deviation: zero under the theory, whatever the correlation of the cells.
    """

    squared: float  # U
    stderr: float  # s_U: s_U² = 2 mean_{i≠j} K_ij²/(R(R - 1)) + (4/R) var_i(mean_{j≠i} K_ij)
    p_value: float  # share of sign flips of whole models with a U as large
    models: int

    @property
    def deviation(self) -> float:
        """δ = sign(U) √|U|, in the units of the deviations."""
        return float(np.sign(self.squared) * np.sqrt(np.abs(self.squared)))

    @property
    def interval(self) -> tuple[float, float]:
        """95 % bounds √max(0, U ± 1.96 s_U) of the deviation; conservative. Everything for fewer than six models.

        The lower bound is zero where sign flips do not show a deviation either (p ≥ .05).
        """
        if self.models < FEWEST_MODELS or not np.isfinite(self.squared):
            return float("-inf"), float("inf")
        low, high = (np.sqrt(max(0.0, self.squared + sign * 1.96 * self.stderr)) for sign in (-1, 1))
        return float(low) if self.p_value < 0.05 else 0.0, float(high)


def agreement(deviations: Float[np.ndarray, "models *cells"]) -> Agreement:
    """The statistic of these deviations from a theory, of models that were trained on draws of their own.

    Raises ValueError for fewer than two models.
    """
    deviations = np.asarray(deviations, dtype=float)
    models = deviations.shape[0]
    if models < 2:
        raise ValueError(f"agreement needs at least two models; got {models}")
    deviations = deviations.reshape(models, -1)
    products = deviations @ deviations.T / deviations.shape[1]
    np.fill_diagonal(products, 0.0)
    pairs = models * (models - 1)
    squared = products.sum() / pairs
    per_model = products.sum(axis=1) / (models - 1)
    variance = 2 * np.sum(products**2) / pairs**2 + 4 * np.var(per_model, ddof=1) / models
    signs = _sign_flips(models)
    flipped = np.einsum("si,ij,sj->s", signs, products, signs) / pairs
    # Round-off in sums of other order must not make the identity smaller than itself.
    p_value = np.mean(flipped >= squared - 1e-12 * np.abs(flipped).max())
    return Agreement(float(squared), float(np.sqrt(variance)), float(p_value), models)


def _sign_flips(models: int) -> Float[np.ndarray, "flips models"]:
    """All sign vectors up to a common sign, the identity first; for many models that one and random ones."""
    if models <= _ALL_FLIPS_UP_TO:
        return np.array([(1.0, *rest) for rest in itertools.product((1.0, -1.0), repeat=models - 1)])
    random = np.random.default_rng(0).choice((-1.0, 1.0), size=(_RANDOM_FLIPS, models))
    return np.concatenate([np.ones((1, models)), random])
