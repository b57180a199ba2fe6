"""Filling the catalogue from a workbook: all of it or nothing."""

import zipfile
from datetime import date
from threading import Barrier, Thread

import pytest
from flask import Flask
from sqlalchemy import func, select

from certificates.codes import is_valid_number, read_token
from models import (
    AuditEntry,
    BaseStatus,
    Campaign,
    CampaignStatus,
    Issuer,
    LegalBasis,
    Payee,
    PlantingBase,
    Species,
    Tree,
    TreeAdoption,
    TreeCounter,
    TreeLife,
)
from tests.catalogue.conftest import BASE, CAMPAIGN, HEADS, SPECIES, TREE, WHOLE, change, write
from tests.make import COUNTY, OTHER_COUNTY, TOWN, VILLAGE
from tests.statements import counted
from wxbackend.catalogue import service as catalogue
from wxbackend.catalogue.checking import Check
from wxbackend.catalogue.known import load_known, year_of_number
from wxbackend.catalogue.workbook import MAX_FILE_BYTES, BadWorkbook, Faults, read_workbook
from wxbackend.core.db import reading, transaction

EVERYTHING = (Species, Payee, Issuer, Campaign, PlantingBase, Tree)


def count():
    with reading() as session:
        return {model.__tablename__: session.scalar(select(func.count()).select_from(model)) for model in EVERYTHING}


def only(model):
    with reading() as session:
        return session.scalars(select(model)).one()


def test_workbook_fills_everything_as_drafts(app, make, load):
    make.regions()
    result = load()
    assert result.exit_code == 0, result.output
    campaign, base = only(Campaign), only(PlantingBase)
    assert (campaign.status, base.status) == (CampaignStatus.DRAFT, BaseStatus.DRAFT)
    assert (campaign.legal_basis, campaign.payee_id) == (LegalBasis.GREENING_COMMITTEE, only(Payee).id)
    assert (campaign.starts_on, campaign.ends_on) == (date(2026, 1, 1), date(2026, 12, 31))
    assert (base.price_fen, base.adopt_price_fen, base.term_months, base.capacity) == (5000, 20_000, 12, 100)
    assert (base.latitude_e6, base.longitude_e6, base.county_code) == (23_297_300, 116_165_700, COUNTY)
    assert (base.held, base.sold, base.campaign_id, base.species_id) == (0, 0, campaign.id, only(Species).id)
    assert (only(Species).latin, only(Species).native) == ("Cinnamomum burmannii", True)
    assert only(Issuer).name == "示范县绿化委员会办公室"
    assert all(f"{title}：新增 1，已有 0" in result.output for title in WHOLE)


def test_imported_tree_stands_and_is_open_under_the_year_it_was_planted(app, make, load):
    make.regions()
    load()
    tree = only(Tree)
    assert (tree.life, tree.adoption, tree.planted_on) == (TreeLife.ALIVE, TreeAdoption.OPEN, None)
    assert tree.number.startswith(f"{VILLAGE}1900001")
    assert is_valid_number(tree.number)
    assert read_token(tree.token, purpose="T", keys={"dev": b"c" * 32}) == tree.token
    assert only(TreeCounter).last == 1


@pytest.mark.parametrize("planted", ["2019-03-12", date(2019, 3, 12)])
def test_tree_whose_day_is_known_keeps_it(app, make, load, planted):
    make.regions()
    assert load(change("现有树木", "种植日期或年份", planted)).exit_code == 0
    assert only(Tree).planted_on == date(2019, 3, 12)


def test_import_leaves_a_trace(app, make, load):
    make.regions()
    load()
    entry = only(AuditEntry)
    assert (entry.actor_kind, entry.action, entry.details["rows"]["基地"]) == ("system", "catalogue.import", 1)


def test_check_writes_nothing(app, make, load):
    make.regions()
    result = load(WHOLE, "--check")
    assert (result.exit_code, "校验通过，未写入" in result.output) == (0, True)
    assert set(count().values()) == {0}


def test_workbook_that_is_imported_twice_changes_nothing(app, make, load):
    make.regions()
    load()
    before = count()
    again = load()
    assert again.exit_code == 0, again.output
    assert count() == before
    assert all(f"{title}：新增 0，已有 1" in again.output for title in WHOLE)


