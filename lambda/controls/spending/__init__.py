"""What a month has cost so far, and what happens when its budget is spent."""
