"""What all records share: ``extra``, and a repr that shows what they hold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

from attrs import define, field, fields


class Extra(dict[str, Any]):
    """A dict that cannot be changed: what a record holds beyond its attributes."""

    __slots__ = ()

    def _refuse(self, *_args: Any, **_kwargs: Any) -> NoReturn:
        raise TypeError("a record's extra cannot be changed; copy it with dict(...)")

    __setitem__ = __delitem__ = __ior__ = _refuse
    clear = pop = popitem = setdefault = update = _refuse

    def __reduce__(self) -> tuple[type[Extra], tuple[dict[str, Any]]]:
        return type(self), (dict(self),)


def _as_extra(held: Mapping[str, Any]) -> Extra:
    return Extra(held)


@define(kw_only=True, repr=False)
class Record:
    """What all records share. The classes made from it are frozen."""

    extra: Mapping[str, Any] = field(default=Extra(), converter=_as_extra, hash=False)
    # Wire names that were not sent although their attribute has a value (an empty list, an empty
    # record, the id that stands for the other): to_wire() leaves them out again.
    _absent: frozenset[str] = field(default=frozenset(), eq=False)

    def __repr__(self) -> str:
        """Show what Webex sent; what it left out would only hide it."""
        held = [
            f"{attribute.name}={value!r}"
            for attribute in fields(type(self))
            if attribute.name not in ("extra", "_absent")
            and (value := getattr(self, attribute.name)) not in (None, ())
        ]
        if self.extra:
            held.append(f"extra={dict(self.extra)!r}")
        return f"{type(self).__name__}({', '.join(held)})"