def test_second_workbook_refers_to_what_the_first_brought(app, make, load):
    make.regions()
    load()
    result = load({"现有树木": [(COUNTY, "村口基地", "阴香", "2019", "23.3", "116.2")]})
    assert result.exit_code == 0, result.output
    with reading() as session:
        assert sorted(session.scalars(select(Tree.number).order_by(Tree.number)))[1][14:19] == "00002"


def test_bases_of_one_name_in_two_counties_are_two(app, make, load):
    make.regions()
    make.campaign(county=OTHER_COUNTY)
    load()
    other = ["村口基地", "我为家乡种棵树", "445222100201", *BASE[3:]]
    result = load({"基地": [other]})
    assert result.exit_code == 0, result.output
    assert count()["planting_base"] == 2


@pytest.mark.parametrize(
    ("sheet", "column", "value", "complaint"),
    [
        ("树种", "名称", None, "【树种】第2行 A列“名称” 必填"),
        ("树种", "名称", "树" * 41, "A列“名称” 不能超过40个字"),
        ("树种", "名称", "阴\n香", "A列“名称” 含有换行或控制字符"),
        ("树种", "是否乡土树种", "也许", "C列“是否乡土树种” 应为“是”或“否”"),
        ("树种", "资料来源", None, "E列“资料来源” 填写学名或是否乡土树种时，须注明资料来源"),
        ("收款主体", "商户号", "12ab", "C列“商户号” 应为8至32位数字的商户号"),
        ("收款主体", "县区代码", TOWN, f"B列“县区代码” 没有代码为{TOWN}的县（市、区）"),
        ("收款主体", "县区代码", "4452", "B列“县区代码” 应为12位区划代码"),
        ("发证机关", "县区代码", "445299000000", "没有代码为445299000000的县（市、区）"),
        ("发证机关", "名称", "  ", "B列“名称” 必填"),
        ("项目", "收款主体", "不存在的单位", "D列“收款主体” 该县区没有此收款主体"),
        ("项目", "县区代码", OTHER_COUNTY, "D列“收款主体” 该县区没有此收款主体"),
        (
            "项目",
            "法律依据",
            "口头答应",
            "E列“法律依据” 应为绿委接受捐赠、认种认养协议、慈善组织自有平台、",
        ),
        ("项目", "开始日期", "3月12日", "G列“开始日期” 应为日期，如 2026-03-12"),
        ("项目", "结束日期", "2025-12-31", "H列“结束日期” 结束日期早于开始日期"),
        ("基地", "项目", "没有的项目", "B列“项目” 该县区没有此项目"),
        ("基地", "村（社区）代码", TOWN, f"C列“村（社区）代码” 没有代码为{TOWN}的村（社区）"),
        ("基地", "树种", "摇钱树", "E列“树种” 没有此树种"),
        ("基地", "经度", None, "G列“经度” 纬度和经度须同时填写或同时留空"),
        ("基地", "纬度", "91", "F列“纬度” 应在-90至90之间"),
        ("基地", "经度", "东经", "G列“经度” 应为数字"),
        ("基地", "认种单价（元）", "0", "H列“认种单价（元）” 应为0.01至1000000元，最多两位小数"),
        ("基地", "认种单价（元）", "50.005", "H列“认种单价（元）” 应为0.01至1000000元，最多两位小数"),
        ("基地", "认种单价（元）", "-1", "H列“认种单价（元）” 应为0.01至1000000元"),
        ("基地", "认种单价（元）", "1e400", "H列“认种单价（元）” 应为数字"),
        ("基地", "认种单价（元）", "NaN", "H列“认种单价（元）” 应为数字"),
        ("基地", "认种单价（元）", True, "H列“认种单价（元）” 应为数字"),
        ("基地", "认种单价（元）", "=25*2", "H列“认种单价（元）” 不接受公式，请粘贴为数值"),
        ("基地", "认养价（元）", None, "【现有树木】第2行 B列“基地” 该基地没有认养价，不开放认养"),
        ("基地", "期限（月）", "61", "J列“期限（月）” 应为1至60的整数"),
        ("基地", "期限（月）", "1.5", "J列“期限（月）” 应为1至60的整数"),
        ("基地", "认种名额", "-1", "K列“认种名额” 应为0至1000000的整数"),
        ("现有树木", "基地", "没有的基地", "B列“基地” 该县区没有此基地"),
        ("现有树木", "树种", "没有的树", "C列“树种” 没有此树种"),
        ("现有树木", "种植日期或年份", "2027", "D列“种植日期或年份” 不能晚于今天"),
        ("现有树木", "种植日期或年份", "2026-03-13", "D列“种植日期或年份” 不能晚于今天"),
        ("现有树木", "种植日期或年份", "1926", "D列“种植日期或年份” 不能早于1927年；古树名木另行登记"),
        ("现有树木", "种植日期或年份", "去年", "D列“种植日期或年份” 应为日期，如 2026-03-12"),
        ("现有树木", "纬度", None, "E列“纬度” 必填"),
    ],
)
def test_wrong_cell_is_named_and_nothing_is_written(app, make, load, sheet, column, value, complaint):
    make.regions()
    result = load(change(sheet, column, value))
    assert result.exit_code == 1
    assert complaint in result.output
    assert set(count().values()) == {0}


