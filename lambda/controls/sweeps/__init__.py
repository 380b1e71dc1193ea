"""Ending what is judged so, after its grace, and bringing it back."""
