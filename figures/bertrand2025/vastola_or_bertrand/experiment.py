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

from functools import partial

import jax
import numpy as np
from jaxtyping import PRNGKeyArray

from figures.bertrand2025.vastola_or_bertrand.linear import linear_models
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
    ),
    "tiny": Config(
        dimensions=(1, 2),
        points=(5, 6),
        ratios=(4.0, 1.0),
        data_sets=3,
        features=(6, 6),
        predicted_dimensions=(1, 2),
        predicted_models=2,
        population=256,
        samples=12,
        steps=6,
        width=4,
        network_dimensions=(2,),
        network_ratios=(1.0,),
        network_steps=12,
        batch_size=4,
        arms=True,
        control_steps=12,
    ),
}


def compute(config: Config, *, key: PRNGKeyArray, stage: RunStage) -> Arrays:
    """Arrays `linear_D_…`, `mlp_D_…` [P/F, …], `arm_D_…` [arm, …], `shape_D_…` and `control_…`, for dimension D."""
    data_key, linear_key, network_key, arm_key, control_key = jax.random.split(key, 5)
    stages = _stages(config, data_key, linear_key, network_key, arm_key, control_key)
    results = dict(zip(stages, stage.all(list(stages.values())), strict=True))
    arrays: Arrays = {
        "ratios": np.asarray(config.ratios),
        "network_ratios": np.asarray(config.network_ratios),
        "network_doses": np.asarray([list(DOSES).index(name) for name in config.network_doses]),
    }
    listed: dict[str, list[Arrays]] = {}
    for (group, part), found in results.items():
        if part:
            listed.setdefault(group, []).append(found)
        else:
            arrays |= {f"{group}_{name}": array for name, array in found.items()}
    for group, runs in listed.items():
        arrays |= {f"{group}_{name}": np.stack([run[name] for run in runs]) for name in runs[0]}
    return arrays


def _stages(
    config: Config,
    data_key: PRNGKeyArray,
    linear_key: PRNGKeyArray,
    network_key: PRNGKeyArray,
    arm_key: PRNGKeyArray,
    control_key: PRNGKeyArray,
) -> dict[tuple[str, str], Stage]:
    """By group of arrays and, where it is a list of runs, which of them; data sets are the same for all networks."""
    works = {}
    for dimension in config.dimensions:
        own = jax.random.fold_in(linear_key, dimension)
        works[f"linear_{dimension}", ""] = partial(linear_models, config, dimension, own), f"linear, D = {dimension}"
    trained = partial(networks, config)
    for dimension in config.network_dimensions:
        of_data, of_networks = (jax.random.fold_in(each, dimension) for each in (data_key, network_key))
        for ratio in config.network_ratios:
            work = partial(trained, dimension, base(config, dimension, ratio), config.network_doses, of_data)
            called = f"MLPs, D = {dimension}, P/F = {ratio:g}"
            works[f"mlp_{dimension}", called] = partial(work, of_networks), called
        if not config.arms:
            continue
        of_arms = jax.random.fold_in(arm_key, dimension)
        for name in ARMS:
            work = partial(trained, dimension, arm(config, dimension, name), ("exact", "DSM"), of_data, of_arms)
            works[f"arm_{dimension}", name] = work, f"MLPs, D = {dimension}, {name}"
        work = partial(trained, dimension, base(config, dimension, 1.0), SHAPED, of_data, of_arms)
        works[f"shape_{dimension}", ""] = work, f"MLPs, D = {dimension}, shapes of noise"
    if config.arms:
        of_data = jax.random.fold_in(data_key, CONTROL_DIMENSION)
        work = partial(trained, CONTROL_DIMENSION, control(config), ("exact", "DSM"), of_data, control_key)
        works["control", ""] = work, "control: trained until it memorises"
    return {name: Stage(called, work, share=1 / len(works)) for name, (work, called) in works.items()}
