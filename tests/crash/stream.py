"""A bounded stream of events that behaves as an SDK does: every batch is posted, with the same message ids, until it is answered 200."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import httpx2

PEOPLE = 48
POSTERS = 3
NAMES = ("Product Added", "Product Added", "Order Completed", "Looked", "Shouted", "Signed Up")


@dataclass
class Stream:
    """What will be posted: batches by poster. A person's events all go through one poster, so they stay in order."""

    batches: list[list[list[dict[str, Any]]]]
    orders: Counter[str]
    """User id → how many orders are in it."""
    ids: set[str]

    @classmethod
    def drawn(cls, seed: int, events: int, *, batch: int = 10) -> Stream:
        """`events` events of PEOPLE people, `batch` in a post; the first ten people are visitors who log in half way."""
        chance = random.Random(seed)
        by_poster: list[list[dict[str, Any]]] = [[] for _ in range(POSTERS)]
        orders: Counter[str] = Counter()
        logged_in: set[int] = set()
        for number in range(events):
            person = chance.randrange(PEOPLE)
            name = chance.choice(NAMES)
            late = number > events // 2
            if person < 10 and late and person not in logged_in:
                logged_in.add(person)
                by_poster[person % POSTERS].append(
                    {
                        "type": "identify",
                        "userId": f"u{person}",
                        "anonymousId": f"a{person}",
                        "messageId": f"login-{person}",
                        "traits": {"seen": "yes"},
                    }
                )
            who = {"anonymousId": f"a{person}"} if person < 10 and person not in logged_in else {"userId": f"u{person}"}
            if name == "Order Completed":
                # by users only: an order of a visitor who never logs in is nobody's whom we know
                who = {"userId": f"u{person}"}
                orders[f"u{person}"] += 1
            by_poster[person % POSTERS].append({"type": "track", "event": name, "messageId": f"m{number}", **who})
        batches = [[one[i : i + batch] for i in range(0, len(one), batch)] for one in by_poster]
        return cls(batches, orders, {event["messageId"] for one in by_poster for event in one})


def people() -> list[dict[str, Any]]:
    """What makes all users known, as one batch."""
    return [
        {"type": "identify", "userId": f"u{n}", "messageId": f"known-{n}", "traits": {"email": f"u{n}@example.com"}}
        for n in range(PEOPLE)
    ]


@dataclass
class Posters:
    """Threads that post a stream; `finished` says how many batches were answered 200."""

    url: str
    key: str
    stream: Stream
    pace: float
    """Seconds between two batches of one poster."""
    finished: int = 0
    refused: Counter[str] = field(default_factory=Counter[str])
    """Why batches had to be posted again."""
    stop: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list[threading.Thread])

    def start(self) -> None:
        self._threads = [
            threading.Thread(target=self._post_all, args=(batches,), daemon=True) for batches in self.stream.batches
        ]
        for thread in self._threads:
            thread.start()

    @property
    def done(self) -> bool:
        """Whether everything was accepted."""
        return self.finished == sum(len(one) for one in self.stream.batches)

    def end(self) -> None:
        """Let the threads end, whatever they have done."""
        self.stop.set()
        for thread in self._threads:
            thread.join(30)

    def _post_all(self, batches: list[list[dict[str, Any]]]) -> None:
        with httpx2.Client(auth=(self.key, ""), timeout=5) as client:
            for batch in batches:
                while not self._post(client, batch):
                    if self.stop.wait(0.2):
                        return
                self.finished += 1
                if self.stop.wait(self.pace):
                    return

    def _post(self, client: httpx2.Client, batch: list[dict[str, Any]]) -> bool:
        try:
            answer = client.post(f"{self.url}/v1/batch", json={"batch": batch})
        except httpx2.TransportError as error:
            self.refused[type(error).__name__] += 1
            return False
        if answer.status_code == 200:
            assert "rejected" not in answer.json(), answer.text
            return True
        # an SDK gives up on other 4xx: nothing may ever be answered so here
        assert answer.status_code in (429, 500, 502, 503, 504), answer.text
        self.refused[str(answer.status_code)] += 1
        return False


def kill_moments(seed: int, targets: list[str], gap: tuple[float, float]) -> list[tuple[float, str]]:
    """In a random order, (seconds to wait, what to kill)."""
    chance = random.Random(seed)
    chance.shuffle(targets)
    return [(chance.uniform(*gap), target) for target in targets]


def wait(seconds: float) -> None:
    """The random moment is the point here: nothing is waited *for*."""
    time.sleep(seconds)
