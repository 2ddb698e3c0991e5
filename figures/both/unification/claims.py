"""Claims of the figure `unification`: every statement with the number that decides it."""

from functools import partial

import numpy as np

from figures.both.unification.half_times import half_times
from figures.common.claims import Claim
from figures.common.estimated_claims import absolute, estimated_claim
from figures.common.stages import Arrays
from sims.measurements.estimates import Estimate, exact, mean_over, weighted_sum

_claim = partial(estimated_claim, source="this project, U1", theory=1.0, tolerance=0.05)


def _over_members(data: Arrays, name: str, members: str = "members") -> Estimate:
    """An average over the members of an ensemble and its stored error; `members` names the array with their number."""
    return Estimate(data[name], data[f"{name}_stderr"], int(data[members]))


def _farthest(ratio: Estimate, reference: float = 1.0) -> Estimate:
    """Of many values the one farthest from its reference."""
    off = np.abs(ratio.value - reference)
    return ratio.at(np.unravel_index(np.argmax(off), off.shape))


def _largest_difference(estimate: Estimate, theory: np.ndarray) -> Estimate:
    """The largest absolute difference of an estimate from theory, with the standard error at that place."""
    return absolute(_farthest(estimate._replace(value=estimate.value - theory), 0.0))


def claims(data: Arrays) -> list[Claim]:
    return [*_element_claims(data), *_first_term_claims(data), *_kernel_claims(data), *_data_claims(data)]


def _element_claims(data: Arrays) -> list[Claim]:
    """U1 at every training time: pooled over elements with equal weight, and element by element."""
    away = np.abs(data["weight_variance"] - data["total_theory"]) / data["weight_variance_stderr"]
    ratio = _over_members(data, "shared_ratio")
    return [
        *(
            _claim(
                f"variance of weights over draws, σ = {level:g}",
                "P Var W_kl is noise of targets plus noise of the design at every training time (measured over theory, "
                "mean over all elements; the time where it is farthest from 1)",
                _farthest(ratio.at(np.s_[0, :, column])),
            )
            for column, level in enumerate(data["noise_levels"])
        ),
        _claim(
            "variances element by element",
            "measured Var W_kl lies within 4 standard errors of the formula (share of elements, times and levels)",
            exact(np.mean(away <= 4)),
            theory=0.99,
            tolerance=0.0,
            relation="greater",
        ),
        _claim(
            "mean over draws",
            "the mean of W_kk is the spectral law (largest difference of all modes, times and levels)",
            _largest_difference(_over_members(data, "gain"), data["gain_theory"]),
            source="Wang & Pehlevan 2025, Eq. 7",
            theory=0.0,
            tolerance=0.01,
        ),
        _claim(
            "any number of draws per dimension",
            f"d/P = {data['few_ratio']:g}: the form for any ratio gives the variance at every time (farthest from 1)",
            _farthest(_over_members(data, "few_any_ratio", "few_members")),
        ),
        _claim(
            "leading order at few draws",
            f"d/P = {data['few_ratio']:g}: order 1/P alone is too small by up to 1/(1 - d/P) at the last time",
            _over_members(data, "few_leading", "few_members").at(-1),
            source="Vastola 2025, Prop. 5.2, at finite P",
            paper=1.0,
            theory=float(data["few_correction"][-1]),
            tolerance=0.1,
        ),
    ]


def _first_term_claims(data: Arrays) -> list[Claim]:
    """Eq. 16 alone: how far off it is early, and that it is right in the end."""
    early = []
    for column, level in enumerate(data["noise_levels"]):
        measured = _over_members(data, "weight_variance").at((0, column, 0, 0))
        first, total = (data[name][0, column, 0, 0] for name in ("targets_theory", "total_theory"))
        early.append(
            _claim(
                f"Eq. 16 alone early in training, σ = {level:g}",
                "Var W_11 over its part at given inputs is 1 + 2λ_1/σ² as training starts from zero",
                weighted_sum(1 / first, measured),
                source="Vastola 2025, Prop. 5.2, Eq. 16",
                paper=1.0,
                theory=float(total / first),
                tolerance=0.15 * float(total / first),
            )
        )
    ends = [
        _claim(
            f"Eq. 16 alone at the end of training, σ = {level:g}",
            "noise of the design is forgotten: measured variance over Eq. 16, mean over all elements, last time",
            _over_members(data, "alone_ratio").at((-1, column)),
            source="Vastola 2025, Prop. 5.2, Eq. 16",
        )
        for column, level in enumerate(data["noise_levels"])
    ]
    return early + ends


def _kernel_claims(data: Arrays) -> list[Claim]:
    """The V-kernel in training time, and that variance switches on in the order of the spectral law."""
    kernels = [
        _claim(
            f"V-kernel at ητ = {time:.2g}",
            "predicted and measured covariance of the score, all pairs of points and components: correlation",
            exact(np.corrcoef(measured, predicted)[0, 1]),
            theory=0.97,
            tolerance=0.0,
            relation="greater",
        )
        for time, measured, predicted in zip(
            data["score_times"], data["score_measured"], data["score_predicted"], strict=True
        )
    ]
    curve = half_times(data["times"][:, 0], data["total_theory"][:, 0])
    power = data["variance"] + data["noise_levels"][0] ** 2
    exponents = np.stack([_exponent(power, each) for each in data["half_times"]])
    return [
        *kernels,
        _claim(
            "variance switches on in the order of the spectral law",
            "half-time of Var W_dl against λ_l + σ²: exponent",
            mean_over(exponents),
            theory=float(_exponent(power, curve)),
            tolerance=0.1,
        ),
    ]


def _exponent(power: np.ndarray, times: np.ndarray) -> np.ndarray:
    """α of τ ∝ (λ + σ²)^-α by least squares in the logarithms."""
    return -np.polyfit(np.log(power), np.log(times), 1)[0]


def _data_claims(data: Arrays) -> list[Claim]:
    """U2 and U3: many noises per datum, and fewer data than dimensions."""
    sets, loss = len(data["scarce_overfit"]), data["scarce_loss_theory"]
    gain = Estimate(data["scarce_gain"], data["scarce_gain_stderr"], sets)
    loss_ratio = Estimate(data["scarce_loss"] / loss, data["scarce_loss_stderr"] / loss, sets)
    of_scarce = partial(_claim, source="this project, U3")
    return [
        _claim(
            "many noises per datum",
            "Var W_kl of n data with m > 1 noises each, at every time and level (mean over elements, farthest from 1)",
            _farthest(_over_members(data, "shared_ratio").at(np.s_[1:])),
            source="this project, U2",
        ),
        of_scarce(
            "learning curves at finite data",
            f"n/d = {data['scarce_data'] / len(data['scarce_variance']):g}: mean gains are the deterministic "
            "equivalent (largest difference of all modes and times)",
            _largest_difference(gain, data["scarce_gain_theory"]),
            theory=0.0,
            tolerance=0.03,
        ),
        of_scarce(
            "infinite-data curves at finite data",
            "the gains of the population's covariance are off (largest difference of all modes and times)",
            _largest_difference(gain, data["scarce_gain_naive"]),
            theory=0.1,
            tolerance=0.0,
            relation="greater",
        ),
        of_scarce(
            "loss on fresh data at finite data",
            "measured over predicted at every time, mean over data sets (farthest from 1)",
            _farthest(loss_ratio),
        ),
        of_scarce(
            "no overfitting with all noise averaged",
            "loss on fresh data at the end of training over that at the predicted best time, mean over data sets",
            mean_over(data["scarce_overfit"]),
            theory=float(loss[-1] / loss.min()),
            tolerance=0.01,
        ),
    ]
