"""The table of cases: every parametrisation on every process.

A new parametrisation is one row of PARAMETRISATIONS, or of FACTORED if its weights are several matrices. The row says
which assumptions it keeps; a property that needs one runs on the rows that do. `docs/adding_a_parametrisation.md` says
when to set which.

Tests take their cases from here with `@pytest.mark.parametrize("case", cases.ALL)`.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import settings

from tests.oracles import matrices as oracles
from theory import (
    EDM,
    AbstractDenoiser,
    AbstractProcess,
    CosineSchedule,
    DeepLinear,
    FlowMatching,
    HeavyBall,
    OneLayer,
    SigmoidSchedule,
    Spectrum,
    SymmetricTwoLayer,
    TwoLayer,
    VariancePreserving,
)
from theory.definitions.objectives import Objective
from theory.definitions.targets import (
    AbstractTarget,
    DenoiserTarget,
    FlowTarget,
    NoiseTarget,
    ScoreTarget,
    VelocityTarget,
)


@dataclass(frozen=True)
class Row:
    """A parametrisation, how it trains in matrices, and which assumptions of the tests it keeps."""

    build: Callable[..., AbstractDenoiser]
    network: oracles.Network
    closed_form: bool = False  # `generated_variance` of the EDM denoiser is one
    non_negative: bool = False  # the gain is never negative
    reaches_optimum: bool = True  # ψ → ψ* as τ → ∞, or 0 where the gain is never negative and ψ* is
    time_is_scaled: bool = True  # τ and η enter as ητ
    scale_free: bool = True  # λ, σ² → kλ, kσ² is τ → τ/k for the EDM denoiser
    resolved: bool = True  # panels of 1/4 in ln(α/σ) resolve the gain at any τ


PARAMETRISATIONS: dict[str, Row] = {
    "one_layer": Row(OneLayer, oracles.ONE_LAYER, closed_form=True),
    "symmetric_two_layer": Row(SymmetricTwoLayer, oracles.TIED, closed_form=True, non_negative=True),
    "heavy_ball": Row(
        functools.partial(HeavyBall, damping=2.5),
        oracles.heavy_ball(2.5),
        time_is_scaled=False,
        scale_free=False,
        resolved=False,
    ),
}

# The same for networks of several independent matrices.
FACTORED: dict[str, Row] = {
    "two_layer": Row(TwoLayer, oracles.untied(0.0)),
    "imbalanced": Row(functools.partial(TwoLayer, imbalance=0.3), oracles.untied(0.3)),
    "depth_3": Row(functools.partial(DeepLinear, depth=3), oracles.balanced(3)),
    "depth_4": Row(functools.partial(DeepLinear, depth=4), oracles.balanced(4)),
}

# name: process, the same in NumPy
PROCESSES: dict[str, tuple[AbstractProcess, oracles.Process]] = {
    "edm": (EDM(0.002, 80.0), oracles.variance_exploding(0.002, 80.0)),
    "vp_linear": (
        VariancePreserving(),
        oracles.variance_preserving(*oracles.linear_schedule(0.1, 20.0), (1.0, 1e-3)),
    ),
    "vp_cosine": (
        VariancePreserving(CosineSchedule()),
        oracles.variance_preserving(*oracles.cosine_schedule(0.008), (0.999, 1e-3)),
    ),
    "vp_sigmoid": (
        VariancePreserving(SigmoidSchedule()),
        oracles.variance_preserving(*oracles.sigmoid_schedule(-3.0, 3.0), (0.999, 1e-3)),
    ),
    "flow": (FlowMatching(), oracles.LINEAR_INTERPOLATION),
}

# process, target, the same in NumPy: each process and each target appears
SETTINGS: list[tuple[str, AbstractTarget, oracles.Target]] = [
    ("edm", DenoiserTarget(), oracles.DENOISED),
    ("edm", NoiseTarget(), oracles.NOISE),
    ("vp_linear", DenoiserTarget(), oracles.DENOISED),
    ("vp_cosine", VelocityTarget(), oracles.VELOCITY),
    ("vp_sigmoid", ScoreTarget(), oracles.SCORE),
    ("flow", FlowTarget(), oracles.FLOW),
]
# Where every parametrisation is a quick test; on the other settings one layer is.
_QUICK_PLACES = (0, 3, 5)


@dataclass(frozen=True)
class Case:
    """One parametrisation on one process and target, with everything its oracle needs."""

    name: str
    row: Row
    process: AbstractProcess
    target: AbstractTarget
    oracle_process: oracles.Process
    oracle_target: oracles.Target
    slow: bool

    @property
    def build(self) -> Callable[..., AbstractDenoiser]:
        return self.row.build

    @property
    def network(self) -> oracles.Network:
        return self.row.network

    def denoiser(self, spectrum: Spectrum, initial_gain, learning_rate=1.0) -> AbstractDenoiser:
        return self.build(spectrum, self.process, initial_gain, learning_rate, objective=Objective(self.target))


def case(name: str, row: Row, setting: tuple[str, AbstractTarget, oracles.Target]) -> Case:
    process, target, oracle_target = setting
    title = f"{name}-{process}-{type(target).__name__}"
    slow = name != "one_layer" and not any(setting is SETTINGS[place] for place in _QUICK_PLACES)
    return Case(title, row, PROCESSES[process][0], target, PROCESSES[process][1], oracle_target, slow)


def _marked(cases: list[Case]) -> list:
    return [pytest.param(case, id=case.name, marks=[pytest.mark.slow] if case.slow else []) for case in cases]


def keeping(assumption: str, marked: list) -> list:
    """Those of the cases whose row keeps an assumption."""
    return [each for each in marked if getattr(each.values[0].row, assumption)]


_ALL = [case(name, row, setting) for name, row in PARAMETRISATIONS.items() for setting in SETTINGS]
ALL = _marked(_ALL)
# Denoised data on EDM, one row per parametrisation, and those of them whose variance has a closed form.
DENOISED = _marked([case(name, row, SETTINGS[0]) for name, row in PARAMETRISATIONS.items()])
CLOSED = keeping("closed_form", DENOISED)
# For questions that do not depend on the parametrisation: one row per setting.
ONE_PER_SETTING = _marked([case("one_layer", PARAMETRISATIONS["one_layer"], setting) for setting in SETTINGS])
# The closed form that is not linear in Q; without a closed form, and with one, on other processes.
TIED = case("symmetric_two_layer", PARAMETRISATIONS["symmetric_two_layer"], SETTINGS[0])
TIED_ON_COSINE = case("symmetric_two_layer", PARAMETRISATIONS["symmetric_two_layer"], SETTINGS[3])
FLOW = case("one_layer", PARAMETRISATIONS["one_layer"], SETTINGS[-1])
# For what must work with and without a closed form, at the price of a compilation each.
SOME = [*DENOISED, *_marked([FLOW, TIED_ON_COSINE])]
# For the dearest oracle: denoised data and velocities, whose optimum can be negative.
TRAINED = keeping("resolved", _marked([each for each in _ALL if "Noise" not in each.name and "Score" not in each.name]))

# Several matrices: denoised data on EDM, velocities on a cosine schedule, and a flow, whose optima can be negative.
_PLACES = {"two_layer": (0, 5), "imbalanced": (0, 3, 5), "depth_3": (0, 3, 5), "depth_4": (0,)}
LAYERED = _marked([case(name, FACTORED[name], SETTINGS[place]) for name, places in _PLACES.items() for place in places])
# Those with an explicit solution for complex arguments.
EXPLICIT = [each for each in LAYERED if each.values[0].network.mode]

# The range over which formulas are held to round-off.
VARIANCES = np.concatenate([np.logspace(-8, 4, 7), [0.002**2, 80.0**2]])
SCALED_TIMES = np.concatenate([[0.0], np.logspace(-8, 8, 17), [np.inf]])
GAINS = np.array([0.0, 0.1, 0.5, 1.0, 1.5])
FOREVER = 1e200  # training time that stands for inf in an oracle

property_test = settings(max_examples=40, deadline=None, derandomize=True)


def spectrum(variance) -> Spectrum:
    """A diagonal spectrum without the checks of `from_variances`: zeros and tracers are allowed."""
    variance = jnp.asarray(variance)
    return Spectrum(jnp.zeros_like(variance), variance)


def rotated_spectrum(variance, seed: int = 0) -> tuple[Spectrum, np.ndarray]:
    """The same in a random basis, and its covariance matrix."""
    basis = np.linalg.qr(np.random.default_rng(seed).normal(size=2 * (len(variance),)))[0]
    result = Spectrum(jnp.zeros(len(variance)), jnp.asarray(variance), jnp.asarray(basis))
    return result, matrix(basis, variance)


def matrix(basis, diagonal) -> np.ndarray:
    return (np.asarray(basis) * np.asarray(diagonal)) @ np.asarray(basis).T
