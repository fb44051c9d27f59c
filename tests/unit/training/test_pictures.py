"""Pictures of a round, looked at as pixels."""

import numpy as np
import pytest
import torch
from matplotlib import image

from r3mes_ray.training.geometry import geometry_of, read_geometry, save_geometry
from r3mes_ray.training.pictures import ACCEPTED, REFUSED, RoundPicture, draw_round
from r3mes_ray.training.records import Excluded

COLUMNS = 0.005
"""Share of the pixels that a bar of one update has at the least."""


def picture(count, refused):
    """`count` updates, of which those in `refused` are copies of the first; one more could not be decoded."""
    steps = torch.randn(count, 50, generator=torch.Generator().manual_seed(3)).double()
    for update in refused:
        steps[update] = steps[0]
    accepted = tuple(update for update in range(count) if update not in refused)
    geometry = geometry_of(range(count), steps @ steps.T, dict.fromkeys(accepted, 1 / len(accepted)))
    excluded = [Excluded(update, "copy", "is update 0 again") for update in refused]
    return RoundPicture(7, "python", "mean", geometry, accepted, (*excluded, Excluded(count, "finite", "nan")))


def share_of(path, colour):
    wanted = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    pixels = image.imread(path)[:, :, :3]
    return float((np.abs(pixels - wanted).max(axis=2) < 0.02).mean())


@pytest.mark.parametrize("count", [3, 100])
def test_pictures_show_who_was_refused_in_another_colour(tmp_path, count):
    paths = draw_round(picture(count, [count - 1]), tmp_path / "made" / "here")
    assert [path.name for path in paths] == [f"round-7-{name}.png" for name in ("norms", "similarity", "verdicts")]
    norms, _, verdicts = paths
    assert share_of(norms, ACCEPTED) > 10 * COLUMNS
    assert share_of(norms, REFUSED) > COLUMNS * 3 / count
    assert share_of(verdicts, REFUSED) > 0
    none_refused = draw_round(picture(count, []), tmp_path / "none")[0]
    assert share_of(none_refused, REFUSED) < share_of(norms, REFUSED)


def test_pictures_of_the_same_round_are_the_same_bytes(tmp_path):
    first, second = (draw_round(picture(5, [2]), tmp_path / name) for name in ("a", "b"))
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


def test_pictures_of_a_round_without_any_valid_update_are_drawn(tmp_path):
    nothing = geometry_of([], torch.zeros(0, 0).double(), {})
    refused = (Excluded(0, "finite", "nan"), Excluded(1, "content-missing", "nowhere"))
    paths = draw_round(RoundPicture(7, "python", "krum", nothing, (), refused), tmp_path)
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in paths)


def test_geometry_is_norms_and_cosines_and_comes_back_from_its_file(tmp_path):
    gram = torch.tensor([[4.0, -6.0, 0.0], [-6.0, 9.0, 0.0], [0.0, 0.0, 0.0]]).double()
    geometry = geometry_of([2, 5, 9], gram, {2: 0.25, 9: 0.75})
    assert geometry.norms == (2.0, 3.0, 0.0)
    assert geometry.cosines == ((1.0, -1.0, 0.0), (-1.0, 1.0, 0.0), (0.0, 0.0, 0.0))
    assert geometry.shares == (0.25, 0.0, 0.75)
    assert read_geometry(tmp_path, "remes-test", 7) is None
    (tmp_path / "rounds" / "remes-test").mkdir(parents=True)
    save_geometry(tmp_path, "remes-test", 7, geometry)
    assert read_geometry(tmp_path, "remes-test", 7) == geometry
