"""What IAM policies mean, and which way a change of them goes."""
