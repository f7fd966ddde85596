"""What mail servers send back: delivery reports and complaints, as they come."""

from email.message import EmailMessage, Message
from email.mime.base import MIMEBase
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText


def delivery_report(
    to: str, *, status: str, action: str = "failed", diagnosis: str = "", about: str = "x@y.example"
) -> bytes:
    """RFC 3464, sent to the address `to`; `about` is whom it claims to speak of."""
    report = MIMEMultipart("report", report_type="delivery-status")
    report["From"] = "MAILER-DAEMON@mx.example.com"
    report["To"] = to
    report["Subject"] = "Undelivered Mail Returned to Sender"
    report["Auto-Submitted"] = "auto-replied"
    report.attach(MIMEText("I'm sorry to have to inform you that your message could not be …"))
    machine, recipient = Message(), Message()
    machine["Reporting-MTA"] = "dns; mx.example.com"
    recipient["Final-Recipient"] = f"rfc822; {about}"
    recipient["Action"] = action
    recipient["Status"] = status
    if diagnosis:
        recipient["Diagnostic-Code"] = f"smtp; {diagnosis}"
    status_part = MIMEBase("message", "delivery-status")
    status_part.set_payload([machine, recipient])
    report.attach(status_part)
    report.attach(_quoted(about))
    return report.as_bytes()


def complaint(sender: str, *, to: str = "abuse@booking.example.com") -> bytes:
    """RFC 5965; `sender` is the envelope's sender of the mail complained of."""
    report = MIMEMultipart("report", report_type="feedback-report")
    report["From"] = "feedback@provider.example.com"
    report["To"] = to
    report.attach(MIMEText("This is an email abuse report."))
    fields = Message()
    fields["Feedback-Type"] = "abuse"
    fields["User-Agent"] = "SomeProvider/1.0"
    fields["Version"] = "1"
    fields["Original-Mail-From"] = f"<{sender}>"
    part = MIMEBase("message", "feedback-report")
    part.attach(fields)
    report.attach(part)
    report.attach(_quoted("somebody@provider.example.com"))
    return report.as_bytes()


def holiday(to: str) -> bytes:
    """An answering machine (RFC 3834)."""
    answer = EmailMessage()
    answer["From"] = "kim.cold@example.com"
    answer["To"] = to
    answer["Subject"] = "Out of office"
    answer["Auto-Submitted"] = "auto-replied"
    answer.set_content("Back on Monday.")
    return answer.as_bytes()


def _quoted(recipient: str) -> MIMEBase:
    original = EmailMessage()
    original["To"] = recipient
    original["Subject"] = "Your online account is ready"
    part = MIMEBase("message", "rfc822")
    part.attach(original)
    return part
