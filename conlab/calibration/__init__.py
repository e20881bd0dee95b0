"""Calibration: what a comparison of two versions is worth on this machine, counted."""
