"""Errors of gains and errors on the way, against a sampler that is run with and without them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests import cases
from theory import EDM, OneLayer, OneLayerWithBias, Spectrum, VariancePreserving, generated_variance
from theory.sampling_questions.error_propagation import log_step_factors, log_variance_of_errors, transmission

TIMES = np.array([0.0, 0.3, 2.0])
VARIANCES = np.array([3.0, 0.3, 0.01])
NODES, WEIGHTS = np.polynomial.legendre.leggauss(24)


@pytest.fixture(scope="module", autouse=True)
def quick_compilation():
    """Compiling is nearly all the time there is."""
    jax.config.update("jax_disable_most_optimizations", True)
    yield
    jax.config.update("jax_disable_most_optimizations", False)


def data_gain(denoiser, times):
    """αψ_D of the denoised data, (tau, times, modes)."""
    process, target = denoiser.process, denoiser.objective.target
    alpha, sigma = np.asarray(process.signal_scale(times)), np.asarray(process.noise_scale(times))
    signal, noise = (
        np.broadcast_to(each, alpha.shape) for each in target.coefficients(jnp.asarray(alpha), jnp.asarray(sigma))
    )
    outputs = np.asarray(denoiser.gain(jnp.asarray(TIMES)[:, None], times[None]))
    data = (sigma[:, None] * outputs - noise[:, None]) / (signal * sigma - noise * alpha)[:, None]
    return alpha[:, None] * data


def schedule(process, steps=12):
    low, high = (float(end) for end in process.log_ratio_range())
    return process.time_from_log_snr(2 * jnp.linspace(max(low, -8.0), min(high, 8.0), steps + 1))


def sampled(start, gains, log_ratios):
    """Mode amplitudes at the end of DDIM on x/α."""
    x = start
    for gain, step in zip(np.moveaxis(gains, 1, 0)[:-1], np.diff(log_ratios), strict=True):
        x = x + (np.exp(-step) - 1) * (x - gain * x)  # (ρ' - ρ) (x - D)/ρ
    return x


BY_NAME = {case.id: case.values[0] for case in (*cases.ALL, *cases.LAYERED)}
QUICK = ("one_layer-edm-DenoiserTarget",)
SLOW = (
    "symmetric_two_layer-edm-DenoiserTarget",
    "two_layer-edm-DenoiserTarget",
    "imbalanced-edm-DenoiserTarget",
    "depth_3-edm-DenoiserTarget",
    "depth_4-edm-DenoiserTarget",
    "heavy_ball-flow-FlowTarget",
)


@pytest.mark.slow_cases(*SLOW)
@pytest.mark.parametrize("name", [*QUICK, *SLOW])
def test_errors_of_gains_by_a_sampler_with_and_without(name):
    denoiser = BY_NAME[name].denoiser(cases.spectrum(VARIANCES), 0.1)
    times = schedule(denoiser.process)
    gains, log_ratios = data_gain(denoiser, times), np.asarray(denoiser.process.log_snr(times)) / 2
    errors = 0.1 * np.random.default_rng(0).normal(size=gains.shape)
    with_errors, without = (sampled(1.0, each, log_ratios) for each in (gains + errors, gains))
    parts = log_variance_of_errors(denoiser, TIMES, times, jnp.asarray(np.moveaxis(errors, 1, 0)[:-1]))
    np.testing.assert_allclose(parts.sum(axis=0), 2 * np.log(np.abs(with_errors / without)), atol=1e-9)
    factors = log_step_factors(denoiser, TIMES, times)
    np.testing.assert_allclose(factors.sum(axis=0), np.log(np.abs(without)), atol=1e-9)


@pytest.mark.slow_cases(*SLOW)
@pytest.mark.parametrize("name", [*QUICK, *SLOW])
def test_transmission_by_other_panels(name):
    denoiser = BY_NAME[name].denoiser(cases.spectrum(VARIANCES), 0.1)
    process = denoiser.process
    time = schedule(process)[5]
    start, end = float(process.log_snr(time)) / 2, float(process.log_ratio_range()[1])
    edges = np.linspace(start, end, int(np.ceil((end - start) / 0.11)) + 1)
    places = (edges[:-1, None] + np.diff(edges)[:, None] * (1 + NODES) / 2).ravel()
    weights = (np.diff(edges)[:, None] * WEIGHTS / 2).ravel()
    gains = data_gain(denoiser, process.time_from_log_snr(2 * jnp.asarray(places)))
    alphas = process.scales_at_log_ratio(jnp.asarray([start, end]))[0]
    expected = alphas[1] / alphas[0] * np.exp(-np.einsum("n,tnk->tk", weights, 1 - gains))
    np.testing.assert_allclose(transmission(denoiser, TIMES, time), expected, rtol=1e-8)


def perfect(variance, process):
    return OneLayer(cases.spectrum(variance), process, 0.0, 1.0)


def test_perfect_denoisers():
    """√[(λ + ρ_0²)/(λ + ρ²)] α_0/α; from σ_T it is what the generated variance says; VP amplifies λ > 1 alone."""
    variance, process = np.array([4.0, 0.5, 0.01]), VariancePreserving()
    time = 0.4
    alpha, sigma = float(process.signal_scale(jnp.asarray(time))), float(process.noise_scale(jnp.asarray(time)))
    last, least = (float(scale(jnp.asarray(process.end_time))) for scale in (process.signal_scale, process.noise_scale))
    found = transmission(perfect(variance, process), np.inf, time)
    expected = np.sqrt((variance + (least / last) ** 2) / (variance + (sigma / alpha) ** 2)) * last / alpha
    np.testing.assert_allclose(found, expected, rtol=1e-10)
    np.testing.assert_allclose(found[:2], np.sqrt(variance / (alpha**2 * variance + sigma**2))[:2], rtol=2e-3)
    np.testing.assert_array_equal(np.asarray(found) > 1, variance > 1)
    on_edm = perfect(VARIANCES, EDM())
    whole = 80.0 * np.asarray(transmission(on_edm, TIMES, 80.0))
    np.testing.assert_allclose(whole**2, generated_variance(on_edm, jnp.asarray(TIMES)), rtol=1e-10)
    np.testing.assert_allclose(transmission(on_edm, 0.0, 0.5), np.full(3, 0.002 / 0.5), rtol=1e-10)  # not learned


@pytest.mark.slow
def test_single_precision():
    single, double = (perfect(VARIANCES.astype(kind), EDM()) for kind in (np.float32, np.float64))
    found = transmission(single, TIMES.astype(np.float32), np.float32(40.0))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, transmission(double, TIMES, 40.0), rtol=1e-5)
    times = schedule(EDM())
    factors = log_step_factors(single, TIMES.astype(np.float32), times.astype(np.float32))
    np.testing.assert_allclose(factors, log_step_factors(double, TIMES, times), atol=1e-5)


def test_what_is_refused():
    own, times = Spectrum.from_variances(VARIANCES), jnp.asarray([80.0, 1.0, 0.1])
    layer = OneLayer(own, EDM(), 0.1, 1.0)
    with pytest.raises(ValueError, match="modes must not mix"):
        transmission(OneLayerWithBias(own, EDM(), 0.1, 1.0), 1.0, 1.0)
    with pytest.raises(ValueError, match="time must be one at which samples are on their way"):
        transmission(layer, 1.0, 100.0)
    with pytest.raises(ValueError, match="time must be one process time"):
        transmission(layer, 1.0, times)
    with pytest.raises(ValueError, match="from noise to data"):
        log_step_factors(layer, 1.0, times[::-1])
    with pytest.raises(ValueError, match="must be a sequence of two or more"):
        log_step_factors(layer, 1.0, times[:1])
    with pytest.raises(ValueError, match="errors must be"):
        log_variance_of_errors(layer, 1.0, times, jnp.ones((3, 3)))
