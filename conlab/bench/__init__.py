"""Measures every workload under every model and says what the figures carry."""
