"""Drives an adapter: probe batches, sessions, reports. Knows no widget."""