def test_every_fault_is_told_at_once_with_its_row(app, make, load):
    make.regions()
    rows = {**WHOLE, "树种": [SPECIES, [None, *SPECIES[1:]]], "现有树木": [TREE, [*TREE[:4], "x", TREE[5]]]}
    result = load(rows)
    assert "共2处错误" in result.output
    assert "【树种】第3行 A列“名称” 必填" in result.output
    assert "【现有树木】第3行 E列“纬度” 应为数字" in result.output


def test_no_more_than_two_hundred_faults_are_told(app, make, load):
    make.regions()
    result = load({"树种": [[f"树{n}", None, "也许", None, None] for n in range(250)]})
    assert result.output.count("【树种】") == 200
    assert "……另有50处" in result.output


@pytest.mark.parametrize(
    ("sheet", "row"),
    [("树种", SPECIES), ("收款主体", WHOLE["收款主体"][0]), ("项目", CAMPAIGN), ("基地", BASE), ("现有树木", TREE)],
)
def test_row_that_stands_twice_is_refused(app, make, load, sheet, row):
    make.regions()
    result = load({**WHOLE, sheet: [row, row]})
    assert f"【{sheet}】第3行 与第2行重复" in result.output
    assert set(count().values()) == {0}


@pytest.mark.parametrize(
    ("sheet", "column", "value"),
    [
        ("树种", "用途", "行道树"),
        ("收款主体", "商户号", "1900000110"),
        ("发证机关", "名称", "另一个机关"),
        ("项目", "简介", "另一个用途"),
        ("基地", "认种单价（元）", "60"),
        ("现有树木", "种植日期或年份", "2018"),
    ],
)
def test_known_row_that_says_something_else_is_refused(app, make, load, sheet, column, value):
    make.regions()
    load()
    before = count()
    result = load(change(sheet, column, value))
    assert (result.exit_code, count()) == (1, before)
    assert f"系统中已有，但“{column}”不同" in result.output


@pytest.mark.parametrize(
    ("given", "basis"),
    [
        ("慈善组织自有平台", LegalBasis.CHARITY_OWN_SITE),
        ("unit_internal", LegalBasis.UNIT_INTERNAL),
        ("认种认养协议（广东省全民义务植树条例第十六条）", LegalBasis.ADOPTION_AGREEMENT),
        (None, None),
    ],
)
def test_basis_is_understood_in_short_in_full_and_by_code(app, make, load, given, basis):
    make.regions()
    assert load(change("项目", "法律依据", given)).exit_code == 0
    assert only(Campaign).legal_basis is basis


@pytest.mark.parametrize(("cell", "fen"), [("0.01", 1), (50, 5000), (50.1, 5010), (" 1000000 ", 100_000_000)])
def test_price_is_exact_in_fen(app, make, load, cell, fen):
    make.regions()
    assert load(change("基地", "认种单价（元）", cell)).exit_code == 0
    assert only(PlantingBase).price_fen == fen


@pytest.mark.parametrize(
    ("heads", "complaint"),
    [
        (HEADS["树种"][:-1], "【树种】第1行 缺少列：资料来源"),
        ([*HEADS["树种"], "备注"], "【树种】第1行 多余、重复或空白的列：备注"),
        ([*HEADS["树种"], "名称"], "【树种】第1行 多余、重复或空白的列"),
        ([*HEADS["树种"][:-1], None, "资料来源"], "【树种】第1行 多余、重复或空白的列"),
    ],
)
def test_wrong_head_is_refused(app, make, flask_command, tmp_path, heads, complaint):
    make.regions()
    result = flask_command("import", write(tmp_path / "x.xlsx", {"树种": [SPECIES]}, {"树种": heads}))
    assert (result.exit_code, complaint in result.output) == (1, True)


