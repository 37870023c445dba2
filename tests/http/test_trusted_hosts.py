"""Where the token may go, and where it never does."""

from __future__ import annotations

import re

import pytest

from callhistory import Webex
from callhistory._http.trusted_hosts import WEBEX_DOMAINS, TrustedHosts

TOKEN = "sEcReT"


@pytest.mark.parametrize(
    "url",
    [
        *(f"https://{domain}/path" for domain in WEBEX_DOMAINS),
        *(f"wss://a.b.{domain}/path?query" for domain in WEBEX_DOMAINS),
        "HTTPS://JANUS-A.WBX2.COM/",
        "https://janus.wbx2.com.:8443/",
        "https://example.com/",
        "https://sub.example.com/",
        "https://allowed.example.org/",
        "https://janus.partner.example:8443/",
        "http://127.0.0.1:8080/",
        "http://localhost:8081/",
        "https://[::1]:8082/",
        "http://[::1]:8083/",
    ],
)
def test_token_goes_to_webex_and_to_who_is_named(url: str) -> None:
    """Webex's domains, the catalog's hosts with their ports and the user's domains are trusted."""
    hosts = TrustedHosts(["Example.com", ".allowed.example.org"])
    hosts.trust(
        [
            "https://janus.partner.example:8443/api",
            "http://127.0.0.1:8080",
            "http://localhost:8081",
            "https://[::1]:8082/",
            "http://[::1]:8083/",
        ]
    )

    assert hosts.objection(url) is None


@pytest.mark.parametrize(
    "url",
    [
        # look-alikes
        "https://evilwbx2.com/",
        "https://wbx2.com.evil.example/",
        "https://wbx2.com%2eevil.example/",
        "https://w\u0431x2.com/",
        "https://evil\u3002wbx2.com/",
        # who is the host?
        "https://wbx2.com@evil.example/",
        "https://user:password@wbx2.com/",
        "https://evil.example\\@wbx2.com/",
        "https://wbx2.com\\.evil.example/",
        "https://evil.example#.wbx2.com/",
        "https://evil.example/\n.wbx2.com/",
        "https://wbx2.com\x00.evil.example/",
        # no TLS
        "http://janus-a.wbx2.com/",
        "ws://mercury.wbx2.com/",
        "http://128.0.0.1/",
        "http://127.evil.example/",
        "http://0.0.0.0/",
        # loopback, but nobody said so
        "http://127.0.0.1:9999/",
        "http://127.0.0.2:8080/",
        "https://[::1]/",
        "https://janus.partner.example/",
        # no address of a service
        "ftp://wbx2.com/",
        "//wbx2.com/",
        "wbx2.com",
        "https:wbx2.com",
        "https://",
        "https://wbx2.com:99999/",
        "https://[::1",
        "",
    ],
)
def test_token_goes_nowhere_else(url: str) -> None:
    """An address that is not trusted, not protected or not clear is objected to."""
    hosts = TrustedHosts()
    hosts.trust(["https://janus.partner.example:8443/api", "http://127.0.0.1:8080"])

    assert hosts.objection(url)


def test_plaintext_is_objected_to_also_where_it_is_trusted() -> None:
    """Neither a catalog nor a user can make a remote host of plain HTTP trustworthy."""
    hosts = TrustedHosts(["example.com"])
    hosts.trust(["http://janus.example.com/"])

    assert hosts.objection("http://janus.example.com/") == "is not protected by TLS"


@pytest.mark.parametrize(
    "domain",
    ["", ".", "*.example.com", "https://example.com", "example.com:8443", "example.com/", "a b"],
)
def test_what_is_no_domain_is_refused(domain: str) -> None:
    """An allowed domain is a bare name, or the mistake is named."""
    with pytest.raises(ValueError, match=f"allowed_domains: {re.escape(repr(domain))}"):
        Webex(access_token=TOKEN, allowed_domains=[domain])
