"""Pages for tests without a browser: what a page says, its links, and forms that are filled in as
people fill them, by their fields. No JavaScript, as every page must work without it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from html.parser import HTMLParser
from typing import Any

import httpx

from tests.front_door import HOST, FrontDoor, Visitor
from tests.world import Person, World

Value = str | bool | Sequence[str] | None
_NOT_READ = {"script", "style", "template", "title"}
_VOID = {"input", "br", "img", "meta", "link", "hr", "source", "wbr"}


@dataclass
class Field:
    name: str
    kind: str
    """`text`, `hidden`, `checkbox`, `radio`, `select`, `textarea`, `submit`, `file` …"""
    value: str = ""
    chosen: bool = False
    options: list[str] = field(default_factory=list)
    selected: list[str] = field(default_factory=list)


@dataclass
class Form:
    """A form of a page with what stands in its fields."""

    action: str
    method: str
    is_multipart: bool = False
    fields: list[Field] = field(default_factory=list)
    words: str = ""

    @property
    def names(self) -> set[str]:
        return {each.name for each in self.fields if each.name}

    def values(self) -> dict[str, list[str]]:
        """What a browser would send if nobody touched anything, buttons left out."""
        sent: dict[str, list[str]] = {}
        for each in self.fields:
            if not each.name or each.kind in {"submit", "file", "button", "reset"}:
                continue
            if each.kind in {"checkbox", "radio"}:
                new = [each.value or "on"] if each.chosen else []
            elif each.kind == "select":
                new = each.selected or each.options[:1]
            else:
                new = [each.value]
            sent.setdefault(each.name, []).extend(new)
        return sent

    def filled(self, typed: dict[str, Value]) -> dict[str, list[str]]:
        """True ticks a box, False unticks it; a list chooses several; None leaves a field out."""
        sent = self.values()
        for name, value in typed.items():
            assert name in self.names, f"no field {name!r}; this form has {sorted(self.names)}"
            sent[name] = self._as_sent(name, value)
        return {name: values for name, values in sent.items() if values}

    def _as_sent(self, name: str, value: Value) -> list[str]:
        if value is None or value is False:
            return []
        if value is True:
            return [next(each.value or "on" for each in self.fields if each.name == name)]
        return [value] if isinstance(value, str) else list(value)


class Page:
    """An answer for people."""

    def __init__(self, browser: "Browser", response: httpx.Response) -> None:
        self.browser = browser
        self.response = response
        self.status = response.status_code
        self.path = response.url.raw_path.decode()
        self.html = response.text

    @cached_property
    def _read(self) -> "_Reader":
        reader = _Reader()
        reader.feed(self.html)
        reader.close()
        return reader

    @property
    def title(self) -> str:
        return _plain(self._read.title)

    @property
    def text(self) -> str:
        """All that can be read on it, with single spaces."""
        return _plain(" ".join(self._read.texts))

    @property
    def forms(self) -> list[Form]:
        return self._read.forms

    @property
    def links(self) -> list[tuple[str, str]]:
        """(words, address) of every link."""
        return [(_plain(words), href) for words, href in self._read.links]

    def says(self, words: str) -> bool:
        return words in self.text

    def form(self, where: str) -> Form:
        """The form whose address ends in, or failing that contains, `where`; else the one with a
        field or a button of that name."""
        ways: tuple[Callable[[Form], bool], ...] = (
            lambda each: (each.action or self.path).partition("?")[0].endswith(where),
            lambda each: where in (each.action or self.path),
            lambda each: where in each.names or where in each.words,
        )
        sendable = [each for each in self.forms if each.method != "dialog"]
        for fits in ways:
            found = [each for each in sendable if fits(each)]
            if found:
                return found[0]
        known = [(each.action, sorted(each.names)) for each in self.forms]
        raise AssertionError(f"no form {where!r} on {self!r}; there is {known}")

    def submit(
        self,
        where: str,
        *,
        button: str | None = None,
        files: dict[str, tuple[str, bytes, str]] | None = None,
        **typed: Value,
    ) -> "Page":
        """Fill in a form and send it, by the button with that value if one is named.

        A field whose name is no Python name goes in as `**{"client-name": "Jo"}`.
        """
        form = self.form(where)
        sent: dict[str, Any] = dict(form.filled(typed))
        pressed = [each for each in form.fields if each.kind == "submit" and each.value == button]
        if button is not None:
            assert pressed, f"no button {button!r}"
        if pressed and pressed[0].name:
            sent[pressed[0].name] = [pressed[0].value]
        address = str(self.response.url.join(form.action)) if form.action else self.path
        if form.method == "get":
            return self.browser.request("GET", address, params=sent)
        if files is None and form.is_multipart:
            files = {"": ("", b"", "application/octet-stream")}
        return self.browser.request("POST", address, data=sent, files=files)

    def follow(self, words: str) -> "Page":
        """Open the link with those words (the first that has them all)."""
        exact = [href for said, href in self.links if said == words]
        close = [href for said, href in self.links if words in said]
        found = exact + close
        assert found, f"no link {words!r} on {self!r}; there is {self.links}"
        return self.browser.get(str(self.response.url.join(found[0])))

    def __repr__(self) -> str:
        return f"<Page {self.status} {self.path} {self.title!r}>"


class Browser:
    """One person's browser: cookies are kept and redirects followed."""

    def __init__(self, visitor: Visitor) -> None:
        self.visitor = visitor

    def get(self, path: str, **given: Any) -> Page:
        return self.request("GET", path, **given)

    def request(self, method: str, path: str, **given: Any) -> Page:
        headers = {"Accept": "text/html", **given.pop("headers", {})}
        if method != "GET":
            headers = {"Origin": HOST, "Sec-Fetch-Site": "same-origin", **headers}
        return Page(self, self.visitor.request(method, path, headers=headers, **given))


