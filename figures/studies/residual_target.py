"""What a preconditioned network adds to c_skip x, as the target of a regression."""

from theory.definitions.arrays import Time
from theory.definitions.targets import AbstractTarget


class ResidualTarget(AbstractTarget):
    """y = x_0 - c_skip x for data of unit variance: c = σ²/(α² + σ²) and e = -ασ/(α² + σ²)."""

    def coefficients(self, alpha: Time, sigma: Time) -> tuple[Time, Time]:
        total = alpha**2 + sigma**2
        return sigma**2 / total, -alpha * sigma / total

    def constant_coefficients(self) -> tuple[float, float] | None:
        return None
