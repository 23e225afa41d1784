"""Bad keys: answered more and more slowly, by address, and nobody else waits."""

import asyncio

import pytest
from starlette.testclient import TestClient

from service.app import create_app
from service.penalty import FREE, Penalties
from service.settings import Settings
from tests.service.conftest import LOCAL, MakeClient
from tests.service.test_roles import make_keys


class Waits:
    """Stands in for `asyncio.sleep` and the clock."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self.now = 0.0

    async def pause(self, seconds: float) -> None:
        self.seconds.append(round(seconds, 3))

    def clock(self) -> float:
        return self.now


@pytest.fixture
def waits() -> Waits:
    return Waits()


@pytest.fixture
def penalties(waits: Waits) -> Penalties:
    return Penalties(0.3, pause=waits.pause, clock=waits.clock)


def send(penalties: Penalties, *addresses: str) -> None:
    async def all_of_them() -> None:
        for address in addresses:
            await penalties.wait(address)

    asyncio.run(all_of_them())


def test_each_bad_key_waits_a_little_longer_up_to_the_longest(
    penalties: Penalties, waits: Waits
) -> None:
    send(penalties, *["10.0.0.1"] * FREE)
    assert waits.seconds == []

    send(penalties, *["10.0.0.1"] * 5)

    assert waits.seconds == [0.1, 0.2, 0.3, 0.3, 0.3]


def test_another_address_does_not_wait_and_a_quiet_minute_is_enough(
    penalties: Penalties, waits: Waits
) -> None:
    send(penalties, *["10.0.0.1"] * FREE)
    send(penalties, *["10.0.0.2"] * FREE)
    waits.now += 61
    send(penalties, *["10.0.0.1"] * FREE)

    assert waits.seconds == []


def test_one_host_has_many_addresses_in_ipv6(penalties: Penalties, waits: Waits) -> None:
    send(penalties, *(f"2001:db8::{place}" for place in range(FREE + 1)))

    assert len(waits.seconds) == 1


def test_a_swarm_of_addresses_takes_no_memory(penalties: Penalties) -> None:
    send(penalties, *(f"client {place}" for place in range(12_000)))

    assert len(penalties._bad) <= 10_000


def test_the_service_makes_bad_keys_wait_and_good_ones_not(
    settings: Settings, make_client: MakeClient, waits: Waits
) -> None:
    good = make_keys(settings)["query"]
    client = make_client()
    client.app.state.parts.penalties._pause = waits.pause  # type: ignore[attr-defined]

    def ask(key: str) -> int:
        return client.get("/status", headers={"authorization": f"Bearer {key}"}).status_code

    assert [ask("bad") for _ in range(FREE + 2)] == [401] * (FREE + 2)
    assert waits.seconds == [0.1, 0.2]
    assert ask(good) == 200
    assert client.get("/status").status_code == 401  # no key is not a bad one
    assert waits.seconds == [0.1, 0.2]


def test_it_can_be_turned_off(settings: Settings, waits: Waits) -> None:
    make_keys(settings)
    without = settings.model_copy(update={"bad_key_seconds": 0})
    with TestClient(create_app(without), **LOCAL) as client:
        client.app.state.parts.penalties._pause = waits.pause  # type: ignore[attr-defined]
        for _ in range(20):
            client.get("/status", headers={"authorization": "Bearer bad"})

    assert waits.seconds == []
