from types import SimpleNamespace

import pytest
import torch

from r3mes_ray.errors import TooFewUpdates
from r3mes_ray.models.adapters.history import PastRound, SketchedUpdate, decode_sketch, encode_sketch
from r3mes_ray.training.gate.admission import admit, require
from r3mes_ray.training.gate.held_out import LOSS
from r3mes_ray.training.gate.update import MISSING
from r3mes_ray.training.records import Excluded
from r3mes_ray.training.steps import Steps

STALE = Excluded(0, "stale", "is update 3 of an earlier round again")
BROKEN = Excluded(2, "norm", "too large")
STEPS = {1: (1.0, 0.0, 0.0), 3: (1.0, 0.0, 0.0), 4: (0.0, 1.0, 0.0), 5: (0.0, 1.0, 0.0), 6: (0.0, 0.0, 1.0)}
VERDICTS = {1: object(), 2: BROKEN, **{update: object() for update in (3, 4, 5, 6)}}


def plan(**parameters):
    return SimpleNamespace(
        excluded=(STALE,),
        parameters=SimpleNamespace(min_updates=2),
        record=SimpleNamespace(round_id=0, start_version=2),
        **parameters,
    )


def decided(*scores, history=(), lost=None):
    verdicts = VERDICTS if lost is None else VERDICTS | {lost: Excluded(lost, MISSING, "gone")}
    return admit(plan(), verdicts, compared(lost), history, scores)


def compared(lost=None):
    moved = torch.tensor([step for update, step in STEPS.items() if update != lost], dtype=torch.float64)
    sketches = torch.nn.functional.pad(moved, (0, 61))
    return Steps(moved @ moved.T, sketches, torch.zeros(64, dtype=torch.float64))


def rules(admission):
    return {entry.update_id: entry.rule for entry in admission.excluded}


def test_plan_and_own_verdicts_and_copies_exclude_and_the_first_on_chain_wins():
    found = decided()
    assert found.accepted == (1, 4, 6)
    assert rules(found) == {0: "stale", 2: "norm", 3: "copy", 5: "copy"}
    assert found.compared == (1, 3, 4, 5, 6)


def test_copy_stays_one_where_its_original_is_refused_for_its_loss():
    found = decided(Excluded(1, LOSS, "worse"))
    assert found.accepted == (4, 6)
    assert rules(found) == {0: "stale", 1: LOSS, 2: "norm", 3: "copy", 5: "copy"}


def test_copy_enters_where_its_original_is_not_to_be_had_any_more():
    found = decided(lost=1)
    assert found.accepted == (3, 4, 6)
    assert rules(found) == {0: "stale", 1: MISSING, 2: "norm", 5: "copy"}
    assert found.compared == (3, 4, 5, 6)
    assert torch.equal(found.gram.diagonal(), torch.ones(4, dtype=torch.float64))


@pytest.mark.parametrize("update", [0, 2, 99])
def test_score_of_an_update_that_is_refused_before_it_or_unknown_says_nothing(update):
    assert rules(decided(Excluded(update, LOSS, "late"))) == rules(decided())


def test_loss_of_a_copy_does_not_change_why_it_is_refused():
    assert rules(decided(Excluded(3, LOSS, "worse")))[3] == "copy"


def test_order_of_scores_decides_nothing():
    scores = [Excluded(1, LOSS, "worse"), Excluded(3, LOSS, "worse"), Excluded(6, LOSS, "worse")]
    found = [decided(*scores), decided(*scores[::-1])]
    assert [one.accepted for one in found] == [(4,), (4,)]
    assert found[0].excluded == found[1].excluded


def test_update_that_is_in_the_expert_is_stale_and_so_is_its_copy_and_neither_is_in_the_new_history():
    old = PastRound(2, (SketchedUpdate(77, encode_sketch(2 * compared().sketches[0])),))
    found = decided(history=(old,))
    assert found.accepted == (4, 6)
    assert rules(found) == {0: "stale", 1: "stale", 2: "norm", 3: "stale", 5: "copy"}
    assert found.excluded[1].detail == "is update 77 of version 2 again: cosine of sketches 1.000000"
    assert [(past.version, [update.id for update in past.updates]) for past in found.history] == [
        (2, [77]),
        (3, [4, 6]),
    ]
    assert decode_sketch(found.history[1].updates[1].sketch).tolist() == [0.0, 0.0, 1.0, *[0.0] * 61]


def test_update_that_is_not_to_be_had_is_not_called_stale():
    old = PastRound(2, (SketchedUpdate(77, encode_sketch(compared().sketches[0])),))
    assert rules(decided(lost=1, history=(old,)))[1] == MISSING


def test_fewer_than_the_round_wants_end_it():
    require(plan(), (1, 2))
    with pytest.raises(TooFewUpdates):
        require(plan(), (1,))