def test_columns_may_stand_in_any_order(app, make, flask_command, tmp_path):
    make.regions()
    file = write(tmp_path / "x.xlsx", {"树种": [SPECIES[::-1]]}, {"树种": HEADS["树种"][::-1]})
    assert flask_command("import", file).exit_code == 0
    assert only(Species).name == "阴香"


def test_content_beside_the_columns_is_refused(app, make, load):
    make.regions()
    result = load({"树种": [[*SPECIES, "请先审核"]]})
    assert "【树种】第2行 表头以外的列有内容" in result.output


def test_strange_sheet_is_refused(app, make, load):
    make.regions()
    assert "不认识的工作表：草稿" in load({**WHOLE, "草稿": []}).output


def test_empty_rows_are_passed_over(app, make, load):
    make.regions()
    assert load({"树种": [[None] * 5, SPECIES, ["", None, None, None, None]]}).exit_code == 0
    assert count()["species"] == 1


def test_file_that_is_no_workbook_is_refused(app, flask_command, tmp_path):
    for data in (b"", b"PK\x03\x04 nothing", b"name,latin\n"):
        (tmp_path / "x.xlsx").write_bytes(data)
        result = flask_command("import", tmp_path / "x.xlsx")
        assert (result.exit_code, "不是可以读取的 xlsx 工作簿" in result.output) == (1, True)


def test_archive_without_a_workbook_is_refused(app, flask_command, tmp_path):
    with zipfile.ZipFile(tmp_path / "x.xlsx", "w") as archive:
        archive.writestr("readme.txt", "nothing here")
    assert "不是可以读取的 xlsx 工作簿" in flask_command("import", tmp_path / "x.xlsx").output


