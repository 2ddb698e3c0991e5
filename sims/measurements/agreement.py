"""Do trained networks agree with a theory, in all cells (modes, times) at once? An unbiased squared deviation.

The share of cells within some standard errors cannot tell: cells of one network are correlated, standard errors of few
networks are uncertain, and the more networks there are, the smaller a deviation it refuses.
"""

import itertools
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.stats import norm

from sims.measurements.estimates import Estimate

FEWEST_MODELS = 6  # with five, no outcome of the test has p < .05
_ALL_FLIPS_UP_TO = 12
_RANDOM_FLIPS = 4095


class Agreement(NamedTuple):
    """How far independently trained models are from a theory on average, over C cells.

    With d_ic the deviation of model i of R in cell c and K_ij = d_i·d_j/C,

        U = Σ_{i≠j} K_ij / (R(R - 1)),   E U = (1/C) Σ_c (E d_c)²,

    the mean squared systematic deviation: zero under the theory, whatever the correlation of the cells. Several runs
    are pooled by the mean of their U.
    """

    products: tuple[Float[np.ndarray, "models models"], ...]  # K without its diagonal, of every run

    @property
    def models(self) -> int:
        """Models of the smallest run."""
        return min(len(each) for each in self.products)

    @property
    def squared(self) -> float:
        """U."""
        return float(np.mean([_u_statistic(each) for each in self.products]))

    @property
    def stderr(self) -> float:
        """s_U, of one run s_U² = 2 mean_{i≠j} K_ij²/(R(R - 1)) + (4/R) var_i(mean_{j≠i} K_ij)."""
        return float(np.sqrt(sum(_variance(each) for each in self.products)) / len(self.products))

    @property
    def p_value(self) -> float:
        """Share of sign flips of whole models with a U as large: small where there is a deviation at all; 1 for NaN."""
        if not np.isfinite(self.squared):
            return 1.0
        signs = [
            _sign_flips(len(each), run if len(self.products) > 1 else None) for run, each in enumerate(self.products)
        ]
        flipped = np.mean([_flipped(each, sign) for each, sign in zip(self.products, signs, strict=True)], axis=0)
        # Round-off in sums of other order must not make the identity smaller than itself.
        return float(np.mean(flipped >= self.squared - 1e-12 * np.abs(flipped).max()))

    @property
    def centre(self) -> float:
        """δ = sign(U) √|U|, in the units of the deviations."""
        return float(np.sign(self.squared) * np.sqrt(np.abs(self.squared)))

    @property
    def interval(self) -> tuple[float, float]:
        """95 % bounds √max(0, U ± 1.96 s_U) of the deviation; conservative. Everything for fewer than six models.

        The lower bound is zero where sign flips do not show a deviation either (p ≥ .05).
        """
        if not self._decides:
            return float("-inf"), float("inf")
        low, high = (np.sqrt(max(0.0, self.squared + sign * 1.96 * self.stderr)) for sign in (-1, 1))
        return float(low) if self.p_value < 0.05 else 0.0, float(high)

    def p_at_most(self, threshold: float) -> float:
        """One-sided p-value of a true deviation of at most `threshold`: of the normal law, and of the sign flips."""
        if not self._decides:
            return 1.0
        return 0.0 if threshold < 0 else max(self.p_value / 2, self._tail(self.squared - threshold**2))

    def p_at_least(self, threshold: float) -> float:
        """One-sided p-value of a true deviation of at least `threshold`."""
        return 1.0 if threshold <= 0 or not self._decides else self._tail(threshold**2 - self.squared)

    def pooled(self, others: "list[Agreement]") -> "Agreement":
        """The agreement of this run and of others."""
        return Agreement(sum((each.products for each in others), self.products))

    @property
    def _decides(self) -> bool:
        return self.models >= FEWEST_MODELS and np.isfinite(self.squared)

    def _tail(self, excess: float) -> float:
        return float(norm.sf(excess / self.stderr)) if self.stderr > 0 else float(excess <= 0)


def agreement(deviations: Float[np.ndarray, "models *cells"]) -> Agreement:
    """The statistic of these deviations from a theory, of models that were trained on draws of their own.

    NaN, and so undecided, where no cell is left. Raises ValueError for fewer than two models.
    """
    deviations = np.asarray(deviations, dtype=float)
    models = deviations.shape[0]
    if models < 2:
        raise ValueError(f"agreement needs at least two models; got {models}")
    deviations = deviations.reshape(models, -1)
    with np.errstate(invalid="ignore"):  # 0/0 where no cell is left
        products = deviations @ deviations.T / deviations.shape[1]
    np.fill_diagonal(products, 0.0)
    return Agreement((products,))


def difference_of_squares(first: Agreement, second: Agreement, factor: float = 1.0) -> Estimate:
    """U - factor·U' of two statistics of the same models, of one run each, with its jackknife error over models.

    Raises ValueError for another number of models in the second.
    """
    (a,), (b,) = first.products, second.products
    if len(a) != len(b):
        raise ValueError(f"both statistics must be of the same models; got {len(a)} and {len(b)}")
    weights, count = a - factor * b, len(a)
    without = (weights.sum() - 2 * weights.sum(axis=1)) / ((count - 1) * (count - 2))
    stderr = np.sqrt((count - 1) / count * np.sum((without - without.mean()) ** 2))
    return Estimate(np.asarray(_u_statistic(weights)), stderr, count)


def _u_statistic(products: np.ndarray) -> float:
    return products.sum() / (len(products) * (len(products) - 1))


def _variance(products: np.ndarray) -> float:
    """s_U² of one run."""
    models = len(products)
    per_model = products.sum(axis=1) / (models - 1)
    return 2 * np.sum(products**2) / (models * (models - 1)) ** 2 + 4 * np.var(per_model, ddof=1) / models


def _flipped(products: np.ndarray, signs: np.ndarray) -> np.ndarray:
    """U for every row of signs."""
    return ((signs @ products) * signs).sum(axis=1) / (len(products) * (len(products) - 1))


def _sign_flips(models: int, run: int | None = None) -> Float[np.ndarray, "flips models"]:
    """All sign vectors up to a common sign, the identity first; that one and random ones for many models, or for one
    `run` of several, which are flipped independently."""
    if run is None and models <= _ALL_FLIPS_UP_TO:
        return np.array([(1.0, *rest) for rest in itertools.product((1.0, -1.0), repeat=models - 1)])
    random = np.random.default_rng(run or 0).choice((-1.0, 1.0), size=(_RANDOM_FLIPS, models))
    return np.concatenate([np.ones((1, models)), random])