class Pages:
    """Browsers of the people of the world, each signed in already.

    page = pages.owner.get("/manage/happy-paws/clients")
    page = page.submit("/clients/new", first_name="Jo")
    """

    def __init__(self, door: FrontDoor, world: World) -> None:
        self._door = door
        self._world = world

    def visitor(self) -> Browser:
        """A new browser of nobody in particular."""
        return Browser(self._door.visitor(follow=True))

    @cached_property
    def owner(self) -> Browser:
        return self.signed_in("manage", self._world.owner)

    @cached_property
    def manager(self) -> Browser:
        return self.signed_in("manage", self._world.manager)

    @cached_property
    def staff(self) -> Browser:
        return self.signed_in("manage", self._world.staff)

    @cached_property
    def operator(self) -> Browser:
        """Of the whole service."""
        return self.signed_in("manage", self._world.operator)

    @cached_property
    def outsider(self) -> Browser:
        return self.signed_in("manage", self._world.outsider)

    @cached_property
    def client(self) -> Browser:
        """Jo Bright."""
        return self.signed_in(f"visit-{self._world.salon.slug}", self._world.jo.person)

    @cached_property
    def other_client(self) -> Browser:
        """Sam Stone, of the same salon."""
        return self.signed_in(f"visit-{self._world.salon.slug}", self._world.sam.person)

    @cached_property
    def outsiders_client(self) -> Browser:
        return self.signed_in(f"visit-{self._world.kennels.slug}", self._world.max.person)

    def signed_in(self, cookie: str, person: Person) -> Browser:
        browser = self.visitor()
        browser.visitor.cookies.set(cookie, person.cookie, domain="localhost.local", path="/")
        return browser


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.title = ""
        self.texts: list[str] = []
        self.forms: list[Form] = []
        self.links: list[tuple[str, str]] = []
        self._open: list[str] = []
        self._form: Form | None = None
        self._field: Field | None = None
        self._outside: dict[str, list[Field]] = {}
        self._by_id: dict[str, Form] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag not in _VOID:
            self._open.append(tag)
        if tag == "a" and "href" in given:
            self.links.append(("", given["href"]))
        elif tag == "form":
            self._begin_form(given)
        elif tag in {"input", "select", "textarea", "button"}:
            self._begin_field(tag, given)
        elif tag == "option" and self._field is not None:
            self._field.options.append(given.get("value", ""))
            if "selected" in given:
                self._field.selected.append(given.get("value", ""))

    def _begin_form(self, given: dict[str, str]) -> None:
        self._form = Form(
            action=given.get("action", ""),
            method=given.get("method", "get").lower(),
            is_multipart=given.get("enctype") == "multipart/form-data",
        )
        self.forms.append(self._form)
        if "id" in given:
            self._by_id[given["id"]] = self._form
            self._form.fields.extend(self._outside.pop(given["id"], []))

    def _begin_field(self, tag: str, given: dict[str, str]) -> None:
        kinds = {"input": given.get("type", "text"), "button": given.get("type", "submit")}
        self._field = Field(
            name=given.get("name", ""),
            kind=kinds.get(tag, tag),
            value=given.get("value", ""),
            chosen="checked" in given,
        )
        if "disabled" in given:
            return
        elsewhere = given.get("form")
        if elsewhere is not None and elsewhere not in self._by_id:
            self._outside.setdefault(elsewhere, []).append(self._field)
        elif elsewhere is not None:
            self._by_id[elsewhere].fields.append(self._field)
        elif self._form is not None:
            self._form.fields.append(self._field)

    def handle_endtag(self, tag: str) -> None:
        if tag in self._open:
            while self._open.pop() != tag:
                pass
        if tag == "form":
            self._form = None
        elif tag in {"select", "textarea"}:
            self._field = None

    def handle_data(self, data: str) -> None:
        if "title" in self._open and "svg" not in self._open:
            self.title += data
        if _NOT_READ.intersection(self._open):
            return
        if self._open and self._open[-1] == "textarea" and self._field is not None:
            self._field.value += data.removeprefix("\n")
            return
        self.texts.append(data)
        if "a" in self._open and self.links:
            words, href = self.links[-1]
            self.links[-1] = (words + data, href)
        if self._form is not None:
            self._form.words += data


def _plain(text: str) -> str:
    return " ".join(text.split())
