"""One resident's way from sign-in to verified trees, over real HTTP. Every step prints what proves it."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import zxingcpp
from PIL import Image

from certificates.signature import verify
from wxbackend.devtools.demo.client import MiniProgramClient, Simulator, StepFailed, wait_for

HOLDER = "龘小苗·𬭎"  # rare characters on purpose: they must come out in print
TREES = 3


def decode(path: Path) -> str:
    """The text of the code in a picture, read back from its pixels."""
    with Image.open(path) as picture:
        found = zxingcpp.read_barcodes(picture.convert("RGB"))
    if not found:
        raise StepFailed(f"no code can be read in {path.name}")
    return found[0].text


@dataclass
class Journey:
    """``results`` is where pictures and answers are kept; ``say`` prints one line."""

    phone: MiniProgramClient
    wechat: Simulator
    results: Path
    say: Callable[[str], None]
    facts: dict[str, Any] = field(default_factory=dict)
    _step: int = 0

    def run(self) -> dict[str, Any]:
        """All the steps, in order; what they found. Raises ``StepFailed``."""
        for step in (self._sign_in, self._browse, self._pledge, self._order, self._pay, self._points):
            step()
        for step in (self._trees, self._certificate, self._verify, self._tree_codes):
            step()
        self._keep("journey.json", json.dumps(self.facts, ensure_ascii=False, indent=2).encode())
        return self.facts

    def _done(self, title: str, proof: str) -> None:
        self._step += 1
        self.say(f"  {self._step:>2}  {title}　{proof}")

    def _keep(self, name: str, data: bytes) -> Path:
        path = self.results / name
        path.write_bytes(data)
        return path

    def _require(self, holds: object, what: str) -> None:
        if not holds:
            raise StepFailed(what)

    def _sign_in(self) -> None:
        user = self.wechat.do("users", {})
        answer = self.phone.sign_in(user["code"])
        self.phone.call("POST", "/v1/sessions", json={"code": user["code"]}, expect=401)
        self._done("微信登录", f"令牌有效至 {answer['expires_at']}；同一登录凭证第二次使用被拒绝 (401)")

    def _browse(self) -> None:
        bases = self.phone.call("GET", "/v1/bases", params={"status": "online", "limit": 5})["items"]
        base = self.phone.call("GET", f"/v1/bases/{bases[0]['id']}")
        self.facts["base"] = base
        self._done(
            "浏览基地", f"{base['name']}，每株 {base['price_fen'] / 100:.2f} 元，余 {base['places_left']} 个名额"
        )

    def _pledge(self) -> None:
        body = {
            "kind": "plant",
            "base_id": self.facts["base"]["id"],
            "tree_count": TREES,
            "display": "name",
            "holder_name": HOLDER,
            "occasion": "乔迁",
        }
        key = {"Idempotency-Key": "demo-journey-pledge"}
        pledge = self.phone.call("POST", "/v1/pledges", json=body, headers=key, expect=201)
        again = self.phone.call("POST", "/v1/pledges", json=body, headers=key, expect=201)
        self._require(pledge == again, "the same key opened a second pledge")
        self._require(pledge["amount_fen"] == TREES * self.facts["base"]["price_fen"], "wrong amount")
        self.facts["number"] = pledge["number"]
        self._done(
            "认种三株", f"{pledge['number']}，{pledge['amount_fen'] / 100:.2f} 元；重复提交得到同一答复，未生成第二单"
        )

    def _order(self) -> None:
        order = self.phone.call("POST", f"/v1/pledges/{self.facts['number']}/payments", expect=201)
        self.facts["order"] = order
        self._done("JSAPI 下单", f"{order['out_trade_no']}，{order['pay']['package'][:28]}…")

    def _pay(self) -> None:
        """The simulator checks the client's signature before it takes the money, then notifies the backend itself."""
        paid = self.wechat.do("pay", {"params": self.facts["order"]["pay"]})
        number = self.facts["number"]
        wait_for("payment", lambda: self._status(number) not in {"pending"})
        copies = {"out_trade_no": self.facts["order"]["out_trade_no"], "copies": 3}
        self.wechat.do("notify", copies)
        transaction_id = paid["transaction"]["transaction_id"]
        self._done("支付与通知", f"微信支付单号 {transaction_id}；加密签名通知已入账，再发 3 份重复通知")

    def _status(self, number: str) -> str:
        return str(self.phone.call("GET", f"/v1/pledges/{number}")["status"])

    def _points(self) -> None:
        amount = self.phone.call("GET", f"/v1/pledges/{self.facts['number']}")["amount_fen"]
        points = self.phone.call("GET", "/v1/me/points")
        self._require(points["green"] == amount // 1000, "green points were not booked exactly once")
        self._require(points["honour"] == amount // 100, "honour was not booked exactly once")
        entry = self.phone.call("GET", "/v1/me/points/entries")["items"][0]
        self._done("积分入账", f"绿色积分 {points['green']}、荣誉值 {points['honour']}；{entry['sentence'][:40]}…")

    def _trees(self) -> None:
        number = self.facts["number"]
        wait_for("trees", lambda: self._status(number) == "allocated")
        pledge = self.phone.call("GET", f"/v1/pledges/{number}")
        self._require(len(pledge["trees"]) == TREES, "wrong number of trees")
        self.facts["pledge"] = pledge
        self._done("分配树木", "、".join(tree["code"] for tree in pledge["trees"]))

    def _certificate(self) -> None:
        serial = self.facts["pledge"]["certificates"][0]["serial"]
        png = wait_for("certificate", lambda: self.phone.call("GET", f"/v1/certificates/{serial}.png"))
        self._keep("certificate.png", png)
        self._keep("certificate.pdf", self.phone.call("GET", f"/v1/certificates/{serial}.pdf"))
        jws = self.phone.call("GET", f"/v1/certificates/{serial}.jws")
        self._keep("certificate.jws", jws)
        claims = verify(jws.decode(), self.phone.call("GET", "/.well-known/jwks.json"))
        self._require(claims["sub"] == serial, "the signature is about something else")
        self.facts["serial"] = serial
        self._done("颁发证书", f"{serial}，PNG {len(png) // 1024} kB 与 PDF；Ed25519 签名经 jwks.json 验证")

    def _verify(self) -> None:
        path = urlsplit(decode(self.results / "certificate.png")).path
        token = path.rpartition("/")[2]
        verdict = self.phone.call("GET", f"/v1/verify/{token}")
        self._require(verdict["status"] == "valid", "the certificate does not verify")
        page = self.phone.call("GET", path)
        self._require(verdict["serial"].encode() in page, "the page shows another certificate")
        self.facts["certificate_page"] = path.lower().replace(token.lower(), token)
        self._done("扫证书上的码", f"{path} → 有效，持证人 {verdict['holder_masked']}，{verdict['trees']} 株")

    def _tree_codes(self) -> None:
        pages = []
        for number, tree in enumerate(self.facts["pledge"]["trees"], 1):
            code = self._keep(f"tree-{number}.png", self.phone.call("GET", f"/v1/trees/{tree['token']}/code.png"))
            self._keep(f"tree-{number}.svg", self.phone.call("GET", f"/v1/trees/{tree['token']}/code.svg"))
            path = urlsplit(decode(code)).path
            page = self.phone.call("GET", path)
            self._require("待种植".encode() in page, "a planned tree is not shown as waiting to be planted")
            pages.append(f"/t/{tree['token']}")
        self.facts["tree_pages"] = pages
        self._done("扫三株树的码", "每码可读，公开页显示“待种植”，未种下的树不冒充已种")
