"""Networks trained by full-batch gradient descent beside the theory of the same network, mode by mode.

Shared by the figures that hold a parametrisation, objective or process against trained networks. A `theory` denoiser
says what is trained for; the network of `sims` is what is trained. Both discretisations, of training and of sampling,
are computed from the theory and told apart from the networks' own deviation.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PRNGKeyArray

from figures.common.stages import Arrays, RunStage, Stage
from figures.studies.trained_modes.finite_steps import with_finite_steps
from figures.studies.trained_modes.lag import without_lag
from sims.experiments.linear import generated_mode_variances, mode_gains
from sims.measurements.modes import first_crossing
from sims.networks.linear import AbstractLinearNetwork, total_maps_of
from sims.sampling.linear_flow import FlowCoefficients, flow_of
from sims.sampling.schedules import log_snr_schedule
from sims.training.descent import Clock, common_clock, train_full_batch
from sims.training.linear_losses import ShiftMoments
from sims.training.pairs import PairCoefficients, SecondMoments, pairs_of
from sims.training.training_sets import gaussian_training_sets
from theory.definitions.processes import EDM
from theory.definitions.spectra import Spectrum
from theory.spectral_law.denoiser import AbstractDenoiser, regression_at
from theory.spectral_law.generation import generated_variance

FINE_TIMES = 300  # of every curve of the theory
Drawn = TypeVar("Drawn", SecondMoments, ShiftMoments)


def flow_matching_times(count: int) -> jax.Array:
    """Times 0 and 1 and `count` - 2 between them, equally spaced in ln(t/(1 - t)): dense where t or 1 - t is small."""
    inside = jax.nn.sigmoid(jnp.linspace(-5.0, 8.0, count - 2))
    return jnp.concatenate([jnp.zeros(1), inside, jnp.ones(1)])


@dataclass(frozen=True)
class Sizes:
    """How much is trained and sampled. Times are ητ with η = 1."""

    first_time: float
    last_time: float
    snapshots: int
    seeds: int
    training_samples: int
    smallest_steps: int = 12
    safety: float = 0.8

    @property
    def times(self) -> np.ndarray:
        """Training times of the snapshots."""
        return np.geomspace(self.first_time, self.last_time, self.snapshots)


# Of the "tiny" presets, in every figure: they then share what they compile.
TINY_SIZES = Sizes(first_time=1e-2, last_time=2.0, snapshots=6, seeds=2, training_samples=4096, smallest_steps=4)


def rotated_spectrum(variances: tuple[float, ...], key: PRNGKeyArray) -> Spectrum:
    """These variances along axes drawn at random, with zero mean."""
    variance = jnp.asarray(variances)
    basis, _ = jnp.linalg.qr(jax.random.normal(key, (variance.size, variance.size)))
    return Spectrum(jnp.zeros_like(variance), variance, basis)


def levels_with_shown(process: EDM, count: int, shown: float) -> jax.Array:
    """Every noise level that has a network: `count` of the sampler and, last, the one whose weights are shown."""
    return jnp.append(log_snr_schedule(process, count - 1), shown)


def pair_coefficients(denoiser: AbstractDenoiser, levels: jax.Array) -> PairCoefficients:
    """What the networks of each noise level are trained for, from the denoiser's process and objective."""
    return pairs_of(denoiser.objective, denoiser.process, levels)


def sampling_flow(denoiser: AbstractDenoiser, levels: jax.Array) -> FlowCoefficients:
    """The probability-flow ODE of those networks on their own noise levels."""
    return flow_of(denoiser.objective.target, denoiser.process, levels)


def clock_for(
    denoiser: AbstractDenoiser,
    levels: jax.Array,
    sizes: Sizes,
    *,
    layers: int = 1,
    rate: float = 1.0,
    together: bool = False,
) -> Clock:
    """Stable steps for `layers` factors whose gains start and end where the denoiser's do.

    `rate` multiplies the curvature, for weights that are shared between positions. With `together` every level takes
    the steps of the steepest one, so that none lags behind: affordable where curvatures differ little (flow matching).

    Raises ValueError where a lag would change what is generated, see `without_lag`.
    """
    per_level = rate * largest_curvature(denoiser, levels, layers=layers)
    if together:
        per_level = np.full_like(per_level, per_level.max())
    clock = common_clock(sizes.times, per_level, smallest_steps=sizes.smallest_steps, safety=sizes.safety)
    return without_lag(clock, denoiser, levels, sizes.times)


def largest_curvature(denoiser: AbstractDenoiser, levels: jax.Array, *, layers: int = 1) -> np.ndarray:
    """The largest second derivative of every level's loss, or a bound of it: (levels,).

    The loss of a product of L balanced factors has second derivative 2L ψ^{1-2/L} |(2 - 1/L)Sψ - (1 - 1/L)h| along a
    mode, which is bounded here by its value with both signs positive at the larger of the first and the last gain.
    """
    regression = regression_at(denoiser, levels)
    if layers == 1:
        curvature = regression.curvature
    else:
        first, last = (jnp.abs(gain_at(denoiser, jnp.full_like(levels, tau), levels)) for tau in (0.0, jnp.inf))
        gain = jnp.maximum(first, last)
        pull = jnp.abs(regression.pull)
        curvature = layers * gain ** (1 - 2 / layers) * (2 * regression.curvature * gain + pull)
    return np.asarray(curvature.max(axis=-1))


