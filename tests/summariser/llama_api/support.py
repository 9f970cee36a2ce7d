"""What the tests of the chat service have in common."""

from core import engines
from settings import Settings
from summariser import BriefRequest, llama_api

KEY = "sk-very-secret-0123456789"


BREAD = (
    "Take two cups of flour, a pinch of salt and warm water. Knead the dough until it is smooth. "
    "The secret of good bread is steam, so put a tray of water into the oven."
)


ABOUT_BREAD = "Homemade bread needs flour, salt, water, patient kneading and steam in the oven."


GRACE = 1.5  # seconds that a busy machine may add to a time-out


def configure(url, **other):
    return Settings.read({"LLAMA_API_URL": url, "LLAMA_API_KEY": KEY, "SERVICE_TIMEOUT": "5", **other})


def write(server, transcripts=(BREAD,), on_screen=(), tags=("bread",), report=engines.no_report, **other):
    return llama_api.summarise(BriefRequest(transcripts, on_screen, tags), configure(server.url, **other), report).value


def brief_or_error(server, **other):
    try:
        return write(server, **other)
    except engines.EngineError as error:
        return str(error)
