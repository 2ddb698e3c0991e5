"""Processes and their schedules."""

from collections.abc import Callable

import mpmath
from hypothesis import strategies as st
from mpmath import mpf

from tests.theory.precision.arguments import Numbers, between, decades, fractions, named
from tests.theory.precision.rows import OVER_ONE, Row, pointwise
from theory import EDM, CosineSchedule, FlowMatching, LinearSchedule, SigmoidSchedule, VariancePreserving
from theory.definitions.targets import DenoiserTarget, FlowTarget, NoiseTarget, ScoreTarget, VelocityTarget

_COUNT = 6
_TARGETS = DenoiserTarget(), NoiseTarget(), ScoreTarget(), VelocityTarget(), FlowTarget()
PRESERVING = [VariancePreserving(schedule()) for schedule in (LinearSchedule, CosineSchedule, SigmoidSchedule)]


NOISE_LEVELS = decades(1e-4, 1e4, _COUNT)


def _logistic(u: mpf) -> mpf:
    return 1 / (1 + mpmath.exp(-u))


def _linear(t: mpf, low: mpf, ratio: mpf) -> mpf:
    return -(low * t + low * (ratio - 1) * t**2 / 2)


def _linear_inverse(x: mpf, low: mpf, ratio: mpf) -> mpf:
    slope = low * (ratio - 1)
    return (mpmath.sqrt(low**2 + 2 * slope * x) - low) / slope


def _cosine(t: mpf, offset: mpf) -> mpf:
    angle = mpmath.pi / 2 / (1 + offset)
    return mpmath.log(mpmath.cos(angle * (t + offset)) / mpmath.cos(angle * offset)) if t < 1 else -mpmath.inf


def _cosine_rate(t: mpf, offset: mpf) -> mpf:
    angle = mpmath.pi / 2 / (1 + offset)
    return angle * mpmath.tan(angle * (t + offset)) if t < 1 else mpmath.inf


def _cosine_inverse(x: mpf, offset: mpf) -> mpf:
    angle = mpmath.pi / 2 / (1 + offset)
    return mpmath.acos(mpmath.exp(-x) * mpmath.cos(angle * offset)) / angle - offset


def _sigmoid(t: mpf, start: mpf, length: mpf) -> mpf:
    first, last = _logistic(start), _logistic(start + length)
    left = last - _logistic(start + length * t)
    return mpmath.log(left / (last - first)) / 2 if t < 1 else -mpmath.inf


def _sigmoid_rate(t: mpf, start: mpf, length: mpf) -> mpf:
    value, last = _logistic(start + length * t), _logistic(start + length)
    return length * value * (1 - value) / (2 * (last - value)) if t < 1 else mpmath.inf


def _sigmoid_inverse(x: mpf, start: mpf, length: mpf) -> mpf:
    first, last = _logistic(start), _logistic(start + length)
    value = last - (last - first) * mpmath.exp(-2 * x)
    return (mpmath.log(value / (1 - value)) - start) / length


def _of_schedule(name: str, build: Callable, parameters: list[Numbers], domain: str, exact: list[Callable]) -> Row:
    """ln α and β at times, and the time at values of -ln α."""
    forward, rate, inverse = (pointwise(function) for function in exact)

    def answer(time, decay, *numbers):
        schedule = build(*numbers)
        back = schedule.time_from_log_signal_scale(-decay)
        return schedule.log_signal_scale(time), schedule.decay_rate(time), back

    def by_mpmath(time, decay, *numbers):
        return forward(time, *numbers), rate(time, *numbers), inverse(decay, *numbers)

    questions = tuple(f"{name}.{each}" for each in ("log_signal_scale", "decay_rate", "time_from_log_signal_scale"))
    arguments = st.tuples(fractions(_COUNT), decades(1e-6, 30.0, _COUNT), *parameters)
    return Row(questions, f"t 0 to 1, -ln α 1e-6 to 30, {domain}", arguments, answer, 1e-5, 1e-13, by_mpmath)


_PLACES = decades(1e-3, 1e3, (_COUNT, 2))


def _flow(*processes) -> Callable:
    return lambda x, score, time: [process.probability_flow(x, score, time) for process in processes]


def _coefficients(*processes) -> Callable:
    return lambda time: [process.flow_coefficients(target, time) for process in processes for target in _TARGETS]


