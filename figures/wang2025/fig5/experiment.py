"""Figure 5 of Wang & Pehlevan 2025: Figure 2 from a larger initial gain, Q = 0.5.

An untrained network then keeps half of what it sees and generates the variance σ_0 σ_T in every mode. Large noise
levels unlearn before small ones learn, so that every mode first falls, those of small variance far below the data, and
rises again when it is learned. Emergence times are shown for the modes whose target lies above the initial variance.
"""

from jaxtyping import PRNGKeyArray

from figures.common.stages import Arrays, RunStage
from figures.studies.two_architectures.experiment import ArchitecturesConfig, compute_architectures

Config = ArchitecturesConfig
PRESETS = {
    "quick": Config(
        initial_gain=0.5, last_time=30.0, snapshots=28, training_samples=262144, fewer_training_samples=None
    ),
    "paper": Config(
        initial_gain=0.5,
        last_time=1e3,
        snapshots=57,
        noise_levels=128,
        seeds=24,
        training_samples=2097152,
        fewer_training_samples=None,
    ),
    "tiny": Config(
        variances=(6.0, 3.0, 1.0),
        initial_gain=0.5,
        last_time=1.0,
        snapshots=6,
        noise_levels=8,
        seeds=2,
        training_samples=4096,
        fewer_training_samples=None,
        smallest_steps=192,
    ),
}


def compute(config: Config, *, key: PRNGKeyArray, stage: RunStage) -> Arrays:
    """Theory curves, and trained networks measured at the snapshots; keys end in the parametrisation's name."""
    return compute_architectures(config, key=key, stage=stage)
