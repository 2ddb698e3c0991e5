"""Why falling modes of wide MLP-UNets miss the closed form: the optimiser, how far they have to fall, or from what?

In Figure 9's data falling modes have variances two to eight times below what the untrained network generates. Here such
networks learn modes whose ln λ is spread twice as far too, by Adam and by SGD, whose rate is from trials with another
seed. The untrained network is a random function, whose output adds to what is generated: beside it stands one that
starts from no output.
"""

from dataclasses import replace

from jaxtyping import PRNGKeyArray

from figures.common.stages import Arrays, RunStage
from figures.studies.gaussian_networks.experiment import Case, Config, tiny, train_cases


def _cases(dimension: int, width: int) -> tuple[Case, Case, Case, Case]:
    """Figure 9's range; the wider one by Adam, by SGD, and by Adam from no output: in the order of `Readings`."""
    wider = Case(dimension, width, log_spread=2.0)
    return Case(dimension, width), wider, replace(wider, optimiser="sgd"), replace(wider, output_scale=0.0)


PRESETS = {
    "quick": Config(
        cases=_cases(48, 192),
        models=3,
        steps=1200,
        records=16,
        samples=256,
        batch_size=128,
        learning_rate=1e-3,
        together=True,
    ),
    "paper": Config(cases=_cases(64, 256), records=40, samples=512, batch_size=256),
    "tiny": tiny(*_cases(6, 24)),
}


def compute(config: Config, *, key: PRNGKeyArray, stage: RunStage) -> Arrays:
    """Arrays of `train_cases`: four cases."""
    return train_cases(config, key=key, stage=stage)
