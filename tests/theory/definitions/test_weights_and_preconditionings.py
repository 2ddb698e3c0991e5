"""Weights and preconditionings: training and sampling against SciPy with the loss written out in moments."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.integrate

from tests import cases
from tests.oracles import matrices as oracles
from theory import EDM, FlowMatching, OneLayer, SymmetricTwoLayer, VariancePreserving, generated_variance
from theory.definitions.objectives import Objective, native_objective
from theory.definitions.preconditionings import ConstantSkip, EDMPreconditioning, NoPreconditioning
from theory.definitions.targets import DenoiserTarget, FlowTarget, NoiseTarget, VelocityTarget
from theory.definitions.weights import (
    EDMWeight,
    LogNormalDensity,
    MinSNRWeight,
    PowerWeight,
    ProductWeight,
    TrainingSpeed,
    UniformWeight,
)

VARIANCE = np.array([3.0, 0.4, 0.0])
INITIAL = np.array([0.1, 0.5, 1.5])
TIMES = np.array([0.0, 1e-3, 0.05, 0.5, 4.0])

# Weights as functions of (α, σ).
EDM_WEIGHT = (EDMWeight(0.5), lambda a, s: (s**2 + 0.25 * a**2) / (0.5 * s) ** 2)
LOG_NORMAL = (LogNormalDensity(-1.2, 1.2), lambda a, s: np.exp(-((np.log(s) + 1.2) ** 2) / 2.88))
WEIGHTS = {
    "uniform": (UniformWeight(), lambda a, s: np.ones_like(s)),
    "power": (PowerWeight(0.75), lambda a, s: s**-1.5),
    "edm": EDM_WEIGHT,
    "min_snr": (MinSNRWeight(5.0), lambda a, s: np.where((a / s) ** 2 < 5, (a / s) ** 2, 5.0)),
    "log_normal": LOG_NORMAL,
    "product": (
        ProductWeight(EDM_WEIGHT[0], LOG_NORMAL[0]),
        lambda a, s: (4 + (a / s) ** 2) * np.exp(-((np.log(s) + 1.2) ** 2) / 2.88),
    ),
}


def karras_scales(a, s):
    """Those of Tab. 1 at the noise level σ/α of x/α."""
    level = s / a
    total = level**2 + 0.25
    return 0.25 / total / a, 0.5 * level / np.sqrt(total), 1 / np.sqrt(total) / a


# (c_skip, c_out, c_in) as functions of (α, σ).
PRECONDITIONINGS = {
    "none": (NoPreconditioning(), lambda a, s: (0.0, 1.0, 1.0)),
    "skip": (ConstantSkip(0.7), lambda a, s: (0.7, 1.0, 1.0)),
    "edm": (EDMPreconditioning(0.5), karras_scales),
}
SETTINGS = {
    "edm": ("edm", DenoiserTarget(), oracles.DENOISED, [0.03, 0.3, 1.0, 8.0]),
    "edm-noise": ("edm", NoiseTarget(), oracles.NOISE, [0.03, 0.3, 1.0, 8.0]),
    "vp_linear": ("vp_linear", VelocityTarget(), oracles.VELOCITY, [0.02, 0.1, 0.5, 0.95]),
    "flow": ("flow", FlowTarget(), oracles.FLOW, [0.05, 0.4, 0.7, 0.95]),
}
NETWORKS = {"one_layer": (OneLayer, oracles.ONE_LAYER), "symmetric_two_layer": (SymmetricTwoLayer, oracles.TIED)}


@dataclasses.dataclass(frozen=True)
class Loss:
    """w E|y - (c_skip + c_out c_in F) x|² per mode, as the numbers of its quadratic form in the network's gain F."""

    drive: np.ndarray  # -½ dL/dF at F = 0
    curvature: np.ndarray  # ½ d²L/dF²
    skip: np.ndarray
    scale: np.ndarray

    @classmethod
    def of(cls, variance, process, target, weight, scales, t):
        a, s = process.alpha(t), process.sigma(t)
        signal, noise = target.coefficients(a, s)
        inputs, cross = a**2 * variance + s**2, a * signal * variance + s * noise
        skip, out, inside = scales(a, s)
        w = weight(a, s)
        scale = out * inside
        return cls(w * scale * (cross - skip * inputs), w * scale**2 * inputs, skip, scale)

    def trained(self, network, initial, time):
        return self.skip + self.scale * network.mode(initial, self.drive, self.curvature, time)


