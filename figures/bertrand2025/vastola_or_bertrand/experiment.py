"""Does the noise of the targets make diffusion models generalise? Two papers disagree; both are put to the test.

**Vastola 2025** (Secs. 4-6): the covariance of the proxy score, through the V-kernel of what is learned from P noisy
triples with F features, is what makes models generalise; its effect is of the order F/P and is proportional to the
covariance. **Bertrand et al. 2025**: models trained on the exact target of flow matching, free of noise, generalise as
well or better; noise of the targets is irrelevant, in high dimension, for large networks trained for long.

Both can be right. Target noise changes what is learned on average only through finitely many draws or steps that do not
vanish. For ridge regression T = target noise/(misfit + design noise), each as a part of the error, is predicted without
training (`theory.v_kernel.noise_budget`). Data sets of N points are drawn from N(0, I) in D dimensions; models are
trained on targets with c times the covariance, c = 0 (all points as references), in part (2 references), 1 (denoising
score matching), 2, 4, for P/F from 16 to 1/4, the last of them outside Vastola's expansion. What is asked is by how
much memorised share and distance from the population change between c = 0 and c = 1. The same triples, initial weights
and minibatches serve all targets; replicates are data sets.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import PRNGKeyArray

from figures.bertrand2025.vastola_or_bertrand.linear import predictions, trained_models
from figures.bertrand2025.vastola_or_bertrand.networks import (
    ARMS,
    CONTROL_DIMENSION,
    SHAPED,
    arm,
    base,
    control,
    networks,
)
from figures.bertrand2025.vastola_or_bertrand.setting import DOSES, Config
from figures.common.stages import Arrays, RunStage, Stage

PRESETS = {
    "quick": Config(),
    "paper": Config(
        dimensions=(1, 2, 16),
        points=(4, 8, 16),
        seeds=8,
        features=(192, 192, 192),
        predicted_dimensions=(1, 2),
        predicted_models=16,
        population=2**14,
        samples=500,
        steps=96,
        network_dimensions=(1, 2, 16),
        network_ratios=(16.0, 4.0, 1.0, 0.25),
        network_doses=tuple(DOSES),
        network_seeds=4,
        width=64,
        network_steps=4000,
        arms=True,
        sets_at_a_time=1,
    ),
    "tiny": Config(
        dimensions=(1, 2),
        points=(5, 6),
        ratios=(4.0, 1.0),
        data_sets=4,
        features=(6, 6),
        predicted_dimensions=(2,),
        predicted_models=2,
        population=256,
        samples=12,
        steps=6,
        width=4,
        network_dimensions=(1,),
        network_ratios=(1.0,),
        network_steps=12,
        batch_size=4,
        arms=True,
        control_steps=12,
        sets_at_a_time=2,
    ),
}


def compute(config: Config, *, key: PRNGKeyArray, stage: RunStage) -> Arrays:
    """Arrays `linear_D_…`, `mlp_D_…` [P/F, …], `arm_D_…` [arm, …], `shape_D_…` and `control_…`, for dimension D."""
    data_key, linear_key, network_key, arm_key, control_key = jax.random.split(key, 5)
    runs = _runs(config, data_key, linear_key, network_key, arm_key, control_key)
    results = stage.all([Stage(run.called, run.work, share=1 / len(runs)) for run in runs])
    arrays: Arrays = {
        "ratios": np.asarray(config.ratios),
        "network_ratios": np.asarray(config.network_ratios),
        "network_doses": np.asarray([list(DOSES).index(name) for name in config.network_doses]),
    }
    listed: dict[str, list[Arrays]] = {}
    for run, found in zip(runs, results, strict=True):
        if run.listed:
            listed.setdefault(run.group, []).append(found)
        else:
            arrays |= {f"{run.group}_{name}": array for name, array in found.items()}
    for group, of_group in listed.items():
        arrays |= {f"{group}_{name}": np.stack([each[name] for each in of_group]) for name in of_group[0]}
    return arrays


class Run(NamedTuple):
    """One stage, and the group that its arrays belong to; arrays of a list of runs are stacked."""

    group: str
    called: str
    work: Callable[[], Arrays]
    listed: bool = False


def _runs(
    config: Config,
    data_key: PRNGKeyArray,
    linear_key: PRNGKeyArray,
    network_key: PRNGKeyArray,
    arm_key: PRNGKeyArray,
    control_key: PRNGKeyArray,
) -> list[Run]:
    """Data sets of a dimension are the same for all networks."""
    runs = []
    for dimension in config.dimensions:
        own = jax.random.fold_in(linear_key, dimension)
        group = f"linear_{dimension}"
        runs.append(Run(group, f"linear, D = {dimension}", partial(trained_models, config, dimension, own)))
        runs.append(Run(group, f"predictions, D = {dimension}", partial(predictions, config, dimension, own)))
    trained = partial(networks, config)
    for dimension in config.network_dimensions:
        called = f"MLPs, D = {dimension}"
        of_data, of_networks = (jax.random.fold_in(each, dimension) for each in (data_key, network_key))
        for ratio in config.network_ratios:
            work = partial(trained, dimension, base(config, dimension, ratio), config.network_doses, of_data)
            runs.append(Run(f"mlp_{dimension}", f"{called}, P/F = {ratio:g}", partial(work, of_networks), listed=True))
        if not config.arms:
            continue
        of_arms = jax.random.fold_in(arm_key, dimension)
        for name in ARMS:
            work = partial(trained, dimension, arm(config, dimension, name), ("exact", "DSM"), of_data, of_arms)
            runs.append(Run(f"arm_{dimension}", f"{called}, {name}", work, listed=True))
        work = partial(trained, dimension, base(config, dimension, 1.0), SHAPED, of_data, of_arms)
        runs.append(Run(f"shape_{dimension}", f"{called}, shapes of noise", work))
    if config.arms:
        of_data = jax.random.fold_in(data_key, CONTROL_DIMENSION)
        work = partial(trained, CONTROL_DIMENSION, control(config), ("exact", "DSM"), of_data, control_key)
        runs.append(Run("control", "control: trained until it memorises", work))
    return runs
