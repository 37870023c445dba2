"""The generated reader: what it reads, and that it and the tolerant one agree."""

from collections.abc import Callable, Iterator
from datetime import datetime
from textwrap import indent
from typing import Any

import pytest
from attrs import frozen
from cattrs import Converter
from hypothesis import given
from hypothesis import strategies as st

from callhistory import CallRecordSelf, Direction, UserSession, from_wire, to_wire
from callhistory._records import generated_reader as explained
from callhistory._records.base import Record
from callhistory._records.decode import generated_reader, make_converter, tolerant_reader
from callhistory._records.generated_reader import Hook, Mismatch, source_of
from callhistory._records.wire_names import RECORDS as FIELDS
from callhistory._records.wire_names import json_object
from tests.records.samples import attempt, exactly, mutated, mutations_of, quick
from tests.support.wire_samples import RECORDS, Wire, a_session, sandbox_page, wire_form


def reading_only_with(reader: Callable[[type[Any], Converter], Callable[[Wire], Any]]) -> Converter:
    """Return a converter that reads every object, nested ones as well, with one reader."""

    def object_hook(cls: type[Any], converter: Converter) -> Hook:
        read = reader(cls, converter)

        def hook(value: Any, _type: Any) -> Any:
            if type(value) is not dict:
                raise Mismatch
            return read(value)

        return hook

    return make_converter(object_hook)


GENERATED, TOLERANT = reading_only_with(generated_reader), reading_only_with(tolerant_reader)
USUAL = make_converter()


@pytest.mark.parametrize("cls", RECORDS)
@quick
@given(data=st.data())
def test_the_two_readers_together_read_as_the_tolerant_one(
    cls: type[Any], data: st.DataObject
) -> None:
    """Both readers in turn give the same record, or the same refusal, as the tolerant one."""
    form = mutated(wire_form(cls), data.draw(mutations_of(wire_form(cls))))

    usual = attempt(lambda: USUAL.structure(form, cls))
    tolerant = attempt(lambda: TOLERANT.structure(form, cls))

    if isinstance(usual, cls):
        assert usual == tolerant
        assert exactly(to_wire(usual)) == exactly(to_wire(tolerant))
    else:
        assert type(usual) is type(tolerant)
        assert vars(usual) == vars(tolerant)


@pytest.mark.parametrize("cls", RECORDS)
@pytest.mark.parametrize("unnamed", [{}, {"oddity": 1}])
def test_what_is_as_documented_is_read_by_the_generated_reader(
    cls: type[Any], unnamed: Wire
) -> None:
    """The documented form of every record needs no tolerant reader, which would read the same."""
    form = wire_form(cls) | unnamed

    record = GENERATED.structure(form, cls)

    assert record == TOLERANT.structure(form, cls) == from_wire(cls, form)
    assert record.extra == unnamed
    assert exactly(to_wire(record)) == exactly(form)


@pytest.mark.parametrize("backend", ["WEBEX_CALLING", "UCM_CALLING", "BROADWORKS_CALLING"])
def test_a_realistic_page_is_read_by_the_generated_reader(backend: str) -> None:
    """Every session of a realistic page needs no tolerant reader."""
    sessions = [GENERATED.structure(session, UserSession) for session in sandbox_page(backend)]

    assert len(sessions) == 60


@pytest.mark.parametrize("change", [{"durationSeconds": "438"}, {"self": {"name": 7}}])
def test_a_surprise_is_left_to_the_tolerant_reader(change: Wire) -> None:
    """A value of another type stops the generated reader, so the tests above can fail."""
    with pytest.raises(Mismatch):
        GENERATED.structure(a_session(**change), UserSession)

    assert type(TOLERANT.structure(a_session(**change), UserSession).self_) is CallRecordSelf


@pytest.fixture
def line() -> Iterator[type[Record]]:
    """Return the class that the module's explanation is about."""

    @json_object
    @frozen(kw_only=True)
    class Line(Record):
        name: str | None = None
        direction: Direction | str | None = None
        joined_at: datetime

    yield Line
    del FIELDS[Line]


def test_the_explanation_shows_what_is_generated(line: type[Record]) -> None:
    """The function that the module's docstring shows is the one that is generated."""
    assert indent(source_of(line), "    ") in (explained.__doc__ or "")
