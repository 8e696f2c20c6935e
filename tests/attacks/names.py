"""Names that attack whoever shows them: each obeyed by some program, and by none where it is written rightly."""

from __future__ import annotations

NAMES = {
    "formula": "=cmd|' /C calc'!A1",
    "plus": '+HYPERLINK("x")',
    "minus": "-2+3",
    "at": "@SUM(1)",
    "full-width formula": "\uff1d1+1",
    "formula behind a blank": " =1+1",
    "quote": 'O\'Brien "Bob" `tick`',
    "sql": "x'); drop table invoices; --",
    "script": "<script>alert(1)</script>",
    "attribute": "\" onmouseover='alert(1)' x=\"",
    "image": "<img src=x onerror=alert(1)>",
    "end of a style": "</style></title><svg/onload=alert(1)>",
    "comment": "<!-- --> ]]> <![CDATA[",
    "entity": "&amp;&lt;&#60;&xxe;",
    "doctype": '<!DOCTYPE a [<!ENTITY x SYSTEM "passwd">]>&x;',
    "format": "%s %n %x {} {0.__class__} {name!r}",
    "template": "{{ 7*7 }} {% raw %} ${7*7} #{7*7} <%= 7*7 %>",
    "shell": "$(reboot) `reboot`; rm -rf / | x && y > z",
    "typst": '#import "x" #eval("1") $x$ *b* _i_ \\ @l <l> // c',
    "latex": r"\input{passwd} \write18{x} $x^2$ % & ~ _ #",
    "markdown": "[x](javascript:alert) ![x](y) | a | **b** # h",
    "emoji": "\U0001f600\U0001f468\u200d\U0001f469\u200d\U0001f467",
    "right to left": "\u05d0\u05d1\u05d2 \u0627\u0628",
    "direction": "invoice\u202efdp.exe",
    "no width": "pay\u200bpal\ufeff",
    "reserved": "CON",
    "dots": "../../passwd",
    "long": "n" * 200,
    "nothing": "null",
    "number": "1e999",
}
"""What a customer may be called, by what it attacks. All of it is text; none has a control character."""
CONTROL = {
    "escape": "a\x1b[2J\x1b]0;x\x07b",
    "end of a line": "a\nb",
    "carriage return": "a\rb",
    "tab": "a\tb",
    "nul": "a\0b",
    "delete": "a\x7fb",
    "c1": "a\x9bb",
    "separators": "a\u2028b\u2029c",
}
"""Likewise, with characters that act by themselves."""
