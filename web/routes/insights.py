"""What was measured of a search's clips: as files, and two searches side by side."""

from typing import Any

from flask import Response, abort, current_app, jsonify, render_template, request
from flask.typing import ResponseReturnValue

from web import exports
from web.errors import wants_page
from web.routes.blueprint import found, result, studio

# A measure, its spread in either search, and whether these do not even touch.
Row = tuple[str, dict[str, Any] | None, dict[str, Any] | None, bool]


@studio.get("/jobs/<job_id>/insights.json")
def insights_json(job_id: str) -> Response:
    return jsonify(_measured(job_id)["insights"])


@studio.get("/jobs/<job_id>/insights.csv")
def insights_csv(job_id: str) -> Response:
    table = exports.insights_table(_measured(job_id)["insights"])
    name = f"trendtok-{job_id[:8]}-insights.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return current_app.response_class(table, mimetype="text/csv", headers=headers)


@studio.get("/compare")
def compare() -> ResponseReturnValue:
    """Two searches, given as `a` and `b`, measure by measure."""
    one, other = _measured(request.args.get("a", "")), _measured(request.args.get("b", ""))
    rows = _rows(one["insights"]["shared"]["spreads"], other["insights"]["shared"]["spreads"])
    if not wants_page():
        plain = [
            {"measure": name, "a": a and a["median"], "b": b and b["median"], "apart": apart}
            for name, a, b, apart in rows
        ]
        return jsonify(a=_about(one), b=_about(other), measures=plain)
    return render_template("compare.html", one=one, other=other, rows=rows)


def _rows(one: dict[str, Any], other: dict[str, Any]) -> list[Row]:
    """Each measure that is known of either: its name, both spreads, and whether these do not even touch."""
    rows: list[Row] = []
    for name in dict.fromkeys([*one, *other]):
        a, b = one.get(name), other.get(name)
        if (a and a["n"]) or (b and b["n"]):
            apart = bool(a and b and a["n"] and b["n"] and (a["high"] < b["low"] or b["high"] < a["low"]))
            rows.append((name, a, b, apart))
    return rows


def _about(one: dict[str, Any]) -> dict[str, Any]:
    return {"id": one["id"], "tags": one["asked"]["tags"], "clips": len(one["insights"]["clips"])}


def _measured(job_id: str) -> dict[str, Any]:
    """The result of a search whose clips have been measured."""
    given = result(found(job_id))
    if not given["insights"]:
        abort(404, "The clips of this search have not been measured; search again.")
    return given
