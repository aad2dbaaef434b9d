"""Wend: customer journeys that are exact, explainable and testable on real history.

`from wend import Journey, event` draws journeys in Python (builder/).
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wend.builder import Journey, Placed, event

__all__ = ("Journey", "Placed", "__version__", "event")

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    # Loaded when asked for, by name: whoever only wants one room of the package neither pays for the others nor imports them.
    if name in __all__:
        return getattr(import_module("wend.builder"), name)
    raise AttributeError(f"module 'wend' has no attribute {name!r}")
