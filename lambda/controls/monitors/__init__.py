"""What monitors saw, what is known of drift, and how it is answered."""
