import socket

import pytest

from r3mes_ray.errors import PortBusy
from r3mes_ray.node.ports import free_ports, require_free


def test_port_that_is_taken_names_its_setting():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(PortBusy) as caught:
            require_free("127.0.0.1", port, "serving.port")
    assert caught.value.port == port
    assert "serving.port" in caught.value.hint


def test_free_ports_differ_and_can_be_taken():
    ports = free_ports(5)
    assert len(set(ports)) == 5
    for port in ports:
        require_free("127.0.0.1", port, "any")
