"""Answers the world: the gateway behind `rixin serve`."""
