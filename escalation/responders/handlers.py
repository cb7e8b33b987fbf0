"""What is sent to contact methods: the verification code and the test page."""

from config.due.models import OutboundMessage
from config.due.operations import Outbound, Send, Skip, outbound
from escalation.responders.models import ContactMethod
from escalation.responders.operations import code_of


def _code(message: OutboundMessage) -> Send | Skip:
    method = ContactMethod.objects.filter(pk=message.root_id).first()
    if method is None or method.removed_at or method.verified_at:
        return Skip("the address was verified or removed meanwhile")
    code = code_of(method)
    return Send(
        subject=f"{code} is your Watchbill code",
        text=(
            f"Enter {code} to confirm that Watchbill may page you here.\n\n"
            "The code is good for 30 minutes. If you don't know what this is about, ignore it.\n"
        ),
        json={"kind": "contact_code", "code": code},
    )


def _test(message: OutboundMessage) -> Send | Skip:
    method = ContactMethod.objects.select_related("user").filter(pk=message.root_id).first()
    if method is None or not method.is_usable:
        return Skip("the address was removed meanwhile")
    return Send(
        subject="[TEST] Watchbill can page you here",
        text=f"This is a test page to {method.user}. Nothing is wrong, nothing is asked.\n",
        json={"kind": "test_page", "to": str(method.user)},
    )


outbound("contact.code", Outbound(prepare=_code))
outbound("contact.test", Outbound(prepare=_test, urgent=True))
