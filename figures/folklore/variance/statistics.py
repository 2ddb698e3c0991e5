"""Numbers of the folklore, from stored arrays, and what is said of each claim.

Defined before the first run, but for the level on digits. It was half of the Gaussian's distance there too, .0093; no
VAE came to it in 2000 steps, and three that were trained for 50,000 rest at .011, .014 and .019, as after 20,000. It is
the whole distance since, and training on digits ten times as long:

- Noise: R = tr Cov(g)/|E g|² of the gradient over one batch of the training, as Adam scales it where it says so.
- Matched: a model is looked at at its first record whose energy distance to held-out data is at most half of what
  a Gaussian of the data's mean and covariance has, of digits as much. Models that never get there are left out, and
  counted; with fewer than two there is no estimate.
- Diverged: at the last record samples are not finite, or no closer to the data than the data's mean alone.
- Spike: at some record the distance lies above the least one so far by over a tenth of the distance of that mean.
- Unstable: diverged, or a spike.
"""

from typing import NamedTuple

import numpy as np

from figures.common.stages import Arrays
from figures.folklore.variance.families import FAMILIES
from sims.measurements.estimates import Estimate, difference, mean_over
from sims.measurements.gradient_noise import variance_and_signal
from sims.measurements.resampling import jackknife

PLAIN, ADAM = 0, 1
_LEVEL = {"ring": 0.5, "digits": 1.0}  # of the Gaussian's distance
_SPIKE = 0.1  # of the mean's distance
NOTHING = Estimate(np.asarray(np.nan), np.asarray(np.nan), 2)


class Noise(NamedTuple):
    """Squared norms (seeds, 2) over a number of batches: the mean of |g|², and |mean g|²."""

    norms: np.ndarray
    batches: int

    def ratio_of(self, mean: np.ndarray) -> float:
        """R of the means over seeds of both; NaN where nothing is left of the signal."""
        variance, signal = variance_and_signal(mean[0], mean[1], (1, self.batches))
        return variance / signal if signal > 0 and variance > 0 else np.nan

    @property
    def log_ratio(self) -> Estimate:
        """ln R, with its error by the jackknife over seeds."""

        def logarithm(mean: np.ndarray) -> float:
            return float(np.log(self.ratio_of(mean)))

        return jackknife(logarithm, self.norms) if len(self.norms) > 1 else NOTHING


def sets(data: Arrays) -> list[str]:
    """Names of the data sets, in their order."""
    return ["ring" if dimension == 2 else "digits" for dimension in data["dimension"]]


def distance(data: Arrays, place: int, name: str) -> np.ndarray:
    """(records, seeds)."""
    return data[f"distance_{place}_{FAMILIES.index(name)}"]


def level_of_quality(data: Arrays, place: int) -> float:
    """The distance that all are compared at."""
    return _LEVEL[sets(data)[place]] * float(data[f"reference_{place}"][0])


def matched(data: Arrays, place: int, name: str) -> np.ndarray:
    """The record of every seed at which its samples first are so good; -1 where they never are."""
    good = distance(data, place, name) <= level_of_quality(data, place)
    return np.where(good.any(axis=0), good.argmax(axis=0), -1)


def norms(data: Arrays, place: int, name: str, player: int, kind: int) -> np.ndarray:
    """(records, seeds, 2)."""
    return data[f"norms_{place}_{FAMILIES.index(name)}"][:, player, kind]


def noise_at_record(data: Arrays, place: int, name: str, record: int, player: int = 0, kind: int = PLAIN) -> Noise:
    """Noise at one record of all seeds."""
    return Noise(norms(data, place, name, player, kind)[record], int(data["batches"][0]))


def matched_noise(data: Arrays, place: int, name: str, player: int = 0, kind: int = PLAIN) -> Noise:
    """Noise of every seed where its samples first are so good."""
    return Noise(_chosen(norms(data, place, name, player, kind), matched(data, place, name)), int(data["batches"][0]))


def noisier(data: Arrays, place: int, first: str, second: str, kind: int = PLAIN) -> Estimate:
    """ln R of the first minus ln R of the second, at matched quality; of adversaries the generator's."""
    pair = (matched_noise(data, place, name, 0, kind).log_ratio for name in (first, second))
    return difference(*pair)


def level_noise(data: Arrays, place: int, level: int, record: int | None = None) -> Noise:
    """Of the denoiser at a noise level: at matched quality, or at a record."""
    found = data[f"level_norms_{place}"][:, level]
    chosen = _chosen(found, matched(data, place, "diffusion")) if record is None else found[record]
    return Noise(chosen, int(data["batches"][1]))


