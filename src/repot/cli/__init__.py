"""The terminal's front door: one file per verb."""
