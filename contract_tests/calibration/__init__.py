"""Calibration: which choices a target makes where the documents are silent."""
