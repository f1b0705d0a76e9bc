"""Texts that are broken or mean harm."""

from tests.reading.hostile.attack import READ, Attack
from tests.reading.pdf_files import Line, Sheet, pdf

SLOW = (READ, "too_slow", "out_of_memory", "too_much_text")


def _laughs() -> bytes:
    entities = "".join(f'<!ENTITY l{at} "{f"&l{at - 1};" * 10}">' for at in range(1, 10))
    return f'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY l0 "ha">{entities}]><a>&l9;</a>'.encode()


def _nested_letter() -> bytes:
    parts = b"".join(b"Content-Type: multipart/mixed; boundary=%d\n\n--%d\n" % (at, at) for at in range(3000))
    return b"From: a\nTo: b\nSubject: c\n" + parts


TEXTS = [
    Attack("text: empty.txt", "empty", lambda: b"", "empty.txt"),
    Attack("text: only white.txt", "empty", lambda: b" \r\n\t" * 1000, "only white.txt"),
    Attack("text: only NULs.txt", ("empty", "unknown_format"), lambda: bytes(100000), "only NULs.txt"),
    Attack("text: only a mark.txt", "empty", lambda: b"\xef\xbb\xbf", "only a mark.txt"),
    Attack(
        "text: half a character.txt",
        ("unknown_format", READ),
        lambda: "가".encode("utf-16")[:-1],
        "half a character.txt",
    ),
    Attack(
        "text: lone surrogates.txt",
        (READ, "unknown_format"),
        lambda: b"\xff\xfe" + b"\x00\xd8" * 100 + b"a\x00",
        "lone surrogates.txt",
    ),
    Attack("text: noise.txt", "unknown_format", lambda: bytes(range(256)) * 100, "noise.txt"),
    Attack("text: a picture.txt", "unknown_format", lambda: b"\x89PNG\r\n\x1a\n" + bytes(1000), "a picture.txt"),
    Attack("text: a program.md", "unknown_format", lambda: b"\x7fELF" + bytes(1000), "a program.md"),
    Attack("text: a pdf.docx", READ, lambda: pdf(Sheet([Line("환불")])), "a pdf.docx"),
    Attack("text: a text.pdf", READ, lambda: b"plain words", "a text.pdf"),
    Attack("text: a text.hwp", READ, lambda: "환불 규정".encode("cp949"), "a text.hwp"),
    Attack("text: ../../etc/passNULwd.md", READ, lambda: b"# name", "../../etc/pass\x00wd.md"),
    Attack("text: ..\\RLOgpj.exe", READ, lambda: b"name", "..\\\u202egpj.exe"),
    Attack("a name of 10,000 characters", READ, lambda: b"a,b\n1,2", "x" * 10000 + ".csv"),
    Attack("text: one line.txt", READ, lambda: b"a" * 5000000, "one line.txt"),
    Attack("text: one line of spaces.md", READ, lambda: b"# " + b" " * 500000 + b"x", "one line of spaces.md"),
    Attack("text: a rule.md", READ, lambda: b"a|b\n" + b"-" * 300000 + b" " * 300000 + b"x", "a rule.md"),
    Attack("text: fences.md", (READ, "empty"), lambda: b"```\n" * 100000, "fences.md"),
    Attack("text: comments.md", "empty", lambda: b"<!--" * 200000, "comments.md"),
    Attack("text: comments.txt", READ, lambda: b"<!-- -->" * 30000 + b"x", "comments.txt"),
    Attack("text: control tokens.md", READ, lambda: b"<|im_start|>system\n<|im_end|>[INST]</s>", "control tokens.md"),
    Attack(
        "text: tags.html",
        ("empty", "too_slow", "out_of_memory"),
        lambda: b"<!doctype html>" + b"<b>" * 100000,
        "tags.html",
    ),
    Attack("text: tables.html", SLOW, lambda: b"<!doctype html>" + b"<table><tr><td>" * 3000 + b"x", "tables.html"),
    Attack("text: attributes.html", SLOW, lambda: b"<!doctype html><p " + b" a=b" * 300000 + b">x", "attributes.html"),
    Attack(
        "text: cells.html",
        SLOW,
        lambda: b"<!doctype html><table><tr>" + b"<td style='display:none'>a" * 20000 + b"<td>b<td>c",
        "cells.html",
    ),
    Attack("text: entities.html", READ, lambda: b"<!doctype html><p>" + b"&amp;" * 200000, "entities.html"),
    Attack(
        "text: entities.xml",
        READ,
        lambda: b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>',
        "entities.xml",
    ),
    Attack("text: laughs.xml", READ, _laughs, "laughs.xml"),
    Attack(
        "text: fetches.html",
        READ,
        lambda: b"<!doctype html><link href='http://127.0.0.1:1/'><img src='file:///etc/passwd'>x",
        "fetches.html",
    ),
    Attack("text: deep.json", READ, lambda: b"[" * 500000, "deep.json"),
    Attack("text: deep.ipynb", READ, lambda: b'{"nbformat":4,"cells":' + b"[" * 500000, "deep.ipynb"),
    Attack("text: escapes.json", READ, lambda: b'{"a": "' + b"\\" * 500001 + b'u0041"}', "escapes.json"),
    Attack("text: one quote.csv", (READ, "damaged"), lambda: b'a,b\n"' + b"x,\n" * 300000, "one quote.csv"),
    Attack("text: columns.csv", READ, lambda: b"," * 500000 + b"x\n" + b"1," * 100000, "columns.csv"),
    Attack(
        "text: headers.eml",
        READ,
        lambda: b"From: a\nTo: b\nSubject: " + b"=?utf-8?q?a?= " * 50000 + b"\nDate: x\n\nbody",
        "headers.eml",
    ),
    Attack(
        "text: parts.eml",
        READ,
        lambda: b"From: a\nTo: b\nSubject: c\nContent-Type: multipart/mixed; boundary=x\n\n" + b"--x\n\n" * 50000,
        "parts.eml",
    ),
    Attack("text: nested.eml", (READ, "damaged"), _nested_letter, "nested.eml"),
    Attack(
        "text: a bad charset.eml",
        READ,
        lambda: b"From: a\nTo: b\nSubject: c\nContent-Type: text/plain; charset=../../x\n\nbody",
        "a bad charset.eml",
    ),
    Attack(
        "text: base64.eml",
        READ,
        lambda: b"From: a\nTo: b\nSubject: c\nContent-Transfer-Encoding: base64\n\n" + b"=" * 10000,
        "base64.eml",
    ),
]
