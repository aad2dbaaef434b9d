"""Wend: customer journeys that are exact, explainable and testable on real history."""

__all__ = ("__version__",)

__version__ = "0.1.0"
