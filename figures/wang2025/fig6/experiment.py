"""Figure 6 of Wang & Pehlevan 2025: emergence time against variance, for five initialisations of the one-layer network.

Lines are the closed form, solid where the generated variance rises to the data's and dashed where it falls; points
are trained networks. A mode emerges when its generated variance reaches the geometric or the harmonic mean of its
initial and its target variance.
"""

from jaxtyping import PRNGKeyArray

from figures.common.stages import Arrays, RunStage
from figures.studies.emergence.experiment import EmergenceConfig, compute_emergence
from sims.sampling.schedules import log_snr_schedule
from theory.definitions.processes import EDM

Config = EmergenceConfig
PRESETS = {
    # A mode that starts from nothing reaches the harmonic level at once if training sets leak, ∝ 1/P: a large P.
    "quick": Config(training_samples=524288),
    "paper": Config(
        # Four decades would take tied layers most of an hour for every initial gain: steps are short for the strongest
        # mode, and many for the weakest.
        trained_variances=(3e-2, 3e1, 13),
        last_time=66.0,
        snapshots=80,
        noise_levels=96,
        seeds=12,
        training_samples=1048576,
    ),
    "tiny": Config(
        theory_variances=(1e-2, 1e1, 3),
        trained_variances=(3e-2, 3e1, 3),
        snapshots=6,
        noise_levels=8,
        seeds=2,
        training_samples=4096,
        smallest_steps=128,
    ),
}


def compute(config: Config, *, key: PRNGKeyArray, stage: RunStage) -> Arrays:
    """Closed-form and measured emergence times, indexed [initial gain, (seed,) mode]; keys end in the
    mean's and in the architecture's name."""
    levels = log_snr_schedule(EDM(), config.noise_levels - 1)
    return compute_emergence(config, EDM(), levels, ("one_layer", "two_layer"), together=False, key=key, stage=stage)
