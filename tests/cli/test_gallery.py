"""Taking a journey over from the gallery."""

from __future__ import annotations

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
