"""What the tests of due rows share; registers the effects that they promise."""

import pytest

from config.due.models import Channel
from config.due.operations import send_later
from config.organisation.models import User
from tests.config.due import effects

__all__ = ["effects"]


@pytest.fixture
def root(db) -> User:
    return User.objects.system()


@pytest.fixture
def promise(root):
    def promise(address: str, *, channel=Channel.WEBHOOK, purpose="test.message", **data):
        return send_later(purpose, root, channel=channel, address=address, **data)

    return promise