def training_sets(denoiser: AbstractDenoiser, levels: jax.Array, sizes: Sizes, key: PRNGKeyArray) -> SecondMoments:
    """Moments of Gaussian training sets of the denoiser's spectrum, one per seed and noise level."""
    pairs = pair_coefficients(denoiser, levels)
    return gaussian_training_sets(denoiser.spectrum, pairs, seeds=sizes.seeds, samples=sizes.training_samples, key=key)


def training_set_stage(draw: Callable[[], Drawn], share: float) -> Stage:
    """Training sets that several networks of a figure share, drawn once in a stage of their own."""
    return Stage("training sets", partial(_as_arrays, draw), share)


def moments_from(arrays: Arrays, kind: type[Drawn]) -> Drawn:
    """The training sets from what their stage gave."""
    return kind(**{name: jnp.asarray(value) for name, value in arrays.items()})


def as_stage(stage: RunStage, draw: Callable[[], Drawn], kind: type[Drawn], *, share: float) -> Drawn:
    """Training sets drawn in a stage that the figure's other stages wait for."""
    return moments_from(stage("training sets", partial(_as_arrays, draw), share=share), kind)


def _as_arrays(draw: Callable[[], Drawn]) -> Mapping[str, jax.Array]:
    return draw()._asdict()


def named(arrays: Mapping[str, np.ndarray], suffix: str) -> Arrays:
    """Arrays of one network among several, their names ending in `suffix`."""
    return {f"{name}_{suffix}": value for name, value in arrays.items()}


def theory_of_modes(denoiser: AbstractDenoiser, levels: jax.Array, clock: Clock, sizes: Sizes, *, shown: int) -> Arrays:
    """Closed forms on a fine grid and at the snapshots, and what finite steps and Heun's method make of them.

    The last `shown` of the `levels` are those whose weights are shown; the others carry the samples.
    """
    fine = np.geomspace(sizes.first_time, sizes.last_time, FINE_TIMES)
    finite_steps = with_finite_steps(denoiser, levels, clock, sizes.times, shown=shown)
    sampling = levels.size - shown
    shown_levels = levels[sampling:]
    # One call for all times, and the same ones for gains: what is compiled depends on their number.
    times = np.concatenate([[0.0], fine, sizes.times])
    curve = slice(1, 1 + fine.size)
    every = np.asarray(generated_variance(denoiser, times))
    initial, variances, at_snapshots = every[0], every[curve], every[1 + fine.size :]
    level = np.sqrt(initial * np.asarray(denoiser.spectrum.variance))  # `emergence_level` at the geometric mean
    return {
        "fine_times": fine,
        "gain_curve": np.stack([np.asarray(gain_at(denoiser, jnp.asarray(times), x))[curve] for x in shown_levels])
        if shown
        else np.zeros((0, fine.size, denoiser.spectrum.dimension)),
        "variance_curve": variances,
        "variance_closed_form": at_snapshots,
        "variance_finite_steps": finite_steps.variance,
        "gain_finite_steps": np.swapaxes(finite_steps.gain[:, sampling:], 0, 1),
        "emergence_theory": first_crossing(fine, variances, level),
        "level": level,
    }


@eqx.filter_jit
def gain_at(denoiser: AbstractDenoiser, times: jax.Array, level: jax.Array) -> jax.Array:
    """`denoiser.gain`, compiled once per kind of denoiser and shape."""
    return denoiser.gain(times, level)


def trained_modes(
    denoiser: AbstractDenoiser,
    network: AbstractLinearNetwork,
    moments: SecondMoments | ShiftMoments,
    levels: jax.Array,
    clock: Clock,
    *,
    shown: int,
) -> Arrays:
    """Gains at the shown levels (seeds, shown, snapshots, modes), generated variances (seeds, snapshots, modes)."""
    trained = train_full_batch(network, moments, jnp.asarray(clock.step_sizes, jnp.float32), jnp.asarray(clock.steps))
    return measured_modes(denoiser, trained, levels, shown=shown)


def measured_modes(
    denoiser: AbstractDenoiser, trained: AbstractLinearNetwork, levels: jax.Array, *, shown: int
) -> Arrays:
    """What `trained_modes` gives, of networks that are trained already, with leading axes (seeds, levels, stages)."""
    basis, sampling = denoiser.spectrum.basis, levels.size - shown
    flow, gains, variances = sampling_flow(denoiser, levels[:sampling]), [], []
    for seed in range(jax.tree.leaves(trained)[0].shape[0]):  # the maps of convolutions on images fill gigabytes
        maps = total_maps_of(jax.tree.map(lambda leaf, seed=seed: leaf[seed], trained))
        gains.append(np.asarray(mode_gains(maps[sampling:], basis)))
        of_seed = jnp.swapaxes(maps[:sampling], 0, 1)[None]
        variances.append(generated_mode_variances(of_seed, flow, basis, shift_grid=trained.shift_grid)[0])
    return {"gain_trained": np.stack(gains), "variance_trained": np.stack(variances)}
