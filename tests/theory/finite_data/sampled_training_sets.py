"""One-layer networks on sampled training sets, by matrix exponentials in NumPy, and the settings they are held in."""

import jax.numpy as jnp
import numpy as np
import pytest

from theory import (
    EDM,
    FlowMatching,
    OneLayer,
    Spectrum,
    VariancePreserving,
)
from theory.definitions.objectives import Objective
from theory.definitions.preconditionings import EDMPreconditioning
from theory.definitions.targets import FlowTarget, VelocityTarget
from theory.definitions.weights import PowerWeight

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
