"""When a score that is linear in random features generalises, and when it memorises, against the number of points."""
