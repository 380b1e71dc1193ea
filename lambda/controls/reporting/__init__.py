"""The page and the mail about what the platform cost and saved."""
