"""Jobs as SageMaker describes them, how long they were paid for, and what they cost."""
