"""Overlaps of tied weights to first order, against the matrix equation of the factor in SciPy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.integrate

from tests import cases
from tests.oracles import matrices as oracles
from theory import EDM, FlowMatching, MisalignedTwoLayer, Spectrum, SymmetricTwoLayer, generated_variance
from theory.definitions.objectives import Objective, native_objective
from theory.definitions.preconditionings import ConstantSkip
from theory.spectral_law.descent import gain_after_steps
from theory.spectral_law.parametrisations.misaligned_two_layer import map_after_steps

VARIANCE, GAINS = np.array([2.0, 0.6, 0.1]), np.array([0.05, 0.2, 0.4])
OVERLAP = np.array([[0.0, 0.7, -0.4], [0.7, 0.0, 0.5], [-0.4, 0.5, 0.0]]) * np.sqrt(np.outer(GAINS, GAINS))
SETTINGS = {
    "edm": (EDM(), oracles.variance_exploding(0.002, 80.0), oracles.DENOISED, 0.8),
    "flow": (FlowMatching(), oracles.LINEAR_INTERPOLATION, oracles.FLOW, 0.75),
    "flow, velocities that cannot be fitted": (FlowMatching(), oracles.LINEAR_INTERPOLATION, oracles.FLOW, 0.4),
}
TIMES = np.array([0.0, 0.02, 0.1, 0.4, 1.5, 6.0])


def initial(size):
    return np.diag(GAINS) + size * OVERLAP


def exact(setting, overlap, learning_rate=1.0):
    """P Pᵀ in mode coordinates from dP/dτ = -η (G + Gᵀ) P, G = 2(P Pᵀ E[xxᵀ] - E[yxᵀ])."""
    _, process, target, t = SETTINGS[setting]
    inputs, cross = (m[0] for m in oracles.moments(np.diag(VARIANCE), process, target, np.array([t])))

    def velocity(_, flat):
        p = flat.reshape(3, 3)
        gradient = 2 * (p @ p.T @ inputs - cross)
        return -learning_rate * ((gradient + gradient.T) @ p).ravel()

    path = scipy.integrate.solve_ivp(
        velocity,
        (0, TIMES[-1]),
        np.linalg.cholesky(overlap).ravel(),
        method="DOP853",
        t_eval=TIMES,
        rtol=1e-12,
        atol=1e-18,
    ).y.T.reshape(-1, 3, 3)
    return path @ np.swapaxes(path, -1, -2)


def predicted(setting, overlap, times=TIMES, learning_rate=1.0, variance=VARIANCE):
    process, _, _, t = SETTINGS[setting]
    denoiser = MisalignedTwoLayer(cases.spectrum(variance), process, overlap, learning_rate)
    return np.asarray(denoiser.weights(jnp.asarray(times), jnp.asarray(t)))


@pytest.mark.slow
@pytest.mark.parametrize("setting", SETTINGS)
def test_error_relative_to_the_overlap_vanishes_with_the_overlap(setting):
    off = ~np.eye(3, dtype=bool)
    errors = []
    for size in (1e-1, 1e-2, 1e-3, 1e-4):
        overlap = initial(size)
        difference = predicted(setting, overlap) - exact(setting, overlap)
        typical = np.abs(predicted(setting, overlap)[:, off]).max(axis=-1)
        errors.append((np.abs(difference[:, off]).max(axis=-1) / typical, np.abs(difference[:, ~off]).max(axis=-1)))
    between, along = (np.array(x)[:, 1:] for x in zip(*errors, strict=True))
    # First order: each tenth of the overlap takes at least a tenth of the relative error and a hundredth of the
    # diagonal's, until the integration's own error is met.
    assert np.all((between[1:] < 0.13 * between[:-1]) | (between[1:] < 1e-9))
    assert np.all((along[1:] < 0.013 * along[:-1]) | (along[1:] < 1e-11))
    assert between[-1].max() < 1e-3


@pytest.mark.parametrize(("k", "m"), [(0, 1), (0, 2), (1, 2)])
def test_overlap_rises_at_4_and_decays_at_2(k, m):
    """4η(λ_k + λ_m) while both modes are small, 2η(s_k + s_m)(ψ*_k + ψ*_m) once both are learned."""
    sigma, rate = SETTINGS["edm"][3], 0.3
    gains = 1e-9 * np.ones(3)
    overlap = np.diag(gains) + 1e-10 * (np.ones((3, 3)) - np.eye(3))
    inputs = VARIANCE + sigma**2
    optimum = VARIANCE / inputs

    def slope(time, step):
        before, after = predicted("edm", overlap, [time - step, time + step], rate)[:, k, m]
        return np.log(after / before) / (2 * step)

    np.testing.assert_allclose(slope(1e-2, 1e-3), 4 * rate * (VARIANCE[k] + VARIANCE[m]), rtol=1e-6)
    late = 60 / (8 * rate * VARIANCE[-1])
    expected = -2 * rate * (inputs[k] + inputs[m]) * (optimum[k] + optimum[m])
    np.testing.assert_allclose(slope(late, 1e-2), expected, rtol=1e-6)


@pytest.mark.parametrize("setting", SETTINGS)
def test_diagonal_is_the_aligned_network(setting):
    process, _, _, t = SETTINGS[setting]
    tau = jnp.asarray([*TIMES, jnp.inf])
    spectrum, _ = cases.rotated_spectrum(VARIANCE)
    target = native_objective(process).target
    for objective in (None, Objective(target, preconditioning=ConstantSkip(0.3))):
        misaligned = MisalignedTwoLayer(spectrum, process, initial(0.1), 0.7, objective)
        aligned = SymmetricTwoLayer(spectrum, process, GAINS, 0.7, objective)
        expected = aligned.gain(tau, jnp.asarray(t))
        np.testing.assert_allclose(misaligned.gain(tau, jnp.asarray(t)), expected, rtol=1e-13, atol=1e-300)
        carried = misaligned.affine_map(tau, jnp.asarray(t))
        np.testing.assert_allclose(np.diagonal(carried.matrix, axis1=-2, axis2=-1), expected, rtol=1e-13, atol=1e-300)
        assert not carried.offset.any()


def test_start_is_exact_and_the_end_has_no_overlap():
    first, last = predicted("edm", initial(0.1), [0.0, np.inf])
    np.testing.assert_allclose(first, initial(0.1), rtol=0, atol=1e-16)
    np.testing.assert_allclose(last, np.diag(VARIANCE / (VARIANCE + 0.64)), rtol=0, atol=1e-15)


@pytest.mark.slow
@pytest.mark.parametrize("variance", [[2.0, 0.6, 0.1], [0.6, 0.6, 0.0]], ids=["general", "equal variances and none"])
@pytest.mark.parametrize("setting", SETTINGS)
def test_values_and_derivatives_are_finite_at_both_ends_of_training(setting, variance):
    process, _, _, t = SETTINGS[setting]

    def weights(variance, overlap, rate, tau):
        return MisalignedTwoLayer(cases.spectrum(variance), process, overlap, rate).weights(tau, jnp.asarray(t))

    arguments = jnp.asarray(variance), jnp.asarray(initial(0.1)), jnp.asarray(1.0)
    for transform in (jax.jacfwd, jax.jacrev):
        jacobian = jax.jit(jax.vmap(transform(weights, (0, 1, 2, 3)), in_axes=(None, None, None, 0)))
        for leaf in jacobian(*arguments, jnp.asarray([0.0, 0.3, 1e8, jnp.inf])):
            assert np.isfinite(leaf).all()
    assert np.isfinite(weights(*arguments, jnp.asarray([0.0, 1e8, jnp.inf]))).all()


def test_derivatives_equal_central_differences():
    arguments = {"variance": VARIANCE, "overlap": initial(0.3), "learning_rate": np.array(1.3), "times": np.array(0.2)}

    def weights(variance, overlap, learning_rate, times):
        process, _, _, t = SETTINGS["edm"]
        return MisalignedTwoLayer(cases.spectrum(variance), process, overlap, learning_rate).weights(
            jnp.asarray(times), jnp.asarray(t)
        )

    traced = jax.jit(weights)
    for position, value in enumerate(arguments.values()):
        direction = np.random.default_rng(position).normal(size=value.shape)
        direction = direction + direction.T if value.ndim == 2 else direction
        up, down = (
            traced(*(x + sign * 1e-5 * direction if i == position else x for i, x in enumerate(arguments.values())))
            for sign in (1, -1)
        )
        tangents = [jnp.zeros(x.shape) for x in arguments.values()]
        tangents[position] = jnp.asarray(direction)
        _, derivative = jax.jvp(traced, [jnp.asarray(x) for x in arguments.values()], tangents)
        np.testing.assert_allclose(derivative, (up - down) / 2e-5, rtol=1e-7, atol=1e-8)


def test_modes_can_be_permuted_and_rotated():
    order = np.array([2, 0, 1])
    overlap = initial(0.2)
    permuted = predicted("edm", overlap[np.ix_(order, order)], variance=VARIANCE[order])
    np.testing.assert_allclose(permuted, predicted("edm", overlap)[:, order][:, :, order], rtol=1e-13)
    spectrum, _ = cases.rotated_spectrum(VARIANCE)
    basis = np.asarray(spectrum.basis)
    rotated = MisalignedTwoLayer(spectrum, EDM(), overlap, 1.0).weights(jnp.asarray(TIMES), jnp.asarray(0.8))
    np.testing.assert_allclose(rotated, basis @ predicted("edm", overlap) @ basis.T, rtol=0, atol=1e-14)


def test_without_overlap_it_generates_what_the_aligned_network_does():
    spectrum = Spectrum.from_variances(VARIANCE)
    tau = jnp.asarray([0.0, 0.1, 3.0])
    misaligned, aligned = (
        generated_variance(network, tau)
        for network in (
            MisalignedTwoLayer(spectrum, EDM(), np.diag(GAINS), 1.0),
            SymmetricTwoLayer(spectrum, EDM(), GAINS, 1.0),
        )
    )
    np.testing.assert_allclose(misaligned, aligned, rtol=1e-10)


@pytest.mark.parametrize(
    ("overlap", "message"),
    [
        (np.eye(2), r"initial_overlap must be a matrix of shape \(3, 3\); got shape \(2, 2\)"),
        (0.1, "initial_overlap must be a matrix of shape"),
        (np.eye(3) + np.triu(np.ones((3, 3))), "initial_overlap must be symmetric"),
        (np.diag([0.1, -0.2, 0.1]), "positive semi-definite, as P Pᵀ is; got the eigenvalue -0.2"),
        (np.full((3, 3), np.nan), "initial_overlap must be"),
    ],
)
def test_overlaps_that_are_refused(overlap, message):
    with pytest.raises(ValueError, match=message):
        MisalignedTwoLayer(cases.spectrum(VARIANCE), EDM(), overlap, 1.0)


STEP_SIZES, STEPS = np.array([[0.02, 0.01], [0.05, 0.03]]), np.array([7, 20])


@pytest.mark.parametrize(
    "objective", [None, Objective(native_objective(EDM()).target, preconditioning=ConstantSkip(0.3))]
)
def test_finite_steps_are_those_of_the_factor(objective):
    """Against gradient descent of the matrix P in NumPy, for overlaps so small that their square is round-off."""
    overlap, levels = initial(1e-8), np.array([0.8, 0.3])
    denoiser = MisalignedTwoLayer(cases.spectrum(VARIANCE), EDM(), overlap, 1.0, objective)
    maps = map_after_steps(denoiser, jnp.asarray(levels), jnp.asarray(STEP_SIZES), jnp.asarray(STEPS))
    skip = 0.0 if objective is None else 0.3
    for level, sigma in enumerate(levels):
        inputs = np.diag(VARIANCE + sigma**2)
        cross, factor = np.diag(VARIANCE) - skip * inputs, np.linalg.cholesky(overlap)
        for stage, (sizes, count) in enumerate(zip(STEP_SIZES, STEPS, strict=True)):
            for _ in range(count):
                gradient = 2 * (factor @ factor.T @ inputs - cross)
                factor = factor - sizes[level] * (gradient + gradient.T) @ factor
            expected = skip * np.eye(3) + factor @ factor.T
            np.testing.assert_allclose(maps.matrix[stage, level], expected, rtol=1e-6, atol=1e-16)
    aligned = SymmetricTwoLayer(cases.spectrum(VARIANCE), EDM(), GAINS, 1.0, objective)
    gains = gain_after_steps(aligned, jnp.asarray(levels), jnp.asarray(STEP_SIZES), jnp.asarray(STEPS))
    np.testing.assert_allclose(np.diagonal(maps.matrix, axis1=-2, axis2=-1), gains, rtol=1e-12)
    assert not maps.offset.any()


def test_many_small_steps_are_the_closed_form():
    denoiser = MisalignedTwoLayer(cases.spectrum(VARIANCE), EDM(), initial(0.1), 1.0)
    levels = jnp.asarray([0.8, 0.3])
    steps = map_after_steps(denoiser, levels, jnp.full((1, 2), 1e-5), jnp.asarray([40000])).matrix[0]
    flow = denoiser.affine_map(jnp.full(2, 0.4), levels).matrix
    np.testing.assert_allclose(steps, flow, rtol=2e-4)
