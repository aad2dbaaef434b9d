"""Wend: customer journeys that are exact, explainable and testable on real history.

`from wend import Journey, event` draws journeys in Python (builder/).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wend.builder import Journey, Placed, event

__all__ = ("Journey", "Placed", "__version__", "event")

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    # Loaded when asked for: whoever only wants one room of the package does not pay for the others.
    if name in __all__:
        from wend import builder

        return getattr(builder, name)
    raise AttributeError(f"module 'wend' has no attribute {name!r}")
