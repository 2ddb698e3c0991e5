"""Figure 2 of Wang & Pehlevan 2025: weights and generated variance per eigenmode, and the power law of emergence.

One-layer and tied two-layer linear denoisers from the initial gain Q = 0.1, beside the closed forms. A second set of
one-layer networks learns from an eighth of the training samples, which is a claim of its own.
"""

from jaxtyping import PRNGKeyArray

from figures.common.stages import Arrays, RunStage
from figures.studies.two_architectures.experiment import ArchitecturesConfig, compute_architectures

Config = ArchitecturesConfig
PRESETS = {
    "quick": Config(),
    "paper": Config(
        last_time=1e3,
        snapshots=57,
        noise_levels=128,
        seeds=24,
        training_samples=2097152,
        fewer_training_samples=262144,
    ),
    "tiny": Config(
        variances=(3.0, 0.3, 0.03),
        snapshots=6,
        noise_levels=8,
        seeds=2,
        training_samples=4096,
        fewer_training_samples=1024,
        smallest_steps=96,
    ),
}


def compute(config: Config, *, key: PRNGKeyArray, stage: RunStage) -> Arrays:
    """Theory curves, and trained networks measured at the snapshots; keys end in the parametrisation's name."""
    return compute_architectures(config, key=key, stage=stage)
