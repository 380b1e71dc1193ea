"""Turns each workload's pipeline.py into a committed, checked pipeline.json.

What builds steps needs the `sagemaker` SDK (.venv-sdk): build, plan, processing, training, tuning, registration. What
judges them and what builds state machines needs botocore at most: checks, shapes, rules, machine, asl.
"""
