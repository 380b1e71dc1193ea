"""The parts of `record`: what an ended run has left, read from each kind of run, and the MLflow that keeps it."""
