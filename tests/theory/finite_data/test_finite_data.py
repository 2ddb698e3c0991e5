"""Means and variances over training sets against sampled training sets, exact finite-P laws and polynomials."""

import inspect

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.optimize

from theory import (
    EDM,
    FlowMatching,
    OneLayer,
    Spectrum,
    VariancePreserving,
    effective_ridge,
    expected_gain_over_data,
    expected_generated_variance_over_data,
    expected_loss_over_data,
    gain_variance_over_data,
    generated_variance,
    one_layer_v_kernel,
    weight_mean_over_draws,
    weight_variance_at_ratio,
    weight_variance_of_least_squares,
    weight_variance_of_shared_data,
    weight_variance_over_draws,
)
from theory.definitions.objectives import Objective
from theory.definitions.preconditionings import EDMPreconditioning
from theory.definitions.targets import DenoiserTarget, FlowTarget, NoiseTarget, VelocityTarget
from theory.definitions.weights import PowerWeight
from theory.finite_data.deterministic_equivalent import degrees_of_freedom, expected_function, variance_of_function
from theory.spectral_law.denoiser import regression_at

VARIANCE = np.array([3.0, 1.0, 0.3])
INITIAL = np.array([0.1, 0.8, -0.5])
MEMBERS = 2000
# process, objective, noise level
SETTINGS = {
    "edm": (EDM(), Objective(), 0.7),
    "vp": (VariancePreserving(), Objective(VelocityTarget(), PowerWeight(0.5), EDMPreconditioning(0.7)), 0.3),
    "flow": (FlowMatching(), Objective(FlowTarget()), 0.6),
}
each_setting = pytest.mark.parametrize("setting", SETTINGS)
TIMES = np.array([0.05, 0.5, np.inf])


def denoiser_of(setting, variance=VARIANCE, initial=INITIAL, basis=None):
    process, objective, _ = SETTINGS[setting]
    spectrum = Spectrum(jnp.zeros(len(variance)), jnp.asarray(variance), None if basis is None else jnp.asarray(basis))
    return OneLayer(spectrum, process, initial, learning_rate=1.0, objective=objective)


def trained_weights(setting, tau, *, data, noises=1, members=MEMBERS, variance=VARIANCE, initial=INITIAL, seed=0):
    """Gradient flow on sampled training sets by matrix exponentials in NumPy, (members, d, d)."""
    process, objective, level = SETTINGS[setting]
    generator, level = np.random.default_rng(seed), jnp.asarray(level)
    alpha, sigma = float(process.signal_scale(level)), float(process.noise_scale(level))
    scales = process.signal_scale(level), process.noise_scale(level)
    signal, noise = (float(each) for each in objective.target.coefficients(*scales))
    skip, _, _, scale = (float(each) for each in objective.preconditioning.scales(*scales))
    clean = generator.normal(size=(members, data, len(variance))) * np.sqrt(variance)
    clean = np.repeat(clean, noises, axis=1)
    epsilon = generator.normal(size=clean.shape)
    x = alpha * clean + sigma * epsilon
    y = (signal * clean + noise * epsilon - skip * x) / scale
    inputs, cross = np.swapaxes(x, 1, 2) @ x / x.shape[1], np.swapaxes(y, 1, 2) @ x / x.shape[1]
    eigenvalues, basis = np.linalg.eigh(inputs)
    time = min(tau, 1e12) * float(objective.weight(process, level)) * scale**2
    kept = np.exp(-2 * time * eigenvalues)
    learned = (1 - kept) / eigenvalues
    exponential, integral = ((basis * each[:, None]) @ np.swapaxes(basis, 1, 2) for each in (kept, learned))
    return np.diag(initial) @ exponential + cross @ integral


def variance_and_error(weights):
    """Sample variance over members and its standard error from the fourth moment."""
    deviation = weights - weights.mean(axis=0)
    squares = deviation**2
    return squares.sum(axis=0) / (len(weights) - 1), squares.std(axis=0, ddof=1) / np.sqrt(len(weights))


