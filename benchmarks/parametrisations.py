"""What does each parametrisation's closed form cost, as a multiple of the one-layer network's, and does it stay linear?

Run `python -m benchmarks.parametrisations`. The reference is `OneLayer` answering the same question (the gain at one
noise level, or the generated variance) for 3072 modes (a 32×32 colour image) at 1000 training times, called in turn in
the same run. The slopes are those of ln(time) against ln(modes) and ln(times), each over two doublings; 1 is linear,
and below 1 a fixed cost shows. Networks whose modes couple (`OneLayerWithBias`, `MisalignedTwoLayer`) have no closed
form that is linear in the number of modes and are left out.
"""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.timing import compare
from theory.definitions.objectives import Objective
from theory.definitions.processes import EDM, FlowMatching
from theory.definitions.spectra import Spectrum
from theory.definitions.weights import PowerWeight
from theory.spectral_law.denoiser import AbstractDenoiser
from theory.spectral_law.generation import generated_variance
from theory.spectral_law.parametrisations.deep_linear import DeepLinear
from theory.spectral_law.parametrisations.full_width_convolution import FullWidthConvolution
from theory.spectral_law.parametrisations.one_layer import OneLayer
from theory.spectral_law.parametrisations.patch_convolution import PatchConvolution
from theory.spectral_law.parametrisations.symmetric_two_layer import SymmetricTwoLayer
from theory.spectral_law.parametrisations.two_layer import TwoLayer

MODES, TIMES = 3072, 1000
REPETITIONS = 5
HEADER = f"{'closed form, 3072 × 1000':<44}{'OneLayer':>12}{'this':>12}{'multiple':>10}{'in modes':>10}{'in times':>10}"

Answer = Callable[[np.ndarray], jax.Array]


@dataclass(frozen=True)
class Cost:
    """Median times of `OneLayer` and of this parametrisation in seconds, and how the latter grows."""

    name: str
    one_layer_seconds: float
    seconds: float
    slope_in_modes: float
    slope_in_times: float

    def row(self) -> str:
        """One line of the table."""
        times = (
            f"{self.one_layer_seconds:>10.3f} s{self.seconds:>10.3f} s{self.seconds / self.one_layer_seconds:>9.2f}x"
        )
        return f"{self.name:<44}{times}{self.slope_in_modes:>10.2f}{self.slope_in_times:>10.2f}"


def autocovariance(modes: int) -> jax.Array:
    """A stationary process whose Fourier spectrum falls as a power."""
    frequency = np.minimum(np.arange(modes), modes - np.arange(modes))
    return jnp.fft.ifft(30.0 / (1.0 + frequency) ** 1.5).real


def spectrum(modes: int) -> Spectrum:
    return Spectrum.power_law(modes, exponent=1.5, scale=30.0)


def gain_of(build: Callable[[int], AbstractDenoiser]) -> Callable[[int], Answer]:
    """The gain at one noise level of the network built for a number of modes."""

    def prepared(modes: int) -> Answer:
        denoiser = build(modes)
        evaluate = jax.jit(lambda tau: denoiser.gain(tau, jnp.asarray(0.5)))
        return lambda tau: evaluate(jnp.asarray(tau))

    return prepared


def variance_of(build: Callable[[int], AbstractDenoiser]) -> Callable[[int], Answer]:
    """The generated variance of the network built for a number of modes."""

    def prepared(modes: int) -> Answer:
        denoiser = build(modes)
        return lambda tau: generated_variance(denoiser, tau)

    return prepared


def one_layer(modes: int) -> OneLayer:
    return OneLayer(spectrum(modes), EDM(), 0.1, 1.0)


CASES: dict[str, tuple[Callable, Callable]] = {
    "TwoLayer, gain": (gain_of, lambda n: TwoLayer(spectrum(n), EDM(), 0.1, 1.0, imbalance=0.3)),
    "SymmetricTwoLayer, gain": (gain_of, lambda n: SymmetricTwoLayer(spectrum(n), EDM(), 0.1, 1.0)),
    "DeepLinear of depth 3, gain": (gain_of, lambda n: DeepLinear(spectrum(n), EDM(), 0.1, 1.0, depth=3)),
    "FullWidthConvolution, gain": (
        gain_of,
        lambda n: FullWidthConvolution.from_autocovariance(autocovariance(n), EDM(), 0.1, 1.0),
    ),
    "PatchConvolution of width 9, gain": (
        gain_of,
        lambda n: PatchConvolution.from_autocovariance(autocovariance(n), 9, EDM(), 0.1, 1.0),
    ),
    "SymmetricTwoLayer, variance": (variance_of, lambda n: SymmetricTwoLayer(spectrum(n), EDM(), 0.1, 1.0)),
    "FullWidthConvolution, variance": (
        variance_of,
        lambda n: FullWidthConvolution.from_autocovariance(autocovariance(n), EDM(), 0.1, 1.0),
    ),
    "PatchConvolution of width 9, variance": (
        variance_of,
        lambda n: PatchConvolution.from_autocovariance(autocovariance(n), 9, EDM(), 0.1, 1.0),
    ),
    "OneLayer, w = σ^-2, variance": (
        variance_of,
        lambda n: OneLayer(spectrum(n), EDM(), 0.1, 1.0, Objective(weight=PowerWeight(1))),
    ),
    "OneLayer, flow matching, variance": (variance_of, lambda n: OneLayer(spectrum(n), FlowMatching(), 0.1, 1.0)),
}


def slope(sizes: list[int], call: Callable[[int], Callable[[], object]]) -> float:
    """Least-squares slope of ln(median time) against ln(size)."""
    medians = []
    for size in sizes:
        run = call(size)
        jax.block_until_ready(run())
        medians.append(statistics.median(_seconds(run) for _ in range(REPETITIONS)))
    return float(np.polyfit(np.log(sizes), np.log(medians), 1)[0])


def _seconds(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    jax.block_until_ready(run())
    return time.perf_counter() - start


def times(count: int) -> np.ndarray:
    return np.geomspace(1e-4, 1e4, count)


def main() -> list[Cost]:
    costs = []
    with jax.enable_x64(True):
        for name, (question, build) in CASES.items():
            answer, reference = question(build)(MODES), question(one_layer)(MODES)
            jax.block_until_ready(answer(tau := times(TIMES)))
            comparison = compare(
                name,
                "this",
                lambda answer=answer, tau=tau: answer(tau),
                lambda reference=reference, tau=tau: reference(tau),
                repetitions=REPETITIONS,
            )

            def of_modes(modes: int, question=question, build=build) -> Callable[[], object]:
                at_modes, tau = question(build)(modes), times(TIMES)
                return lambda: at_modes(tau)

            def of_times(count: int, answer=answer) -> Callable[[], object]:
                tau = times(count)
                return lambda: answer(tau)

            costs.append(
                Cost(
                    name,
                    comparison.our_seconds,
                    comparison.reference_seconds,
                    slope([MODES // 4, MODES // 2, MODES], of_modes),
                    slope([TIMES // 4, TIMES // 2, TIMES], of_times),
                )
            )
    return costs


if __name__ == "__main__":
    print(HEADER, *(cost.row() for cost in main()), sep="\n")
