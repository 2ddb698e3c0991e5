"""Times of generalising and memorising, and what is gained by stopping, member by member."""

import numpy as np
from jaxtyping import Float

from figures.common.stages import Arrays
from sims.measurements.memorisation import beyond_chance

SHARE = 0.2  # of samples, beyond chance, from which a model is said to memorise


def of_setting(data: Arrays, place: int) -> Arrays:
    """Arrays of one size of data and networks, as all functions here take them."""
    named = ("memorised", "distance", "chance", "steps", "dimension", "width", "digits")
    return dict(data) | {name: data[name][place] for name in named}


def words(data: Arrays) -> str:
    """Of one setting."""
    kind = "digits" if data["digits"] else f"D = {int(data['dimension'])}"
    return f"{kind}, {int(data['width'])} units"


def memorised(data: Arrays) -> Float[np.ndarray, "points records members stops"]:
    """Share less what chance gives, (m - m_0)/(1 - m_0)."""
    return beyond_chance(data["memorised"], data["chance"][:, None, :, None])


def memorisation_times(data: Arrays) -> Float[np.ndarray, "points members"]:
    """Steps after which the share first passes `SHARE`; not finite where it never does."""
    return np.stack([_first_passing(data["steps"], of, np.array(SHARE)) for of in memorised(data)[..., -1]])


def generalisation_times(data: Arrays) -> Float[np.ndarray, "points members"]:
    """Steps after which the distance first falls below the geometric mean of its first and its least value."""
    found = []
    for distance in np.log(data["distance"][..., -1]):
        fallen = distance[0] - distance
        found.append(_first_passing(data["steps"], fallen, fallen.max(axis=0) / 2))
    return np.stack(found)


def _first_passing(
    steps: Float[np.ndarray, " records"],
    values: Float[np.ndarray, "records members"],
    level: Float[np.ndarray, "#members"],
) -> Float[np.ndarray, " members"]:
    """Where each first rises to the level, linear in ln step between records; infinite where it never does.

    NaN where it is there from the first record on: the time is not resolved.
    """
    above = values >= level
    first, members = above.argmax(axis=0), np.arange(values.shape[1])
    before = np.maximum(first - 1, 0)
    low, high = values[before, members], values[first, members]
    share = (level - low) / np.where(high > low, high - low, 1.0)
    logs = np.log(steps)
    times = np.exp(logs[before] + share * (logs[first] - logs[before]))
    return np.where(~above.any(axis=0), np.inf, np.where(first == 0, np.nan, times))


def exponents(data: Arrays, times: Float[np.ndarray, "points members"]) -> Float[np.ndarray, " members"]:
    """Slope of ln time over ln n, member by member: those of different n share nothing, and are paired by their order.

    Members that lack a time at some n are left out; these are the slow ones, so that without them it is too small.
    """
    complete = np.isfinite(times).all(axis=0)
    if not complete.any():
        return np.full(2, np.nan)
    return np.polyfit(np.log(data["points"]), np.log(times[:, complete]), 1)[0]


def best_record(data: Arrays, place: int) -> Float[np.ndarray, " members"]:
    """The record of the least mean ln distance of the *other* members, for each member."""
    distance = np.log(data["distance"][place, ..., -1])
    return _chosen_by_others(distance)


def best_stop(data: Arrays, place: int) -> Float[np.ndarray, " members"]:
    """The noise level at which the last model's samples are nearest, chosen by the other members."""
    return _chosen_by_others(np.log(data["distance"][place, -1]).T)


def _chosen_by_others(values: Float[np.ndarray, "choices members"]) -> Float[np.ndarray, " members"]:
    count = values.shape[1]
    others = (values.sum(axis=1, keepdims=True) - values) / (count - 1)
    return others.argmin(axis=0)


def log_distances(data: Arrays, place: int) -> dict[str, Float[np.ndarray, " members"]]:
    """ln distance at the end of training, where training stops best, and where sampling of the last model does."""
    distance, members = np.log(data["distance"][place]), np.arange(data["distance"].shape[2])
    return {
        "end": distance[-1, :, -1],
        "training": distance[best_record(data, place), members, -1],
        "sampling": distance[-1, members, best_stop(data, place)],
    }


def memorised_when_stopped(data: Arrays, place: int) -> Float[np.ndarray, " members"]:
    """The share where training stops best."""
    return memorised(data)[place, best_record(data, place), np.arange(data["distance"].shape[2]), -1]
