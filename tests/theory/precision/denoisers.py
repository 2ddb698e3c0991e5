"""What denoisers have learned: gains, weights and maps."""

import functools
from collections.abc import Callable

import equinox as eqx
import jax.numpy as jnp
import mpmath
import numpy as np
from hypothesis import strategies as st

from tests.theory.precision.arguments import (
    MODES,
    Numbers,
    bases,
    between,
    decades,
    fractions,
    initial_gains,
    named,
    noise_levels,
    spectrum,
    training_times,
    variances,
)
from tests.theory.precision.rows import OF_MATRIX, OVER_ONE, Measure, Row, at_least, pointwise
from theory import (
    EDM,
    CosineSchedule,
    DeepLinear,
    FlowMatching,
    FullWidthConvolution,
    HeavyBall,
    LinearSchedule,
    MisalignedTwoLayer,
    OneLayer,
    OneLayerWithBias,
    PatchConvolution,
    SigmoidSchedule,
    SymmetricTwoLayer,
    TwoLayer,
    VariancePreserving,
)
from theory.definitions.objectives import Objective
from theory.definitions.preconditionings import ConstantSkip, EDMPreconditioning
from theory.definitions.targets import NoiseTarget, ScoreTarget, VelocityTarget
from theory.definitions.weights import EDMWeight, LogNormalDensity, MinSNRWeight, PowerWeight

RING = 8
_OFFSETS = np.minimum(np.arange(RING), RING - np.arange(RING))

# Gains of several layers may decay to zero, and τ = ∞ is not the same time in both precisions.
_GAIN = at_least(1e-6)

_OBJECTIVES = [
    *(Objective(weight=weight) for weight in (PowerWeight(1.0), PowerWeight(2.0), MinSNRWeight(), LogNormalDensity())),
    *(Objective(target) for target in (NoiseTarget(), ScoreTarget())),
    Objective(preconditioning=ConstantSkip(1.0)),
    Objective(weight=EDMWeight(), preconditioning=EDMPreconditioning()),
]
_KINDS = OneLayer, SymmetricTwoLayer, TwoLayer, functools.partial(DeepLinear, depth=3)


def _gain(build: Callable, process=None, objective: Objective | None = None) -> Callable:
    """Of all modes at all training times and noise levels."""

    def answer(variance, initial, tau, level, *options):
        denoiser = build(spectrum(variance), process or EDM(), initial, 1.0, *options, objective=objective)
        return denoiser.gain(tau[:, None], level[None])

    return answer


def _of_several(builds, settings) -> Callable:
    questions = [_gain(build, process, objective) for build in builds for process, objective in settings]
    return lambda *arguments: [question(*arguments) for question in questions]


def everywhere(function: Callable) -> Callable:
    """The function of mpmath of a mode's λ, Q and options at all training times and noise levels."""

    def at(variance, initial, tau, level, *options):
        grids = np.broadcast_arrays(variance, initial, tau[:, None, None], level[None, :, None], *options)
        return pointwise(function)(*grids)

    return at


def _one_layer(variance, start, tau, level):
    """Q e^{-2τ(λ + σ²)} + λ/(λ + σ²) (1 - e^{-2τ(λ + σ²)})."""
    total = variance + level**2
    kept = mpmath.exp(-2 * tau * total)
    return start * kept + variance / total * (1 - kept)


def _tied(variance, start, tau, level):
    """Q/[E + (S/h)Q(1 - E)], E = e^{-8τh}."""
    kept = mpmath.exp(-8 * tau * variance)
    return start / (kept + (variance + level**2) / variance * start * (1 - kept)) if start else mpmath.mpf(0)


def _heavy_ball(variance, start, tau, level, damping):
    """ψ* + (Q - ψ*)(r' e^{-rτ} - r e^{-r'τ})/(r' - r), r and r' the rates of relaxation, or complex ones."""
    total, tau = variance + level**2, min(tau, mpmath.mpf(10) ** 15)
    fast = damping / 2 + mpmath.sqrt(mpmath.mpc(damping**2 / 4 - 2 * total))
    slow = 2 * total / fast
    kept = mpmath.re((fast * mpmath.exp(-slow * tau) - slow * mpmath.exp(-fast * tau)) / (fast - slow))
    return variance / total + (start - variance / total) * kept


