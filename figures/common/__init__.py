"""What every figure uses: claims, stages, style, panels, random keys."""
