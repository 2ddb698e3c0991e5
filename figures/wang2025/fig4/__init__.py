"""Figure 4 of Wang & Pehlevan 2025, with Figs. 12 and 13."""
