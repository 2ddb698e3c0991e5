"""Sizes of networks on photographs: figures of one preset that ask for the same kind of network get the same ones."""

from dataclasses import replace

from figures.studies.photograph_networks.training import Photographs
from figures.studies.trained_networks.architectures import MLP, ResNet, UNet
from figures.studies.trained_networks.experiment import NetworkRun

PHOTOGRAPHS = {
    "quick": Photographs(size=8, count=16384, models=3, together=True, pictures=9, patches=((3, 1), (4, 2), (6, 1))),
    # The published patches 3/1, 6/3 and 9/3, for images of four times as many pixels, and one between.
    "paper": Photographs(size=16, count=32768, models=8, pictures=9, patches=((3, 1), (4, 2), (6, 3), (9, 3))),
    "tiny": Photographs(size=4, count=64, models=2, together=True, pictures=9, patches=((2, 1), (3, 1))),
}

# The published network is as wide as its images have numbers, 8 × 3072, and trains five times as long.
MLP_RUNS = {
    "quick": NetworkRun(
        MLP(layers=5, width=128, embedding=64),
        steps=1600,
        records=16,
        samples=256,
        batch_size=128,
        learning_rate=1e-3,
        heun_steps=18,
        kept=16,
    ),
    "paper": NetworkRun(
        MLP(layers=8, width=256, embedding=128),
        steps=20_000,
        records=40,
        samples=512,
        batch_size=256,
        heun_steps=40,
        segments=16,
        kept=7,  # of 6 megabytes each
    ),
    "tiny": NetworkRun(
        MLP(layers=2, width=16, embedding=4),
        steps=30,
        records=6,
        samples=32,
        batch_size=16,
        learning_rate=1e-2,
        heun_steps=4,
        kept=6,
    ),
}


def _cnn(preset: str, multipliers: tuple[int, ...]) -> NetworkRun:
    """The published variants with eight channels; of their networks for FFHQ every level has 128 and more."""
    if preset == "quick":
        return NetworkRun(
            UNet(PHOTOGRAPHS["quick"].shape, channels=8, multipliers=multipliers),
            steps=700,
            records=10,
            samples=128,
            batch_size=32,
            learning_rate=1e-3,
            heun_steps=18,
            kept=10,
        )
    if preset == "paper":
        return NetworkRun(
            UNet(PHOTOGRAPHS["paper"].shape, channels=8, multipliers=multipliers),
            steps=20_000,
            records=40,
            samples=512,
            batch_size=32,
            heun_steps=35,
            sampled_together=32,
            segments=12,
            kept=14,
        )
    # Compiling a U-Net would take most of the tests' time.
    return replace(MLP_RUNS["tiny"], architecture=ResNet(PHOTOGRAPHS["tiny"].shape, channels=4, blocks=1))


ONE_LEVEL_RUNS = {preset: _cnn(preset, (1,)) for preset in PHOTOGRAPHS}
TWO_LEVEL_RUNS = {preset: _cnn(preset, (1, 1)) for preset in PHOTOGRAPHS}

# Of figures that train many kinds, on images of 8 × 8 pixels.
SMALL_PHOTOGRAPHS = PHOTOGRAPHS | {"paper": Photographs(size=8, count=32768, models=8)}
_SMALL_MLP = replace(
    MLP_RUNS["quick"], architecture=MLP(layers=3, width=128, embedding=32), steps=1000, records=20, kept=0
)
SMALL_MLP_RUNS = {
    "quick": _SMALL_MLP,
    "paper": replace(_SMALL_MLP, steps=5000, records=40, samples=512, learning_rate=3e-4),
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
SMALL_CNN_RUNS = {
    "quick": ONE_LEVEL_RUNS["quick"],
    "paper": replace(
        SMALL_MLP_RUNS["paper"],
        architecture=UNet(SMALL_PHOTOGRAPHS["paper"].shape, channels=8, multipliers=(1,)),
        steps=10_000,
        batch_size=64,
        segments=4,
    ),
    # Compiling a U-Net would take most of the tests' time.
    "tiny": replace(SMALL_MLP_RUNS["tiny"], architecture=ResNet(PHOTOGRAPHS["tiny"].shape, channels=4, blocks=1)),
}
