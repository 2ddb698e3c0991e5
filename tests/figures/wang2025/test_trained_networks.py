"""What the figures of trained networks claim of records with known exponents, and of how many models."""

import numpy as np

from figures.studies.photograph_networks.kind_statistics import difference, exponents
from figures.studies.photograph_networks.kinds import CNN, MLP_ADAM
from figures.studies.trained_networks.experiment import prefixed
from figures.studies.trained_networks.statistics import Reading
from figures.wang2025.architecture_exponents import experiment as architectures
from figures.wang2025.architecture_exponents.experiment import (
    LINEAR_ADAM,
    LINEAR_CONVOLUTION,
    LINEAR_SGD,
    LINEAR_TILTED,
    MLP_SGD,
    WIDE_SGD,
)
from figures.wang2025.fig9.statistics import cases, choices
from figures.wang2025.start_and_depth_exponents import experiment as starts
from figures.wang2025.start_and_depth_exponents.experiment import CNN_FULL, MLP_DEEP, MLP_FROM_ZERO, MLP_NARROW
from tests.figures.known_records import SPREAD, beside_closed_form, verdicts


def cnn(one, two, closed=0.5, models=8):
    of_kinds = {"one_level": one, "two_levels": two}
    every = [prefixed(kind, beside_closed_form(alpha + SPREAD[:models], closed)) for kind, alpha in of_kinds.items()]
    return every[0] | every[1]


def test_exponents_of_convolutional_networks():
    found = verdicts("wang2025_fig4", cnn(0.0, 0.3))
    assert found["CNN, one level: exponent"] == found["CNN, one level: less bias than a linear network"] == "holds"
    assert found["CNN: a second level brings spectral bias back"] == "holds"
    assert found["CNN, two levels: exponent"] == "differs"
    other = verdicts("wang2025_fig4", cnn(0.5, 0.5))
    assert other["CNN, one level: less bias than a linear network"] == "differs"
    assert other["CNN: a second level brings spectral bias back"] == "differs"


def test_exponents_by_themselves_are_asked_of_eight_models():
    few = verdicts("wang2025_fig4", cnn(0.0, 0.3, models=7))
    assert "CNN, one level: less bias than a linear network" in few
    assert not {name for name in few if name.endswith("exponent")}


def mlp(alpha, closed=0.45):
    return prefixed("mlp", beside_closed_form(alpha + SPREAD, closed))


def test_exponents_of_an_mlp_on_photographs():
    found = verdicts("wang2025_fig3", mlp(0.35))
    assert found["MLP-UNet: exponent of falling modes"] == found["MLP-UNet: strong modes first"] == "holds"
    assert found["MLP-UNet: exponent of rising modes"] == "differs"  # .48 is stored
    other = verdicts("wang2025_fig3", mlp(0.0))
    assert other["MLP-UNet: strong modes first"] == other["MLP-UNet: exponent of the closed form"] == "differs"


def gaussian(*of_cases):
    """(dimension, width, exponent of both branches) each."""
    arrays = {"dimension": np.array([d for d, _, _ in of_cases]), "width": np.array([w for _, w, _ in of_cases])}
    for index, (_, _, alpha) in enumerate(of_cases):
        arrays |= prefixed(f"case_{index}", beside_closed_form(alpha + SPREAD, 0.5))
    return arrays


def test_exponents_on_gaussian_data():
    arrays = gaussian((256, 256, 1.08), (256, 1024, 0.5))
    found = verdicts("wang2025_fig9", arrays)
    for branch in ("rising", "falling"):
        assert found[f"d = 256, width 256, {branch}: printed exponent"] == "holds"
        assert found[f"d = 256, {branch}: width lowers the exponent"] == "holds"
        assert found[f"d = 256, width 1024, {branch}, geometric mean: closed form"] == "holds"
        for part in choices(cases(arrays)[0].reading, branch):
            assert (np.abs(part) < 0.05).all()  # these records show every definition the same
    assert found["d = 256, width 256, rising: the gray zone's width does not matter"] == "holds"
    same = verdicts("wang2025_fig9", gaussian((256, 256, 0.5), (256, 1024, 0.5)))
    assert same["d = 256, rising: width lowers the exponent"] == "differs"
    assert same["d = 256, width 256, rising: printed exponent"] == "differs"


def test_exponents_that_differ_near_the_start_depend_on_the_gray_zone():
    """Modes within a factor 4 of the start, above it, have a steeper law than those beyond."""
    arrays = gaussian((256, 256, 0.5))
    steep, flat = (beside_closed_form(alpha + SPREAD, 0.5) for alpha in (4.0, 0.5))
    is_near = (flat["variance"][0] > 0.3) & (flat["variance"][0] < 1.2)
    flat["generated"][:, :, is_near] = steep["generated"][:, :, is_near]
    reading = cases(arrays | prefixed("case_0", flat))[0].reading
    assert (reading.gray_zone_effect("rising", 4.0) < -0.1).all()
    assert (reading.gray_zone_effect("rising", 2.0) == 0.0).all()
    found = verdicts("wang2025_fig9", arrays | prefixed("case_0", flat))
    assert found["d = 256, width 256, rising: the gray zone's width does not matter"] == "differs"


def wide(near, far, sgd, no_output=(0.1, 0.2)):
    """Exponents near the start of .3 and farther, by Adam; near it by SGD. Figure 9's range is near as a whole."""
    arrays = {}
    for index, alphas in enumerate(((near, near), (near, far), (sgd, far), no_output)):
        of_near, case = (beside_closed_form(alpha + SPREAD, 0.5) for alpha in alphas)
        is_near = (case["variance"][0] > 0.3 / 8) & (case["variance"][0] < 0.3)
        case["generated"][:, :, is_near] = of_near["generated"][:, :, is_near]
        arrays |= prefixed(f"case_{index}", case)
    return arrays


