"""Forms that no page has: more fields than any, and files. Refused before a view reads them."""

from __future__ import annotations

from manyi.office.runtime import FIELDS_MAX

from tests.office.people import People, form


def test_a_form_of_more_fields_than_any_is_refused_and_a_decent_one_is_read(town: People) -> None:
    with town.browser() as client:
        told = {"csrfmiddlewaretoken": form(client.get("/login/")), "login": "nobody", "password": "wrong"}
        more = {f"field{i}": "x" for i in range(FIELDS_MAX + 1 - len(told))}
        assert client.post("/login/", data={**told, **more}).status_code == 400
        more.popitem()
        assert client.post("/login/", data={**told, **more}).status_code == 200  # read: nobody of that name


def test_no_page_takes_a_file(town: People) -> None:
    with town.browser() as client:
        told = {"csrfmiddlewaretoken": (None, form(client.get("/login/"))), "login": (None, "nobody")}
        assert client.post("/login/", files=told).status_code == 200
        assert client.post("/login/", files={**told, "file": ("a.txt", b"x")}).status_code == 400
