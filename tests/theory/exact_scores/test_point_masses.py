"""Point masses: posterior, score and proxy-score covariance against closed forms and automatic differentiation."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.special
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from tests import cases
from theory import EDM, FlowMatching, PointMasses, VariancePreserving
from theory.exact_scores import point_masses

PROCESSES = [pytest.param(*pair, id=name) for name, pair in cases.PROCESSES.items()]
HEXAGON = PointMasses(np.stack([np.cos(np.arange(6) * np.pi / 3), np.sin(np.arange(6) * np.pi / 3)], axis=1))
QUESTIONS = [
    "posterior",
    "log_density",
    "denoised",
    "score",
    "posterior_covariance",
    "proxy_covariance",
    "boundary_fraction",
]
POSITIONS = np.random.default_rng(0).uniform(-2, 2, (8, 2))


@pytest.mark.parametrize(("process", "oracle"), [PROCESSES[0], PROCESSES[1], PROCESSES[-1]])
def test_density_score_and_covariance_equal_their_definitions(process, oracle):
    """Density by SciPy; s = ∇ ln p; C = σ^-2 I + ∇∇ ln p by automatic differentiation, positive semi-definite."""

    @jax.jit
    def ask(x, t):
        def density(position):
            return HEXAGON.log_density(position, t, process)

        answers = {name: getattr(HEXAGON, name)(x, t, process) for name in QUESTIONS}
        return answers, jax.vmap(jax.grad(density))(x), jax.vmap(jax.hessian(density))(x)

    for t in (0.15, 0.5, 0.9):
        alpha, sigma = oracle.alpha(np.array(t)), oracle.sigma(np.array(t))
        answers, slope, curvature = jax.tree.map(np.asarray, ask(jnp.asarray(POSITIONS), jnp.asarray(t)))
        log_joint = np.stack(
            [scipy.stats.multivariate_normal(alpha * p, sigma**2).logpdf(POSITIONS) for p in HEXAGON.points], axis=1
        ) - np.log(6)
        log_density = scipy.special.logsumexp(log_joint, axis=1)
        np.testing.assert_allclose(answers["log_density"], log_density, rtol=1e-11, atol=1e-11)
        posterior = np.exp(log_joint - log_density[:, None])
        np.testing.assert_allclose(answers["posterior"], posterior, rtol=1e-9, atol=1e-14)
        np.testing.assert_allclose(answers["denoised"], posterior @ np.asarray(HEXAGON.points), atol=1e-12)
        np.testing.assert_allclose(answers["score"], slope, atol=1e-11 / sigma**2)
        covariance = answers["proxy_covariance"]
        np.testing.assert_allclose(covariance, np.eye(2) / sigma**2 + curvature, rtol=1e-9, atol=1e-9 / sigma**2)
        np.testing.assert_allclose(covariance, alpha**2 / sigma**4 * answers["posterior_covariance"], rtol=1e-12)
        np.testing.assert_allclose(covariance, np.swapaxes(covariance, 1, 2), atol=1e-14 * covariance.max())
        trace, power = np.trace(covariance, axis1=1, axis2=2), np.sum(answers["score"] ** 2, axis=1)
        np.testing.assert_allclose(answers["boundary_fraction"], trace / (trace + power), rtol=1e-10)


@given(
    st.lists(st.floats(-50, 50), min_size=2, max_size=2),
    st.lists(st.lists(st.floats(-3, 3), min_size=2, max_size=2), min_size=5, max_size=5),
    st.floats(0.01, 100),
)
@cases.property_test
def test_posterior_is_a_law_and_covariances_are_positive(x, points, sigma):
    posterior, covariance, fraction = compiled_questions()(np.array(x), np.array(points), sigma)
    np.testing.assert_allclose(posterior.sum(), 1, rtol=1e-13)
    assert np.all(posterior >= 0)
    eigenvalues = np.linalg.eigvalsh(covariance)
    assert eigenvalues[0] >= -1e-14 * max(eigenvalues[-1], 1e-300)
    assert 0 <= fraction <= 1


@functools.cache
def compiled_questions():
    """With the points as an argument: their finiteness is checked outside of tracing only."""
    blank = PointMasses(np.zeros((5, 2)))

    @jax.jit
    def ask(x, points, sigma):
        data = jax.tree.unflatten(jax.tree.structure(blank), [points])
        return tuple(
            getattr(data, name)(x, sigma, EDM()) for name in ("posterior", "proxy_covariance", "boundary_fraction")
        )

    return lambda *arguments: [np.asarray(leaf) for leaf in ask(*map(jnp.asarray, arguments))]


@pytest.mark.parametrize(("process", "oracle"), PROCESSES[1:3])
def test_two_points(process, oracle):
    """E[x_0|x] = μ tanh(αμx/σ²) and Var(x_0|x) = μ²/cosh²(αμx/σ²) for points ±μ."""
    mu, t, x = 1.7, 0.6, np.linspace(-2.5, 2.5, 11)
    argument = oracle.alpha(np.array(t)) * mu * x / oracle.sigma(np.array(t)) ** 2
    data = PointMasses([[mu], [-mu]])
    position = jnp.asarray(x)[:, None]
    np.testing.assert_allclose(
        data.denoised(position, t, process)[:, 0], mu * np.tanh(argument), rtol=1e-11, atol=1e-15
    )
    variance = data.posterior_covariance(position, t, process)[:, 0, 0]
    np.testing.assert_allclose(variance, mu**2 / np.cosh(argument) ** 2, rtol=1e-10)


def test_one_point_has_no_uncertainty():
    data, x = PointMasses([[1.0, 2.0]]), jnp.asarray([[0.0, 0.0], [1.0, 2.0]])
    assert not data.proxy_covariance(x, 0.5, EDM()).any()
    np.testing.assert_array_equal(data.boundary_fraction(x, 0.5, EDM()), [0, 0])
    np.testing.assert_allclose(data.score(x, 0.5, EDM()), (np.array([1.0, 2.0]) - np.asarray(x)) / 0.25)


@jax.jit
def ask_all(x, t):
    return {name: getattr(HEXAGON, name)(x, t, EDM()) for name in QUESTIONS}


@pytest.mark.parametrize("distance", [1e3, 1e8, 1e20, 1e100])
def test_far_positions_give_no_nan(distance):
    answers = ask_all(distance * jnp.asarray([[1.0, 0.3], [-0.2, 1.0]]), 0.05)
    assert not [name for name in QUESTIONS if np.isnan(answers[name]).any()]
    np.testing.assert_allclose(answers["posterior"].sum(axis=-1), 1)


def test_boundary_fraction_between_and_far_from_the_points():
    """One half-way between two points, zero far away in every direction."""
    data = PointMasses([[-1.0, 0.0], [1.0, 0.0]])
    np.testing.assert_allclose(data.boundary_fraction(jnp.zeros(2), 0.2, EDM()), 1, rtol=1e-14)
    far = jnp.asarray([[1e6, 0.0], [0.0, 1e6], [-3e5, 1e6]])
    np.testing.assert_allclose(data.boundary_fraction(far, 0.2, EDM()), 0, atol=1e-11)
    # Where the posterior is certain and the score vanishes, 0/0 is decided as 0.
    assert data.boundary_fraction(jnp.asarray([1.0, 0.0]), 1e-3, EDM()) == 0


def test_times_broadcast_against_positions():
    x, times = jnp.asarray(POSITIONS), jnp.asarray([0.2, 0.5, 0.9])
    batch = ask_all(jnp.broadcast_to(x[:, None], (8, 3, 2)), times)
    for i, t in enumerate(times):
        single = ask_all(x, t)
        for name in QUESTIONS:
            np.testing.assert_allclose(batch[name][:, i], single[name], rtol=1e-12, atol=1e-13)


def test_precision_is_that_of_the_positions():
    single = ask_all(jnp.asarray(POSITIONS, jnp.float32), jnp.float32(0.5))
    double = ask_all(jnp.asarray(POSITIONS), jnp.asarray(0.5))
    for name in QUESTIONS:
        np.testing.assert_allclose(single[name], double[name], rtol=1e-4, atol=1e-4)
    assert not [name for name in QUESTIONS if single[name].dtype != np.float32]


@pytest.mark.parametrize(
    ("points", "message"),
    [([1.0, 2.0], r"shape \(m, D\)"), (np.zeros((0, 2)), r"shape \(m, D\)"), ([[np.nan]], "must be finite")],
)
def test_points_that_are_refused(points, message):
    with pytest.raises(ValueError, match=message):
        PointMasses(points)


def test_positions_of_another_dimension_are_refused():
    with pytest.raises(ValueError, match="must have 2 coordinates"):
        HEXAGON.score(jnp.zeros((4, 3)), 0.5, EDM())


@pytest.mark.slow
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("sigma", [1e-4, 0.3])
def test_a_few_positions_at_a_time_are_all_at_once(monkeypatch, dtype, sigma):
    """Also next to data at tiny noise, where a square expanded into products would lose everything."""
    generator = np.random.default_rng(0)
    points = generator.normal(size=(30, 4)) + 10
    x = jnp.asarray(points[:7] + sigma * generator.normal(size=(7, 4)), dtype).reshape(7, 1, 4)
    data = PointMasses(points)

    def answers():
        return [np.asarray(getattr(data, name)(x, sigma, EDM(1e-5))) for name in QUESTIONS]

    together = answers()
    monkeypatch.setattr(point_masses, "_MOST_NUMBERS", 2 * points.size)
    jax.clear_caches()
    for few, all_at_once in zip(answers(), together, strict=True):
        np.testing.assert_allclose(few, all_at_once, rtol=1e-4 if dtype == np.float32 else 1e-10, atol=1e-30)


@pytest.mark.parametrize("question", ["posterior", "score", "proxy_covariance"])
def test_images_are_answered_in_bounded_memory(question):
    """Of 64 positions among 60,000 images, at most 1 GB beside the data and the answer."""
    numbers = functools.partial(jax.ShapeDtypeStruct, dtype=np.float32)
    data = jax.tree.unflatten(jax.tree.structure(HEXAGON), [numbers((60_000, 784))])

    def ask(data, x):
        return getattr(data, question)(x, 0.5, EDM())

    memory = jax.jit(ask).lower(data, numbers((64, 784))).compile().memory_analysis()
    assert memory.temp_size_in_bytes < 1e9


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize("process", [EDM(), VariancePreserving(), FlowMatching()], ids=lambda p: type(p).__name__)
def test_scores_need_noise(question, process):
    data, x = PointMasses([[-1.0], [1.0]]), jnp.full((2, 1), 0.3)
    noiseless = 1.0 if isinstance(process, FlowMatching) else 0.0
    for time, message in ((noiseless, "must leave noise"), (-0.5, "must lie between"), (np.nan, "must lie between")):
        with pytest.raises(ValueError, match=message):
            getattr(data, question)(x, time, process)
    for time in (-0.5, np.nan):
        assert np.isnan(jax.jit(lambda t: getattr(data, question)(x, t, process))(time)).all()
