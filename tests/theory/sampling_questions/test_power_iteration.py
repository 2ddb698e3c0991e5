"""Alignment against Gauss-Legendre sums of other panels, its peak by finite differences, powers by differentiation."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import optimize, special

from tests import cases
from theory import (
    EDM,
    FlowMatching,
    FullWidthConvolution,
    MisalignedTwoLayer,
    OneLayer,
    OneLayerWithBias,
    PatchConvolution,
    Spectrum,
    emergence_time,
    generated_variance,
)
from theory.sampling_questions.power_iteration import (
    alignment,
    alignment_peak,
    covariance_power,
    peak_time_of_two_modes,
)
from theory.sampling_questions.schedules import IdealGain, ddim_variance

VARIANCES = np.array([3.0, 0.3, 0.01])
NODES, WEIGHTS = np.polynomial.legendre.leggauss(24)


@pytest.fixture(scope="module", autouse=True)
def quick_compilation():
    """Compiling is nearly all the time there is."""
    jax.config.update("jax_disable_most_optimizations", True)
    yield
    jax.config.update("jax_disable_most_optimizations", False)


def one_layer(variance=VARIANCES, initial=0.0, rate=1.0, process=None):
    return OneLayer(cases.spectrum(variance), process or EDM(), initial, rate)


def log_odds_by_hand(denoiser):
    """ln τ (n,) -> ln of λ̃_1 over the sum of the others, from gains of the denoised data at places of our own."""
    process = denoiser.process
    low, high = (float(end) for end in process.log_ratio_range())
    edges = np.linspace(low, high, int(np.ceil((high - low) / 0.11)) + 1)
    places = jnp.asarray((edges[:-1, None] + np.diff(edges)[:, None] * (1 + NODES) / 2).ravel())
    weights = (np.diff(edges)[:, None] * WEIGHTS / 2).ravel()
    alpha, sigma = (np.asarray(each) for each in process.scales_at_log_ratio(places))
    target = denoiser.objective.target
    signal, noise = (np.broadcast_to(each, alpha.shape) for each in target.coefficients(alpha, sigma))
    times = process.time_from_log_snr(2 * places)
    gains = jax.jit(lambda tau: denoiser.gain(tau, times))  # one time at a time: compiled once
    rates = (sigma / (signal * sigma - noise * alpha))[:, None], signal[:, None], alpha[:, None]

    def odds(log_times):
        learned = np.stack([gains(jnp.asarray(tau)) for tau in np.exp(log_times)])
        lost = rates[0] * (rates[1] - rates[2] * learned)
        logs = -2 * np.einsum("n,tnk->tk", weights, lost)
        return logs[:, 0] - np.log(np.exp(logs[:, 1:]).sum(axis=1))

    return odds


def slope_of(odds, log_time, step=5e-4):  # the heavy ball swings fast where noise is large
    near, far = (np.diff(odds(np.array([log_time - by, log_time + by])))[0] / (2 * by) for by in (step, 2 * step))
    return (4 * near - far) / 3


BY_NAME = {case.id: case.values[0] for case in (*cases.ALL, *cases.LAYERED)}
QUICK = ("one_layer-edm-DenoiserTarget",)
SLOW = (
    "symmetric_two_layer-edm-DenoiserTarget",
    "two_layer-edm-DenoiserTarget",
    "imbalanced-edm-DenoiserTarget",
    "depth_3-edm-DenoiserTarget",
    "depth_4-edm-DenoiserTarget",
    "heavy_ball-edm-DenoiserTarget",
    "one_layer-vp_linear-DenoiserTarget",
)


@pytest.mark.slow_cases(*SLOW)
@pytest.mark.parametrize("name", [*QUICK, *SLOW])
def test_peak_by_finite_differences_of_other_panels(name):
    denoiser = BY_NAME[name].denoiser(cases.spectrum(VARIANCES), 0.1)
    peak, odds = alignment_peak(denoiser), log_odds_by_hand(denoiser)
    middle = float(jnp.log(peak.time))
    found = optimize.brentq(lambda place: slope_of(odds, place), middle - 0.05, middle + 0.05, xtol=1e-13)
    assert middle == pytest.approx(found, abs=1e-8)
    (top,) = odds(np.array([found]))
    assert float(peak.overshoot) == pytest.approx(top - np.log(VARIANCES[0] / VARIANCES[1:].sum()), abs=1e-8)
    assert float(peak.alignment) == pytest.approx(1 / (1 + np.exp(-top)), rel=1e-8)
    # It is the largest of all training.
    times = np.linspace(middle - 6, middle + 6, 25)
    shares = alignment(denoiser, np.exp(times))
    np.testing.assert_allclose(shares, 1 / (1 + np.exp(-odds(times))), rtol=1e-8)
    assert np.all(np.asarray(shares) <= float(peak.alignment))


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
def test_share_and_peak_where_modes_mix_or_are_not_in_order(name):
    denoiser = MIXING[name]()
    leading, times = int(np.argmax(denoiser.spectrum.variance)), np.geomspace(1e-3, 1e2, 60)
    variance = np.asarray(generated_variance(denoiser, times))
    shares = variance[:, leading] / variance.sum(axis=1)
    np.testing.assert_allclose(alignment(denoiser, times), shares, rtol=1e-12)
    assert float(alignment_peak(denoiser).alignment) >= shares.max()


@pytest.mark.parametrize(("first", "process"), [(10.0, EDM()), (1.5, EDM(0.05, 5.0))])
def test_closed_form_of_two_modes_is_exact_at_any_noise(first, process):
    peak = alignment_peak(one_layer(np.array([0.7 * first, 0.7]), process=process))
    expected = np.log(first) / (1.4 * (first - 1))
    assert float(peak.time) == pytest.approx(expected, rel=1e-10)
    assert float(peak_time_of_two_modes(0.7 * first, 0.7)) == pytest.approx(expected, rel=1e-14)


def test_close_modes_have_both_emerged_before():
    """The ratio 2.46 of the docstring; 2 for σ_0 → 0."""

    def margin(ratio, low):
        spectrum = np.array([ratio, 1.0])
        time = peak_time_of_two_modes(ratio, 1.0)
        return float(jnp.log(time / emergence_time(one_layer(spectrum, process=EDM(low, 80.0)))[1]))

    assert margin(2.44, 0.002) > 0 > margin(2.47, 0.002)
    assert margin(2.15, 1e-30) < 0 < margin(1.95, 1e-30)


def test_numbers_of_the_docstring():
    shares = alignment(one_layer(np.array([10.0, 1.0, 0.1])), np.array([0.0, 5e-4, 0.13, np.inf]))
    np.testing.assert_allclose(shares, [1 / 3, 0.375, 0.99997, 10 / 11.1], atol=5e-4)


def test_velocities_of_flow_matching_do_not_overshoot():
    """E_1(cλ_1) - E_1(cλ_2), and no peak."""
    flow, c = one_layer(np.array([10.0, 1.0]), process=FlowMatching()), np.geomspace(1e-3, 10.0, 9)
    odds = special.logit(np.asarray(alignment(flow, c / 2))) - np.log(10)
    np.testing.assert_allclose(odds, special.exp1(10 * c) - special.exp1(c), rtol=1e-9, atol=1e-13)
    assert np.all(odds < 0)


@pytest.mark.slow
def test_where_there_is_no_peak():
    """From perfect gains at all levels but small ones: alignment only falls, or only rises."""
    falling = alignment_peak(one_layer(np.array([3.0, 2.9, 1e-4]), initial=np.array([0.9, 0.1, 0.1])))
    assert float(falling.time) == 0
    variance = np.asarray(generated_variance(one_layer(np.array([3.0, 2.9, 1e-4]), np.array([0.9, 0.1, 0.1])), 0.0))
    assert float(falling.alignment) == pytest.approx(variance[0] / variance.sum(), rel=1e-3)
    rising = alignment_peak(one_layer(np.array([3.0, 0.5]), initial=np.array([0.1, 1.0])))
    assert np.isinf(float(rising.time))
    assert np.isinf(float(alignment_peak(one_layer(np.array([3.0, 0.5]), process=FlowMatching())).time))
    assert float(rising.overshoot) == pytest.approx(0.0, abs=1e-3)  # λ/σ_T²


@pytest.mark.slow
def test_derivatives_batches_and_single_precision():
    def peak(rate, initial):
        return alignment_peak(one_layer(initial=initial, rate=rate))

    # τ* is ∝ 1/η, and the height does not depend on η.
    found, moved = jax.jvp(lambda rate: peak(rate, 0.1), (2.0,), (1.0,))
    assert float(moved.time) == pytest.approx(-float(found.time) / 2, rel=1e-7)
    assert float(moved.overshoot) == pytest.approx(0.0, abs=1e-7)
    gradient = jax.grad(lambda initial: jnp.log(peak(1.0, initial).time))(0.1)
    up, down = (float(jnp.log(peak(1.0, 0.1 + by).time)) for by in (1e-4, -1e-4))
    assert float(gradient) == pytest.approx((up - down) / 2e-4, rel=1e-5)
    batched = jax.vmap(lambda rate: peak(rate, 0.1).time)(jnp.array([1.0, 2.0]))
    np.testing.assert_allclose(batched, [2 * found.time, found.time], rtol=1e-9)
    single, double = alignment_peak(one_layer(VARIANCES.astype(np.float32))), alignment_peak(one_layer())
    assert single.time.dtype == np.float32
    assert float(single.time) == pytest.approx(float(double.time), rel=1e-3)
    assert float(single.overshoot) == pytest.approx(float(double.overshoot), abs=1e-5)


def test_powers_by_differentiation_and_their_bounds():
    def log_amplitude(log_variance, levels):
        gain = IdealGain(cases.spectrum(jnp.exp(log_variance)[None]), EDM())
        return jnp.log(ddim_variance(levels, gain)[0]) / 2

    variance = np.array([1e-3, 0.4, 7.0, 300.0])
    levels = jnp.asarray([40.0, 6.0, 2.0, 0.1, 0.0])
    expected = jax.vmap(jax.grad(log_amplitude), (0, None))(jnp.log(variance), levels)
    np.testing.assert_allclose(covariance_power(levels, variance), expected, rtol=1e-10)
    generator = np.random.default_rng(0)
    for _ in range(50):  # one shape, so compiled once
        drawn = np.append(np.sort(np.exp(generator.normal(scale=4.0, size=4)))[::-1], 0.0)
        powers = np.asarray(covariance_power(jnp.asarray(drawn), variance))
        assert np.all((powers > 0) & (powers <= 1))
    np.testing.assert_allclose(covariance_power(jnp.array([jnp.inf, 0.0]), variance), 1.0, rtol=1e-15)
    fine = jnp.append(jnp.geomspace(1e5, 1e-5, 4001), 0.0)
    np.testing.assert_allclose(covariance_power(fine, variance[1:3]), 0.5, rtol=2e-5)


def test_what_is_refused():
    with pytest.raises(ValueError, match="tau, a training time, must be zero or more"):
        alignment(one_layer(), -1.0)
    with pytest.raises(ValueError, match="needs two modes with data"):
        alignment_peak(one_layer(np.array([1.0, 0.0])))
    with pytest.raises(ValueError, match="the first the larger"):
        peak_time_of_two_modes(1.0, 1.0)
    with pytest.raises(ValueError, match="fall strictly to zero"):
        covariance_power(jnp.array([1.0, 0.5]), 1.0)
    with pytest.raises(ValueError, match="must be a sequence of two or more"):
        covariance_power(jnp.array([0.0]), 1.0)
    for wrong, sentence in ((-1.0, "must be zero or more"), (np.inf, "must be finite")):
        with pytest.raises(ValueError, match=f"variance {sentence}"):
            covariance_power(jnp.array([1.0, 0.0]), wrong)
    with pytest.raises(ValueError, match="positive and finite, the first the larger"):
        peak_time_of_two_modes(np.inf, 1.0)


def test_the_end_of_a_rise_is_that_of_training():
    """A mode without data is not forgotten at any time that a scan may reach."""
    peak = alignment_peak(one_layer(np.array([3.0, 0.0, 1.0]), initial=0.0, process=FlowMatching()))
    np.testing.assert_allclose(np.array(peak), [np.inf, 0.75, 0.0], rtol=1e-8, atol=1e-8)


def test_lists_limits_and_traced_modes():
    assert alignment(one_layer(), [0.0, 1.0]).shape == (2,)
    levels = [np.inf, 1.0, 0.1, 0.0]
    # 1 - p = Σ (ρ_i - ρ_{i+1})/... of small λ: -1/ρ² of the last step, and (ρ - ρ')/ρ²ρ' of those before.
    found, slope = jax.value_and_grad(lambda variance: covariance_power(levels, variance))(0.0)
    np.testing.assert_allclose([found, slope], [1.0, 9.0 - 100.0], rtol=1e-12)
    slopes = jax.grad(lambda levels: covariance_power(levels, 1.0))(jnp.array(levels))
    assert np.isfinite(slopes).all()
    traced = jax.jit(lambda variance: alignment(OneLayer(Spectrum(0 * variance, variance), EDM(), 0.0, 1.0), 1.0))
    assert np.isnan(traced(jnp.array([1.0, 0.0])))


@pytest.mark.slow
def test_peaks_of_close_and_of_distant_modes():
    second = np.random.default_rng(0).uniform(0.1, 1.0, 50)
    first = second * (1 + 1e-9)
    excess = (first - second) / second
    expected = (1 - excess / 2) / (2 * second)
    np.testing.assert_allclose(peak_time_of_two_modes(first, second), expected, rtol=1e-14)
    assert float(peak_time_of_two_modes(1e200, 1e-200)) == pytest.approx(200 * np.log(10) * 1e-200)
