"""The page of results: what stands on it, piece by piece. `paper_repro.report` writes it."""
