"""QR codes of addresses: for a page as an image's address, for a terminal as lines. Pure."""

import segno

QUIET_MODULES = 2  # around it; ISO 18004 asks for four, readers find it by two
DARK_ON_LIGHT, PLAIN = "\x1b[38;5;16;48;5;231m", "\x1b[0m"  # whatever the terminal's own colours are
HALVES = {(False, False): " ", (True, False): "▀", (False, True): "▄", (True, True): "█"}  # two rows in a line


def qr_image(text: str) -> str:
    """As a `data:` address of an SVG image, dark on light: also on a dark page."""
    return segno.make_qr(text, error="m").svg_data_uri(scale=4, border=QUIET_MODULES, light="#fff", svgclass=None)


def qr_lines(text: str) -> list[str]:
    """For a terminal that shows colours and the letters of HALVES."""
    rows = [[bool(module) for module in row] for row in segno.make_qr(text, error="l").matrix]
    width = len(rows[0]) + 2 * QUIET_MODULES
    margin = [[False] * width] * QUIET_MODULES
    side = [False] * QUIET_MODULES
    framed = [*margin, *([*side, *row, *side] for row in rows), *margin]
    if len(framed) % 2:
        framed.append([False] * width)
    return [
        DARK_ON_LIGHT + "".join(HALVES[pair] for pair in zip(upper, lower, strict=True)) + PLAIN
        for upper, lower in zip(framed[::2], framed[1::2], strict=True)
    ]
