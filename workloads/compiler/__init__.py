"""Turns each workload's pipeline.py into a committed, checked pipeline.json.

`build` needs the `sagemaker` SDK (.venv-sdk); `checks` and `shapes` need botocore only, so they run anywhere.
"""
