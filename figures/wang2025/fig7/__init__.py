"""Figure 7 of Wang & Pehlevan 2025: flow matching, weights at four times and what is generated."""
