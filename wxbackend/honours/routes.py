"""One's own certificates, their files, and verification by anybody."""

from flask import Blueprint, Response, jsonify, render_template
from flask_openapi import APIBlueprint

from certificates.signature import jwks
from wxbackend.core.db import reading
from wxbackend.core.errors import NotFound
from wxbackend.core.http import answer
from wxbackend.core.limits import by_address, limiter
from wxbackend.core.policies import allow, current_caller, public, resident
from wxbackend.core.ports import ports, vault
from wxbackend.core.schema import NewestFirstQuery, Page, cut_page
from wxbackend.honours import files, verification
from wxbackend.honours.files import NotDrawnYet, form_of
from wxbackend.honours.reading import own_certificate, own_certificates
from wxbackend.honours.rules import KIND_NAMES
from wxbackend.honours.schemas import (
    CertificateAnswer,
    FilePath,
    ListPath,
    PngQuery,
    SerialPath,
    TokenPath,
    VerdictAnswer,
)
from wxbackend.honours.tools import issuing_tools

bp = APIBlueprint("honours", __name__)
pages = Blueprint("certificate_pages", __name__, template_folder="templates")
#: They belong to one person, and stop being served when the certificate is revoked.
PRIVATE_FILE = {"Cache-Control": "private, no-store"}
#: Who guesses tokens is stopped long before anything is hit.
MISSES = "20/minute"
SHORT = {"Cache-Control": "public, max-age=300"}


@bp.get("/v1/me/certificates", operation_id="listMyCertificates", responses={200: Page[CertificateAnswer]})
@allow(resident)
def list_my_certificates(query: NewestFirstQuery) -> Response:
    """My certificates, newest first."""
    with reading() as session:
        rows = own_certificates(
            session, resident_id=current_caller().id, before_id=query.before_id(), limit=query.limit + 1
        )
    page, cursor = cut_page(rows, query.limit, position=lambda row: (row.id,))
    return answer(Page(items=[CertificateAnswer.of(row, vault()) for row in page], next_cursor=cursor))


@bp.get("/v1/certificates/<string:serial>", operation_id="getCertificate", responses={200: CertificateAnswer})
@allow(resident)
def get_certificate(path: SerialPath) -> Response:
    """One of my certificates."""
    with reading() as session:
        row = own_certificate(session, serial=path.serial, resident_id=current_caller().id)
    return answer(CertificateAnswer.of(row, vault()))


@bp.get("/v1/certificates/<string:serial>.png", operation_id="getCertificatePng", responses={200: None})
@allow(resident)
def get_certificate_png(path: FilePath, query: PngQuery) -> Response:
    """The picture; 503 with Retry-After while it is being drawn."""
    return _file(path.serial, form_of("png", int(query.width)), "image/png")


@bp.get("/v1/certificates/<string:serial>.pdf", operation_id="getCertificatePdf", responses={200: None})
@allow(resident)
def get_certificate_pdf(path: FilePath) -> Response:
    """The same for printing."""
    return _file(path.serial, files.PDF, "application/pdf")


@bp.get("/v1/certificates/<string:serial>.jws", operation_id="getCertificateJws", responses={200: None})
@allow(resident)
def get_certificate_jws(path: FilePath) -> Response:
    """The signed statement, for anybody who wants to check it without us."""
    with reading() as session:
        row = own_certificate(session, serial=path.serial, resident_id=current_caller().id)
    return Response(row.jws, mimetype="application/jose", headers=PRIVATE_FILE)


def _file(serial: str, form: str, mimetype: str) -> Response:
    with reading() as session:
        key = files.storage_key(session, serial=serial, form=form, resident_id=current_caller().id)
    data = ports().storage.get(key)
    if data is None:
        raise NotDrawnYet
    return Response(data, mimetype=mimetype, headers=PRIVATE_FILE)


@bp.get("/v1/verify/<string:token>", operation_id="verifyCertificate", responses={200: VerdictAnswer})
@limiter.limit("60/minute", key_func=by_address)
@limiter.limit(MISSES, key_func=by_address, deduct_when=lambda response: b'"status":"unknown"' in response.data)
@allow(public)
def verify_certificate(path: TokenPath) -> Response:
    """What the code of a certificate proves. An unknown or mistyped one is ``unknown``, not an error."""
    return answer(VerdictAnswer.of(_verdict(path.token)))


def _verdict(token: str) -> verification.Verdict:
    with reading() as session:
        return verification.verify(session, token=token, tools=issuing_tools())


@bp.get("/.well-known/jwks.json", operation_id="getKeys", responses={200: None})
@allow(public)
def get_keys() -> Response:
    """The public keys of our signatures."""
    with reading() as session:
        keys = verification.public_keys(session, tools=issuing_tools())
    return _json(jwks(keys))


@bp.get("/v1/status-lists/<int:number>", operation_id="getStatusList", responses={200: None})
@limiter.limit("60/minute", key_func=by_address)
@allow(public)
def get_status_list(path: ListPath) -> Response:
    """A signed list of the certificates that are revoked or superseded, as a compressed row of bits."""
    with reading() as session:
        text = verification.status_list(session, number=path.number, tools=issuing_tools())
    return Response(text, mimetype="application/jose", headers=SHORT)


def _json(body: object) -> Response:
    response = jsonify(body)
    response.headers.update(SHORT)
    return response


@pages.get("/c/<string:token>")
@pages.get("/C/<string:token>")
@limiter.limit("60/minute", key_func=by_address)
@limiter.limit(MISSES, key_func=by_address, deduct_when=lambda response: response.status_code == NotFound.status)
@allow(public)
def certificate_page(token: str) -> tuple[str, int]:
    """What a phone shows after scanning a certificate."""
    verdict = _verdict(token)
    status = 404 if verdict.status == "unknown" else 200
    return render_template("certificate.html", verdict=verdict, kind_names=KIND_NAMES), status
