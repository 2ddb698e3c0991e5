"""What the output of a trained network says of the score, for the target that it regresses on."""

from theory.definitions.arrays import Time
from theory.definitions.processes import AbstractProcess
from theory.definitions.targets import AbstractTarget
from theory.definitions.weights import AbstractSmoothWeight


def score_coefficients(target: AbstractTarget, process: AbstractProcess, time: Time) -> tuple[Time, Time]:
    """The pair (b, a) of score = b x + a output: b = -c/(σ(cσ - eα)), a = α/(σ(cσ - eα)) for y = c x_0 + e ε.

    Denoiser: b = -1/σ², a = α/σ². Noise: b = 0, a = -1/σ. Score: b = 0, a = 1 (Vastola 2025, App. H and I).
    """
    alpha, sigma = process.signal_scale(time), process.noise_scale(time)
    clean, _ = target.coefficients(alpha, sigma)
    divisor = sigma * target.determinant(alpha, sigma)
    return -clean / divisor, alpha / divisor


class NoiseVarianceWeight(AbstractSmoothWeight):
    """λ = σ² on the score, as a weight on another target's loss: w = σ²a², with score = b x + a output.

    α²/σ² for the denoiser, 1 for the noise, σ² for the score (Vastola 2025, App. H and I).
    """

    target: AbstractTarget

    def __call__(self, process: AbstractProcess, time: Time) -> Time:
        return (process.noise_scale(time) * score_coefficients(self.target, process, time)[1]) ** 2

    def noise_power(self) -> float | None:
        return None
