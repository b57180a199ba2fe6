"""What auditors read, and how far."""

from models import Role
from tests.make import CITY, OTHER_COUNTY


def test_county_auditor_reads_the_acts_of_the_countys_staff(office, certified):
    issuer = office.seat_new(Role.ISSUER)
    issuer.post(f"/console/pledges/{certified.number}/reveal", reason="核对来电人身份")
    for region, seen in (("445281000000", True), (OTHER_COUNTY, False), (CITY, True)):
        page = office.seat_new(Role.AUDITOR, region=region).get("/console/audit").text.partition("<tbody>")[2]
        assert ("核对来电人身份" in page) == seen, region


def test_acts_on_accounts_are_read_where_the_account_belongs(office, app):
    who = office.hire(Role.ISSUER)
    app.test_cli_runner().invoke(args=["staff", "disable", who.username])
    for region, seen in (("445281000000", True), (OTHER_COUNTY, False), (CITY, True)):
        page = office.seat_new(Role.AUDITOR, region=region).get("/console/audit").text.partition("<tbody>")[2]
        assert (who.username in page) == seen, region


def test_trail_is_filtered_by_act_and_object(office, certified):
    issuer = office.seat_new(Role.ISSUER)
    issuer.post(f"/console/pledges/{certified.number}/reveal", reason="核对来电人身份")
    issuer.post(f"/console/certificates/{certified.certificate_id}/revoke", reason="姓名登记有误")
    auditor = office.seat_new(Role.AUDITOR)
    for query, rows in {
        "action=pledge.reveal": 1,
        "action=approval.request": 1,
        f"key={certified.number}": 1,
        "action=staff.create": 0,
        "": 2,
    }.items():
        page = auditor.get(f"/console/audit?{query}").text.partition("<tbody>")[2]
        assert page.count("<tr>") == rows, query
