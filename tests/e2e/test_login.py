"""A real client comes in, stays and leaves."""

import pytest
from betfairlightweight.exceptions import APIError, LoginError
from bettor import client
from conftest import NAMES, PASSWORD


@pytest.fixture
def known(node, operator):
    """(username, application key) of a customer who has not logged in."""
    username = f"customer{next(NAMES)}"
    return username, operator.user(username, PASSWORD, "10.00")


def test_a_wrong_password_is_told_and_the_right_one_is_let_in(node, known):
    username, app_key = known
    with pytest.raises(LoginError, match="INVALID_USERNAME_OR_PASSWORD"):
        client(node, username, "wrong horse", app_key).login_interactive()
    with pytest.raises(LoginError, match="INVALID_USERNAME_OR_PASSWORD"):
        client(node, "nobody-of-that-name", PASSWORD, app_key).login_interactive()
    api = client(node, username, PASSWORD, app_key)
    api.login_interactive()
    assert api.session_token
    assert not api.session_expired


def test_a_login_by_certificate_is_taken_too(node, known, tmp_path):
    username, app_key = known
    # The library insists on a file, also where the node asks for no certificate.
    (tmp_path / "client.crt").touch()
    (tmp_path / "client.key").touch()
    api = client(node, username, PASSWORD, app_key)
    api.certs = str(tmp_path)
    assert api.login().login_status == "SUCCESS"
    assert api.account.get_account_funds().available_to_bet_balance == 10.0


def test_a_session_is_kept_alive_and_ends_at_logout(node, known):
    username, app_key = known
    api = client(node, username, PASSWORD, app_key)
    api.login_interactive()
    token = api.session_token
    assert api.keep_alive().status == "SUCCESS"
    assert api.session_token == token
    assert api.logout().status == "SUCCESS"
    api.set_session_token(token)
    with pytest.raises(APIError, match="INVALID_SESSION_INFORMATION"):
        api.account.get_account_funds()
    with pytest.raises(APIError, match="INVALID_SESSION_INFORMATION"):
        api.betting.list_event_types()


def test_two_sessions_of_one_customer_do_not_disturb_each_other(node, known):
    username, app_key = known
    first, second = (client(node, username, PASSWORD, app_key) for _ in range(2))
    first.login_interactive()
    second.login_interactive()
    assert first.session_token != second.session_token
    second.logout()
    assert first.account.get_account_funds().available_to_bet_balance == 10.0


def test_funds_and_details_are_read(customer):
    api = customer("12.50")
    funds = api.account.get_account_funds()
    assert (funds.available_to_bet_balance, funds.exposure) == (12.5, 0)
    assert funds.exposure_limit < 0
    details = api.account.get_account_details()
    assert details.currency_code == "GBP"
    assert details.discount_rate == 0
