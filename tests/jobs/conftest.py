import multiprocessing

import pytest

PRELOADED = """app torch transformers transformers.models.bert.modeling_bert HanTa.HanoverTagger cv2 onnxruntime
    rapidocr_onnxruntime scipy.signal pretty_midi pyloudnorm PIL.Image""".split()


@pytest.fixture(scope="session")
def processes():
    """Starts processes that have loaded the libraries already, so that twenty of them take no minutes."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    return context
