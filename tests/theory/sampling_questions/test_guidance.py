"""Guided variance by integration of the guided gain, its overshoot, and guided clusters by SciPy and by samples."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import solve_ivp

from tests import cases
from theory import EDM, OneLayer, OneLayerWithBias, Spectrum, generated_variance
from theory.sampling_questions.guidance import guided_clusters, guided_variance, spectrum_of_all_classes

TIMES = np.array([0.0, 0.3, 2.0, 8.0])
VARIANCES, BETWEEN = np.array([3.0, 0.3, 0.01]), np.array([0.5, 1.0, 0.1])
NODES, WEIGHTS = np.polynomial.legendre.leggauss(24)


@pytest.fixture(scope="module", autouse=True)
def quick_compilation():
    """Compiling is nearly all the time there is."""
    jax.config.update("jax_disable_most_optimizations", True)
    yield
    jax.config.update("jax_disable_most_optimizations", False)


def by_hand(pair, strength, width=0.31):
    """ln λ̃ = ln(prior variance · α_0²/α_T²) - 2 ∫ (1 - αψ_w) dℓ, with the guided denoiser's gain ψ_w of the data."""
    process, target = pair[0].process, pair[0].objective.target
    low, high = (float(end) for end in process.log_ratio_range())
    edges = np.linspace(low, high, int(np.ceil((high - low) / width)) + 1)
    places = (edges[:-1, None] + np.diff(edges)[:, None] * (1 + NODES) / 2).ravel()
    weights = (np.diff(edges)[:, None] * WEIGHTS / 2).ravel()
    alpha, sigma = process.scales_at_log_ratio(jnp.asarray(places))
    times = process.time_from_log_snr(2 * jnp.asarray(places))[None]
    signal, noise = (np.broadcast_to(each, places.shape) for each in target.coefficients(alpha, sigma))
    alpha, sigma = (np.asarray(each)[:, None] for each in (alpha, sigma))
    # D = (σN - ex)/(cσ - eα), whatever the network N regresses on.
    outputs = (np.asarray(each.gain(jnp.asarray(TIMES)[:, None], times)) for each in pair)
    own, every = (
        (sigma * out - noise[:, None]) / (signal * sigma[:, 0] - noise * alpha[:, 0])[:, None] for out in outputs
    )
    contraction = 1 - alpha * ((1 + strength) * own - strength * every)
    return float(process.initial_log_variance()) - 2 * np.einsum("n,tnk->tk", weights, contraction)


BY_NAME = {case.id: case.values[0] for case in (*cases.ALL, *cases.LAYERED)}
QUICK = ("one_layer-edm-DenoiserTarget", "symmetric_two_layer-edm-DenoiserTarget")
SLOW = (
    "two_layer-edm-DenoiserTarget",
    "imbalanced-edm-DenoiserTarget",
    "depth_3-edm-DenoiserTarget",
    "depth_4-edm-DenoiserTarget",
    "heavy_ball-flow-FlowTarget",
    "one_layer-vp_linear-DenoiserTarget",
    "one_layer-flow-FlowTarget",
)


@pytest.mark.slow_cases(*SLOW)
@pytest.mark.parametrize("name", [*QUICK, *SLOW])
def test_variance_is_that_of_the_guided_denoiser(name):
    own = cases.spectrum(VARIANCES)
    pair = [BY_NAME[name].denoiser(each, 0.1) for each in (own, spectrum_of_all_classes(own, jnp.asarray(BETWEEN)))]
    found = guided_variance(*pair, 1.7, TIMES)
    np.testing.assert_allclose(np.log(found), by_hand(pair, 1.7), atol=1e-8)


def one_layers(within=VARIANCES, between=BETWEEN, initial=0.0, process=None):
    own = cases.spectrum(within)
    spectra = own, spectrum_of_all_classes(own, jnp.asarray(between))
    return [OneLayer(each, process or EDM(), initial, 1.0) for each in spectra]


def test_no_guidance_all_classes_and_the_end_of_training():
    pair = one_layers(process=EDM(1e-6, 1e4))
    strengths = np.array([0.0, -1.0, 2.0])
    alone, everything, guided = guided_variance(*pair, strengths[:, None], np.array([0.0, 0.3, 2.0, np.inf])[None])
    np.testing.assert_allclose(alone, generated_variance(pair[0], jnp.asarray([0.0, 0.3, 2.0, np.inf])), rtol=1e-12)
    np.testing.assert_allclose(
        everything, generated_variance(pair[1], jnp.asarray([0.0, 0.3, 2.0, np.inf])), rtol=1e-12
    )
    np.testing.assert_allclose(guided[-1], VARIANCES**3 / (VARIANCES + BETWEEN) ** 2, rtol=1e-6)


