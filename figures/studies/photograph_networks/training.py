"""Networks trained on patches of photographs, and kept: several figures measure different things of the same ones.

Every model draws its own patches from two photographs. Models of one number have the same patches, sampler noise and
keys in every kind of network, so that kinds are compared in pairs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Float, PRNGKeyArray

from figures.common.stages import Arrays, RunStage, SharedWork
from figures.studies.trained_networks.experiment import NetworkRun, Trained, TrainedRun, measure_modes, train
from sims.data.built_in import natural_image_patches

# In the name of an array that is part of a network, and in no other.
_OF_NETWORK = "network "


@dataclass(frozen=True)
class Photographs:
    """Grey square patches, pixels from -1 to 1, how many models learn patches of their own, and what is looked at."""

    size: int  # side in pixels
    count: int  # of patches, for every model
    models: int
    # Models of one kind go through one stage, one after the other: for networks that take longer to compile than to
    # train.
    together: bool = False
    pictures: int = 0  # samples that are kept at every record
    patches: tuple[tuple[int, int], ...] = ()  # size and stride, by increasing size: see `measure_modes`

    @property
    def shape(self) -> tuple[int, int, int]:
        """Of a patch: height, width, colours."""
        return self.size, self.size, 1


class TrainedKinds(NamedTuple):
    """By kind of network, its models and what each has given."""

    runs: dict[str, list[TrainedRun]]
    results: dict[str, list[Trained]]


def train_kinds(
    photographs: Photographs,
    networks: Mapping[str, NetworkRun],
    *,
    key: PRNGKeyArray,
    stage: RunStage,
    share: float,
) -> TrainedKinds:
    """Train every kind of network and measure what it generates; networks that any figure has trained are taken."""
    model_keys = list(jax.random.split(key, photographs.models))
    runs = {kind: [] for kind in networks}
    for number, model_key in enumerate(model_keys):
        patch_key, run_key = jax.random.split(model_key)
        patches = _drawn_patches(photographs, patch_key)
        for kind, network in networks.items():
            runs[kind].append(TrainedRun(f"{kind}, model {number}", network, patches, run_key))
    every = [run for own in runs.values() for run in own]
    works = [_work(photographs, networks[kind], model_key) for kind in networks for model_key in model_keys]
    prepare = partial(
        measure_modes, pictures=photographs.pictures, shape=photographs.shape, patches=photographs.patches
    )

    def compute(places: Sequence[int]) -> list[Arrays]:
        wanted = [every[place] for place in places]
        trained = train(wanted, prepare, stage=stage, share=share, together=photographs.together)
        return [_as_arrays(each) for each in trained]

    results = iter(map(_from_arrays, stage.shared(works, compute)))
    return TrainedKinds(runs, {kind: [next(results) for _ in own] for kind, own in runs.items()})


def _work(photographs: Photographs, network: NetworkRun, model_key: PRNGKeyArray) -> SharedWork:
    """One model of one kind."""
    decided_by = {
        "photographs": asdict(photographs),
        "network": asdict(network),
        "key": np.asarray(jax.random.key_data(model_key)).tolist(),
    }
    return SharedWork("networks_on_photographs", decided_by, __name__)


def _as_arrays(trained: Trained) -> Arrays:
    return trained.measured | {_OF_NETWORK + name: array for name, array in trained.kept.items()}


def _from_arrays(arrays: Arrays) -> Trained:
    kept = {name for name in arrays if name.startswith(_OF_NETWORK)}
    measured = {name: array for name, array in arrays.items() if name not in kept}
    return Trained(measured, {name.removeprefix(_OF_NETWORK): arrays[name] for name in kept})


def _drawn_patches(photographs: Photographs, key: PRNGKeyArray) -> Float[np.ndarray, "count pixels"]:
    """The patches of one model, float32."""
    return natural_image_patches(key, count=photographs.count, size=photographs.size).astype(np.float32)
