"""The settings that browser and mobile SDKs fetch before they send: minimal documents that point back to us."""

from __future__ import annotations

from typing import Any


def segment_settings(write_key: str, scheme: str, host: str) -> dict[str, Any]:
    """What analytics-next and the mobile SDKs of Segment expect of `/v1/projects/{writeKey}/settings`."""
    allowed: dict[str, Any] = {"__default": {"enabled": True, "integrations": {}}}
    return {
        "integrations": {
            "Segment.io": {
                "apiKey": write_key,
                "apiHost": f"{host}/v1",
                "protocol": scheme,
                "unbundledIntegrations": [],
                "addBundledMetadata": False,
                "maybeBundledConfigIds": {},
                "versionSettings": {"version": "4.4.7", "componentTypes": ["browser"]},
            }
        },
        "plan": {
            "track": allowed,
            "identify": {"__default": {"enabled": True}},
            "group": {"__default": {"enabled": True}},
        },
        "edgeFunction": {},
        "analyticsNextEnabled": True,
        "middlewareSettings": {},
        "enabledMiddleware": {},
        "metrics": {"sampleRate": 0},
        "legacyVideoPluginsEnabled": False,
        "remotePlugins": [],
    }


def rudder_source(key_id: str, name: str, write_key: str, scheme: str, host: str) -> dict[str, Any]:
    """What RudderStack's SDKs expect of `/sourceConfig`: an enabled source without destinations of its own."""
    off = {"enabled": False}
    return {
        "source": {
            "id": key_id,
            "name": name or "Wend",
            "writeKey": write_key,
            "enabled": True,
            "workspaceId": "wend",
            "config": {"statsCollection": {"errors": off, "metrics": off}},
            "destinations": [],
            "connections": [],
            "dataplanes": {"US": [{"url": f"{scheme}://{host}", "default": True}]},
            "updatedAt": "2026-01-01T00:00:00.000Z",
        },
        "updatedAt": "2026-01-01T00:00:00.000Z",
        "isHosted": False,
    }
