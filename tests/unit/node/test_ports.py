import socket

from r3mes_ray.node.ports import free_ports


def test_free_ports_differ_and_can_be_taken():
    ports = free_ports(5)
    assert len(set(ports)) == 5
    for port in ports:
        socket.create_server(("127.0.0.1", port)).close()
