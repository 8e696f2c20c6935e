"""The quick way: a program in WebAssembly reduces lines to shapes, and the plain reader says what a shape amounts to.

``source/`` is that program, which knows JSON and streams and no provider; ``.ci/kernel.py`` makes ``kernel.wasm`` of
it. It hands over every line that it is not sure of. Of the others it gives the *shape* (what any reader can look at)
and what stands in the shape's holes. ``rules`` has ``decode.decode_line`` read a line of it with counts that note what
they are compared with: so every rule of a family, a body or a format stands in the plain reader alone. ``blocks`` makes
events of a block's lines. Owns shapes and what may be concluded from them. Does not own any rule about usage. Read
first: ``docs/kernel.md``, then ``rules.rule`` and ``rules.search``.
"""
