import socket

import pytest

from r3mes_ray.errors import PortBusy
from r3mes_ray.serving.ports import claim_port


def test_claim_port_that_is_taken_names_its_setting():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(PortBusy, match=str(port)) as caught:
            claim_port("127.0.0.1", port, "serving.port")
    assert "serving.port" in caught.value.hint
    assert claim_port("127.0.0.1", port, "serving.port") == port


def test_claim_port_zero_is_a_free_one():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", claim_port("127.0.0.1", 0, "serving.port")))
