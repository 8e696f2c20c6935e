"""The quick way: lines reduced to shapes by a program in WebAssembly, and what a shape amounts to, asked of the plain reader.

``source/`` is that program, which knows JSON and streams and no provider; ``kernel.wasm`` is made of it by ``build``. It
hands over every line that it is not sure of. Of the others it gives the *shape* (what any reader can look at) and what
stands in the shape's holes. ``rules`` asks ``decode.decode_line`` once what a shape amounts to, on samples that
``shapes`` writes, so that every rule of a family, a body or a format stands in the plain reader alone. ``blocks`` makes
rows of a block's lines. Does not own any rule about usage. Read first: ``docs/kernel.md``.
"""
