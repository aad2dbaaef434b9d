"""`wend geofence`: places on the map."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from wend.commands.context import Data, settings
from wend.commands.database import WHO, with_database
from wend.commands.errors import UserError
from wend.commands.reading import read_document
from wend.core.problems import nearest

if TYPE_CHECKING:
    from wend.config import Config
    from wend.store.postgres import Connection

app = typer.Typer(help="Geofences: places that journeys hear people come into and leave.", no_args_is_help=True)


@app.command()
def put(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILES…", help="Geofence documents (YAML).", show_default=False)
    ],
    data: Data = None,
) -> None:
    """Store geofences, all files or none."""
    documents = [read_document(path) for path in files]
    _store(settings(data), documents, [str(path) for path in files])


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE", exists=True, dir_okay=False, show_default=False)],
    data: Data = None,
) -> None:
    """Store the features of a GeoJSON file: polygons, and points with a `radius` among their properties. All or none."""
    from wend.content.geofences import read_geojson

    try:
        documents = read_geojson(file.read_bytes())
    except ValueError as error:
        raise UserError(str(file), str(error)) from None
    _store(settings(data), documents, [f"{file}: feature {number}" for number in range(1, len(documents) + 1)])


@app.command("list")
def list_all(data: Data = None) -> None:
    """All geofences."""
    from wend.commands.output import table
    from wend.content.geofences import list_geofences

    found = with_database(settings(data), list_geofences)
    rows = [
        (
            one.id,
            one.name,
            "polygon" if one.polygon else "circle",
            f"{one.lat:.5f} {one.lon:.5f}",
            f"{one.radius:.0f} m",
        )
        for one in found
    ]
    table(("id", "name", "shape", "middle", "radius"), rows, empty="no geofences yet; see wend geofence put --help")


@app.command()
def delete(
    geofence: Annotated[str, typer.Argument(metavar="GEOFENCE", help="Its id.", show_default=False)], data: Data = None
) -> None:
    """Delete a geofence that nothing published uses."""

    async def work(conn: Connection) -> None:
        from wend.api.acts import geofences as acts
        from wend.content.geofences import geofence_ids

        try:
            gone = await acts.delete(conn, geofence, who=WHO)
        except acts.InUse as error:
            raise UserError(geofence, str(error)) from None
        if not gone:
            raise UserError(geofence, f"there is no such geofence{nearest(geofence, await geofence_ids(conn))}")

    with_database(settings(data), work)
    print(f"{geofence}: deleted")


def _store(config: Config, documents: list[Any], names: list[str]) -> None:
    async def work(conn: Connection) -> list[str]:
        from wend.api.acts import geofences as acts
        from wend.commands.errors import Several
        from wend.content.geofences import GeofencesRefused

        try:
            return [one.id for one in await acts.put(conn, documents, who=WHO)]
        except GeofencesRefused as refused:
            raise Several([_line(str(one), names) for one in refused.problems]) from None

    for id in with_database(config, work):
        print(f"{id}: stored")


def _line(problem: str, names: list[str]) -> str:
    """`[2].circle.lat: …` → `FILE: circle.lat: …`."""
    place, _, rest = problem.removeprefix("[").partition("]")
    return f"{names[int(place)]}: {rest.removeprefix('.').removeprefix(': ')}"