def share_within_levels(data: Arrays, place: int) -> Estimate:
    """E_t Var(g|t)/Var(g) at matched quality, over equally likely noise levels of one sample each.

    The variance of a sample is that of a batch times its size: within levels n·mean V_l, between them
    mean |E g_l|² - |E g|². |E g|² is free of the means' noise: V_l/(b L²) of each is subtracted.
    """
    record, batches = matched(data, place, "diffusion"), int(data["batches"][1])
    found = np.stack([_chosen(data[f"level_norms_{place}"][:, each], record) for each in range(len(data["levels"]))])
    together = _chosen(data[f"level_mean_{place}"][..., None], record)[:, 0]
    if found.shape[1] < 2:
        return NOTHING
    variance = (found[..., 0] - found[..., 1]) / (1 - 1 / batches)  # (levels, seeds)
    signal = (found[..., 0] - variance).mean(axis=0)
    overall = together - variance.mean(axis=0) / (batches * len(found))
    within = int(data["batch_size"]) * variance.mean(axis=0)
    return jackknife(lambda mean: mean[0] / mean.sum(), np.stack([within, signal - overall], axis=1))


def level_against_all(data: Arrays, place: int, level: int) -> Estimate:
    """ln R at a noise level minus ln R over all of them, at matched quality."""
    return difference(level_noise(data, place, level).log_ratio, matched_noise(data, place, "diffusion").log_ratio)


def unstable(data: Arrays, place: int, name: str) -> np.ndarray:
    """(rates, seeds): whether training diverged or had a spike."""
    found, alone = data[f"rate_distance_{place}_{FAMILIES.index(name)}"], float(data[f"reference_{place}"][1])
    finite = np.nan_to_num(found, nan=np.inf, posinf=np.inf)
    best = np.minimum.accumulate(finite, axis=1)
    with np.errstate(invalid="ignore"):  # never finite: inf - inf
        spikes = (finite - best > _SPIKE * alone).any(axis=1)
    return spikes | ~(finite[:, -1] < alone)


def share_unstable(data: Arrays, place: int, name: str, rate: int | None = None) -> Estimate:
    """The share of models that are unstable, at one learning rate or over all of them."""
    found = unstable(data, place, name).astype(float)
    return mean_over(found.mean(axis=0) if rate is None else found[rate])


def share_more_unstable(data: Arrays, place: int, first: str, second: str) -> Estimate:
    """Over all learning rates: the share of the first minus that of the second."""
    return difference(share_unstable(data, place, first), share_unstable(data, place, second))


def log_power(data: Arrays, target: int) -> Estimate:
    """ln E|y|² at the highest noise level minus that at the lowest."""
    power = np.log(data["target_power"][:, target])
    return mean_over(power[:, -1] - power[:, 0])


def log_residual(data: Arrays, place: int) -> Estimate:
    """ln of what is left of the preconditioned target: the middle noise level minus the lowest."""
    residual = np.log(data[f"residual_{place}"])
    return mean_over(residual[len(residual) // 2] - residual[0])


def schedule_noise(data: Arrays, place: int, schedule: int) -> Noise:
    """Of the denoiser at the end of training, noise levels drawn as the schedule has them."""
    return Noise(data[f"schedule_norms_{place}"][schedule], int(data["batches"][0]))


def schedule_against(data: Arrays, place: int, first: int, second: int) -> Estimate:
    """ln R of the first minus ln R of the second; both of the same networks, but of batches of their own."""
    pairs = np.concatenate([schedule_noise(data, place, each).norms for each in (first, second)], axis=1)
    number = int(data["batches"][0])

    def statistic(mean: np.ndarray) -> float:
        ratios = [Noise(pairs, number).ratio_of(part) for part in (mean[:2], mean[2:])]
        return float(np.log(ratios[0] / ratios[1]))

    return jackknife(statistic, pairs)


def coverage(data: Arrays, place: int, name: str) -> Estimate:
    """The share of the ring's modes in samples at the end of training."""
    return mean_over(data[f"covered_{place}_{FAMILIES.index(name)}"][-1])


def share_matched(data: Arrays, place: int, name: str) -> float:
    """The share of models whose samples ever are so good."""
    return float(np.mean(matched(data, place, name) >= 0))


def toy_log_signal(data: Arrays) -> Estimate:
    """ln of denoising's |E g|²/tr Cov over likelihood's, minus what theory says, mean over noise levels."""
    found, draws, theory = data["toy_norms"], int(data["toy_draws"]), np.log(data["toy_signal"])

    def statistic(mean: np.ndarray) -> float:
        signal = np.array([-np.log(Noise(mean[None], draws).ratio_of(kind)) for kind in mean])
        return float(np.mean((signal[1:] - signal[0]) - (theory[1:] - theory[0])))

    return jackknife(statistic, found)


def toy_log_game(data: Arrays) -> Estimate:
    """ln of the mean squared distance of the games minus ln of theory."""
    theory = float(data["toy_game_theory"])
    return jackknife(lambda mean: float(np.log(mean[0] / theory)), data["toy_game"][:, None])


def spread_of_parameters(data: Arrays) -> float:
    """Largest over smallest number of parameters, minus one."""
    counts = [
        [float(data[f"parameters_{place}_{index}"]) for index in range(len(FAMILIES))]
        for place in range(len(sets(data)))
    ]
    return max(max(each) / min(each) - 1 for each in counts)


def _chosen(values: np.ndarray, record: np.ndarray) -> np.ndarray:
    """Of (records, seeds, …) every seed's at its own record, without seeds that have none."""
    seeds = np.flatnonzero(record >= 0)
    return values[record[seeds], seeds]
