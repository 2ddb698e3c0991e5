"""Claims of Figure 1 where no pair of points has fallen into a bin."""

import jax
import numpy as np

from figures.common.stages import run_directly
from figures.vastola2025.fig1.claims import claims
from figures.vastola2025.fig1.experiment import PRESETS, compute


def test_shares_without_a_number_are_a_verdict_and_no_warning():
    arrays = compute(PRESETS["tiny"], key=jax.random.key(0), stage=run_directly)
    before = {claim.name: claim.verdict for claim in claims(arrays)}
    empty = claims(arrays | {"simulated": np.full_like(arrays["simulated"], np.nan)})
    assert before.keys() == {claim.name for claim in empty}
    checks = [claim for claim in empty if claim.kind == "check"]
    assert checks
    assert {claim.verdict for claim in checks} == {"differs"}
    assert {claim.verdict for claim in empty if claim.kind != "check"} == {"undecided"}
