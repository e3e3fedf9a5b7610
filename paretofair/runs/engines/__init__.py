"""Trains packs: what a worker does, wherever it runs, and the engine that trains in this process."""