def _size_of_swing(right, variance, initial, tau, level, damping):
    """1 + ωτ, as long as something moves."""
    frequency = np.sqrt(2 * (variance + level[:, None] ** 2))
    return 1 + frequency * np.minimum(tau, 1500 / damping)[:, None, None]


def _weights(variance, initial, basis, tau, level) -> list:
    data = spectrum(variance, basis=basis)
    return [kind(data, EDM(), initial, 1.0).weights(tau, level) for kind in _KINDS]


def _windows(variance, initial, decay, mean, shares) -> list:
    data = spectrum(variance)
    return [
        made.training_window()
        for made in (
            *(kind(data, EDM(), initial, 1.0) for kind in (*_KINDS, functools.partial(HeavyBall, damping=0.5))),
            *convolutions(variance[0], decay, initial[0]),
            biased(variance, initial, mean),
            misaligned(variance, initial, shares),
        )
    ]


def biased(variance, initial, mean, basis=None) -> OneLayerWithBias:
    return OneLayerWithBias(spectrum(variance, mean, basis), EDM(), initial, 1.0)


def misaligned(variance, initial, shares, basis=None) -> MisalignedTwoLayer:
    """Overlaps of up to a twentieth of the geometric mean of two gains."""
    overlap = (shares + shares.T) / 40 * jnp.sqrt(initial[:, None] * initial[None])
    off_diagonal = 1 - jnp.eye(MODES, dtype=overlap.dtype)
    return MisalignedTwoLayer(
        spectrum(variance, basis=basis), EDM(), overlap * off_diagonal + jnp.diag(initial), learning_rate=1.0
    )


@eqx.filter_jit
def _maps(denoiser, tau, level) -> tuple:
    at = tau[:, None], level[None]
    return denoiser.gain(*at), denoiser.affine_map(*at), denoiser.weights(*at)


@eqx.filter_jit
def _learned(denoiser, tau, level) -> tuple:
    """A gain, and the logarithm of what is generated: small modes count as much as large ones."""
    return denoiser.gain(tau[:, None], level[None]), jnp.log(denoiser.generated_variance(tau))


def _smooth(variance: np.ndarray, length: np.ndarray) -> np.ndarray:
    """A squared exponential of the distance, summed over a ring's images, and some white noise against round-off."""
    images = np.arange(RING) + RING * np.arange(-3, 4)[:, None]
    shape = np.sum(np.exp(-((images / length) ** 2) / 2), axis=0)
    shape = (shape + shape[-np.arange(RING)]) / (2 * shape[0])
    return (variance * (shape + 2e-6 * (np.arange(RING) == 0))).astype(np.float32)


def convolutions(variance, decay, initial) -> list:
    """Full width and width 3, for stationary data with a correlation that falls by a factor per pixel."""
    r = variance * decay ** jnp.asarray(_OFFSETS, decay.dtype)
    return [
        FullWidthConvolution.from_autocovariance(r, EDM(), initial, 1.0),
        PatchConvolution.from_autocovariance(r, 3, EDM(), initial, 1.0),
    ]


STATIONARY: tuple[Numbers, ...] = (decades(1e-3, 1e2), between(0.0, 0.9), between(0.0, 1.0))
STATIONARY_DATA = f"ring of {RING}, variance 1e-3 to 1e2, correlation of neighbours 0 to 0.9, Q 0 to 1"
WITH_MEAN: tuple[Numbers, ...] = (variances(1e-3, 1e2), initial_gains(), between(-1.0, 1.0, MODES))
WITH_MEAN_DATA = "λ 1e-3 to 1e2, mean within 1"
OVERLAPPING: tuple[Numbers, ...] = (variances(1e-3, 1e2), decades(1e-3, 1.0, MODES), between(-1.0, 1.0, (MODES, MODES)))
OVERLAPPING_DATA = "λ 1e-3 to 1e2, Q 1e-3 to 1, overlaps to Q/20"
_MODEWISE_NAMES = (
    *("OneLayer", "SymmetricTwoLayer", "TwoLayer", "DeepLinear"),
    *("HeavyBall", "FullWidthConvolution", "PatchConvolution"),
)
_MIXING_NAMES = "OneLayerWithBias", "MisalignedTwoLayer"
_NETWORKS = "networks"
_MODEWISE = (variances(), initial_gains(), training_times(), noise_levels())
_WITH_FRACTIONS = (variances(), initial_gains(), training_times(), fractions(3))

