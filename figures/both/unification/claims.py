"""Claims of the figure `unification`: every statement with the number that decides it."""

from typing import Any

import numpy as np

from figures.both.unification.half_times import half_times
from figures.common.claims import Claim
from figures.common.stages import Arrays
from sims.measurements.estimates import mean_over


def _claim(name: str, statement: str, estimate: tuple[Any, Any], **held_against) -> Claim:
    """A claim from a value and its standard error, 95 % by 1.96 of them."""
    value, stderr = float(estimate[0]), float(estimate[1])
    held = {"source": "this project, U1", "paper": None, "theory": 1.0, "tolerance": 0.05, "relation": "equal"}
    interval = (value - 1.96 * stderr, value + 1.96 * stderr)
    return Claim(name, statement=statement, measured=value, interval=interval, **(held | held_against))


def _farthest(ratio: np.ndarray, stderr: np.ndarray) -> tuple[float, float]:
    """Of many ratios the one farthest from 1, with its standard error."""
    worst = np.unravel_index(np.argmax(np.abs(ratio - 1)), ratio.shape)
    return float(ratio[worst]), float(stderr[worst])


def claims(data: Arrays) -> list[Claim]:
    return [*_element_claims(data), *_first_term_claims(data), *_kernel_claims(data), *_data_claims(data)]


def _element_claims(data: Arrays) -> list[Claim]:
    """U1 at every training time: pooled over elements with equal weight, and element by element."""
    away = np.abs(data["weight_variance"] - data["total_theory"]) / data["weight_variance_stderr"]
    within, gain_off = float(np.mean(away <= 4)), np.abs(data["gain"] - data["gain_theory"])
    worst = np.unravel_index(np.argmax(gain_off), gain_off.shape)
    return [
        *(
            _claim(
                f"variance of weights over draws, σ = {level:g}",
                "P Var W_kl is noise of targets plus noise of the design at every training time (measured over theory, "
                "mean over all elements; the time where it is farthest from 1)",
                _farthest(data["shared_ratio"][0][:, column], data["shared_ratio_stderr"][0][:, column]),
            )
            for column, level in enumerate(data["noise_levels"])
        ),
        _claim(
            "variances element by element",
            "measured Var W_kl lies within 4 standard errors of the formula (share of elements, times and levels)",
            (within, 0.0),
            theory=0.99,
            tolerance=0.0,
            relation="greater",
        ),
        _claim(
            "mean over draws",
            "the mean of W_kk is the spectral law (largest difference of all modes, times and levels)",
            (gain_off[worst], data["gain_stderr"][worst]),
            source="Wang & Pehlevan 2025, Eq. 7",
            theory=0.0,
            tolerance=0.01,
        ),
        _claim(
            "any number of draws per dimension",
            f"d/P = {data['few_ratio']:g}: the form for any ratio gives the variance at every time (farthest from 1)",
            _farthest(data["few_any_ratio"], data["few_any_ratio_stderr"]),
        ),
        _claim(
            "leading order at few draws",
            f"d/P = {data['few_ratio']:g}: order 1/P alone is too small by up to 1/(1 - d/P) at the last time",
            (data["few_leading"][-1], data["few_leading_stderr"][-1]),
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
        measured, stderr, first, total = (
            data[name][0, column, 0, 0]
            for name in ("weight_variance", "weight_variance_stderr", "targets_theory", "total_theory")
        )
        early.append(
            _claim(
                f"Eq. 16 alone early in training, σ = {level:g}",
                "Var W_11 over its part at given inputs is 1 + 2λ_1/σ² as training starts from zero",
                (measured / first, stderr / first),
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
            (data["alone_ratio"][-1, column], data["alone_ratio_stderr"][-1, column]),
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
            (np.corrcoef(measured, predicted)[0, 1], 0.0),
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
    exponent = mean_over(np.stack([_exponent(power, each) for each in data["half_times"]]))
    return [
        *kernels,
        _claim(
            "variance switches on in the order of the spectral law",
            "half-time of Var W_dl against λ_l + σ²: exponent",
            (exponent.value, exponent.stderr),
            theory=float(_exponent(power, curve)),
            tolerance=0.1,
        ),
    ]


def _exponent(power: np.ndarray, times: np.ndarray) -> np.ndarray:
    """α of τ ∝ (λ + σ²)^-α by least squares in the logarithms."""
    return -np.polyfit(np.log(power), np.log(times), 1)[0]


def _data_claims(data: Arrays) -> list[Claim]:
    """U2 and U3: many noises per datum, and fewer data than dimensions."""
    off = np.abs(data["scarce_gain"] - data["scarce_gain_theory"])
    worst = np.unravel_index(np.argmax(off), off.shape)
    naive = np.abs(data["scarce_gain"] - data["scarce_gain_naive"])
    naive_worst = np.unravel_index(np.argmax(naive), naive.shape)
    overfit, loss = mean_over(data["scarce_overfit"]), data["scarce_loss_theory"]
    scarce = {"source": "this project, U3", "theory": 0.0}
    return [
        _claim(
            "many noises per datum",
            "Var W_kl of n data with m > 1 noises each, at every time and level (mean over elements, farthest from 1)",
            _farthest(data["shared_ratio"][1:], data["shared_ratio_stderr"][1:]),
            source="this project, U2",
        ),
        _claim(
            "learning curves at finite data",
            f"n/d = {data['scarce_data'] / len(data['scarce_variance']):g}: mean gains are the deterministic "
            "equivalent (largest difference of all modes and times)",
            (off[worst], data["scarce_gain_stderr"][worst]),
            tolerance=0.03,
            **scarce,
        ),
        _claim(
            "infinite-data curves at finite data",
            "the gains of the population's covariance are off (largest difference of all modes and times)",
            (naive[naive_worst], data["scarce_gain_stderr"][naive_worst]),
            **(scarce | {"theory": 0.1, "tolerance": 0.0, "relation": "greater"}),
        ),
        _claim(
            "loss on fresh data at finite data",
            "measured over predicted at every time, mean over data sets (farthest from 1)",
            _farthest(data["scarce_loss"] / loss, data["scarce_loss_stderr"] / loss),
            **(scarce | {"theory": 1.0}),
        ),
        _claim(
            "no overfitting with all noise averaged",
            "loss on fresh data at the end of training over that at the predicted best time, mean over data sets",
            (overfit.value, overfit.stderr),
            tolerance=0.01,
            **(scarce | {"theory": float(loss[-1] / loss.min())}),
        ),
    ]
