"""What is asked of every job of the account: what it may cost, and what becomes of one that loses its capacity."""