@pytest.mark.parametrize("initial", [0.0, 0.3])
def test_overshoot_of_classes_that_differ_little(initial):
    """N λ/m² = 1 - e^{-y} + (1 - Q) y e^{-y} (ln λ/σ_0² - γ - ln y): five at y = 1, λ = 1, σ_0 = .002, Q = 0."""
    share, process = 1e-4, EDM(0.002, 1e4)
    y = np.array([0.1, 0.5, 1.0, 3.0])
    ends = [one_layers(VARIANCES, side * share * VARIANCES, initial, process)[1] for side in (1.0, 0.0)]
    # Modes at times of their own: mode k at y/(2λ_k).
    for mode, variance in enumerate(VARIANCES):
        logs = [np.log(np.asarray(generated_variance(end, y / (2 * variance)))[:, mode]) for end in ends]
        grown = 1 - np.exp(-y)
        passing = y * np.exp(-y) * (np.log(variance / 0.002**2) - np.euler_gamma - np.log(y))
        np.testing.assert_allclose((logs[0] - logs[1]) / share, grown + (1 - initial) * passing, rtol=2e-3)


def test_spectrum_of_all_classes_keeps_order_and_basis():
    basis = jnp.asarray(np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))[0])
    within = Spectrum(jnp.ones(3), jnp.asarray(VARIANCES), basis)
    every = spectrum_of_all_classes(within, jnp.asarray([0.0, 5.0, 0.0]))
    np.testing.assert_array_equal(every.variance, VARIANCES + [0, 5, 0])
    np.testing.assert_array_equal(every.basis, basis)


# --- Two clusters ---


def clusters_by_scipy(mean, variance, strength):
    """ln of the flow's derivative, and the confidence, averaged over the class's own noisy law."""
    low, high, places = 0.002, 80.0, np.linspace(-9, 9, 181)
    weights = np.exp(-(places**2) / 2)
    weights /= weights.sum()

    def rates(log_level, state):
        square, x = np.exp(2 * log_level), state[:181]
        total, towards = variance + square, np.tanh(mean * x / (variance + square))
        score = (mean - x) / total + strength * mean / total * (1 - towards)
        slope = -1 / total - strength * (mean / total) ** 2 * (1 - towards**2)
        return np.concatenate([-square * score, -square * slope])

    start = np.concatenate([mean + np.sqrt(variance + high**2) * places, np.zeros(181)])
    ends = np.log(high), np.log(low)
    end = solve_ivp(rates, ends, start, method="DOP853", rtol=1e-11, atol=1e-12).y[:, -1]
    without = np.log((variance + low**2) / (variance + high**2)) / 2
    confidence = 1 / (1 + np.exp(-2 * mean * end[:181] / (variance + low**2)))
    return weights @ end[181:] - without, weights @ confidence


@pytest.mark.parametrize("setting", [(1.0, 0.25, 2.0), (0.5, 1.0, 0.7), (1.0, 0.01, 10.0)])
def test_entropy_and_confidence_by_the_flows_own_derivative(setting):
    np.testing.assert_allclose(guided_clusters(*setting), clusters_by_scipy(*setting), atol=1e-8)


def test_entropy_falls_and_confidence_rises_with_guidance():
    change, confidence = np.transpose([guided_clusters(1.0, 0.25, strength) for strength in (0.0, 0.5, 1.0, 2.0, 4.0)])
    assert change[0] == 0
    assert np.all(np.diff(change) < -0.05)
    assert np.all(np.diff(confidence) > 0)


@pytest.mark.slow
def test_single_precision():
    single = one_layers(VARIANCES.astype(np.float32), BETWEEN.astype(np.float32))
    found = guided_variance(*single, np.float32(2.0), TIMES.astype(np.float32))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, guided_variance(*one_layers(), 2.0, TIMES), rtol=1e-5)
    clusters = guided_clusters(*jnp.asarray([1.0, 0.25, 2.0], jnp.float32))
    np.testing.assert_allclose(clusters, guided_clusters(1.0, 0.25, 2.0), rtol=1e-5)


def test_what_is_refused():
    own = Spectrum.from_variances(VARIANCES)
    layer = OneLayer(own, EDM(), 0.1, 1.0)
    with pytest.raises(ValueError, match="must not mix modes"):
        guided_variance(layer, OneLayerWithBias(own, EDM(), 0.1, 1.0), 1.0, 1.0)
    with pytest.raises(ValueError, match="must share their process"):
        guided_variance(layer, OneLayer(own, EDM(0.01), 0.1, 1.0), 1.0, 1.0)
    turned = Spectrum(own.mean, own.variance, jnp.eye(3)[::-1])
    with pytest.raises(ValueError, match="the basis of their modes"):
        guided_variance(layer, OneLayer(turned, EDM(), 0.1, 1.0), 1.0, 1.0)
    with pytest.raises(ValueError, match="the same number of modes"):
        guided_variance(layer, OneLayer(Spectrum.from_variances([1.0]), EDM(), 0.1, 1.0), 1.0, 1.0)
    with pytest.raises(ValueError, match="must be one per mode"):
        spectrum_of_all_classes(own, jnp.ones(2))
    with pytest.raises(ValueError, match="must be zero or more"):
        spectrum_of_all_classes(own, -jnp.ones(3))
    with pytest.raises(ValueError, match="variance must be positive"):
        guided_clusters(1.0, 0.0, 1.0)
    with pytest.raises(ValueError, match="strength must be finite"):
        guided_clusters(1.0, 1.0, np.inf)
