"""The path integral over generated paths: action, effective equations, Fokker-Planck, small noise."""