def assert_within(measured, theory, error, bias=0.0, errors=4.5):
    """Within 4.5 standard errors, plus what the order left out may amount to, relative to the theory."""
    theory = np.asarray(theory)
    np.testing.assert_array_less(np.abs(measured - theory), errors * error + bias * np.abs(theory))


@each_setting
def test_variance_and_mean_over_draws(setting):
    draws, level = jnp.asarray(300.0), SETTINGS[setting][2]
    denoiser = denoiser_of(setting)
    variances = weight_variance_over_draws(denoiser, jnp.asarray(TIMES), level, draws).total
    means = weight_mean_over_draws(denoiser, jnp.asarray(TIMES), level, draws)
    gap = np.abs(INITIAL - np.asarray(regression_at(denoiser, jnp.asarray(level)).optimal_gain))
    for tau, expected_variance, expected_mean in zip(TIMES, variances, means, strict=True):
        weights = trained_weights(setting, tau, data=300)
        variance, error = variance_and_error(weights)
        assert_within(variance, expected_variance, error, bias=5 / 300)
        error = np.diagonal(weights.std(axis=0)) / np.sqrt(MEMBERS) + gap / 300 / 4.5
        assert_within(np.diagonal(weights.mean(axis=0)), expected_mean, error)


@each_setting
def test_variance_of_shared_data(setting):
    data, noises, level = 200, 3, SETTINGS[setting][2]
    theory = weight_variance_of_shared_data(
        denoiser_of(setting), jnp.asarray(TIMES), level, data=float(data), noises=float(noises)
    )
    for tau, expected in zip(TIMES, theory, strict=True):
        variance, error = variance_and_error(trained_weights(setting, tau, data=data, noises=noises, seed=1))
        assert_within(variance, expected, error, bias=10 / data)


@each_setting
def test_limits_of_the_variance(setting):
    denoiser, level = denoiser_of(setting), SETTINGS[setting][2]
    tau = jnp.asarray([0.0, 0.3, jnp.inf])
    over_draws = weight_variance_over_draws(denoiser, tau, level, 1e3)
    np.testing.assert_array_equal(over_draws.total[0], 0.0)
    np.testing.assert_array_equal(over_draws.design[2], 0.0)
    # One noise per datum is a set of triples; a limit of many is reached at infinity.
    once, often, always = (
        weight_variance_of_shared_data(denoiser, tau, level, data=1e3, noises=noises)
        for noises in jnp.asarray([1.0, 1e9, jnp.inf])
    )
    np.testing.assert_allclose(once, over_draws.total, rtol=1e-12, atol=1e-18)
    np.testing.assert_allclose(often, always, rtol=1e-6, atol=1e-18)
    # Least squares on many draws, and all functions of d/P on infinitely many.
    exact = weight_variance_of_least_squares(denoiser, level, 1e9)
    np.testing.assert_allclose(exact, over_draws.total[2] * 1e3 / 1e9, rtol=1e-8)
    np.testing.assert_allclose(
        weight_mean_over_draws(denoiser, tau[:2], level, 1e12), _network_gain(denoiser, tau[:2], level), rtol=1e-9
    )


def test_any_ratio_contains_infinitely_many_draws():
    denoiser, level, tau = denoiser_of("vp"), SETTINGS["vp"][2], jnp.asarray([0.0, 0.3, jnp.inf])
    leading, at_ratio = (of(denoiser, tau, level, 1e9) for of in (weight_variance_over_draws, weight_variance_at_ratio))
    np.testing.assert_allclose(at_ratio.targets, leading.targets, rtol=1e-7, atol=1e-20)
    # Zero at τ = ∞; the quadrature leaves 1e-8 of what the variance is before.
    np.testing.assert_allclose(at_ratio.design, leading.design, rtol=1e-7, atol=1e-8 * leading.design.max())


