"""Starting journeys by CSV, business events and geofences from the command line."""

from __future__ import annotations

import json

from tests.cli.conftest import Up, await_that, wend

JOURNEY = """
id: {id}
entry:
  on: {on}
nodes:
  note: {{set_attribute: {{attribute: seen, value: {{entry: {entry}}}}}, next: done}}
  done: {{end: }}
start: note
"""


def publish(up: Up, id: str, on: str, entry: str) -> None:
    path = up.data / f"{id}.yaml"
    path.write_text(JOURNEY.format(id=id, on=on, entry=entry))
    said = wend("journey", "publish", path, data=up.data)
    assert said.returncode == 0, said.stderr


def seen(up: Up, person: str) -> object:
    return up.get(f"/api/profiles/{person}")["attributes"].get("seen")


def test_a_csv_starts_a_journey_and_makes_who_is_missing(up: Up) -> None:
    publish(up, "by-list", "profiles", "coupon")
    file = up.data / "people.csv"
    file.write_text("user_id,coupon\ncsv-1,TEN\ncsv-2,TWENTY\n,LOST\n")
    said = wend("journey", "start", "by-list", file, data=up.data)
    assert said.returncode == 0, said.stderr
    refused = json.loads((up.data / "people.csv.rejected.ndjson").read_text())
    assert refused["row"] == 4 and refused["code"] == "no_user_anon_id"
    await_that(lambda: seen(up, "csv-1") == "TEN" and seen(up, "csv-2") == "TWENTY")


def test_starting_what_cannot_be_started_says_why(up: Up) -> None:
    publish(up, "by-event", "{event: Go}", "x")
    file = up.data / "nobody.csv"
    file.write_text("user_id\nx\n")
    assert "it has no trigger 'profiles'" in wend("journey", "start", "by-event", file, data=up.data).stderr
    assert "did you mean 'by-event'?" in wend("journey", "start", "by-evnt", file, data=up.data).stderr


def test_a_business_event_is_told_to_whom_it_concerns(up: Up) -> None:
    publish(up, "price", "{business_event: Price Dropped, linked: {attribute: wishlist, contains: $about}}", "about")
    up.send({"type": "identify", "userId": "wisher", "traits": {"wishlist": ["p7"]}})
    await_that(lambda: seen(up, "wisher") is None)
    said = wend(
        "business-event", "Price Dropped", "--about", "p7", "--properties", "{price: 5}", "--wait", data=up.data
    )
    assert said.returncode == 0, said.stderr
    assert "heard by price" in said.stdout and "1 people told" in said.stdout
    await_that(lambda: seen(up, "wisher") == "p7")
    assert "--properties" in wend("business-event", "x", "--about", "y", "--properties", "5", data=up.data).stderr
    assert "did you mean" in wend("business-event", "Price Droped", "--about", "y", data=up.data).stderr


def test_geofences_are_put_imported_listed_and_deleted(up: Up) -> None:
    place = up.data / "store.yaml"
    place.write_text("{id: store, circle: {lat: 52.52, lon: 13.405, radius: 500m}}")
    assert wend("geofence", "put", place, data=up.data).stdout == "store: stored\n"
    features = [
        {"type": "Feature", "properties": {"name": name}, "geometry": {"type": "Polygon", "coordinates": [ring]}}
        for name, ring in (
            ("Park", [[0, 0], [0.01, 0], [0.01, 0.01], [0, 0]]),
            ("Bow", [[0, 0], [0.01, 0.01], [0.01, 0], [0, 0.01], [0, 0]]),
        )
    ]
    file = up.data / "places.geojson"
    file.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    said = wend("geofence", "import", file, data=up.data)
    assert said.returncode == 1 and "feature 2: polygon: is not a simple polygon: Self-intersection" in said.stderr
    file.write_text(json.dumps({"type": "FeatureCollection", "features": features[:1]}))
    assert wend("geofence", "import", file, data=up.data).stdout == "park: stored\n"
    listed = wend("geofence", "list", data=up.data).stdout
    assert "store" in listed and "park" in listed and "polygon" in listed
    assert wend("geofence", "delete", "park", data=up.data).stdout == "park: deleted\n"
    assert "there is no such geofence" in wend("geofence", "delete", "parc", data=up.data).stderr
