"""A QR code that a phone reads: its modules are segno's, dark on light, with an edge around them."""

import urllib.parse

import segno

from bdchat.api.perimeter.qr import DARK_ON_LIGHT, HALVES, PLAIN, QUIET_MODULES, qr_image, qr_lines

LINK = "http://192.168.0.12:8000/register?code=ABCD-EFGH-JKMN-PQRS-TUVW"


def test_the_lines_of_a_terminal_hold_every_module_once() -> None:
    halves = {shown: pair for pair, shown in HALVES.items()}
    rows: list[list[bool]] = []
    for line in qr_lines(LINK):
        shown = line.removeprefix(DARK_ON_LIGHT).removesuffix(PLAIN)
        rows += [[halves[each][half] for each in shown] for half in (0, 1)]
    modules = [[bool(module) for module in row] for row in segno.make_qr(LINK, error="l").matrix]
    size = len(modules)
    inner = [row[QUIET_MODULES : QUIET_MODULES + size] for row in rows[QUIET_MODULES : QUIET_MODULES + size]]
    assert inner == modules
    assert sum(map(sum, rows)) == sum(map(sum, modules))  # nothing dark in the edge


def test_the_pages_picture_is_an_svg_on_white() -> None:
    kind, _, svg = qr_image(LINK).partition(",")
    assert kind.startswith("data:image/svg+xml")
    assert urllib.parse.unquote(svg).startswith("<svg ")
    assert "#fff" in urllib.parse.unquote(svg)
