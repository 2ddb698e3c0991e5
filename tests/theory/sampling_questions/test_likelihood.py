"""Excess nats against Gauss-Legendre sums of other panels in NumPy, the loss itself, and root finding by SciPy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import optimize, special

from tests import cases
from theory import (
    EDM,
    FullWidthConvolution,
    MisalignedTwoLayer,
    OneLayer,
    OneLayerWithBias,
    PatchConvolution,
    Spectrum,
    emergence_time,
)
from theory.sampling_questions.likelihood import (
    denoising_nats,
    excess_nats,
    likelihood_emergence_time,
    small_noise_excess_nats,
)

TIMES = np.array([0.0, 0.3, 2.0, 8.0])
VARIANCES = np.array([3.0, 0.3, 0.01])
NODES, WEIGHTS = np.polynomial.legendre.leggauss(24)


@pytest.fixture(scope="module", autouse=True)
def quick_compilation():
    """Compiling is nearly all the time there is."""
    jax.config.update("jax_disable_most_optimizations", True)
    yield
    jax.config.update("jax_disable_most_optimizations", False)


def nodes_of(denoiser, width):
    """Places in ln(α/σ), their weights, and α, σ, c and e there."""
    low, high = (float(end) for end in denoiser.process.log_ratio_range())
    edges = np.linspace(low, high, int(np.ceil((high - low) / width)) + 1)
    places = (edges[:-1, None] + np.diff(edges)[:, None] * (1 + NODES) / 2).ravel()
    weights = (np.diff(edges)[:, None] * WEIGHTS / 2).ravel()
    alpha, sigma = denoiser.process.scales_at_log_ratio(jnp.asarray(places))
    signal, noise = (np.broadcast_to(x, places.shape) for x in denoiser.objective.target.coefficients(alpha, sigma))
    times = denoiser.process.time_from_log_snr(2 * jnp.asarray(places))
    return weights, times, np.asarray(alpha), np.asarray(sigma), signal, noise


def by_hand(denoiser, width=0.31):
    """(times, modes): Σ over places of (α/(cσ - eα))² E(y's error)², with the map's whole matrix."""
    weights, times, alpha, sigma, signal, noise = nodes_of(denoiser, width)
    variance = np.asarray(denoiser.spectrum.variance)
    power = alpha[:, None] ** 2 * variance + sigma[:, None] ** 2
    best = (alpha * signal)[:, None] * variance + (sigma * noise)[:, None]
    tau, times = jnp.asarray(TIMES)[:, None], times[None]
    if denoiser.mixes_modes:
        learned = denoiser.affine_map(tau, times)
        wrong = np.asarray(learned.matrix) - (best / power)[:, None] * np.eye(len(variance))
        error = np.einsum("tnkm,nm->tnk", wrong**2, power) + np.asarray(learned.offset) ** 2
    else:
        error = (np.asarray(denoiser.gain(tau, times)) - best / power) ** 2 * power
    return np.einsum("n,tnk->tk", weights * (alpha / (signal * sigma - noise * alpha)) ** 2, error)


# Every parametrisation, and one of them on every kind of process; those that are dear to compile are slow.
QUICK = ("one_layer-edm-DenoiserTarget", "symmetric_two_layer-edm-DenoiserTarget", "imbalanced-edm-DenoiserTarget")
SLOW = (
    "two_layer-edm-DenoiserTarget",
    "depth_3-edm-DenoiserTarget",
    "depth_4-edm-DenoiserTarget",
    "heavy_ball-flow-FlowTarget",
    "one_layer-vp_linear-DenoiserTarget",
    "one_layer-flow-FlowTarget",
)
BY_NAME = {case.id: case.values[0] for case in (*cases.ALL, *cases.LAYERED)}


@pytest.mark.slow_cases(*SLOW)
@pytest.mark.parametrize("name", [*QUICK, *SLOW])
def test_excess_by_other_panels(name):
    denoiser = BY_NAME[name].denoiser(cases.spectrum(VARIANCES), 0.1)
    np.testing.assert_allclose(excess_nats(denoiser, TIMES), by_hand(denoiser), rtol=1e-8, atol=1e-9)


AUTOCOVARIANCE = np.array([1.0, 0.5, 0.1, 0.5])
MIXING = {
    "misaligned": lambda: MisalignedTwoLayer(
        Spectrum.from_variances(VARIANCES), EDM(), np.diag([0.3, 0.2, 0.1]) + 0.05, 1.0
    ),
    "bias": lambda: OneLayerWithBias(Spectrum(jnp.ones(3), jnp.asarray(VARIANCES)), EDM(), 0.1, 1.0),
    "patch": lambda: PatchConvolution.from_autocovariance(AUTOCOVARIANCE, 3, EDM(), 0.1, 1.0),
    "full width": lambda: FullWidthConvolution.from_autocovariance(AUTOCOVARIANCE, EDM(), 0.1, 1.0),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", MIXING)
def test_excess_where_modes_mix(name):
    denoiser = MIXING[name]()
    np.testing.assert_allclose(excess_nats(denoiser, TIMES), by_hand(denoiser), rtol=1e-8, atol=1e-9)


def one_layer(variance=VARIANCES, initial=0.1, rate=1.0):
    return OneLayer(cases.spectrum(variance), EDM(), initial, rate)


def test_loss_is_information_and_excess():
    """∫ E(x_0 - D)² σ^-3 dσ with E(x_0 - D)² = (1 - ψ)²λ + ψ²σ²."""
    denoiser = one_layer()
    weights, levels, _, sigma, _, _ = nodes_of(denoiser, 0.31)
    gain = np.asarray(denoiser.gain(jnp.asarray(TIMES)[:, None], levels[None]))
    loss = (1 - gain) ** 2 * VARIANCES + gain**2 * sigma[:, None] ** 2
    expected = np.einsum("n,tnk->tk", weights / sigma**2, loss)
    np.testing.assert_allclose(denoising_nats(denoiser, TIMES), expected, rtol=1e-10)


def closed_form(variance, initial, tau, sigma_0=0.002, sigma_t=80.0):
    b = 4 * tau

    def above(u):
        kept = variance * (1 - initial) ** 2 * special.expn(2, b * u) / u + (initial**2 - 1) * special.exp1(b * u)
        return (np.exp(-b * variance) * kept + special.exp1(b * (variance + u))) / 2

    return above(sigma_0**2) - above(sigma_t**2)


def emergence_by_root_finding(variance, initial, nats):
    def excess(log_time):
        return closed_form(variance, initial, np.exp(log_time)) / nats - 1

    return float(np.exp(optimize.root_scalar(excess, bracket=(-8, 7), xtol=1e-14).root))


@pytest.mark.parametrize(("nats", "initial"), [(1.0, 0.1), (30.0, 0.6)])
def test_emergence_by_root_finding(nats, initial):
    found = likelihood_emergence_time(one_layer(initial=initial), nats)
    expected = [emergence_by_root_finding(variance, initial, nats) for variance in VARIANCES]
    np.testing.assert_allclose(found, expected, rtol=1e-8)


def test_what_is_there_before_training():
    variance = np.array([3.0, 0.3, 1e-7])  # the last is σ_0²/40: 1.5e-4 nats before training
    shallow, x = one_layer(variance, initial=0.0), variance / 0.002**2
    start = np.asarray(excess_nats(shallow, np.zeros(4)))[0]
    np.testing.assert_allclose(start, (x - np.log1p(x)) / 2, rtol=1e-5)
    assert np.all(np.asarray(likelihood_emergence_time(shallow, start / 2)) > 0)
    np.testing.assert_array_equal(np.asarray(likelihood_emergence_time(shallow, 1.0)) == 0, [False, False, True])


@pytest.mark.parametrize(("variance", "share"), [(10.0, 7.5e-5), (1.0, 5.3e-4), (0.1, 3.5e-3), (0.01, 2.1e-2)])
def test_error_of_small_noise_where_a_nat_is_left(variance, share):
    tau = emergence_by_root_finding(variance, 0.0, 1.0)
    assert 0.95 * share < float(small_noise_excess_nats(variance, tau, 0.002)) - 1 < share
    half = float(small_noise_excess_nats(variance, tau, 0.002, 0.5)) / closed_form(variance, 0.5, tau) - 1
    assert abs(half) < 2 * share


def test_exponents_of_the_docstring():
    log_variance = np.linspace(np.log(0.01), np.log(10.0), 13)
    log_time = np.log([emergence_by_root_finding(variance, 0.0, 1.0) for variance in np.exp(log_variance)])
    assert -np.polyfit(log_variance, log_time, 1)[0] == pytest.approx(0.903, abs=5e-4)
    assert -np.polyfit(log_variance[4:], log_time[4:], 1)[0] == pytest.approx(0.914, abs=5e-4)


@pytest.mark.slow
def test_half_of_the_nats_come_before_samples_and_one_nat_long_after():
    variance = np.array([10.0, 1.0, 0.01])
    denoiser = one_layer(variance, initial=0.0)
    half = np.asarray(likelihood_emergence_time(denoiser, excess_nats(denoiser, np.zeros(4))[0] / 2))
    np.testing.assert_allclose(4 * half * variance, np.log(2), rtol=4e-3)
    samples = np.asarray(emergence_time(denoiser))
    assert np.all(half < samples)
    np.testing.assert_allclose(likelihood_emergence_time(denoiser) / samples, [11.16, 9.51, 6.19], rtol=1e-3)


@pytest.mark.slow
def test_derivatives_and_batches():
    def curve(rate):
        return jnp.log(excess_nats(one_layer(rate=rate), TIMES)[1])

    step = 1e-5
    slope = (curve(1 + step) - curve(1 - step)) / (2 * step)
    np.testing.assert_allclose(jax.jit(jax.jacfwd(curve))(1.0), slope, rtol=1e-7)
    # τ* is ∝ 1/η.
    times, moved = jax.jvp(lambda rate: likelihood_emergence_time(one_layer(rate=rate)), (1.0,), (1.0,))
    np.testing.assert_allclose(moved, -times, rtol=1e-8)
    batched = jax.vmap(lambda tau: excess_nats(one_layer(), tau))(jnp.asarray(TIMES))
    np.testing.assert_allclose(batched, excess_nats(one_layer(), TIMES), rtol=1e-12)


@pytest.mark.slow
def test_single_precision():
    single = OneLayer(cases.spectrum(VARIANCES.astype(np.float32)), EDM(), 0.1, 1.0)
    found, expected = excess_nats(single, TIMES.astype(np.float32)), np.asarray(excess_nats(one_layer(), TIMES))
    assert found.dtype == np.float32
    seen = expected > 1
    np.testing.assert_allclose(np.asarray(found)[seen], expected[seen], rtol=1e-3)


def test_what_is_refused():
    with pytest.raises(ValueError, match="tau, a training time, must be zero or more"):
        excess_nats(one_layer(), -1.0)
    with pytest.raises(ValueError, match="nats must be positive"):
        likelihood_emergence_time(one_layer(), 0.0)
    with pytest.raises(ValueError, match="nats must be a number or one per mode"):
        likelihood_emergence_time(one_layer(), np.array([1.0, 2.0]))
