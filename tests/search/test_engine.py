"""The local Ray."""

from __future__ import annotations

import socket

import pytest
import ray

from paretofair.search.engine import cluster


def addresses() -> set[str]:
    """Those by which other machines reach this one, as far as it knows."""
    found = {info[4][0] for info in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as way_out:
        try:
            way_out.connect(("192.0.2.1", 9))
            found.add(way_out.getsockname()[0])
        except OSError:  # no network
            pass
    return {each for each in found if not each.startswith("127.")}


@pytest.mark.ray
def test_a_local_ray_listens_on_loopback_alone(monkeypatch):
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    with cluster(None):
        (node,) = ray.nodes()
        ports = [node["NodeManagerPort"], node["ObjectManagerPort"]]
        ports.append(int(ray.get_runtime_context().gcs_address.rpartition(":")[2]))
        assert node["NodeManagerAddress"] == "127.0.0.1"
        for port in ports:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
            for address in addresses():
                with pytest.raises((ConnectionError, TimeoutError)):
                    socket.create_connection((address, port), timeout=5)
