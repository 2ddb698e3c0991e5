"""At which steps a training run is looked at."""

import numpy as np
from jaxtyping import Int

from theory.definitions.checks import whole_arguments


@whole_arguments("steps", count=2)
def log_spaced_records(steps: int, count: int) -> Int[np.ndarray, " count"]:
    """`count` different step numbers: 0, where nothing is trained yet, 1, and on in equal ratios up to `steps`.

    Ratios are as equal as integers can have them. Raises ValueError for fewer than two records, or more of them than
    there are integers up to `steps`.
    """
    if count > steps + 1:
        raise ValueError(f"there must be at most steps + 1 different records; got count={count}, steps={steps}")
    records = [0, 1] if count > 2 else [0]
    for remaining in range(count - len(records), 0, -1):
        # Equal ratios from the last record on, in as many parts as are left, but one step further at least.
        start = max(records[-1], 1)
        records.append(max(records[-1] + 1, round(start * (steps / start) ** (1 / remaining))))
    return np.asarray(records)