def _network_gain(denoiser, tau, level):
    return jnp.diagonal(denoiser.weights(tau, jnp.full(tau.shape, level)), axis1=-2, axis2=-1)


def test_edm_formulas_as_written():
    """Equations U1 and U2 in NumPy, element by element."""
    sigma, tau, n, m = 0.7, 0.2, 50.0, 4.0
    lam, s = VARIANCE, VARIANCE + sigma**2
    denoiser = denoiser_of("edm")
    k, l = np.meshgrid(range(3), range(3), indexing="ij")  # noqa: E741
    c = 2 * tau
    targets = sigma**2 * lam[k] / s[k] * (1 - np.exp(-c * s[l])) ** 2 / s[l]
    with np.errstate(invalid="ignore"):
        bracket = (np.exp(-c * s[k]) - np.exp(-c * s[l])) / (s[k] - s[l])
    bracket = np.where(k == l, c * np.exp(-c * s[k]), bracket)
    design = (lam[k] / s[k] - INITIAL[k]) ** 2 * bracket**2 * s[k] * s[l] * (1 + (k == l))
    measured = weight_variance_over_draws(denoiser, tau, sigma, n)
    np.testing.assert_allclose(measured.targets, targets / n, rtol=1e-13)
    np.testing.assert_allclose(measured.design, design / n, rtol=1e-12)
    ended = (1 - 1 / m) * sigma**4 * lam[k] * lam[l] * (1 + (k == l)) / s[k] ** 2 + sigma**2 * lam[k] * s[l] / s[k] / m
    shared = weight_variance_of_shared_data(denoiser, jnp.inf, sigma, data=n, noises=m)
    np.testing.assert_allclose(shared, ended / (n * s[l] ** 2), rtol=1e-12)


def test_least_squares_variance_is_exact_at_small_numbers_of_draws():
    draws = 12
    weights = trained_weights("edm", np.inf, data=draws, members=60_000)
    variance, error = variance_and_error(weights)
    assert_within(variance, weight_variance_of_least_squares(denoiser_of("edm"), 0.7, draws), error)


def test_variance_at_a_ratio_of_one_half():
    """d/P = 1/2 and 2: means, both terms, and how far the leading order is off; order 1/P is left out."""
    variance, initial, members = np.geomspace(4.0, 0.1, 20), np.full(20, 0.2), 600
    denoiser = denoiser_of("edm", variance, initial)
    for draws, tau in ((40, 0.3), (40, np.inf), (10, 0.3)):
        at, count = jnp.asarray(tau), jnp.asarray(float(draws))
        weights = trained_weights("edm", tau, data=draws, members=members, variance=variance, initial=initial)
        measured, _ = variance_and_error(weights)
        theory = np.asarray(weight_variance_at_ratio(denoiser, at, 0.7, count).total)
        leading = np.asarray(weight_variance_over_draws(denoiser, at, 0.7, count).total)
        ratio, naive = np.mean(measured / theory), np.mean(measured / leading)
        assert abs(ratio - 1) < 2 / draws + 0.005
        assert abs(naive - 1) > 0.1
        mean = weight_mean_over_draws(denoiser, at, 0.7, count)
        error = np.diagonal(weights.std(axis=0)) / np.sqrt(members) + 0.2 / draws
        assert_within(np.diagonal(weights.mean(axis=0)), mean, error)


@pytest.mark.parametrize("tau", [0.1, 1.0])
def test_v_kernel_is_the_covariance_of_the_score(tau):
    basis = np.linalg.qr(np.random.default_rng(3).normal(size=(3, 3)))[0]
    draws, level = 400, 0.7
    kernel = one_layer_v_kernel(denoiser_of("edm", basis=basis), tau, level, draws)
    weights = basis @ trained_weights("edm", tau, data=draws) @ basis.T
    points = np.random.default_rng(4).normal(size=(2, 3))
    scores = [(weights @ x - x) / level**2 for x in points]
    first, second = (each - each.mean(axis=0) for each in scores)
    products = first[:, :, None] * second[:, None, :]
    theory = kernel(jnp.asarray(points[0]), jnp.asarray(points[1]))
    error = products.std(axis=0) / np.sqrt(MEMBERS)
    assert_within(products.mean(axis=0), theory, error + 2 / draws * np.abs(theory).max() / 4.5)


