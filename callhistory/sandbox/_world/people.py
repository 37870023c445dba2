"""The people of a sandbox: who has an account, and who calls."""

from __future__ import annotations

import attrs


@attrs.frozen
class Person:
    """Somebody who can be in a call.

    Attributes:
        id: the person's id.
        name: the name that is shown.
        phone_number: a fictional number in E.164 form.
        email: the address of somebody in the same organization, else ``None``.
    """

    id: str
    name: str
    phone_number: str
    email: str | None = None

    @property
    def is_colleague(self) -> bool:
        """Whether the person is in the account holder's organization."""
        return self.email is not None


_AREA_CODES = ("206", "212", "312", "415", "512", "617", "702", "808")


def fictional_number(index: int) -> str:
    """Give one of the 800 numbers that are reserved for fiction."""
    area, line = divmod(index % 800, 100)
    return f"+1{_AREA_CODES[area]}55501{line:02}"


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


def email_address(name: str) -> str:
    """Give the e-mail address of somebody in the organization."""
    letters = "".join(letter if letter.isascii() and letter.isalnum() else "." for letter in name)
    return f"{'.'.join(filter(None, letters.lower().split('.')))}@example.com"
