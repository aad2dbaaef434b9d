"""`wend demo`: see run.py."""
