"""The answers of the public API that are no success, as its document lists them."""

from typing import Any, Final

from pydantic import BaseModel


class FieldWrong(BaseModel):
    field: str
    reason: str


class Problem(BaseModel):
    """RFC 9457. `fields` are told where a request's own are wrong."""

    title: str
    detail: str
    status: int
    field: str = ""
    fields: list[FieldWrong] = []


def problem(description: str) -> dict[str, Any]:
    return {"description": description, "content": {"application/problem+json": {"schema": Problem.model_json_schema()}}}


PROBLEMS: Final[dict[int | str, dict[str, Any]]] = {
    401: problem("no key, or one that opens nothing"),
    403: problem("the key does not open this"),
    422: problem("fields are missing or wrong"),
    429: problem("too many requests"),
}
NOT_THERE: Final[dict[int | str, dict[str, Any]]] = {404: problem("there is none of that number")}
