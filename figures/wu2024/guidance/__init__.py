"""What guidance does to the modes of a class while networks learn, and to two clusters."""
