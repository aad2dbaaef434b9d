"""Reproducible benchmarks of Wend: `python -m bench [NAME …] [--quick] [--write]`; one file for each.

Rules: shipped code with shipped settings, a durable database, every part in its own process; bounded in count and time;
what was measured is said exactly. CPU time per input is the steady number, wall time depends on what else the machine does.
"""
