"""What every command has in common: the option for the data folder, and the settings in force."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from wend.config import Config, load

Data = Annotated[
    Path | None, typer.Option("--data", help="Data folder (WEND_DATA, default ./wend-data).", show_default=False)
]


def settings(data: Path | None, **given: Any) -> Config:
    """The settings in force; `given`: what the command line said. Raises ConfigError."""
    return load(data=data, **given)
