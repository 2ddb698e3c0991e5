"""Full-width and patch convolutions against training and sampling written out in pixels; limits, symmetries."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.linalg
from hypothesis import given
from hypothesis import strategies as st

from tests import cases
from tests.oracles import convolutions as pixels
from tests.theory.spectral_law.convolution_settings import (
    GAINS,
    GRIDS,
    SETTING,
    SETTINGS,
    TIMES,
    centre,
    oracle_of,
    patch_of,
)
from theory import (
    EDM,
    FullWidthConvolution,
    OneLayer,
    PatchConvolution,
    Spectrum,
    emergence_time,
    generated_variance,
    generated_variance_by_quadrature,
)
from theory.definitions.objectives import Objective
from theory.definitions.preconditionings import ConstantSkip, EDMPreconditioning
from theory.definitions.spectra import shift_average
from theory.definitions.targets import DenoiserTarget
from theory.definitions.weights import EDMWeight

CLOSED = ["edm", "edm-inverse-noise", "flow"]
EACH_GRID = pytest.mark.parametrize(("grid", "widths"), GRIDS)
RNG = np.random.default_rng(0)


# --- Filters ---


@EACH_GRID
@SETTING
def test_patch_filter_equals_training_in_pixels(setting, grid, widths):
    autocovariance, t = pixels.random_autocovariance(grid), setting[-1]
    oracle = oracle_of(autocovariance, widths, setting)
    starts = [centre(widths, q) for q in GAINS] + [RNG.normal(size=np.prod(widths))]
    for start in starts:
        denoiser = patch_of(autocovariance, widths, setting, initial_filter=start.reshape(widths))
        taps = denoiser.weights(jnp.asarray(TIMES), jnp.asarray(t))
        assert taps.shape == (len(TIMES), *widths)
        expected = oracle.flow(start, TIMES, t)
        np.testing.assert_allclose(taps.reshape(len(TIMES), -1), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("grid", [(7,), (4, 5)])
@SETTING
def test_full_width_filter_equals_training_in_pixels(setting, grid):
    autocovariance, t = pixels.random_autocovariance(grid), setting[-1]
    oracle = oracle_of(autocovariance, grid, setting)
    for gain in GAINS:
        denoiser = FullWidthConvolution.from_autocovariance(autocovariance, setting[0], gain, 1.0, setting[1])
        taps = denoiser.weights(jnp.asarray(TIMES), jnp.asarray(t))
        assert taps.shape == (len(TIMES), *grid)
        expected = oracle.flow(centre(grid, gain), TIMES, t)
        np.testing.assert_allclose(taps.reshape(len(TIMES), -1), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize(("grid", "widths"), [*GRIDS, ((8,), (8,)), ((2, 4), (2, 4))])
def test_filter_equals_integration_of_the_explicit_gradient(grid, widths):
    autocovariance = pixels.random_autocovariance(grid)
    expected = oracle_of(autocovariance, widths).flow_by_integration(centre(widths, 0.4), 0.05, 0.7)
    if grid == widths:
        denoiser = FullWidthConvolution.from_autocovariance(autocovariance, EDM(), 0.4, 1.0)
    else:
        denoiser = patch_of(autocovariance, widths, gain=0.4)
    np.testing.assert_allclose(denoiser.weights(0.05, 0.7).ravel(), expected, rtol=0, atol=1e-9)


@EACH_GRID
def test_gain_is_what_the_filter_does_to_each_mode(grid, widths):
    autocovariance = pixels.random_autocovariance(grid)
    oracle = oracle_of(autocovariance, widths)
    denoisers = [
        (patch_of(autocovariance, widths, initial_filter=RNG.normal(size=widths)), oracle),
        (FullWidthConvolution.from_autocovariance(autocovariance, EDM(), 0.3, 1.0), oracle_of(autocovariance, grid)),
    ]
    for denoiser, trained in denoisers:
        basis = np.asarray(denoiser.spectrum.basis)
        matrix = trained.map(np.asarray(denoiser.weights(0.1, 0.7)).ravel())
        np.testing.assert_allclose(denoiser.gain(0.1, 0.7), np.diag(basis.T @ matrix @ basis), rtol=0, atol=1e-13)


def test_initial_gain_per_mode_of_the_full_width():
    """Any symmetric gains are a filter; the modes do not mix."""
    autocovariance, gain = pixels.random_autocovariance((3, 4)), np.array([[1.0, 0.5, 0.2, 0.5], [0.1, 0.7, 0.3, 0.4]])
    gain = np.stack([gain[0], gain[1], gain[1][[0, 3, 2, 1]]])
    denoiser = FullWidthConvolution.from_autocovariance(autocovariance, EDM(), gain.ravel(), 1.0)
    taps = np.asarray(denoiser.weights(0.0, 1.0))
    np.testing.assert_allclose(np.fft.fft2(np.fft.ifftshift(taps)), gain, atol=1e-14)
    np.testing.assert_allclose(denoiser.gain(0.0, 1.0), gain.ravel(), rtol=1e-14)
    expected = oracle_of(autocovariance, (3, 4)).flow(taps.ravel(), TIMES, 0.7)
    np.testing.assert_allclose(
        denoiser.weights(jnp.asarray(TIMES), 0.7).reshape(len(TIMES), -1), expected, rtol=0, atol=1e-12
    )


@pytest.mark.parametrize("grid", [(8,), (3, 4)])
def test_full_width_on_any_data_is_that_on_all_their_shifts(grid):
    size = int(np.prod(grid))
    mixing = RNG.normal(size=(size, size))
    covariance = mixing @ mixing.T / size  # not stationary
    oracle = pixels.Convolution(covariance, grid, grid, *SETTINGS["edm"][2:5])
    denoiser = FullWidthConvolution.from_autocovariance(shift_average(covariance, grid), EDM(), 0.3, 1.0)
    expected = oracle.flow(centre(grid, 0.3), TIMES, 0.7)
    actual = denoiser.weights(jnp.asarray(TIMES), 0.7).reshape(len(TIMES), -1)
    np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-12)
    # The network that is not shared between pixels tells the two apart.
    free = OneLayer(Spectrum(jnp.zeros(size), *map(jnp.asarray, np.linalg.eigh(covariance))), EDM(), 0.3, 1.0)
    assert np.abs(free.weights(jnp.inf, 0.7) - oracle.map(expected[-1])).max() > 0.1


# --- What they generate ---


@EACH_GRID
@SETTING
def test_patch_variance_equals_sampling_in_pixels(setting, grid, widths):
    autocovariance, times = pixels.random_autocovariance(grid), TIMES[1:4]
    oracle, skew = oracle_of(autocovariance, widths, setting), 0.3 * RNG.normal(size=np.prod(widths))
    for start in [centre(widths, 0.0), centre(widths, 0.5), centre(widths, 1.3), skew]:
        denoiser = patch_of(autocovariance, widths, setting, initial_filter=start.reshape(widths))
        expected = oracle.log_variance(start, times, np.asarray(denoiser.spectrum.basis))
        actual = np.log(generated_variance(denoiser, jnp.asarray(times)))
        np.testing.assert_allclose(actual, expected, rtol=0, atol=2e-11)


@pytest.mark.parametrize("grid", [(8,), (3, 4)])
@SETTING
def test_full_width_variance_equals_sampling_in_pixels(setting, grid):
    autocovariance, times = pixels.random_autocovariance(grid), TIMES[1:4]
    denoiser = FullWidthConvolution.from_autocovariance(autocovariance, setting[0], 0.5, 1.0, setting[1])
    expected = oracle_of(autocovariance, grid, setting).log_variance(
        centre(grid, 0.5), times, np.asarray(denoiser.spectrum.basis)
    )
    actual = np.log(generated_variance(denoiser, jnp.asarray(times)))
    np.testing.assert_allclose(actual, expected, rtol=0, atol=2e-11)


@pytest.mark.parametrize("name", ["edm", "flow"])
def test_covariance_of_the_samples_is_diagonal_in_fourier_modes(name):
    """From a filter that is not even, whose map is not symmetric."""
    setting, autocovariance = SETTINGS[name], pixels.random_autocovariance((6,))
    start = np.array([0.1, 0.4, -0.3])
    denoiser = patch_of(autocovariance, 3, setting, initial_filter=start)
    generated = oracle_of(autocovariance, (3,), setting).generated_covariance(start, 0.02)
    basis = np.asarray(denoiser.spectrum.basis)
    expected = basis @ np.diag(generated_variance(denoiser, 0.02)) @ basis.T
    np.testing.assert_allclose(generated, expected, rtol=0, atol=1e-9 * np.abs(expected).max())


@pytest.mark.parametrize("name", CLOSED)
@EACH_GRID
def test_closed_form_equals_quadrature_at_all_times(grid, widths, name):
    autocovariance = 10 * pixels.random_autocovariance(grid) + 1e-3 * np.eye(1, np.prod(grid)).reshape(grid)
    times = jnp.asarray(np.concatenate([[0.0], np.logspace(-7, 6, 14), [np.inf]]))
    for gain in GAINS:
        denoiser = patch_of(autocovariance, widths, SETTINGS[name], gain)
        closed, quadrature = generated_variance(denoiser, times), generated_variance_by_quadrature(denoiser, times)
        np.testing.assert_allclose(np.log(closed), np.log(quadrature), rtol=0, atol=1e-11)


@pytest.mark.parametrize(
    "objective",
    [Objective(preconditioning=ConstantSkip(0.6)), Objective(DenoiserTarget(), EDMWeight(), EDMPreconditioning())],
)
def test_preconditioned_patch(objective):
    """A skip moves the centre of the initial filter; any other preconditioning goes by quadrature."""
    autocovariance, tau = pixels.random_autocovariance((7,)), jnp.asarray(TIMES)
    denoiser = PatchConvolution.from_autocovariance(autocovariance, 3, EDM(), 0.2, 1.0, objective)
    actual = np.log(generated_variance(denoiser, tau))
    if isinstance(objective.preconditioning, ConstantSkip):
        plain = patch_of(autocovariance, 3, gain=0.8)
        np.testing.assert_allclose(denoiser.gain(tau, 0.7), plain.gain(tau, 0.7), rtol=1e-12, atol=1e-14)
        np.testing.assert_allclose(actual, np.log(generated_variance(plain, tau)), rtol=0, atol=1e-12)
    # Width 7 of 7 decouples the modes, whatever the preconditioning.
    patch, full = (
        build(autocovariance, *width, EDM(), 0.2, 1.0, objective)
        for build, width in [
            (PatchConvolution.from_autocovariance, (7,)),
            (FullWidthConvolution.from_autocovariance, ()),
        ]
    )
    np.testing.assert_allclose(patch.gain(tau, 0.7), full.gain(tau, 0.7), rtol=0, atol=1e-13)
    assert np.abs(actual - np.log(generated_variance(full, tau))).max() > 0.1


# --- Limits ---


@pytest.mark.slow
@pytest.mark.parametrize(("grid", "name"), [((7,), "edm"), ((7,), "vp"), ((3, 5), "flow")])
def test_patch_of_the_full_odd_width_is_the_full_width_convolution(grid, name):
    setting, autocovariance, tau = SETTINGS[name], pixels.random_autocovariance(grid), jnp.asarray([*TIMES, np.inf])
    patch = patch_of(autocovariance, grid, setting, 0.3)
    full = FullWidthConvolution.from_autocovariance(autocovariance, setting[0], 0.3, 1.0, setting[1])
    np.testing.assert_allclose(patch.weights(tau, 0.3), full.weights(tau, 0.3), rtol=0, atol=1e-13)
    np.testing.assert_allclose(np.log(generated_variance(patch, tau) / generated_variance(full, tau)), 0, atol=1e-12)


def test_full_width_is_one_layer_n_times_as_fast():
    autocovariance, tau = pixels.random_autocovariance((6,)), jnp.asarray(TIMES)
    full = FullWidthConvolution.from_autocovariance(autocovariance, EDM(), 0.3, 0.7)
    layer = OneLayer(Spectrum.from_autocovariance(autocovariance), EDM(), 0.3, 0.7)
    np.testing.assert_allclose(generated_variance(full, tau), generated_variance(layer, 6 * tau), rtol=1e-12)
    times = emergence_time(full) * 6 / emergence_time(layer)
    np.testing.assert_allclose(times[np.isfinite(times)], 1, rtol=1e-9)


def test_patch_of_one_tap_learns_the_mean_variance():
    autocovariance, tau = pixels.random_autocovariance((3, 4)), jnp.asarray([*TIMES, np.inf])
    mean = np.fft.fft2(autocovariance).real.mean()
    patch = generated_variance(patch_of(autocovariance, 1, gain=0.3), tau)
    layer = generated_variance(OneLayer(cases.spectrum(np.array([mean])), EDM(), 0.3, 1.0), 12 * tau)
    np.testing.assert_allclose(patch, np.broadcast_to(layer, (6, 12)), rtol=1e-12)


def test_white_noise_is_generated_white():
    tau = jnp.asarray([*TIMES, np.inf])
    patch = generated_variance(patch_of(0.6 * np.eye(1, 8)[0], 5, gain=0.3), tau)
    layer = generated_variance(OneLayer(cases.spectrum(np.array([0.6])), EDM(), 0.3, 1.0), 8 * tau)
    np.testing.assert_allclose(patch, np.broadcast_to(layer, (6, 8)), rtol=1e-12)


def test_patch_before_and_after_training():
    autocovariance = pixels.random_autocovariance((9,))
    patch = patch_of(autocovariance, 5, gain=0.3)
    initial, converged = generated_variance(patch, jnp.asarray([0.0, jnp.inf]))
    np.testing.assert_allclose(initial, np.full(9, 80.0**2 * (0.002 / 80) ** (2 * 0.7)), rtol=1e-13)
    # DFT of (log(Σ_patch + σ_0²) - log(Σ_patch + σ_T²) + ln σ_T²) e_0.
    patches = scipy.linalg.toeplitz(autocovariance[:5])
    low, high = (scipy.linalg.logm(patches + s**2 * np.eye(5))[:, 2] for s in (0.002, 80.0))
    wave = np.exp(2j * np.pi * np.outer(np.arange(9), np.arange(-2, 3)) / 9)
    np.testing.assert_allclose(np.log(converged), (wave @ (low - high)).real + 2 * np.log(80.0), rtol=0, atol=1e-11)
    huge = EDM(0.002, 1e7)
    far = generated_variance(PatchConvolution.from_autocovariance(autocovariance, 5, huge, 0.3, 1.0), jnp.inf)
    np.testing.assert_allclose(np.log(far), (wave @ low).real, rtol=0, atol=1e-11)
    # A trigonometric polynomial of degree 2, and not the data's spectrum.
    np.testing.assert_allclose(np.fft.fft(np.log(converged))[3:-2], 0, atol=1e-11)
    assert np.abs(np.log(converged / patch.spectrum.variance)).max() > 0.1


# --- Properties ---


@pytest.mark.parametrize("build", ["patch", "full"])
@given(st.integers(0, 1000), st.floats(0, 1.5), st.floats(-6, 3), st.floats(-2, 2), st.tuples(*2 * [st.integers(0, 4)]))
@cases.property_test
def test_symmetries(build, seed, gain, log_time, log_factor, shift):
    """τ ↔ η; λ, σ² → cλ, cσ² with τ → τ/c; shifts and reflections of the data change nothing; variances positive."""
    x = np.random.default_rng(seed).normal(size=(3, 4, 5))
    tau, factor = 10.0**log_time, 10.0**log_factor

    def variance(x, tau, rate=1.0, scale=1.0):
        flat = x.reshape(3, -1)
        autocovariance = shift_average(flat.T @ flat / 3, (4, 5))
        width = (3,) if build == "patch" else ()
        process = EDM(0.002 * scale, 80.0 * scale)
        made = {"patch": PatchConvolution, "full": FullWidthConvolution}[build].from_autocovariance
        return np.asarray(generated_variance(made(autocovariance, *width, process, gain, rate), jnp.asarray(tau)))

    reference = variance(x, tau)
    assert np.all(reference > 0)
    np.testing.assert_allclose(variance(x, tau / factor, rate=factor), reference, rtol=1e-11)
    scale = np.sqrt(factor)
    np.testing.assert_allclose(variance(scale * x, tau / factor, scale=scale) / factor, reference, rtol=1e-10)
    np.testing.assert_allclose(variance(np.roll(x, shift, (1, 2)), tau), reference, rtol=1e-10)
    np.testing.assert_allclose(variance(x[:, ::-1, ::-1], tau), reference, rtol=1e-10)


def test_single_precision():
    autocovariance, tau = pixels.random_autocovariance((7,)), np.array([0.0, 1e-3, 0.1, 5.0])
    spectrum = Spectrum.from_autocovariance(autocovariance)
    single = Spectrum(*(jnp.asarray(x, jnp.float32) for x in (spectrum.mean, spectrum.variance, spectrum.basis)))
    for build, start in ((PatchConvolution, np.array([0.0, 0.3, 0.0])), (FullWidthConvolution, 0.3)):
        exact = generated_variance(build(spectrum, EDM(), start, 1.0), jnp.asarray(tau))
        rounded = generated_variance(build(single, EDM(), start, 1.0), jnp.asarray(tau, jnp.float32))
        assert rounded.dtype == np.float32
        np.testing.assert_allclose(rounded, exact, rtol=1e-4)


@pytest.mark.slow
def test_single_precision_refuses_data_too_smooth_for_it():
    """Patches of a smooth ring have components that round-off hides: what one generated was wrong by a fifth."""
    images = np.arange(16) + 16 * np.arange(-4, 5)[:, None]
    smooth = 10 * np.sum(np.exp(-((images / 3) ** 2) / 2), axis=0)

    def gain(width, factor=1.0):
        patch = PatchConvolution.from_autocovariance(factor * smooth, width, EDM(), 0.1, 1.0)
        return patch.gain(1.0, 0.1)

    assert np.isfinite(gain(9)).all()
    with jax.enable_x64(False):
        assert np.isfinite(gain(3)).all()
        with pytest.raises(ValueError, match="PatchConvolution with second moments .*jax_enable_x64"):
            gain(9)
        assert np.isnan(jax.jit(gain, static_argnums=0)(9, 1.0)).all()


def test_patch_emergence_times_solve_their_equation():
    patch = patch_of(pixels.random_autocovariance((9,)), 3, gain=0.1)
    times = emergence_time(patch)
    emerged = np.isfinite(times)
    assert emerged.any()
    level = np.sqrt(generated_variance(patch, 0.0) * patch.spectrum.variance)
    reached = np.diag(generated_variance(patch, jnp.where(jnp.asarray(emerged), times, 0.0)))
    np.testing.assert_allclose(reached[emerged], level[emerged], rtol=1e-8)


# --- What is refused ---

RING, TORUS = pixels.random_autocovariance((7,)), pixels.random_autocovariance((4, 5))
patch_from, full_from = PatchConvolution.from_autocovariance, FullWidthConvolution.from_autocovariance


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: patch_from(RING, 4, EDM(), 0.1, 1.0), "must be odd"),
        (lambda: patch_from(RING, 9, EDM(), 0.1, 1.0), "between 1 and 7; got 9"),
        (lambda: patch_from(TORUS, 5, EDM(), 0.1, 1.0), "between 1 and 4; got 5"),
        (lambda: patch_from(TORUS, (3, 2), EDM(), 0.1, 1.0), "must be odd"),
        (lambda: patch_from(TORUS, (3,), EDM(), 0.1, 1.0), "must be one per axis"),
        (lambda: patch_from(RING, 3, EDM(), [0.1, 0.2, 0.1], 1.0), "one number; got shape"),
        (lambda: patch_from(RING, 3, EDM(), None, 1.0), "one of initial_gain and initial_filter"),
        (lambda: patch_from(RING, 3, EDM(), 0.1, 1.0, None, np.ones(3)), "one of initial_gain and initial_filter"),
        (lambda: patch_from(RING, 3, EDM(), None, 1.0, None, np.ones(5)), r"must have the shape \(3,\)"),
        (lambda: patch_from(RING, 3, EDM(), np.nan, 1.0), "must be finite"),
        (lambda: patch_from(RING, 3, EDM(), 0.1, -1.0), "learning_rate must be positive"),
        (lambda: full_from(RING, EDM(), np.arange(7.0), 1.0), "same at frequencies k and -k"),
        (lambda: full_from(RING, EDM(), [0.1, 0.2], 1.0), "one per mode"),
        (lambda: FullWidthConvolution(Spectrum.power_law(4, 1.0), EDM(), 0.1, 1.0), "same at frequencies k and -k"),
        (
            lambda: FullWidthConvolution(Spectrum.from_autocovariance(RING), EDM(), 0.1, 1.0, grid=(2, 3)),
            "for each of 7 modes",
        ),
    ],
)
def test_arguments_that_are_refused(build, message):
    with pytest.raises(ValueError, match=message):
        build()
