"""Figure 5 of Wang & Pehlevan 2025: Figure 2 from a larger initial gain, Q = 0.5.

An untrained network then keeps half of what it sees and generates the variance σ_0 σ_T in every mode. Large noise
levels unlearn before small ones learn, so that every mode first falls, those of small variance far below the data, and
rises again when it is learned. Emergence times are shown for the modes whose target lies above the initial variance.
"""

from dataclasses import replace

from jaxtyping import PRNGKeyArray
from matplotlib.figure import Figure

from figures.studies.two_architectures import experiment as wang2025_fig2
from figures.common.claims import Claim
from figures.common.stages import Arrays, RunStage

Config = wang2025_fig2.Config
PRESETS = {
    "quick": replace(
        wang2025_fig2.PRESETS["quick"],
        initial_gain=0.5,
        last_time=30.0,
        snapshots=28,
        training_samples=262144,
        fewer_training_samples=None,
    ),
    "paper": replace(wang2025_fig2.PRESETS["paper"], initial_gain=0.5, fewer_training_samples=None),
}


def compute(config: Config, *, key: PRNGKeyArray, stage: RunStage) -> Arrays:
    """As for Figure 2."""
    return wang2025_fig2.compute(config, key=key, stage=stage)


def claims(data: Arrays) -> list[Claim]:
    return wang2025_fig2.claims(data)


def draw(data: Arrays) -> Figure:
    return wang2025_fig2.draw(data)
