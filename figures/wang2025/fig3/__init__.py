"""Figure 3 of Wang & Pehlevan 2025, with Figs. 10 and 11."""
