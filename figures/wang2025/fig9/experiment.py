"""Figures 9 and 10 of Wang & Pehlevan 2025: MLP-UNets on Gaussian data, here of several widths.

Stored fits of the authors have the exponents .76 (rising) and 1.64 (falling) in 128 dimensions and 1.08 twice in 256,
with the same width of 256. What differs may be the width over the dimension, the gray zone of modes that a fit leaves
out, which is one for all modes there, or the first record, which is after step 1 there. All are told apart: every model
of a dimension has the same data at every width, and all records are kept.
"""

from jaxtyping import PRNGKeyArray

from figures.common.stages import Arrays, RunStage
from figures.studies.gaussian_networks.experiment import Case, Config, tiny, train_cases

PRESETS = {
    "quick": Config(
        cases=(Case(32, 32), Case(32, 64), Case(32, 128)),
        models=3,
        embedding=64,
        steps=1600,
        records=18,
        samples=512,
        batch_size=128,
        learning_rate=1e-3,
        together=True,
    ),
    "paper": Config(cases=(Case(128, 128, 4), Case(128, 256, 6), Case(128, 512, 16), Case(256, 256, 6))),
    "tiny": tiny(Case(6, 6), Case(6, 24)),
}


def compute(config: Config, *, key: PRNGKeyArray, stage: RunStage) -> Arrays:
    """Arrays of `train_cases`."""
    return train_cases(config, key=key, stage=stage)