def test_exponents_by_distance_from_the_start():
    found = verdicts("exponents_by_distance", wide(1.2, 0.5, 1.2))
    assert "SGD: the distance from the start decides" in found
    assert set(found.values()) == {"holds"}
    found = verdicts("exponents_by_distance", wide(0.5, 0.5, 1.2, (0.5, 0.5)))
    assert found["Adam, near: less steep from no output"] == found["Adam, far: less steep from no output"] == "differs"
    assert found["Adam, near, geometric mean: steeper than the closed form"] == "differs"
    assert found["Adam: the distance from the start decides"] == "differs"
    assert found["near the start: the optimiser does not matter"] == "differs"
    assert found["SGD: the distance from the start decides"] == "holds"
    steep = verdicts("exponents_by_distance", wide(1.2, 1.2, 1.2))
    assert steep["Adam, far, geometric mean: closed form"] == "differs"
    assert steep["Adam: the distance from the start decides"] == "differs"


def weighted(sgd, adam, tilts=(0.0, 0.25, 0.5)):
    """Exponents by a = 0, ¼, ½ of both optimisers, and the closed form's (1 - a)/2."""
    arrays = {"tilt": np.array(tilts)}
    for optimiser, alphas in (("sgd", sgd), ("adam", adam)):
        for index, (a, alpha) in enumerate(zip(tilts, alphas, strict=True)):
            arrays |= prefixed(f"{optimiser}_{index}", beside_closed_form(alpha + SPREAD, (1 - a) / 2))
    return arrays


def test_the_loss_weight_by_optimiser():
    law, flat = (0.5, 0.375, 0.25), (0.35, 0.34, 0.33)
    found = verdicts("weighting_in_networks", weighted(law, flat))
    differ = {name for name, verdict in found.items() if verdict == "differs"}
    assert differ == {"Adam: dα/da of the closed form"}
    other = verdicts("weighting_in_networks", weighted(flat, law))
    assert other["SGD: the loss weight lowers the exponent"] == "differs"
    assert other["Adam follows the loss weight less than SGD"] == "differs"


def test_differences_between_architectures_are_over_the_modes_that_emerge_in_both():
    """Strong modes that only one kind learns bend its law: they tell nothing of where the two differ."""
    one, other = (beside_closed_form(alpha + SPREAD, 0.5) for alpha in (0.0, 0.4))
    strong = one["variance"][0] > 0.03
    one["generated"][:, :, strong] = one["generated"][:, :1, strong]
    other["generated"][:, :, ~strong] = beside_closed_form(0.0 + SPREAD, 0.5)["generated"][:, :, ~strong]
    first, second = (Reading(prefixed("kind", arrays), "kind") for arrays in (one, other))
    assert np.all(np.abs(exponents(second)[0].per_model - exponents(first)[0].per_model) > 0.1)
    np.testing.assert_allclose(difference(first, second), 0.0, atol=1e-12)


def side_by_side(alphas, names):
    """Kinds of network with these exponents of falling modes; their closed forms have .5."""
    arrays = {"kinds": np.array([names.index(name) for name in alphas])}
    for place, alpha in enumerate(alphas.values()):
        arrays |= prefixed(f"kind_{place}", beside_closed_form(alpha + SPREAD, 0.5))
    return arrays


def each_differs_the_other_way(figure, alphas, names, asked):
    """Where two kinds exchange their exponents, what is claimed of the two differs."""
    for lower, higher in asked:
        exchanged = alphas | {lower: alphas[higher], higher: alphas[lower]}
        found = verdicts(figure, side_by_side(exchanged, names))
        assert found[f"{lower}: less than {higher}"] == "differs"


def test_exponents_by_architecture():
    alphas = {LINEAR_SGD: 0.5, LINEAR_ADAM: 0.4, MLP_SGD: 0.41, MLP_ADAM: 0.35, CNN: 0.05, WIDE_SGD: 0.49}
    alphas |= {LINEAR_CONVOLUTION: -0.1, LINEAR_TILTED: 0.25}
    found = verdicts("architecture_exponents", side_by_side(alphas, architectures.NAMES))
    asked = (CNN, MLP_ADAM), (LINEAR_ADAM, LINEAR_SGD), (LINEAR_CONVOLUTION, LINEAR_ADAM), (LINEAR_TILTED, LINEAR_SGD)
    assert {found[f"{lower}: less than {higher}"] for lower, higher in asked} == {"holds"}
    assert found[f"{WIDE_SGD}, geometric mean: far limit"] == "holds"
    assert found[f"{LINEAR_SGD}, geometric mean: closed form"] == "holds"
    each_differs_the_other_way("architecture_exponents", alphas, architectures.NAMES, asked)


def test_exponents_by_start_and_depth():
    alphas = {MLP_ADAM: 0.35, MLP_FROM_ZERO: 0.17, CNN: 0.02, CNN_FULL: 0.1, MLP_NARROW: 0.36, MLP_DEEP: 0.56}
    found = verdicts("start_and_depth_exponents", side_by_side(alphas, starts.NAMES))
    assert set(found.values()) == {"holds"}
    asked = [name.split(": less than ") for name in found]
    each_differs_the_other_way("start_and_depth_exponents", alphas, starts.NAMES, asked)
