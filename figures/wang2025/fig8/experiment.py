"""Figure 8 of Wang & Pehlevan 2025: emergence time against variance for flow matching, five initial gains.

As in Figure 6, on x_t = t x_1 + (1-t) x_0 with a one-layer velocity network. Sampling starts from the unit Gaussian and
an untrained network generates e^{2Q} in every mode: modes above rise, modes below fall.
"""

from jaxtyping import PRNGKeyArray

from figures.common.stages import Arrays, RunStage
from figures.studies.emergence.experiment import EmergenceConfig, compute_emergence
from figures.studies.trained_modes.experiment import flow_matching_times
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
    ),
    "tiny": Config(
        theory_variances=(1e-2, 1e1, 3),
        trained_variances=(3e-2, 3e1, 3),
        first_time=1e-4,
        last_time=2.0,
        snapshots=6,
        noise_levels=8,
        seeds=2,
        training_samples=4096,
    ),
}


def compute(config: Config, *, key: PRNGKeyArray, stage: RunStage) -> Arrays:
    """Closed-form and measured emergence times, indexed [initial gain, (seed,) mode]; keys end in the
    mean's and in the architecture's name."""
    levels = flow_matching_times(config.noise_levels)
    return compute_emergence(config, FlowMatching(), levels, ("one_layer",), together=True, key=key, stage=stage)
