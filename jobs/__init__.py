"""Searches that outlive their request: stored before they start, resumed, watched, cancelled."""
