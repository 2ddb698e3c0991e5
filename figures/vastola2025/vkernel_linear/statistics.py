"""What claims and panels of `vkernel_linear` read from its arrays."""

from figures.common.stages import Arrays
from figures.vastola2025.vkernel_linear.comparison import ORDERS
from sims.measurements.estimates import Estimate


def case_words(data: Arrays, case: int) -> str:
    """What a case is called."""
    return f"{'Fourier' if data['fourier'][case] else 'Gaussian'} features, F/P = {data['feature_ratio'][case]:g}"


def estimate_of(data: Arrays, name: str, case: int, order: str, factor: float = 1.0) -> Estimate:
    """A statistic of one case and order, times a factor, with its jackknife error over models and places."""
    place = case, ORDERS.index(order)
    return Estimate(factor * data[name][place], factor * data[f"{name}_stderr"][place], int(data["groups"][case]))