def integrated(loss, tied):
    """F(τ) of dp/dτ = -dL/dp from the raw parameter p, F = p or F = p pᵀ (whose derivative doubles), by LSODA."""

    def velocity(_, flat):
        p = flat.reshape(loss.drive.shape)
        slope = 2 * (loss.curvature * (p**2 if tied else p) - loss.drive)
        return -(2 * p * slope if tied else slope).ravel()

    initial = np.broadcast_to(np.sqrt(INITIAL) if tied else INITIAL, loss.drive.shape)
    # A diagonal Jacobian: every mode at every level trains by itself.
    path = scipy.integrate.solve_ivp(
        velocity,
        (0, TIMES[-1]),
        initial.ravel(),
        method="LSODA",
        t_eval=TIMES,
        rtol=1e-12,
        atol=1e-14,
        lband=0,
        uband=0,
    )
    parameters = path.y.T.reshape(len(TIMES), *loss.drive.shape)
    return parameters**2 if tied else parameters


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("preconditioning", PRECONDITIONINGS)
@pytest.mark.parametrize(
    ("network", "weight"),
    [
        # How a weight enters does not depend on the network: with tied weights one of each kind is quick.
        pytest.param(
            network,
            weight,
            marks=[pytest.mark.slow] if network != "one_layer" and weight not in ("uniform", "product") else [],
        )
        for network in NETWORKS
        for weight in WEIGHTS
    ],
)
def test_gain_equals_integration_of_the_raw_parameter(network, weight, preconditioning, setting):
    (build, _), (process, target, oracle_target, levels) = NETWORKS[network], SETTINGS[setting]
    process, oracle_process = cases.PROCESSES[process]
    objective = Objective(target, WEIGHTS[weight][0], PRECONDITIONINGS[preconditioning][0])
    levels = np.array(levels)
    loss = Loss.of(
        VARIANCE,
        oracle_process,
        oracle_target,
        WEIGHTS[weight][1],
        PRECONDITIONINGS[preconditioning][1],
        levels[:, None],
    )
    expected = loss.skip + loss.scale * integrated(loss, build is SymmetricTwoLayer)
    denoiser = build(cases.spectrum(VARIANCE), process, INITIAL, 1.0, objective)
    gain = denoiser.gain(jnp.asarray(TIMES)[:, None], jnp.asarray(levels))
    np.testing.assert_allclose(gain, expected, rtol=1e-9, atol=1e-10)


def test_edm_preconditioning_equals_its_formula():
    """ψ = ψ* + (c_skip - ψ*) exp[-2ητ(λ + σ²)/(σ² + σ_d²)] from F = 0 with the weight 1/c_out²."""
    variance, sigma, tau = (
        np.logspace(-6, 3, 10),
        np.logspace(-2, 1.9, 7)[:, None],
        np.logspace(-4, 3, 8)[:, None, None],
    )
    for data_scale in (0.5, 2.0):
        objective = Objective(DenoiserTarget(), EDMWeight(data_scale), EDMPreconditioning(data_scale))
        denoiser = OneLayer(cases.spectrum(variance), EDM(), 0.0, 0.3, objective)
        optimum, skip = variance / (variance + sigma**2), data_scale**2 / (sigma**2 + data_scale**2)
        decay = np.exp(-0.6 * tau * (variance + sigma**2) / (sigma**2 + data_scale**2))
        gain = denoiser.gain(jnp.asarray(tau[..., 0]), jnp.asarray(sigma[:, 0]))
        np.testing.assert_allclose(gain, optimum + (skip - optimum) * decay, rtol=0, atol=1e-13)


@pytest.mark.parametrize("name", PRECONDITIONINGS)
@pytest.mark.parametrize("process", ["edm", "vp_linear", "flow"])
def test_scales_equal_their_formulas(name, process):
    preconditioning, formula = PRECONDITIONINGS[name]
    oracle = cases.PROCESSES[process][1]
    alpha, sigma = oracle.alpha(np.linspace(0.1, 0.9, 5)), oracle.sigma(np.linspace(0.1, 0.9, 5))
    scales = preconditioning.scales(jnp.asarray(alpha), jnp.asarray(sigma))
    skip, out, inside = formula(alpha, sigma)
    for actual, expected in zip(scales, (skip, out, 1 / inside, out * inside), strict=True):
        np.testing.assert_allclose(actual, np.broadcast_to(expected, 5), rtol=1e-14)


def test_training_speed_is_the_weight_of_a_plain_network_that_learns_as_fast():
    """1/(σ² + σ_d²) for the weight 1/c_out² and Karras et al.'s scales."""
    speed = TrainingSpeed(EDMWeight(0.5), EDMPreconditioning(0.5))
    sigma = np.logspace(-3, 2, 20)
    np.testing.assert_allclose(speed(EDM(), jnp.asarray(sigma)), 1 / (sigma**2 + 0.25), rtol=1e-14)


