"""Journeys: the document (document.py), its checks (check.py), the walker (step.py), one file per node kind (nodes/)."""