def test_workbook_whose_parts_are_broken_is_refused(app, flask_command, tmp_path):
    whole = write(tmp_path / "whole.xlsx", WHOLE)
    with zipfile.ZipFile(whole) as source, zipfile.ZipFile(tmp_path / "x.xlsx", "w") as target:
        for entry in source.infolist():
            data = source.read(entry)
            target.writestr(entry.filename, data[: len(data) // 2] if "sheet1" in entry.filename else data)
    assert "不是可以读取的 xlsx 工作簿" in flask_command("import", tmp_path / "x.xlsx").output


def test_file_beyond_five_megabytes_is_refused(app, flask_command, tmp_path):
    (tmp_path / "x.xlsx").write_bytes(b"x" * (MAX_FILE_BYTES + 1))
    assert "文件超过5 MB" in flask_command("import", tmp_path / "x.xlsx").output


def test_file_that_unpacks_to_a_hundred_times_its_size_is_refused(app, flask_command, tmp_path):
    with zipfile.ZipFile(tmp_path / "x.xlsx", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * 3_000_000)
    assert "文件解压后超过原大小的100倍" in flask_command("import", tmp_path / "x.xlsx").output


def test_sheet_beyond_its_rows_is_refused(app, tmp_path):
    rows = {"树种": [[f"树{n}", None, None, None, None] for n in range(4)]}
    data = write(tmp_path / "x.xlsx", rows).read_bytes()
    assert len(read_workbook(data, max_rows=4)["树种"]) == 4
    with pytest.raises(BadWorkbook) as refusal:
        read_workbook(data, max_rows=3)
    assert refusal.value.extra["errors"][0]["message"] == "【树种】第5行 超过3行"


def test_template_is_filled_in_and_imported(app, make, flask_command, tmp_path):
    import openpyxl

    make.regions()
    file = tmp_path / "template.xlsx"
    assert flask_command("template", file).exit_code == 0
    assert flask_command("import", file).exit_code == 0  # empty, and no fault
    book = openpyxl.load_workbook(file)
    for title, rows in WHOLE.items():
        for place, value in enumerate(rows[0], start=1):
            book[title].cell(2, place, value)
    book.save(file)
    result = flask_command("import", file)
    assert result.exit_code == 0, result.output
    assert set(count().values()) == {1}


def test_template_explains_every_column(app, flask_command, tmp_path):
    import openpyxl

    flask_command("template", tmp_path / "x.xlsx")
    book = openpyxl.load_workbook(tmp_path / "x.xlsx")
    told = {(row[1].value, row[4].value) for row in book["填写说明"].iter_rows(min_row=2)}
    assert {title for title, _ in told} >= {title for heads in HEADS.values() for title in heads}
    assert all(cell.data_type != "f" for page in book for row in page.iter_rows() for cell in row)


def prepared(rows, tmp_path, clock):
    book = read_workbook(write(tmp_path / "x.xlsx", rows).read_bytes())
    today = clock().date()
    with reading() as session:
        known = load_known(session, book=book, today=today)
    return Check(known, today, Faults()).plan(book), known


def names(make):
    return catalogue.Names(lambda: f"new{make.next()}", lambda: f"{make.next():014d}")


def test_import_that_was_overtaken_writes_nothing(app, make, clock, tmp_path):
    make.regions()
    plan, known = prepared(WHOLE, tmp_path, clock)
    make.payee()
    with pytest.raises(catalogue.CatalogueMoved), transaction() as session:
        catalogue.write_import(session, plan=plan, known=known, names=names(make), source="x", now=clock())
    assert (count()["payee"], count()["tree"]) == (1, 0)


def test_tree_added_to_a_base_meanwhile_is_noticed(app, make, clock, load, tmp_path):
    make.regions()
    load()
    plan, known = prepared({"现有树木": [[*TREE[:4], "23.3", "116.2"]]}, tmp_path, clock)
    load({"现有树木": [[*TREE[:4], "23.4", "116.2"]]})
    with pytest.raises(catalogue.CatalogueMoved), transaction() as session:
        catalogue.write_import(session, plan=plan, known=known, names=names(make), source="x", now=clock())


def test_same_workbook_imported_twice_at_once_lands_once(app: Flask, make, clock, tmp_path):
    make.regions()
    plan, known = prepared(WHOLE, tmp_path, clock)
    start, outcomes = Barrier(2), []

    def run():
        with app.app_context():
            start.wait()
            try:
                with transaction() as session:
                    catalogue.write_import(session, plan=plan, known=known, names=names(make), source="x", now=clock())
                outcomes.append("written")
            except catalogue.CatalogueMoved:
                outcomes.append("moved")

    threads = [Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["moved", "written"]
    assert set(count().values()) == {1}


def test_tokens_that_are_taken_are_drawn_again(app, make, clock, tmp_path):
    make.regions()
    trees = [[*TREE[:4], f"23.{n}", "116.2"] for n in range(100, 106)]
    plan, known = prepared({**WHOLE, "现有树木": trees}, tmp_path, clock)
    drawn = iter(f"TOKEN{value:09d}" for value in (1, 1, 2, 2, 2, 3, 3, 1, 4, 5, 5, 6))
    with transaction() as session:
        catalogue.write_import(
            session,
            plan=plan,
            known=known,
            names=catalogue.Names(lambda: f"new{make.next()}", lambda: next(drawn)),
            source="x",
            now=clock(),
        )
    with reading() as session:
        assert sorted(session.scalars(select(Tree.token))) == [f"TOKEN{value:09d}" for value in range(1, 7)]
        assert len(set(session.scalars(select(Tree.number)))) == 6


def test_statements_of_a_check_do_not_grow_with_the_workbook(app, make, clock, load, tmp_path):
    make.regions()
    load()
    sizes = []
    for n in (1, 200):
        rows = {"现有树木": [[*TREE[:4], "23.5", f"116.{place + 100}"] for place in range(n)]}
        with counted() as statements:
            prepared(rows, tmp_path, clock)
        sizes.append(len(statements))
    assert sizes == [8, 8]


@pytest.mark.parametrize(
    ("digits", "year"), [("26", 2026), ("25", 2025), ("19", 2019), ("27", 1927), ("99", 1999), ("00", 2000)]
)
def test_year_of_a_number_is_the_newest_that_is_not_to_come(digits, year):
    assert year_of_number(f"{VILLAGE}{digits}00001X", today=date(2026, 3, 12)) == year


def test_trees_are_written_in_batches_and_never_one_by_one(app, make, clock, tmp_path):
    make.regions()
    trees = [[*TREE[:4], f"23.{place + 100_000}", "116.2"] for place in range(600)]
    plan, known = prepared({**WHOLE, "现有树木": trees}, tmp_path, clock)
    with counted() as statements, transaction() as session:
        catalogue.write_import(
            session,
            plan=plan,
            known=known,
            names=catalogue.Names(lambda: f"new{make.next()}", lambda: f"{make.next():014d}").with_tokens(600),
            source="x",
            now=clock(),
        )
    assert count()["tree"] == 600
    # lock, fingerprint, five sheets, counter, trail, and the trees in batches of as many as a statement may hold
    assert len(statements) < 15
