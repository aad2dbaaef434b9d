"""The demo's real time: a few people do something now, told by the real Segment client for Python."""

from __future__ import annotations

import time
from typing import Any

PEOPLE = (("live-ada", "Ada"), ("live-grace", "Grace"), ("live-alan", "Alan"))


def post(url: str, write_key: str) -> None:
    """Post the live events; says so when the client is not installed (it is a development dependency)."""
    try:
        from segment.analytics import Client
    except ImportError:
        print("segment-analytics-python is not installed: no live events were posted (`make setup` installs it)")
        return
    client: Any = Client(write_key, host=url, max_retries=3)
    run = int(time.time())
    for user, name in PEOPLE:
        traits = {"first_name": name, "email": f"{user}@example.com", "demo": "invented for the demo"}
        client.identify(user, traits)
        client.track(user, "Trial Started", {"plan": "team"})
        client.track(
            user,
            "Product Added",
            {"cart_id": f"cart-{user}-{run}", "product_id": "MUG-1", "name": "Heart Mug", "price": 6.5},
        )
    client.flush()
    client.shutdown()
    print(f"{len(PEOPLE)} people started a trial just now (posted with segment-analytics-python)", flush=True)
