"""Where betfairlightweight and flumine find a Laybook node.

Nothing of the libraries is edited. Both look their hosts up in tables, so a node is one more row: a locale
of its own for HTTP, and the host and port of the stream. Import it before the first client is made:

    import laybook_target
    locale = laybook_target.at(http="http://127.0.0.1:8080", stream="127.0.0.1:8443")
    api = betfairlightweight.APIClient("alice", "alice", app_key="alice-key", locale=locale)

The stream is TLS; the library does not ask for a certificate that it knows, so the node's own will do.
"""

from betfairlightweight.baseclient import BaseClient
from betfairlightweight.streaming.betfairstream import BetfairStream

LOCALE = "laybook"


def at(http="http://127.0.0.1:8080", stream="127.0.0.1:8443"):
    """Points the libraries at a node; the locale to make clients with."""
    BaseClient.IDENTITY_URLS[LOCALE] = http + "/api/"
    BaseClient.IDENTITY_CERT_URLS[LOCALE] = http + "/api/"
    BaseClient.API_URLS[LOCALE] = http + "/exchange/"
    BaseClient.NAVIGATION_URLS[LOCALE] = http + "/exchange/betting/rest/v1/en/navigation/menu.json"
    host, _, port = stream.rpartition(":")
    BetfairStream.HOSTS[None] = host
    # A constant of the class, under the name that Python gives to names with two underscores.
    BetfairStream._BetfairStream__port = int(port)
    return LOCALE