@each_setting
def test_v_kernel_is_a_covariance_and_counts_the_target(setting):
    """Symmetric and positive semi-definite on any points; scores do not depend on how the network is parametrised."""
    draws, level = 100, SETTINGS[setting][2]
    kernel = one_layer_v_kernel(denoiser_of(setting), 0.3, level, draws)
    x = jnp.asarray(np.random.default_rng(5).normal(size=(7, 3)))
    gram = jax.vmap(lambda a: jax.vmap(lambda b: kernel(a, b))(x))(x)
    matrix = np.asarray(gram).transpose(0, 2, 1, 3).reshape(21, 21)
    np.testing.assert_allclose(matrix, matrix.T, rtol=1e-12, atol=1e-15 * matrix.max())
    assert np.linalg.eigvalsh(matrix).min() > -1e-12 * matrix.max()
    spectrum, process = kernel.denoiser.spectrum, SETTINGS[setting][0]
    trained = [OneLayer(spectrum, process, 0.1, 1.0, Objective(target)) for target in (DenoiserTarget(), NoiseTarget())]
    ends = [one_layer_v_kernel(each, jnp.inf, level, draws)(x[0], x[1]) for each in trained]
    np.testing.assert_allclose(*ends, rtol=1e-10)


def test_effective_ridge_solves_its_equation():
    eigenvalues = np.geomspace(5.0, 1e-3, 40)
    for samples in (20, 40, 200):
        for ridge in (jnp.asarray([1e-6, 0.1, 10.0]), jnp.asarray([-3.0 + 0.1j, 1.0 - 2.0j])):
            kappa = np.asarray(effective_ridge(eigenvalues, samples, ridge))
            seen = np.sum(eigenvalues * kappa[:, None] / (eigenvalues + kappa[:, None]), axis=1) / samples
            np.testing.assert_allclose(kappa, np.asarray(ridge) + seen, rtol=1e-11)
            assert (np.sign(kappa.imag) == np.sign(np.asarray(ridge).imag)).all()
    # Fewer samples than dimensions leave a ridge without any ridge: df₁ = n. Flat spectrum: a quadratic equation.
    kappa = effective_ridge(eigenvalues, 20, 0.0)
    np.testing.assert_allclose(degrees_of_freedom(eigenvalues, kappa, 0.0), 20, rtol=1e-11)
    flat, gamma, ridge = effective_ridge(np.ones(30), 60, 0.4), 0.5, 0.4
    b = 1 - ridge - gamma
    np.testing.assert_allclose(flat, (-b + np.sqrt(b**2 + 4 * ridge)) / 2, rtol=1e-13)
    slope = jax.grad(lambda ridge: effective_ridge(eigenvalues, 60, ridge))(0.3)
    np.testing.assert_allclose(
        slope,
        (effective_ridge(eigenvalues, 60, 0.3 + 1e-5) - effective_ridge(eigenvalues, 60, 0.3 - 1e-5)) / 2e-5,
        rtol=1e-8,
    )


@pytest.mark.parametrize(("draws", "ridge"), [(3, 0.0), (3, 0.2), (12, 1e-3), (500, 0.1), (8, 0.0)])
def test_effective_ridge_of_eigenvalues_many_decades_apart(draws, ridge):
    eigenvalues = np.array([10.0, 3.0, 1.0, 0.1, 1e-3, 1e-9, 0.0, 0.0])

    def excess(kappa):
        return kappa - ridge - kappa / draws * np.sum(eigenvalues / (eigenvalues + kappa))

    kappa = float(effective_ridge(eigenvalues, draws, ridge))
    if ridge == 0 and draws > 6:
        assert kappa < 1e-12
    else:
        np.testing.assert_allclose(kappa, scipy.optimize.brentq(excess, 1e-8, 1e3, xtol=1e-15), rtol=1e-9)


