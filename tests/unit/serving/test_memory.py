import platform

from r3mes_ray.serving.memory import bound_arenas


def test_bound_arenas_is_taken_by_glibc():
    assert bound_arenas() == (platform.libc_ver()[0] == "glibc")
