"""Taking a journey over from the gallery."""

from __future__ import annotations

import httpx2
from tests.cli.conftest import Up, wend


def test_a_journey_is_taken_over_with_its_messages_and_published(up: Up) -> None:
    assert "cart-recovery" in wend("gallery", "list").stdout
    document = wend("gallery", "show", "welcome-cycle").stdout
    taken = wend("gallery", "take", "welcome-cycle", data=up.data)
    assert taken.returncode == 0, taken.stderr
    assert "message welcome-offer: added" in taken.stdout and "journey welcome-cycle: a draft" in taken.stdout
    again = wend("gallery", "take", "welcome-cycle", data=up.data)
    assert "added" not in again.stdout
    file = up.data / "welcome-cycle.yaml"
    file.write_text(document)
    assert wend("journey", "publish", file, data=up.data).returncode == 0
    wrong = wend("gallery", "take", "welcome-cylce", data=up.data)
    assert wrong.returncode == 1 and "did you mean 'welcome-cycle'?" in wrong.stderr
    listed = up.get("/api/gallery")["items"]
    assert {"id": "window-shopper", "needs": ["service: shop"]}.items() <= next(
        one for one in listed if one["id"] == "window-shopper"
    ).items()


def test_a_draft_of_ones_own_is_not_lost(up: Up) -> None:
    assert wend("gallery", "take", "birthday", data=up.data).returncode == 0
    document = up.get("/api/gallery/birthday")["document"]
    with httpx2.Client(base_url=up.url, headers={"Authorization": f"Bearer {up.keys['API key']}"}) as client:
        assert client.put("/api/journeys/birthday/draft", json={**document, "name": "Mine"}).status_code == 200
        assert client.post("/api/gallery/birthday").status_code == 409
    lost = wend("gallery", "take", "birthday", data=up.data)
    assert lost.returncode == 1 and "has a draft of its own, which would be lost" in lost.stderr
