"""Settings that are learned are checked like those that people write."""

from __future__ import annotations

from wend.core.learned import check_settings


def test_what_is_wrong_with_hours_and_weights() -> None:
    assert [
        str(one) for one in check_settings({"best_time": {"emial": 24}, "bandits": {"j/n": {"a": -1}, "j/m": 5}})
    ] == [
        "best_time.emial: 'emial' is not a channel; did you mean 'email'?",
        "best_time.emial: expected an hour from 0 to 23, found 24",
        "bandits.j/n: expected weights of arms such as {a: 0.8, b: 0.2}, found {'a': -1}",
        "bandits.j/m: expected weights of arms such as {a: 0.8, b: 0.2}, found 5",
    ]
    assert [one.where for one in check_settings({"best_time": 5, "bandits": []})] == ["best_time", "bandits"]
    assert not list(check_settings({"best_time": {"sms": 9}, "bandits": {"j/n": {"a": 0, "b": 1}}}))
    assert not list(check_settings({"best_time": None, "bandits": None}))
