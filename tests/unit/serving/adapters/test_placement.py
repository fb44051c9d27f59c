"""Which replica gets a request."""

from r3mes_ray.serving.adapters.placement import ReplicaState, ranked

BUSY = 4


def in_order(states, count):
    return list(states)[:count]


def replica(name, load=0, slots=(), ram=()):
    return ReplicaState(name, load, frozenset(slots), frozenset(ram))


def test_ranked_slot_comes_before_memory_before_nothing():
    replicas = [replica("none"), replica("ram", ram="x"), replica("slot", slots="x", ram="x")]
    assert ranked(replicas, "x", BUSY, in_order) == [["slot"], ["ram"], ["none"]]


def test_ranked_busy_holder_leaves_a_hot_adapter_to_idle_ones():
    replicas = [replica("holder", load=BUSY, slots="x"), replica("idle", load=BUSY - 1)]
    assert ranked(replicas, "x", BUSY, in_order) == [["idle"], ["holder"]]
    all_busy = [replica("holder", load=BUSY, slots="x"), replica("other", load=9)]
    assert ranked(all_busy, "x", BUSY, in_order) == [["holder"], ["other"]]


def test_ranked_gives_two_at_a_time_and_every_replica_once():
    replicas = [replica(str(number), slots="x") for number in range(5)]
    groups = ranked(replicas, "x", BUSY, in_order)
    assert groups == [["0", "1"], ["2", "3"], ["4"]]


def test_ranked_cold_adapter_meets_on_the_same_replicas_whatever_their_order():
    replicas = [replica(str(number)) for number in range(6)]
    first = ranked(replicas, "x", BUSY, in_order)
    assert ranked(replicas[::-1], "x", BUSY, in_order) == first
    firsts = {tuple(ranked(replicas, f"x{number}", BUSY, in_order)[0]) for number in range(40)}
    assert len(firsts) > 10, "other adapters meet elsewhere"
    stayed = [one for one in replicas if one.id not in first[0]]
    assert ranked(stayed, "x", BUSY, in_order)[0] == first[1], "those that leave move nobody else"


def test_ranked_base_is_everywhere():
    replicas = [replica("a", slots="x"), replica("b")]
    assert ranked(replicas, None, BUSY, in_order) == [["a", "b"]]
    assert ranked([], None, BUSY, in_order) == []
