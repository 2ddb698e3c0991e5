"""Settings of the tests of convolutions, with the same networks written out in pixels."""

import numpy as np
import pytest

from tests.oracles import convolutions as pixels
from tests.oracles import matrices as oracles
from theory import (
    EDM,
    FlowMatching,
    PatchConvolution,
    VariancePreserving,
)
from theory.definitions.objectives import Objective
from theory.definitions.targets import DenoiserTarget, FlowTarget, NoiseTarget
from theory.definitions.weights import PowerWeight

EDM_ORACLE = oracles.variance_exploding(0.002, 80.0)

VP_ORACLE = oracles.variance_preserving(*oracles.linear_schedule(0.1, 20.0), (1.0, 1e-3))

# name: process, objective, the same in NumPy, a noise level (process time)
SETTINGS = {
    "edm": (EDM(), Objective(), EDM_ORACLE, oracles.DENOISED, lambda t: 1.0, 0.7),
    "edm-inverse-noise": (
        EDM(),
        Objective(weight=PowerWeight(1)),
        EDM_ORACLE,
        oracles.DENOISED,
        lambda t: t**-2.0,
        0.7,
    ),
    "edm-other-power": (
        EDM(),
        Objective(weight=PowerWeight(0.25)),
        EDM_ORACLE,
        oracles.DENOISED,
        lambda t: t**-0.5,
        0.7,
    ),
    "edm-noise": (EDM(), Objective(NoiseTarget()), EDM_ORACLE, oracles.NOISE, lambda t: 1.0, 0.7),
    "vp": (VariancePreserving(), Objective(DenoiserTarget()), VP_ORACLE, oracles.DENOISED, lambda t: 1.0, 0.3),
    "flow": (FlowMatching(), Objective(FlowTarget()), oracles.LINEAR_INTERPOLATION, oracles.FLOW, lambda t: 1.0, 0.3),
}

SETTING = pytest.mark.parametrize("setting", SETTINGS.values(), ids=SETTINGS)

GRIDS = [((8,), (5,)), ((4, 5), (3, 1))]  # few: for each, building a network compiles some thirty programs

GAINS = [0.0, 0.1, 0.5, 1.0, 1.3]

TIMES = np.array([0.0, 1e-3, 0.02, 0.3, 5.0])


def patch_of(autocovariance, width, setting=SETTINGS["edm"], gain=None, initial_filter=None, learning_rate=1.0):
    return PatchConvolution.from_autocovariance(
        autocovariance, width, setting[0], gain, learning_rate, setting[1], initial_filter
    )


def oracle_of(autocovariance, widths, setting=SETTINGS["edm"]):
    covariance = pixels.stationary_covariance(autocovariance)
    return pixels.Convolution(covariance, np.shape(autocovariance), widths, *setting[2:5])


def centre(widths, gain):
    taps = np.zeros(np.prod(widths))
    taps[np.ravel_multi_index(tuple(k // 2 for k in widths), widths)] = gain
    return taps