# Each weight and each preconditioning on more than one process; a compilation and an integral each.
GENERATED = [
    ("one_layer", "power", "none", "edm", 1e-12),
    ("one_layer", "edm", "edm", "edm", 1e-12),
    ("one_layer", "log_normal", "skip", "vp_linear", 1e-12),
    ("one_layer", "product", "edm", "vp_linear", 1e-12),
    ("one_layer", "power", "skip", "flow", 1e-12),
    ("one_layer", "edm", "none", "flow", 1e-12),
    ("symmetric_two_layer", "product", "none", "edm", 1e-12),
    # The quadrature's own error at τ = 100, 3e-12: SciPy's integral is that of panels half as wide to 2e-14.
    ("symmetric_two_layer", "log_normal", "edm", "vp_linear", 1e-11),
    # Min-SNR bends where its ceiling is reached: a panel ends there.
    ("one_layer", "min_snr", "none", "edm", 1e-10),
    ("one_layer", "min_snr", "none", "vp_linear", 1e-10),
    # Tied weights behind a skip bend where the optimum passes the skip, which the uniform panels do not know.
    ("symmetric_two_layer", "edm", "skip", "edm", 1e-4),
]


@pytest.mark.parametrize(("network", "weight", "preconditioning", "setting", "tolerance"), GENERATED)
def test_generated_variance_equals_scipy_integration(network, weight, preconditioning, setting, tolerance):
    (build, oracle), (process, target, oracle_target, _) = NETWORKS[network], SETTINGS[setting]
    process, oracle_process = cases.PROCESSES[process]
    variance, initial, times = VARIANCE[:2], INITIAL[:2], np.array([0.0, 1e-3, 0.1, 3.0, 100.0])
    of_weight, scales = WEIGHTS[weight][1], PRECONDITIONINGS[preconditioning][1]

    def rate(u):
        """d ln x²/du."""
        t, speed = oracle_process.clock(u)
        loss = Loss.of(variance, oracle_process, oracle_target, of_weight, scales, t)
        gain = loss.trained(oracle, initial, times[:, None])
        return (2 * speed * oracle_target.drift(oracle_process, t, gain, 1.0)).ravel()

    start, end = oracle_process.ends
    integral = scipy.integrate.quad_vec(rate, start, end, epsabs=1e-12, epsrel=1e-12, norm="max", limit=4000)[0]
    expected = np.log(oracle_process.prior_variance) + integral.reshape(len(times), 2)
    objective = Objective(target, WEIGHTS[weight][0], PRECONDITIONINGS[preconditioning][0])
    denoiser = build(cases.spectrum(variance), process, initial, 1.0, objective)
    log_variance = np.log(generated_variance(denoiser, jnp.asarray(times)))
    np.testing.assert_allclose(log_variance, expected, rtol=0, atol=tolerance)


@pytest.mark.parametrize("weight", [PowerWeight(jnp.asarray(1.25)), EDMWeight(), LogNormalDensity(), MinSNRWeight()])
def test_weights_and_their_derivatives_are_finite_where_flow_matching_ends(weight):
    """1 - t is zero in floating point before the data are reached."""
    time = jnp.asarray(1.0)
    arrays = jax.tree.map(jnp.asarray, weight)
    value, slope = jax.value_and_grad(lambda w: w(FlowMatching(), time))(arrays)
    assert all(np.isfinite(leaf) for leaf in jax.tree.leaves((value, slope)))


@pytest.mark.parametrize("build", [EDMWeight, MinSNRWeight, LogNormalDensity, EDMPreconditioning])
@pytest.mark.parametrize("value", [0.0, -1.0, np.inf, np.nan])
def test_scales_that_are_refused(build, value):
    name = {MinSNRWeight: "ceiling", LogNormalDensity: "log_std"}.get(build, "data_scale")
    with pytest.raises(ValueError, match=f"{name} must be positive and finite"):
        build(**{name: value})


def test_native_objective_has_uniform_weight_and_no_preconditioning():
    for process, target in [
        (EDM(), DenoiserTarget),
        (VariancePreserving(), DenoiserTarget),
        (FlowMatching(), FlowTarget),
    ]:
        objective = native_objective(process)
        assert isinstance(objective.target, target)
        assert isinstance(objective.weight, UniformWeight)
        assert isinstance(objective.preconditioning, NoPreconditioning)
