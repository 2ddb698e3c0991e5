"""Figure 6 of Wang & Pehlevan 2025: emergence time against variance, for five initialisations of the one-layer network.

Lines are the closed form, solid where the generated variance rises to the data's and dashed where it falls; points
are trained networks. A mode emerges when its generated variance reaches the geometric or the harmonic mean of its
initial and its target variance.
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
from sims.sampling.schedules import log_snr_schedule
from sims.training.descent import common_clock
from theory.definitions.processes import EDM

Config = EmergenceConfig
PRESETS = {
    "quick": Config(),
    "paper": Config(
        trained_variances=(1e-2, 1e2, 13),
        last_time=200.0,
        snapshots=80,
        noise_levels=128,
        seeds=16,
        training_samples=1048576,
        generated_samples=4096,
    ),
}
_SOURCE = "Wang & Pehlevan 2025, Fig. 6"


def compute(config: Config, *, key: PRNGKeyArray, stage: RunStage) -> Arrays:
    """Closed-form and measured emergence times, indexed [initial gain, (seed,) mode]; keys end in the mean's name."""
    levels = log_snr_schedule(EDM(), config.noise_levels - 1)
    curvature = 2 * (config.trained_variances[1] + np.asarray(levels) ** 2)
    clock = common_clock(config.times, curvature, smallest_steps=12, safety=0.8)
    return compute_emergence(config, Setting(EDM(), levels, clock), key=key, stage=stage)


def claims(data: Arrays) -> list[Claim]:
    branches = ((0.0, "rising"), (0.1, "rising"), (0.5, "rising"), (0.6, "falling"), (1.0, "falling"))
    statements = [exponent_of_branch(data, gain, mean, branch, _SOURCE) for mean in MEANS for gain, branch in branches]
    return [*statements, *[agreement(data, mean, _SOURCE) for mean in MEANS], _square_root_law(data)]


def _square_root_law(data: Arrays) -> Claim:
    """For Q = 1 the variance falls as 1/c before it reaches λ, so τ* at the geometric mean goes as λ^-1/2."""
    claim = exponent_of_branch(data, 1.0, "geometric", "falling", _SOURCE)
    return Claim(
        "exponent ½ of the falling branch, Q = 1, geometric mean",
        "this project, from Prop. 4.2",
        "λ̃ ≈ e^-γ/(2ητ) while λ ≪ λ̃ ≪ σ_T², so the geometric level is reached at τ* ∝ λ^-1/2",
        None,
        0.5,
        claim.measured,
        claim.interval,
        0.03,
    )


def draw(data: Arrays) -> Figure:
    return draw_emergence_times(data)
