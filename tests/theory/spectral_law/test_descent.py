"""Finite gradient steps of every parametrisation: against steps written out, and against the flow as they shrink."""

import functools

import jax.numpy as jnp
import numpy as np
import pytest

from tests import cases
from tests.oracles import convolutions as convolution_oracles
from tests.oracles import matrices as oracles
from theory import (
    EDM,
    DeepLinear,
    FlowMatching,
    FullWidthConvolution,
    MisalignedTwoLayer,
    OneLayer,
    OneLayerWithBias,
    PatchConvolution,
    SymmetricTwoLayer,
    TwoLayer,
)
from theory.definitions.objectives import Objective
from theory.definitions.preconditionings import EDMPreconditioning
from theory.definitions.targets import DenoiserTarget
from theory.definitions.weights import EDMWeight
from theory.spectral_law.descent import gain_after_steps

VARIANCE, INITIAL = np.array([3.0, 0.4, 0.05]), np.array([0.1, 0.5, 0.9])
LEVELS = np.array([0.3, 0.8])
AUTOCOVARIANCE = convolution_oracles.random_autocovariance((5,))


def _aligned(build):
    return lambda process: build(cases.spectrum(VARIANCE), process, INITIAL, 1.0)


BUILD = {
    "one_layer": _aligned(OneLayer),
    "symmetric_two_layer": _aligned(SymmetricTwoLayer),
    "balanced": _aligned(TwoLayer),
    "imbalanced": _aligned(functools.partial(TwoLayer, imbalance=np.array([0.3, -0.4, 0.0]))),
    "depth_1": _aligned(functools.partial(DeepLinear, depth=1)),
    "depth_3": _aligned(DeepLinear),
    "full_width": lambda process: FullWidthConvolution.from_autocovariance(AUTOCOVARIANCE, process, 0.4, 1.0),
    "patch": lambda process: PatchConvolution.from_autocovariance(AUTOCOVARIANCE, 3, process, 0.4, 1.0),
}


@pytest.mark.parametrize("name", BUILD)
def test_steps_tend_to_the_flow_at_first_order(name):
    """The error at fixed Σ n_j η_j = 0.1 halves with the steps, for steps that differ between stages and levels."""
    denoiser = BUILD[name](FlowMatching())
    ends = jnp.asarray([[0.04, 0.02], [0.1, 0.05]])  # training times at the end of each stage, one per level
    flow = jnp.stack([denoiser.gain(ends[:, level], LEVELS[level]) for level in range(2)], axis=1)
    errors = []
    for count in (100, 200, 400):
        sizes = jnp.diff(ends, axis=0, prepend=0.0) / jnp.asarray([[count], [2 * count]])
        gain = gain_after_steps(denoiser, jnp.asarray(LEVELS), sizes, jnp.asarray([count, 2 * count]))
        errors.append(np.asarray(gain - flow))
    assert np.abs(errors[0]).max() < 0.02
    moving = np.abs(errors[0]) > 1e-9
    assert moving.any()
    np.testing.assert_allclose(errors[0][moving], 2 * errors[1][moving], rtol=0.06)
    np.testing.assert_allclose(errors[1][moving], 2 * errors[2][moving], rtol=0.03)


@pytest.mark.parametrize(("name", "widths"), [("full_width", (5,)), ("patch", (3,))])
def test_steps_of_a_convolution_are_those_of_its_filter_in_pixels(name, widths):
    covariance = convolution_oracles.stationary_covariance(AUTOCOVARIANCE)
    process = cases.PROCESSES["flow"][1]
    network = convolution_oracles.Convolution(covariance, (5,), widths, process, oracles.FLOW)
    taps = np.zeros(widths)
    taps[widths[0] // 2] = 0.4
    fourier = np.exp(2j * np.pi * np.outer(np.arange(5), np.arange(5)) / 5) / np.sqrt(5)
    denoiser = BUILD[name](FlowMatching())
    gain = gain_after_steps(denoiser, jnp.asarray(LEVELS), jnp.full((1, 2), 0.01), jnp.asarray([30]))[0]
    for level, predicted in zip(LEVELS, gain, strict=True):
        trained = network.map(network.descent(taps, 0.01, 30, level))
        diagonal = np.einsum("ki,ij,kj->k", fourier.conj(), trained, fourier)
        np.testing.assert_allclose(predicted, diagonal.real, rtol=1e-11)


@pytest.mark.parametrize("depth", [1, 3])
def test_steps_inside_the_preconditioning_are_those_of_the_weighted_loss(depth):
    """Balanced factors f of F in D(x) = c_skip x + c_out F(c_in x), by the chain rule written out (Karras et al.)."""
    objective = Objective(DenoiserTarget(), EDMWeight(0.5), EDMPreconditioning(0.5))
    denoiser = DeepLinear(cases.spectrum(VARIANCE), EDM(), INITIAL, 1.0, depth=depth, objective=objective)
    gain = gain_after_steps(denoiser, jnp.asarray(LEVELS), jnp.full((1, 2), 0.02), jnp.asarray([25]))[0]
    for sigma, predicted in zip(LEVELS, gain, strict=True):
        total = sigma**2 + 0.25
        skip, outer, inner = 0.25 / total, 0.5 * sigma / np.sqrt(total), 1 / np.sqrt(total)
        factors = depth * [INITIAL ** (1 / depth)]
        for _ in range(25):
            whole = skip + outer * inner * np.prod(factors, axis=0)
            slope = 2 / outer**2 * ((VARIANCE + sigma**2) * whole - VARIANCE) * outer * inner
            others = [np.prod([f for place, f in enumerate(factors) if place != k], axis=0) for k in range(depth)]
            factors = [f - 0.02 * slope * other for f, other in zip(factors, others, strict=True)]
        np.testing.assert_allclose(predicted, skip + outer * inner * np.prod(factors, axis=0), rtol=1e-12)


def test_a_network_without_a_rule_is_refused():
    spectrum, steps = cases.spectrum(VARIANCE), (jnp.asarray(LEVELS), jnp.full((1, 2), 0.01), jnp.asarray([3]))
    biased = OneLayerWithBias(spectrum, EDM(), 0.1, 1.0)
    misaligned = MisalignedTwoLayer(spectrum, EDM(), 0.1 * np.eye(3), 1.0)
    for denoiser in (biased, misaligned):
        with pytest.raises(NotImplementedError, match=f"no rule for finite .* {type(denoiser).__name__}"):
            gain_after_steps(denoiser, *steps)
