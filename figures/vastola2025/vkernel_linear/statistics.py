"""What claims and panels of `vkernel_linear` read from its arrays."""

from figures.common.stages import Arrays
from figures.vastola2025.vkernel_linear.comparison import ORDERS


def case_words(data: Arrays, case: int) -> str:
    return f"{'Fourier' if data['fourier'][case] else 'Gaussian'} features, F/P = {data['feature_ratio'][case]:g}"


def estimate_of(data: Arrays, name: str, case: int, order: str, factor: float = 1.0) -> tuple[float, float]:
    row = ORDERS.index(order)
    return factor * float(data[name][case, row]), factor * float(data[f"{name}_stderr"][case, row])
