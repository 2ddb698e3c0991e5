"""Figure 5 of Wang & Pehlevan 2025: Figure 2 from a larger initial gain."""
