"""Figures that test both papers."""

from figures.figure import FigureEntry

FIGURES = {
    "misprints": FigureEntry(
        package="figures.both.misprints",
        title="Misprints of both papers: printed, corrected, measured",
        source="Wang & Pehlevan 2025; Vastola 2025",
        seconds={"quick": 15, "paper": 120},
    ),
    "unification": FigureEntry(
        package="figures.both.unification",
        title="One denoiser over draws: mean is the spectral law, covariance the V-kernel",
        source="this project, from Wang & Pehlevan 2025 and Vastola 2025",
        seconds={"quick": 25, "paper": 260},
        gigabytes={"paper": 2.3},
    ),
    "your_model": FigureEntry(
        package="figures.both.your_model",
        title="Your own training run (--data FILE --snapshots FOLDER; a small one without)",
        source="Wang & Pehlevan 2025, Secs. 4-6, on samples that any program wrote",
        seconds={"quick": 20, "paper": 120},
        accepts_data=True,
        accepts_snapshots=True,
        title_on_data="Your training run on {name}: what was learned, and when",
        on_request=True,
    ),
}
