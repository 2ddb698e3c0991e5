"""What claims and panels of `vkernel_linear` read from its arrays."""

from figures.common.stages import Arrays
from figures.vastola2025.vkernel_linear.comparison import DISTANCES, ORDERS
from sims.measurements.agreement import Agreement
from sims.measurements.estimates import Estimate, mean_over


def case_words(data: Arrays, case: int) -> str:
    """What a case is called."""
    return f"{'Fourier' if data['fourier'][case] else 'Gaussian'} features, F/P = {data['feature_ratio'][case]:g}"


def estimate_of(data: Arrays, name: str, case: int, order: str, factor: float = 1.0) -> Estimate:
    """A statistic of one case and order, times a factor, with its jackknife error over models and places."""
    place = case, ORDERS.index(order)
    return Estimate(factor * data[name][place], factor * data[f"{name}_stderr"][place], int(data["groups"][case]))


def distance_of(data: Arrays, pairs: str, case: int, order: str) -> Agreement:
    """Of the measured V, or covariance, from the one that an order predicts, relative to that of own leverage."""
    return Agreement((data["distance_products"][case, DISTANCES.index(pairs), ORDERS.index(order)],))


def contest_of(data: Arrays, case: int, order: str) -> Estimate:
    """Squared distance of V from an order's prediction less that from own leverage's, over |V|²."""
    return mean_over(data["contest"][case, DISTANCES.index("all_pairs"), ORDERS.index(order)])
