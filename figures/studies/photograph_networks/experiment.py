"""Networks trained on patches of photographs: the sizes that several figures share, and the closed form beside them.

Every model draws its own patches from two photographs. Models of one number have the same patches, sampler noise and
keys in every kind of network, so that kinds are compared in pairs.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Float, PRNGKeyArray

from figures.common.stages import Arrays, RunStage
from figures.studies.trained_networks.architectures import MLP, ResNet, UNet
from figures.studies.trained_networks.closed_form import with_closed_forms
from figures.studies.trained_networks.experiment import NetworkRun, Prepare, TrainedRun, prefixed, stacked, train
from sims.data.built_in import natural_image_patches

_CLOSED_FORM_SHARE = 0.1


@dataclass(frozen=True)
class Photographs:
    """Grey square patches, pixels from -1 to 1, and how many models are trained on patches of their own."""

    size: int  # side in pixels
    count: int  # of patches, for every model
    models: int
    # Models of one kind go through one stage, one after the other: for networks that take longer to compile than to
    # train.
    together: bool = False

    @property
    def shape(self) -> tuple[int, int, int]:
        """Of a patch: height, width, colours."""
        return self.size, self.size, 1


class Trained(NamedTuple):
    """The models of every kind, and what was measured of them."""

    runs: dict[str, list[TrainedRun]]
    arrays: Arrays  # of `stacked`, under names that begin with the kind


PHOTOGRAPHS = {
    "quick": Photographs(size=8, count=16384, models=3, together=True),
    "paper": Photographs(size=16, count=32768, models=8),
    "tiny": Photographs(size=4, count=64, models=2, together=True),
}

# The published network has 8 × 3072, for images of as many numbers, and trains five times as long.
MLP_RUNS = {
    "quick": NetworkRun(
        MLP(layers=5, width=128, embedding=64),
        steps=2000,
        records=24,
        samples=256,
        batch_size=128,
        learning_rate=1e-3,
        heun_steps=18,
    ),
    "paper": NetworkRun(
        MLP(layers=8, width=512, embedding=128),
        steps=20_000,
        records=40,
        samples=512,
        batch_size=256,
        heun_steps=40,
        segments=16,
    ),
    "tiny": NetworkRun(
        MLP(layers=2, width=16, embedding=4),
        steps=30,
        records=6,
        samples=32,
        batch_size=16,
        learning_rate=1e-2,
        heun_steps=4,
    ),
}

# Of figures that train many kinds.
SMALL_MLP_RUNS = {
    "quick": replace(MLP_RUNS["quick"], architecture=MLP(layers=3, width=128, embedding=32), steps=1000, records=20),
    "tiny": NetworkRun(
        MLP(layers=2, width=8, embedding=4),
        steps=20,
        records=6,
        samples=32,
        batch_size=128,
        learning_rate=1e-3,
        heun_steps=4,
    ),
}


def _cnn(preset: str, multipliers: tuple[int, ...]) -> NetworkRun:
    """The published variants with eight channels; of their networks for FFHQ every level has 128 and more."""
    if preset == "quick":
        return NetworkRun(
            UNet(PHOTOGRAPHS["quick"].shape, channels=8, multipliers=multipliers),
            steps=800,
            records=16,
            samples=128,
            batch_size=32,
            learning_rate=1e-3,
            heun_steps=18,
        )
    if preset == "paper":
        return NetworkRun(
            UNet(PHOTOGRAPHS["paper"].shape, channels=8, multipliers=multipliers),
            steps=20_000,
            records=40,
            samples=512,
            batch_size=64,
            heun_steps=35,
            segments=12,
        )
    # Compiling a U-Net would take most of the tests' time.
    return NetworkRun(
        ResNet(PHOTOGRAPHS["tiny"].shape, channels=4, blocks=1),
        steps=30,
        records=6,
        samples=32,
        batch_size=16,
        learning_rate=1e-2,
        heun_steps=4,
    )


ONE_LEVEL_RUNS = {preset: _cnn(preset, (1,)) for preset in PHOTOGRAPHS}
TWO_LEVEL_RUNS = {preset: _cnn(preset, (1, 1)) for preset in PHOTOGRAPHS}


def train_on_photographs(
    photographs: Photographs,
    networks: Mapping[str, NetworkRun],
    prepare: Prepare,
    *,
    key: PRNGKeyArray,
    stage: RunStage,
) -> Trained:
    """Train every kind of network, measure it by `prepare`, and put the closed form beside it."""
    runs, results = train_kinds(photographs, networks, prepare, key=key, stage=stage, share=1 - _CLOSED_FORM_SHARE)
    of_kind = {kind: stacked(own, results[kind]) for kind, own in runs.items()}
    both = with_closed_forms(of_kind, networks, stage=stage, share=_CLOSED_FORM_SHARE)
    return Trained(runs, {name: array for kind, own in both.items() for name, array in prefixed(kind, own).items()})


def train_kinds(
    photographs: Photographs,
    networks: Mapping[str, NetworkRun],
    prepare: Prepare,
    *,
    key: PRNGKeyArray,
    stage: RunStage,
    share: float,
) -> tuple[dict[str, list[TrainedRun]], dict[str, list[Arrays]]]:
    """The models of every kind, and what `train` gives of each."""
    keys = [jax.random.split(model_key) for model_key in jax.random.split(key, photographs.models)]
    patches = [_drawn_patches(photographs, patch_key) for patch_key, _ in keys]
    runs = {
        kind: [
            TrainedRun(f"{kind}, model {number}", network, patches[number], run_key)
            for number, (_, run_key) in enumerate(keys)
        ]
        for kind, network in networks.items()
    }
    every = [run for own in runs.values() for run in own]
    results = iter(train(every, prepare, stage=stage, share=share, together=photographs.together))
    return runs, {kind: [next(results) for _ in own] for kind, own in runs.items()}


def _drawn_patches(photographs: Photographs, key: PRNGKeyArray) -> Float[np.ndarray, "count pixels"]:
    """The patches of one model, float32."""
    return natural_image_patches(key, count=photographs.count, size=photographs.size).astype(np.float32)
