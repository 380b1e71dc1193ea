"""What of an account is ended, after which grace, and how it comes back."""
