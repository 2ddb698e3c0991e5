"""Figure 2 of Wang & Pehlevan 2025: weights, generated variance and the emergence power law."""
