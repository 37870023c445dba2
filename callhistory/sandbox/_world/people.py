"""The people of a sandbox: those with an account, and those they talk to."""

from __future__ import annotations

import attrs

ACCOUNT_HOLDER = "Robin Castellan"
COLLEAGUES = (
    "Ada Okonkwo",
    "Benedikt Straße",
    "Chiara Lombardini",
    "Đặng Thu Hà",
    "Emeka Lindqvist",
    "Freya O'Halloran",
    "Goro Tanabe",
)
CUSTOMERS = (
    "Brightwater & Sons <Plumbing>",
    "Northgate Dental",
    "Inés Peñalba",
    "Kestrel Freight",
    "Lumen Physiotherapy",
    "Marek Wiśniowski",
    '"The Corner" Café',
)
_AREA_CODES = ("206", "212", "312", "415", "512", "617", "702", "808")


@attrs.frozen
class Person:
    """Somebody who can take part in a call.

    Attributes:
        id: the person's id.
        name: the display name.
        phone_number: a fictional number in E.164 form.
        email: the e-mail address of a colleague; ``None`` for people outside the organization.
    """

    id: str
    name: str
    phone_number: str
    email: str | None = None

    @property
    def is_colleague(self) -> bool:
        """Whether the person belongs to the account holder's organization."""
        return self.email is not None


def fictional_number(index: int) -> str:
    """Return one of the 800 phone numbers that are reserved for fiction."""
    area, line = divmod(index % 800, 100)
    return f"+1{_AREA_CODES[area]}55501{line:02}"


def email_address(name: str) -> str:
    """Return the e-mail address of somebody in the organization."""
    letters = "".join(letter if letter.isascii() and letter.isalnum() else "." for letter in name)
    return f"{'.'.join(filter(None, letters.lower().split('.')))}@example.com"
