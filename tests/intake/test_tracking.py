async def test_a_batch_becomes_rows_of_one_person(world):
    items = [{"type": "track", "event": f"E{n}", "userId": "u1", "messageId": f"m{n}"} for n in range(3)]
    answer = await world.post("/v1/batch", {"batch": items})
    assert (answer.status_code, answer.content) == (200, b'{"success": true}')
    log = await world.log()
    assert [(kind, payload.get("name")) for _, kind, payload in log] == [
        ("identify", None),
        ("event", "E0"),
        ("event", "E1"),
        ("event", "E2"),
    ]
    assert {person for person, _, _ in log} == {await world.person("user_id", "u1")}