ROWS = [
    _of_schedule(
        "LinearSchedule",
        lambda low, ratio: LinearSchedule(low, low * ratio),
        [decades(1e-2, 1.0), between(2.0, 1e3)],
        "β_min 0.01 to 1, β_max/β_min 2 to 1000",
        [_linear, lambda t, low, ratio: low + low * (ratio - 1) * t, _linear_inverse],
    ),
    _of_schedule(
        "CosineSchedule",
        CosineSchedule,
        [decades(1e-4, 0.1, also=(0.0,))],
        "offset 0 to 0.1",
        [_cosine, _cosine_rate, _cosine_inverse],
    ),
    _of_schedule(
        "SigmoidSchedule",
        lambda start, length: SigmoidSchedule(start, start + length),
        [between(-20.0, 3.0), between(1.0, 20.0)],
        "start -20 to 3, length 1 to 20",
        [_sigmoid, _sigmoid_rate, _sigmoid_inverse],
    ),
    Row(
        named("VariancePreserving", "signal_scale", "noise_scale", "log_signal_rate", "diffusion_coefficient"),
        "three schedules, t 0 to 1",
        st.tuples(fractions(_COUNT)),
        lambda time: [
            (p.signal_scale(time), p.noise_scale(time), p.log_signal_rate(time), p.diffusion_coefficient(time))
            for p in PRESERVING
        ],
        1e-5,
    ),
    Row(
        named("VariancePreserving", "time_from_log_snr", "scales_at_log_ratio"),
        "three schedules, log-SNR -25 to 25",
        st.tuples(between(-25.0, 25.0, _COUNT)),
        lambda ratio: [(p.time_from_log_snr(ratio), p.scales_at_log_ratio(ratio / 2)) for p in PRESERVING],
        1e-5,
    ),
    Row(
        named("VariancePreserving", "log_snr", "log_ratio_range", "initial_log_variance"),
        "three schedules, t 0 to 1, cut-off 1e-6 to 0.1",
        st.tuples(fractions(_COUNT), decades(1e-6, 0.1)),
        lambda time, end: [
            (p.log_snr(time), made.log_ratio_range(), made.initial_log_variance())
            for p in PRESERVING
            for made in (VariancePreserving(p.schedule, end_time=end),)
        ],
        1e-5,
        measure=OVER_ONE,
    ),
    Row(
        named("VariancePreserving", "flow_coefficients"),
        "three schedules, five targets, t 1e-6 to 1 - 1e-6",
        st.tuples(fractions(_COUNT, closed=False)),
        _coefficients(*PRESERVING),
        1e-5,
        measure=OVER_ONE,
    ),
    Row(
        named("EDM", "log_snr", "log_ratio_range", "initial_log_variance"),
        "σ 1e-4 to 1e4",
        st.tuples(NOISE_LEVELS, decades(1e-4, 1.0), decades(2.0, 1e4)),
        lambda level, low, high: (
            EDM().log_snr(level),
            EDM(low, high).log_ratio_range(),
            EDM(low, high).initial_log_variance(),
        ),
        1e-6,
        1e-14,
        lambda level, low, high: [
            pointwise(lambda x: -2 * mpmath.log(x))(level),
            *(pointwise(lambda x: -mpmath.log(x))(end) for end in (high, low)),
            pointwise(lambda x: 2 * mpmath.log(x))(high),
        ],
        OVER_ONE,
    ),
    Row(
        named("EDM", "time_from_log_snr", "scales_at_log_ratio", "prior_variance", "flow_coefficients"),
        "log-SNR -80 to 80, five targets, σ 1e-4 to 1e4",
        st.tuples(between(-80.0, 80.0, _COUNT), NOISE_LEVELS, decades(2.0, 1e4)),
        lambda ratio, level, high: (
            EDM().time_from_log_snr(ratio),
            EDM().scales_at_log_ratio(ratio / 2),
            EDM(1.0, high).prior_variance,
            _coefficients(EDM())(level),
        ),
        1e-5,
    ),
    Row(
        named("FlowMatching", "noise_scale", "log_signal_rate", "diffusion_coefficient", "flow_coefficients"),
        "five targets, t 1e-6 to 1 - 1e-6",
        st.tuples(fractions(_COUNT, closed=False)),
        lambda time: (
            FlowMatching().noise_scale(time),
            FlowMatching().log_signal_rate(time),
            FlowMatching().diffusion_coefficient(time),
            _coefficients(FlowMatching())(time),
        ),
        1e-6,
    ),
    Row(
        named("FlowMatching", "log_snr", "time_from_log_snr", "scales_at_log_ratio"),
        "t 0 to 1, log-SNR -80 to 80",
        st.tuples(fractions(_COUNT), between(-80.0, 80.0, _COUNT)),
        lambda time, ratio: (
            FlowMatching().log_snr(time),
            FlowMatching().time_from_log_snr(ratio),
            FlowMatching().scales_at_log_ratio(ratio / 2),
        ),
        1e-6,
        1e-14,
        lambda time, ratio: [
            pointwise(lambda t: 2 * mpmath.log(t / (1 - t)) if 0 < t < 1 else (1 if t else -1) * mpmath.inf)(time),
            *(pointwise(lambda x, sign=sign: _logistic(sign * x / 2))(ratio) for sign in (1, 1, -1)),
        ],
        OVER_ONE,
    ),
    Row(
        ("EDM.probability_flow", "VariancePreserving.probability_flow", "FlowMatching.probability_flow"),
        "x and the score of one sign, 1e-3 to 1e3, t 1e-6 to 1 - 1e-6",
        st.tuples(_PLACES, _PLACES, fractions(_COUNT, closed=False)),
        _flow(EDM(), *PRESERVING, FlowMatching()),
        1e-5,
    ),
]

EXACT = {
    "what was given, or a number that is known": (
        *named("EDM", "signal_scale", "noise_scale", "log_signal_rate", "diffusion_coefficient"),
        *named("EDM", "start_time", "end_time", "variance_exploding_range"),
        *named("VariancePreserving", "prior_variance", "variance_exploding_range"),
        *named("FlowMatching", "signal_scale", "start_time", "end_time", "prior_variance", "initial_log_variance"),
        *named("FlowMatching", "variance_exploding_range", "log_ratio_range"),
        *(f"{name}.latest_time" for name in ("EDM", "VariancePreserving", "FlowMatching")),
    ),
    "not numbers": tuple(
        f"{name}.{question}"
        for name in ("EDM", "VariancePreserving", "FlowMatching")
        for question in ("native_target", "is_straight")
    ),
}
