"""The OpenAPI document: what flask-openapi collects, completed with policies, problems and links."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from flask import Flask
from flask_openapi import APIBlueprint, OpenAPI

from wxbackend.core.policies import policy_of

PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "code"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string"},
        "detail": {"type": "string"},
        "instance": {"type": "string"},
        "request_id": {"type": ["string", "null"]},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "message"],
                "properties": {"field": {"type": "string"}, "message": {"type": "string"}},
            },
        },
    },
}
TITLES = {
    "400": "无法识别",
    "401": "未登录",
    "403": "没有权限",
    "404": "未找到",
    "405": "不支持的方法",
    "409": "状态冲突",
    "413": "内容过大",
    "415": "格式不支持",
    "422": "内容有误",
    "429": "过于频繁",
    "502": "微信不可用",
    "503": "系统繁忙",
}
SECURITY_SCHEMES = {"resident": {"type": "http", "scheme": "bearer"}}
#: From the answer that creates a thing to the operations that read it: operation → (link, target, parameter, source).
Links = Mapping[str, tuple[tuple[str, str, str, str], ...]]


class Api(OpenAPI):
    """The application, whose document tells the truth about who may call what and how it refuses."""

    links: Links = MappingProxyType({})
    #: Bodies that no schema reads, by operation.
    bodies: Mapping[str, Mapping[str, Any]] = MappingProxyType({})

    def register_api(self, api: APIBlueprint, **options: Any) -> None:
        """Two blueprints may serve one path: the library would keep the operations of the later one alone."""
        told = dict(self.paths)
        super().register_api(api, **options)
        for path in told.keys() & api.paths.keys():
            later = self.paths[path]
            self.paths[path] = told[path].model_copy(
                update={name: getattr(later, name) for name in later.model_fields_set}
            )

    def generate_spec_json(self) -> None:
        super().generate_spec_json()  # type: ignore[no-untyped-call]
        self.spec_json["components"]["schemas"]["Problem"] = PROBLEM
        self.spec_json["components"]["schemas"].pop("ValidationErrorModel", None)
        self.spec_json["components"]["securitySchemes"] = SECURITY_SCHEMES
        policies = _policies_by_operation(self)
        for path, operations in self.spec_json["paths"].items():
            for method, operation in operations.items():
                self._complete(operation, policies.get((path, method)))

    def _complete(self, operation: dict[str, Any], kind: str | None) -> None:
        if kind == "resident":
            operation["security"] = [{"resident": []}]
        if body := self.bodies.get(operation["operationId"]):
            operation["requestBody"] = body
        for status, title in TITLES.items():
            operation["responses"][status] = {
                "description": title,
                "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
            }
        operation["responses"]["414"] = {"description": "地址过长（由服务器拒绝）"}
        for name, target, parameter, source in self.links.get(operation["operationId"], ()):
            created = operation["responses"].setdefault("201", {"description": "已创建"})
            created.setdefault("links", {})[name] = {"operationId": target, "parameters": {parameter: source}}


def _policies_by_operation(app: Flask) -> dict[tuple[str, str], str]:
    found = {}
    for rule in app.url_map.iter_rules():
        policy = policy_of(app, rule.endpoint)
        path = "".join(f"{{{text}}}" if is_argument else text for is_argument, text in _parts(rule.rule))
        for method in rule.methods or ():
            found[path, method.lower()] = policy.kind if policy else ""
    return found


def _parts(rule: str) -> list[tuple[bool, str]]:
    """``/v1/trees/<string:token>`` → ``[(False, "/v1/trees/"), (True, "token")]``."""
    pieces = rule.replace(">", "<").split("<")
    return [(bool(i % 2), piece.split(":")[-1] if i % 2 else piece) for i, piece in enumerate(pieces) if piece]
