import logging

from r3mes_ray.serving.inference.base import EngineForm
from r3mes_ray.serving.open_engine import open_engine
from r3mes_ray.settings import parse_settings


async def test_engine_says_how_its_weights_are_kept_in_its_log_and_its_report(tmp_path, caplog):
    with caplog.at_level(logging.INFO, "r3mes_ray.serving.open_engine"):
        engine = open_engine(parse_settings({"home": tmp_path, "model": {"threads": 1}}))
    try:
        assert "engine transformers: unpacked weights, float32" in caplog.messages
        assert engine.report().form == EngineForm("transformers", "unpacked", "float32")
    finally:
        await engine.close()