@pytest.mark.parametrize(("samples", "margin"), [(20, 1.0), (20, 1e-9), (200, 1e-4)])
def test_polynomials_of_the_sample_covariance(samples, margin):
    """Moments known from Wick's theorem, leading order in 1/n; Var Σ̂_kl and Cov(Σ̂_kl, (Σ̂²)_kl) among them."""
    eigenvalues = np.geomspace(5.0, 1e-2, 40)
    trace, square = eigenvalues.sum() / samples, np.sum(eigenvalues**2) / samples
    moments = {
        0: np.ones(40),
        1: eigenvalues,
        2: eigenvalues**2 + eigenvalues * trace,
        3: eigenvalues**3 + 2 * eigenvalues**2 * trace + eigenvalues * (square + trace**2),
    }
    for power, expected in moments.items():
        value = expected_function(lambda z, power=power: z**power, eigenvalues, samples, margin)
        np.testing.assert_allclose(value, expected, rtol=1e-10)
    pairs = 1 + np.eye(40)
    variance = variance_of_function(lambda z: z, eigenvalues, samples, margin)
    np.testing.assert_allclose(variance, np.outer(eigenvalues, eigenvalues) / samples * pairs, rtol=1e-8)
    np.testing.assert_allclose(
        variance_of_function(lambda z: 3 * z + 7, eigenvalues, samples, margin), 9 * np.asarray(variance), rtol=1e-10
    )


def sampled_covariances(variance, data, draws, seed=0):
    """Eigenvalues and eigenvectors of sample covariances with known mean."""
    x = np.random.default_rng(seed).normal(size=(draws, data, len(variance))) * np.sqrt(variance)
    eigenvalues, basis = np.linalg.eigh(np.swapaxes(x, 1, 2) @ x / data)
    return np.maximum(eigenvalues, 0.0), basis


@pytest.mark.parametrize(("data", "tau"), [(32, 0.2), (32, 20.0), (32, np.inf), (120, 2.0)])
def test_finite_data_curves_against_sampled_covariances(data, tau):
    """Means, variances and losses of 200 sampled data sets in 40 dimensions; the mean leaves out order 1/n."""
    variance, sigma, initial, sets = 10 / np.arange(1.0, 41), 0.5, 0.1, 200
    denoiser = OneLayer(Spectrum.from_variances(variance), EDM(0.01, 50.0), initial, learning_rate=1.0)
    eigenvalues, basis = sampled_covariances(variance, data, sets)
    kept = np.exp(-2 * min(tau, 1e9) * (eigenvalues + sigma**2))
    gain = eigenvalues / (eigenvalues + sigma**2) * (1 - kept) + initial * kept
    maps = (basis * gain[:, None]) @ np.swapaxes(basis, 1, 2)
    mean, error = np.diagonal(maps.mean(axis=0)), np.diagonal(maps.std(axis=0)) / np.sqrt(sets)
    at, count = jnp.asarray(tau), jnp.asarray(float(data))
    theory = np.asarray(expected_gain_over_data(denoiser, at, sigma, count))
    naive = np.asarray(denoiser.gain(at, sigma))
    assert_within(mean, theory, error + 0.5 / data / 4.5)
    assert np.abs(mean - theory).max() < 0.2 * np.abs(mean - naive).max()
    spread, theory = maps.var(axis=0, ddof=1), np.asarray(gain_variance_over_data(denoiser, at, sigma, count))
    np.testing.assert_allclose(np.sum(spread), np.sum(theory), rtol=4 / data)
    np.testing.assert_allclose(np.mean(np.diagonal(spread) / np.diagonal(theory)), 1, rtol=4 / data + 0.03)
    inputs = variance + sigma**2
    losses = variance.sum() - 2 * (np.einsum("bkk->bk", maps) @ variance) + np.sum(maps**2 * inputs, axis=(1, 2))
    expected = expected_loss_over_data(denoiser, at, sigma, count)
    assert_within(losses.mean(), expected, losses.std() / np.sqrt(sets), bias=0.5 / data)


