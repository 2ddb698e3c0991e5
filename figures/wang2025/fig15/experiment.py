"""Figure 15 of Wang & Pehlevan 2025: how nearly the denoiser of a convolutional network is one linear convolution.

At records of training, filters of several widths are fitted to what the denoiser makes of a patch with noise, and
judged on other noise. The filters are held beside the centre row of Σ_P(Σ_P + σ²)⁻¹, with Σ_P the covariance of P × P
patches: the best a linear filter of that width can do. The exact denoiser of a Gaussian with the data's moments, which
is linear and knows edges, is measured in the same way.
"""

from dataclasses import dataclass
from functools import partial

import jax
import numpy as np
from jaxtyping import Float, PRNGKeyArray

from figures.common.stages import Arrays, RunStage
from figures.studies.photograph_networks.denoisers import exact_denoiser, measure_kept, typical
from figures.studies.photograph_networks.sizes import ONE_LEVEL_RUNS, PHOTOGRAPHS
from figures.studies.photograph_networks.training import Photographs, train_kinds
from figures.studies.trained_networks.experiment import Measurement, NetworkRun, TrainedRun, data_modes
from sims.measurements.denoisers import Denoiser
from sims.measurements.linear_filters import denoiser_filters
from sims.measurements.patch_statistics import PatchMoments, patch_moments

_KIND = "one level"
_TRAINING_SHARE, _EXACT_SHARE = 0.5, 0.05


@dataclass(frozen=True)
class Filters:
    """What is fitted: filters of these widths at these noise levels, to as many noises as they are judged on."""

    noise_levels: tuple[float, ...]
    widths: tuple[int, ...]  # odd, increasing
    compared: int  # one of the widths, at most the patch's side: the filter that is held beside theory's
    noises: int = 50  # the published number
    # Published: one, a face. Patches of photographs may be flat, and what is left of those has no structure to explain.
    images: int = 4


@dataclass(frozen=True)
class Config:
    """Sizes of the run."""

    photographs: Photographs
    network: NetworkRun
    filters: Filters


def _config(preset: str, filters: Filters) -> Config:
    return Config(PHOTOGRAPHS[preset], ONE_LEVEL_RUNS[preset], filters)


PRESETS = {
    "quick": _config("quick", Filters((0.03, 0.1, 0.3, 1.0, 3.0), (1, 3, 5, 7, 11), compared=5)),
    "paper": _config(
        "paper",
        Filters(
            (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0),
            (1, 3, 5, 7, 9, 11, 13, 15, 17),
            compared=5,
        ),
    ),
    "tiny": _config("tiny", Filters((0.3, 1.0), (1, 3), compared=3, noises=8, images=2)),
}


def compute(config: Config, *, key: PRNGKeyArray, stage: RunStage) -> Arrays:
    """`steps` (records,), those kept, `noise_levels` (levels,), `widths` (widths,), `compared` (); per model:

    `r_squared` (models, records, levels, widths), `taps` (models, records, levels, P, P) of the compared width P;
    the same of the exact denoiser of a Gaussian without records, `exact_r_squared` and `exact_taps`; and `theory_taps`
    (models, levels, P, P), the centre row.
    """
    prepare = partial(measure_filters, filters=config.filters, shape=config.photographs.shape)
    networks = {_KIND: config.network}
    trained = train_kinds(config.photographs, networks, key=key, stage=stage, share=_TRAINING_SHARE)
    found = measure_kept(trained, prepare, stage=stage, share=1 - _TRAINING_SHARE - _EXACT_SHARE)
    exact = stage(
        "exact denoisers of Gaussians",
        partial(_of_exact, trained.runs[_KIND], config.filters, config.photographs.shape),
        share=_EXACT_SHARE,
    )
    return {
        "noise_levels": np.array(config.filters.noise_levels),
        "widths": np.array(config.filters.widths),
        "compared": np.array(config.filters.compared),
        **found[_KIND],
        **exact,
    }


def measure_filters(run: TrainedRun, *, filters: Filters, shape: tuple[int, int, int]) -> Measurement:
    """Shares (levels, widths) that filters explain, and taps (levels, P, P): means over typical patches of the data.

    Every patch has filters of its own. All records see the same noise.
    """
    images = typical(run.data, filters.images).reshape(-1, *shape)
    keys = jax.random.split(jax.random.fold_in(run.key, 1), (len(filters.noise_levels), filters.images))
    place = filters.widths.index(filters.compared)

    def measured(denoiser: Denoiser) -> Arrays:
        fits = [
            [
                denoiser_filters(denoiser, image, level, filters.widths, key=image_key, noises=filters.noises)
                for image, image_key in zip(images, level_keys, strict=True)
            ]
            for level, level_keys in zip(filters.noise_levels, keys, strict=True)
        ]
        shares = np.array([[[fit.r_squared for fit in of_image] for of_image in of_level] for of_level in fits])
        taps = np.array([[of_image[place].filter.taps[:, :, 0, 0] for of_image in of_level] for of_level in fits])
        return {"r_squared": shares.mean(axis=1), "taps": taps.mean(axis=1)}

    return measured


def centre_row(moments: PatchMoments, noise_level: float) -> Float[np.ndarray, "width width"]:
    """The row of Σ_P(Σ_P + σ²)⁻¹ that belongs to the middle pixel of grey patches, as a filter."""
    covariance = moments.covariance
    middle = len(covariance) // 2
    row = np.linalg.solve(covariance + noise_level**2 * np.eye(len(covariance)), covariance[:, middle])
    side = round(np.sqrt(len(covariance)))
    return row.reshape(side, side)


def _of_exact(runs: list[TrainedRun], filters: Filters, shape: tuple[int, int, int]) -> Arrays:
    """What the exact denoisers of Gaussians give, and theory's filters."""
    found = [measure_filters(run, filters=filters, shape=shape)(exact_denoiser(data_modes(run.data))) for run in runs]
    rows = []
    for run in runs:
        moments = patch_moments(run.data.reshape(-1, *shape), filters.compared, 1)
        rows.append(np.stack([centre_row(moments, level) for level in filters.noise_levels]))
    exact = {f"exact_{name}": np.stack([each[name] for each in found]) for name in found[0]}
    return exact | {"theory_taps": np.stack(rows)}
