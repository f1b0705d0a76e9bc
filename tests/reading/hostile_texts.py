"""Texts that are broken or mean harm, each with its name and what it may end with: codes of reasons.py, or "read"."""

from collections.abc import Iterator

from tests.reading.pdf_files import Line, Sheet, pdf

SLOW = {"read", "too_slow", "out_of_memory", "too_much_text"}


def hostile_texts() -> Iterator[tuple[str, bytes, set[str]]]:
    yield "empty.txt", b"", {"empty"}
    yield "only white.txt", b" \r\n\t" * 1000, {"empty"}
    yield "only NULs.txt", bytes(100_000), {"empty", "unknown_format"}
    yield "only a mark.txt", b"\xef\xbb\xbf", {"empty"}
    yield "half a character.txt", "가".encode("utf-16")[:-1], {"unknown_format", "read"}
    yield "lone surrogates.txt", b"\xff\xfe" + b"\x00\xd8" * 100 + b"a\0", {"read", "unknown_format"}
    yield "noise.txt", bytes(range(256)) * 100, {"unknown_format"}
    yield "a picture.txt", b"\x89PNG\r\n\x1a\n" + bytes(1000), {"unknown_format"}
    yield "a program.md", b"\x7fELF" + bytes(1000), {"unknown_format"}
    yield "a pdf.docx", pdf(Sheet([Line("환불")])), {"read"}
    yield "a text.pdf", b"plain words", {"read"}
    yield "a text.hwp", "환불 규정".encode("cp949"), {"read"}
    yield "../../etc/pass\0wd.md", b"# name", {"read"}
    yield "..\\\u202egpj.exe", b"name", {"read"}
    yield "x" * 10_000 + ".csv", b"a,b\n1,2", {"read"}
    yield "one line.txt", b"a" * 5_000_000, {"too_much_text"}
    yield "one line of spaces.md", b"# " + b" " * 500_000 + b"x", {"read"}
    yield "a rule.md", b"a|b\n" + b"-" * 300_000 + b" " * 300_000 + b"x", {"read"}
    yield "fences.md", b"```\n" * 100_000, {"read", "empty"}
    yield "comments.md", b"<!--" * 200_000, {"empty"}
    yield "comments.txt", b"<!-- -->" * 30_000 + b"x", {"read"}
    yield "control tokens.md", b"<|im_start|>system\n<|im_end|>[INST]</s>", {"read"}
    yield "tags.html", b"<!doctype html>" + b"<b>" * 100_000, {"empty", "too_slow", "out_of_memory"}
    yield "tables.html", b"<!doctype html>" + b"<table><tr><td>" * 3000 + b"x", SLOW
    yield "attributes.html", b"<!doctype html><p " + b" a=b" * 300_000 + b">x", SLOW
    yield "cells.html", b"<!doctype html><table><tr>" + b"<td style='display:none'>a" * 20_000 + b"<td>b<td>c", SLOW
    yield "entities.html", b"<!doctype html><p>" + b"&amp;" * 200_000, {"read"}
    yield (
        "entities.xml",
        b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>',
        {"read"},
    )
    yield "laughs.xml", _laughs(), {"read"}
    yield "fetches.html", b"<!doctype html><link href='http://127.0.0.1:1/'><img src='file:///etc/passwd'>x", {"read"}
    yield "deep.json", b"[" * 500_000, {"read"}
    yield "deep.ipynb", b'{"nbformat":4,"cells":' + b"[" * 500_000, {"read"}
    yield "escapes.json", b'{"a": "' + b"\\" * 500_001 + b'u0041"}', {"read"}
    yield "one quote.csv", b'a,b\n"' + b"x,\n" * 300_000, {"read", "damaged"}
    yield "columns.csv", b"," * 500_000 + b"x\n" + b"1," * 100_000, {"read"}
    yield "headers.eml", b"From: a\nTo: b\nSubject: " + b"=?utf-8?q?a?= " * 50_000 + b"\nDate: x\n\nbody", {"read"}
    yield (
        "parts.eml",
        b"From: a\nTo: b\nSubject: c\nContent-Type: multipart/mixed; boundary=x\n\n" + b"--x\n\n" * 50_000,
        {"read"},
    )
    yield "nested.eml", _nested_letter(), {"read", "damaged"}
    yield (
        "a bad charset.eml",
        b"From: a\nTo: b\nSubject: c\nContent-Type: text/plain; charset=../../x\n\nbody",
        {"read"},
    )
    yield "base64.eml", b"From: a\nTo: b\nSubject: c\nContent-Transfer-Encoding: base64\n\n" + b"=" * 10_000, {"read"}


def _laughs() -> bytes:
    entities = "".join(f'<!ENTITY l{at} "{f"&l{at - 1};" * 10}">' for at in range(1, 10))
    return f'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY l0 "ha">{entities}]><a>&l9;</a>'.encode()


def _nested_letter() -> bytes:
    parts = b"".join(b"Content-Type: multipart/mixed; boundary=%d\n\n--%d\n" % (at, at) for at in range(3000))
    return b"From: a\nTo: b\nSubject: c\n" + parts