def test_generated_variance_of_finite_data():
    variance, data, sets = 10 / np.arange(1.0, 26), 20, 200
    denoiser = OneLayer(Spectrum.from_variances(variance), EDM(0.01, 50.0), 0.1, learning_rate=1.0)
    eigenvalues, basis = sampled_covariances(variance, data, sets)
    for tau in jnp.asarray([0.1, 3.0, np.inf]):
        theory = np.asarray(expected_generated_variance_over_data(denoiser, tau, data))
        modes = Spectrum(jnp.zeros(eigenvalues.size), jnp.asarray(eigenvalues.ravel()))
        generated = np.asarray(generated_variance(OneLayer(modes, denoiser.process, 0.1, 1.0), tau))
        each = np.einsum("bkj,bj->bk", basis**2, generated.reshape(eigenvalues.shape))
        assert_within(each.mean(axis=0), theory, each.std(axis=0) / np.sqrt(sets), bias=1 / data)
    # Infinite data: the closed form; the end of training: the sample covariance, whose mean is the population's.
    np.testing.assert_allclose(
        expected_generated_variance_over_data(denoiser, jnp.asarray(3.0), 1e12),
        generated_variance(denoiser, 3.0),
        rtol=1e-7,
    )
    np.testing.assert_allclose(theory, generated_variance(denoiser, np.inf), rtol=1e-2)


def test_limits_of_the_finite_data_curves():
    denoiser = denoiser_of("edm", initial=0.1)
    np.testing.assert_allclose(expected_gain_over_data(denoiser, 0.0, 0.7, 5), 0.1, rtol=1e-12)
    np.testing.assert_allclose(gain_variance_over_data(denoiser, 0.0, 0.7, 5), 0.0, atol=1e-25)
    tau = jnp.asarray([0.2, jnp.inf])
    np.testing.assert_allclose(
        expected_gain_over_data(denoiser, tau, 0.7, 1e12), denoiser.gain(tau, 0.7 * jnp.ones(2)), rtol=1e-10
    )
    np.testing.assert_allclose(
        gain_variance_over_data(denoiser, tau, 0.7, 1e9),
        weight_variance_of_shared_data(denoiser, tau, 0.7, data=1e9, noises=jnp.inf),
        rtol=1e-7,
    )
    # The fully trained denoiser at any d/n: Prop. 4.2 with the Wick term, from the effective ridge alone.
    lam, sigma, n = VARIANCE, 0.7, 6
    kappa = effective_ridge(lam, n, sigma**2)
    diamond = lam / (lam + kappa) ** 2
    expected = kappa**2 / (n - degrees_of_freedom(lam, kappa, kappa)) * np.outer(diamond, diamond) * (1 + np.eye(3))
    np.testing.assert_allclose(gain_variance_over_data(denoiser, jnp.inf, sigma, n), expected, rtol=1e-10)
    np.testing.assert_allclose(
        expected_gain_over_data(denoiser, jnp.inf, sigma, n), lam / (lam + np.asarray(kappa)), rtol=1e-11
    )


