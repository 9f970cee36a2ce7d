"""The routes, one module a feature: each adds its own to the blueprint `studio`, and is named in the import below."""

from web.routes import drafts, history, insights, jobs, media, search, sign_in, status
from web.routes.blueprint import studio
from web.routes.front_page import render_front_page
from web.routes.guards import is_quick, is_stream, max_body, register_first

__all__ = [
    "drafts",
    "history",
    "insights",
    "is_quick",
    "is_stream",
    "jobs",
    "max_body",
    "media",
    "register_first",
    "render_front_page",
    "search",
    "sign_in",
    "status",
    "studio",
]
