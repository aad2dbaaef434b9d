"""Whom a journey may call: nobody inside our own network, unless an operator says that the service is there (SSRF).

Rules: a name is looked up once and the call goes to the very address that was checked, so an answer that changes meanwhile is of
no use to anybody. All addresses of a name must be allowed. Link-local addresses (metadata of clouds) are never allowed.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket

_LOOKUP = 5.0
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_METADATA = (ipaddress.ip_address("fd00:ec2::254"), ipaddress.ip_address("100.100.100.200"))

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class Forbidden(Exception):
    """The address may not be called; the message says which and why."""


class Unknown(Exception):
    """The name leads nowhere now."""


async def address_of(host: str, port: int, *, internal: bool) -> str:
    """The address to call for `host`. Raises Forbidden, or Unknown when it cannot be looked up."""
    try:
        async with asyncio.timeout(_LOOKUP):
            loop = asyncio.get_running_loop()
            found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError, TimeoutError) as problem:
        raise Unknown(f"{host} cannot be looked up: {str(problem) or 'it took too long'}") from None
    addresses = [str(one[4][0]) for one in found]
    if not addresses:
        raise Unknown(f"{host} has no address")
    for address in addresses:
        why = forbidden(address, internal=internal)
        if why:
            raise Forbidden(f"{host} is at {address}, which is {why}")
    return addresses[0]


def forbidden(address: str, *, internal: bool) -> str:
    """'' or why this address may not be called. `internal`: private and loopback addresses may."""
    try:
        found = _meant(ipaddress.ip_address(address.partition("%")[0]))
    except ValueError:
        return "no address"
    if found.is_link_local or found in _METADATA:
        return "a link-local or metadata address"
    if found.is_multicast or found.is_unspecified:
        return "no address of a host"
    if internal or (found.is_global and not found.is_reserved):
        return ""
    return "inside our own network; an operator can mark the service as internal"


def _meant(address: Address) -> Address:
    """The IPv4 address that an IPv6 address stands for, if it does."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if inner is None and address in _NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        return inner or address
    return address