def test_bad_input_is_refused():
    denoiser = denoiser_of("edm")
    with pytest.raises(ValueError, match="one initial gain"):
        expected_gain_over_data(denoiser, 0.1, 0.7, 10)
    with pytest.raises(ValueError, match="one training time"):
        one_layer_v_kernel(denoiser, jnp.ones(2), 0.7, 10)
    with pytest.raises(ValueError, match="must have 3 coordinates"):
        one_layer_v_kernel(denoiser, 0.1, 0.7, 10)(jnp.ones(3), jnp.ones(1))
    with pytest.raises(ValueError, match="vector"):
        effective_ridge(np.eye(2), 3, 0.1)
    with pytest.raises(ValueError, match="not negative"):
        effective_ridge([1.0, -1.0], 3, 0.1)
    with pytest.raises(ValueError, match="number of samples"):
        effective_ridge([1.0], 0, 0.1)


ALIKE = denoiser_of("edm", initial=0.1)


@pytest.mark.parametrize("given", [float, np.asarray, jnp.asarray, lambda count: np.asarray([10.0, count])])
@pytest.mark.parametrize(
    ("call", "count", "message"),
    [
        (lambda n: weight_variance_over_draws(ALIKE, 0.1, 0.7, n), -5.0, "draws must be one or more"),
        (lambda n: weight_variance_over_draws(ALIKE, 0.1, 0.7, draws=n), np.nan, "draws must be one or more"),
        (lambda n: weight_variance_of_shared_data(ALIKE, 0.1, 0.7, data=n, noises=2), 0.0, "data must be one or more"),
        (lambda n: weight_variance_of_shared_data(ALIKE, 0.1, 0.7, data=9, noises=n), 0.5, "noises must be one or"),
        (lambda n: weight_variance_of_least_squares(ALIKE, 0.7, n), 4.0, "more than d"),
        (lambda n: weight_variance_of_least_squares(ALIKE, 0.7, n), 2.0, "more than d"),
        (lambda n: weight_mean_over_draws(ALIKE, 0.1, 0.7, n), 0.0, "draws must be one or more"),
        (lambda n: weight_variance_at_ratio(ALIKE, 0.1, 0.7, n), -1.0, "draws must be one or more"),
        (lambda n: one_layer_v_kernel(ALIKE, 0.1, 0.7, n), 0.0, "draws must be one or more"),
        (lambda n: expected_gain_over_data(ALIKE, 0.1, 0.7, n), 0.0, "data must be one or more"),
        (lambda n: gain_variance_over_data(ALIKE, 0.1, 0.7, n), -2.0, "data must be one or more"),
        (lambda n: expected_loss_over_data(ALIKE, 0.1, 0.7, n), 0.0, "data must be one or more"),
        (lambda n: expected_generated_variance_over_data(ALIKE, 0.1, data=n), 0.0, "data must be one or more"),
    ],
)
def test_bad_counts_are_refused_as_numbers_and_as_arrays(call, count, message, given):
    with pytest.raises(ValueError, match=message):
        call(given(count))


def test_counts_may_be_traced():
    """Under transformations there is nothing to check, and nothing else changes; nor do name and signature."""

    def variance(draws):
        return weight_variance_over_draws(ALIKE, 0.1, 0.7, draws).total

    counts = jnp.asarray([10.0, 25.0])
    for transformed in (jax.vmap(variance), jax.jit(jax.vmap(variance))):
        np.testing.assert_allclose(transformed(counts)[1], variance(25.0), rtol=1e-14)
    slope = jax.jacfwd(variance)(25.0)
    np.testing.assert_allclose(slope, -variance(25.0) / 25, rtol=1e-13)
    np.testing.assert_allclose(jax.grad(lambda n: variance(n).sum())(25.0), slope.sum(), rtol=1e-13)
    least = jax.jit(lambda n: weight_variance_of_least_squares(ALIKE, 0.7, n))
    np.testing.assert_allclose(least(25.0), weight_variance_of_least_squares(ALIKE, 0.7, 25), rtol=1e-14)
    assert weight_variance_over_draws.__name__ == "weight_variance_over_draws"
    assert "P = `draws` independent triples" in weight_variance_over_draws.__doc__
    assert list(inspect.signature(weight_variance_over_draws).parameters) == ["denoiser", "tau", "noise_level", "draws"]
