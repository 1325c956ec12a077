"""The bench: what a run costs host and guest, as ratios against the agent alone."""
