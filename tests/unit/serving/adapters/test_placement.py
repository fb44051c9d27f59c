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


def test_ranked_cold_adapter_meets_on_one_replica_whatever_their_order():
    replicas = [replica(str(number)) for number in range(6)]
    first = ranked(replicas, "x", BUSY, in_order)
    assert [len(group) for group in first] == [1] * 6
    assert ranked(replicas[::-1], "x", BUSY, in_order) == first
    firsts = {ranked(replicas, f"x{number}", BUSY, in_order)[0][0] for number in range(40)}
    assert firsts == {one.id for one in replicas}, "other adapters meet elsewhere"
    busy = [replica(one.id, load=BUSY if [one.id] == first[0] else 0) for one in replicas]
    assert ranked(busy, "x", BUSY, in_order) == [*first[1:], first[0]]
    stayed = [one for one in replicas if one.id not in first[0]]
    assert ranked(stayed, "x", BUSY, in_order)[0] == first[1], "those that leave move nobody else"


def test_ranked_base_is_everywhere():
    replicas = [replica("a", slots="x"), replica("b")]
    assert ranked(replicas, None, BUSY, in_order) == [["a", "b"]]
    assert ranked([], None, BUSY, in_order) == []
