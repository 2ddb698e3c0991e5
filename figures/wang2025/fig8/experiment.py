"""Figure 8 of Wang & Pehlevan 2025: emergence time against variance for flow matching, five initial gains.

As in Figure 6, on x_t = t x_1 + (1-t) x_0 with a one-layer velocity network. Sampling starts from the unit Gaussian and
an untrained network generates e^{2Q} in every mode: modes above rise, modes below fall.
"""

import numpy as np
from jaxtyping import PRNGKeyArray
from matplotlib.figure import Figure

from figures.common.claims import Claim
from figures.common.stages import Arrays, RunStage
from figures.studies.emergence.experiment import (
    MEANS,
    EmergenceConfig,
    Setting,
    agreement,
    compute_emergence,
    draw_emergence_times,
    exponent_of_branch,
)
from figures.studies.trained_modes.experiment import flow_matching_times
from sims.training.descent import common_clock
from theory.definitions.processes import FlowMatching

Config = EmergenceConfig
PRESETS = {
    "quick": Config(trained_variances=(1e-2, 1e2, 9), first_time=1e-4, last_time=100.0, snapshots=40),
    "paper": Config(
        trained_variances=(1e-3, 1e2, 16),
        first_time=1e-5,
        last_time=1000.0,
        snapshots=80,
        noise_levels=128,
        seeds=16,
        training_samples=1048576,
        generated_samples=4096,
    ),
}
_SOURCE = "Wang & Pehlevan 2025, App. H, Fig. 8"
BRANCHES = ((0.0, "rising"), (0.0, "falling"), (0.1, "falling"), (0.5, "falling"), (1.0, "falling"))


def compute(config: Config, *, key: PRNGKeyArray, stage: RunStage) -> Arrays:
    """Closed-form and measured emergence times, indexed [initial gain, (seed,) mode]; keys end in the mean's name."""
    levels = flow_matching_times(config.noise_levels)
    # The steepest level sets the steps of all: curvatures differ by the largest variance at most.
    curvature = np.full(levels.size, 2 * config.trained_variances[1])
    clock = common_clock(config.times, curvature, smallest_steps=12, safety=0.8)
    return compute_emergence(config, Setting(FlowMatching(), levels, clock), key=key, stage=stage)


def claims(data: Arrays) -> list[Claim]:
    statements = [exponent_of_branch(data, gain, mean, branch, _SOURCE) for mean in MEANS for gain, branch in BRANCHES]
    return [*statements, *[agreement(data, mean, _SOURCE) for mean in MEANS], _square_root_law(data)]


def _square_root_law(data: Arrays) -> Claim:
    """Between λ and 1 the variance falls as e^-γ/(2ητ), whatever λ, so √λ is reached at τ* ∝ λ^-1/2."""
    claim = exponent_of_branch(data, 0.0, "geometric", "falling", _SOURCE)
    return Claim(
        "exponent ½ of the falling branch, Q = 0, geometric mean",
        "this project, from App. H",
        "λ̃ ≈ e^-γ/(2ητ) while λ ≪ λ̃ ≪ 1, so the geometric level √λ is reached at τ* ∝ λ^-1/2",
        None,
        0.5,
        claim.measured,
        claim.interval,
        0.05,
    )


def draw(data: Arrays) -> Figure:
    return draw_emergence_times(data)
