"""MLP-UNets beside the linear networks: one network for all noise levels, preconditioned, by gradient descent.

Normal data whose variances are all below what the untrained network generates, or all above. Models have a basis,
points, initial weights and batches of their own. Rates and numbers of steps come from trials with another seed.
"""

from dataclasses import dataclass, replace

import jax
import numpy as np
from jaxtyping import Float, PRNGKeyArray

from figures.common.randomness import numpy_generator
from figures.common.stages import Arrays, RunStage
from figures.studies.trained_networks.architectures import MLP
from figures.studies.trained_networks.closed_form import train_beside_closed_forms
from figures.studies.trained_networks.experiment import NetworkRun, TrainedRun, prefixed
from sims.data.built_in import gaussian_samples


@dataclass(frozen=True)
class MLPs:
    """Data and networks of one branch."""

    branch: str
    variances: tuple[float, float, int]  # first, last, number
    network: NetworkRun
    models: int = 3
    points: int = 16384


_FALLING = NetworkRun(
    MLP(layers=3, width=64, embedding=32),
    steps=2000,
    records=30,
    samples=512,
    batch_size=256,
    optimiser="sgd",
    learning_rate=0.004,
)
# The strongest mode allows a rate that is smaller by what it is stronger.
_RISING = replace(_FALLING, steps=4000, learning_rate=0.001)
QUICK = MLPs("falling", (2e-3, 0.25, 16), _FALLING), MLPs("rising", (0.5, 10.0, 16), _RISING)
PAPER = tuple(
    replace(each, models=8, network=replace(each.network, steps=2 * each.network.steps, records=40, samples=2048))
    for each in QUICK
)
_SMALL = {"steps": 30, "records": 6, "samples": 32, "batch_size": 16, "heun_steps": 4}
TINY = tuple(
    replace(
        each,
        variances=(*each.variances[:2], 6),
        models=2,
        points=400,
        network=replace(each.network, architecture=MLP(layers=2, width=8, embedding=4), **_SMALL),
    )
    for each in QUICK
)


def train_mlps(kinds: tuple[MLPs, ...], *, key: PRNGKeyArray, stage: RunStage, share: float) -> Arrays:
    """Arrays of `stacked` and of `closed_form`, under "mlp_falling_…" and "mlp_rising_…"."""
    keys = jax.random.split(key, len(kinds))
    runs = {f"MLPs, {kind.branch}": _runs(kind, own) for kind, own in zip(kinds, keys, strict=True)}
    found = train_beside_closed_forms(runs, stage=stage, share=share, closed_form_share=0.1, together=True)
    arrays: Arrays = {}
    for kind, of_kind in zip(kinds, found.values(), strict=True):
        arrays |= prefixed(f"mlp_{kind.branch}", of_kind)
    return arrays


def _runs(kind: MLPs, key: PRNGKeyArray) -> list[TrainedRun]:
    keys = [jax.random.split(model_key) for model_key in jax.random.split(key, kind.models)]
    return [
        TrainedRun(f"MLPs, {kind.branch}, model {number}", kind.network, _data(kind, data_key), run_key)
        for number, (data_key, run_key) in enumerate(keys)
    ]


def _data(kind: MLPs, key: PRNGKeyArray) -> Float[np.ndarray, "points d"]:
    """Normal points in a random basis, float32."""
    basis_key, point_key = jax.random.split(key)
    variances = np.geomspace(*kind.variances)
    basis = np.linalg.qr(numpy_generator(basis_key).normal(size=(variances.size, variances.size)))[0]
    mean = np.zeros(variances.size)
    points = gaussian_samples(point_key, count=kind.points, mean=mean, variances=variances, basis=basis)
    return points.astype(np.float32)
