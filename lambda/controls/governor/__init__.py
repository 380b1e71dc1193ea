"""What becomes of a job that costs too much, or that loses its capacity."""
