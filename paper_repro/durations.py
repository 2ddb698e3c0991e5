"""Durations in words."""


def duration(seconds: float) -> str:
    """`40 s`, `10 min`, `1 h 30 min`."""
    if seconds < 99.5:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 100:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min"