ROWS = [
    Row(
        named("OneLayer", "gain", "mode_solution"),
        _NETWORKS + ", also λ = 0",
        st.tuples(variances(also=(0.0,)), *_MODEWISE[1:]),
        _gain(OneLayer),
        1e-5,
        1e-13,
        everywhere(_one_layer),
    ),
    Row(
        named("SymmetricTwoLayer", "gain", "mode_solution"),
        _NETWORKS,
        st.tuples(*_MODEWISE),
        _gain(SymmetricTwoLayer),
        1e-5,
        1e-13,
        everywhere(_tied),
        _GAIN,
    ),
    Row(
        named("TwoLayer", "gain", "mode_solution"),
        _NETWORKS + ", imbalance 0 and 1e-6 to 1.5 of either sign",
        st.tuples(*_MODEWISE, decades(1e-6, 1.5, also=(0.0,)), st.sampled_from([-1.0, 1.0])),
        lambda variance, initial, tau, level, size, sign: _gain(functools.partial(TwoLayer, imbalance=sign * size))(
            variance, initial, tau, level
        ),
        1e-5,
        measure=_GAIN,
    ),
    Row(
        named("DeepLinear", "gain", "mode_solution"),
        _NETWORKS + ", 3 layers",
        st.tuples(*_MODEWISE),
        _gain(functools.partial(DeepLinear, depth=3)),
        1e-4,
        measure=_GAIN,
    ),
    Row(
        named("HeavyBall", "gain", "mode_solution"),
        _NETWORKS + ", also λ = 0, damping γ 1e-2 to 1e3",
        st.tuples(variances(also=(0.0,)), *_MODEWISE[1:], decades(1e-2, 1e3)),
        lambda variance, initial, tau, level, damping: _gain(functools.partial(HeavyBall, damping=damping))(
            variance, initial, tau, level
        ),
        1e-6,
        1e-14,
        everywhere(_heavy_ball),
        Measure("of 1 + ωτ until it is still, ω² = 2(λ + σ²)", _size_of_swing),
    ),
    Row(
        named("OneLayer", "gain") + named("SymmetricTwoLayer", "gain"),
        _NETWORKS + ", four weights, three targets, two preconditionings",
        st.tuples(*_MODEWISE),
        _of_several((OneLayer, SymmetricTwoLayer), [(EDM(), objective) for objective in _OBJECTIVES]),
        1e-4,
        measure=OVER_ONE,
    ),
    Row(
        tuple(f"{name}.gain" for name in ("OneLayer", "SymmetricTwoLayer", "TwoLayer")),
        _NETWORKS + ", variance preserving: three schedules, t 0 to 1",
        st.tuples(*_WITH_FRACTIONS),
        _of_several(
            _KINDS[:3],
            [
                (VariancePreserving(LinearSchedule()), None),
                (VariancePreserving(CosineSchedule()), Objective(VelocityTarget())),
                (VariancePreserving(SigmoidSchedule()), None),
            ],
        ),
        1e-4,
        measure=OVER_ONE,
    ),
    Row(
        tuple(f"{name}.gain" for name in ("OneLayer", "SymmetricTwoLayer", "TwoLayer", "DeepLinear")),
        _NETWORKS + ", flow matching, t 0 to 1",
        st.tuples(*_WITH_FRACTIONS),
        _of_several(_KINDS, [(FlowMatching(), None)]),
        1e-4,
        measure=OVER_ONE,
    ),
    Row(
        tuple(
            f"{name}.{question}"
            for name in ("OneLayer", "SymmetricTwoLayer", "TwoLayer", "DeepLinear")
            for question in ("weights", "weights_of_gain")
        ),
        _NETWORKS + ", Q not 0",
        st.tuples(variances(), decades(1e-6, 1.5, MODES), bases(), training_times(()), noise_levels(())),
        _weights,
        1e-4,
        measure=OF_MATRIX,
    ),
    Row(
        named("HeavyBall", "weights", "weights_of_gain"),
        _NETWORKS + ", Q not 0, λ 1e-8 to 1e2, σ 0.002 to 1, damping γ = 3",
        st.tuples(variances(high=1e2), decades(1e-6, 1.5, MODES), bases(), training_times(()), decades(0.002, 1.0)),
        lambda variance, initial, basis, tau, level: HeavyBall(
            spectrum(variance, basis=basis), EDM(), initial, 1.0, damping=3.0
        ).weights(tau, level),
        1e-4,
        measure=OF_MATRIX,
    ),
    Row(
        named("OneLayerWithBias", "gain", "affine_map", "weights"),
        WITH_MEAN_DATA,
        st.tuples(*WITH_MEAN, bases(), training_times(), noise_levels()),
        lambda variance, initial, mean, basis, tau, level: _maps(biased(variance, initial, mean, basis), tau, level),
        1e-2,
        measure=OVER_ONE,
        refuses=True,
        compiled=False,
    ),
    Row(
        named("MisalignedTwoLayer", "gain", "affine_map", "weights"),
        OVERLAPPING_DATA,
        st.tuples(*OVERLAPPING, bases(), training_times(), noise_levels()),
        lambda variance, initial, shares, basis, tau, level: _maps(
            misaligned(variance, initial, shares, basis), tau, level
        ),
        1e-5,
        measure=OVER_ONE,
    ),
    Row(
        tuple(
            f"{name}.{question}"
            for name in ("FullWidthConvolution", "PatchConvolution")
            for question in ("from_autocovariance", "gain", "weights")
        )
        + named("FullWidthConvolution", "mode_solution", "weights_of_gain"),
        STATIONARY_DATA,
        st.tuples(*STATIONARY, training_times(), noise_levels()),
        lambda variance, decay, initial, tau, level: [
            (made.gain(tau[:, None], level[None]), made.weights(tau[:, None], level[None]))
            for made in convolutions(variance, decay, initial)
        ],
        1e-5,
        measure=OVER_ONE,
    ),
    Row(
        named("PatchConvolution", "gain", "generated_variance"),
        f"ring of {RING}, 5 taps, variance 1e-3 to 1e2, smooth over 0.3 to 2.5 pixels",
        st.tuples(
            st.builds(_smooth, decades(1e-3, 1e2), between(0.3, 2.5)),
            between(0.0, 1.0),
            training_times(),
            noise_levels(),
        ),
        lambda r, initial, tau, level: _learned(
            PatchConvolution.from_autocovariance(r, 5, EDM(), initial, 1.0), tau, level
        ),
        1e-2,
        measure=OVER_ONE,
        refuses=True,
        compiled=False,
    ),
    Row(
        tuple(f"{name}.training_window" for name in (*_MODEWISE_NAMES, *_MIXING_NAMES)),
        _NETWORKS + ", λ 1e-3 to 1e2, γ = 1/2 of momentum",
        st.tuples(variances(1e-3, 1e2), decades(1e-3, 1.0, MODES), between(0.0, 0.9), *WITH_MEAN[2:], *OVERLAPPING[2:]),
        _windows,
        1e-5,
        measure=OVER_ONE,
    ),
]

EXACT = {
    "not numbers": tuple(f"{name}.mixes_modes" for name in (*_MODEWISE_NAMES, *_MIXING_NAMES)),
    "the same network from another initial gain": ("DeepLinear.residual",),
    "the gains as a matrix": tuple(f"{name}.affine_map" for name in _MODEWISE_NAMES),
}
