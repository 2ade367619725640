"""Files made to do harm, of our own making: small on disk, and endless, deep, wide or recursive within."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from tests.fakes.hostile import archives, media, packages, pdfs, texts

Make = Callable[[], bytes]

_BINARY = (
    "pdf", "docx", "xlsx", "pptx", "odt", "epub", "zip", "tar", "gz", "7z", "png", "jpg", "tiff", "webp",
    "heic", "mp3", "mp4", "flac", "doc", "xls", "ppt", "msg", "xps", "pages", "bin",
)  # fmt: skip
_TEXTUAL = ("rtf", "txt", "md", "html", "csv", "eml", "mbox", "ics", "json", "xml")


HOSTILE: Mapping[str, Make] = {
    "nested.zip": archives.nested_zip,
    "wide.zip": archives.wide_zip,
    "many.zip": archives.many_zip,
    "overlapping.zip": archives.overlapping_zip,
    "endless.tar.gz": archives.endless_tar,
    "pax.tar.gz": archives.giant_pax_header,
    "nothing.tar.gz": archives.tar_of_nothing,
    "bomb.txt.zst": archives.zstd_bomb,
    "bomb.txt.xz": archives.xz_bomb,
    "bomb.txt.bz2": archives.bzip2_bomb,
    "laughs.xml": lambda: packages.xml(packages.LAUGHS, "<x>&a11;</x>"),
    "quadratic.xml": lambda: packages.xml(packages.QUADRATIC, f"<x>{'&a;' * 50_000}</x>"),
    "attributes.xml": lambda: packages.xml(packages.LAUGHS, "<x a='&a11;'>words</x>"),
    "outside.xml": lambda: packages.xml(packages.OUTSIDE, "<x>before &a11; after</x>"),
    "remote.xml": lambda: packages.xml(packages.REMOTE, "<x>before &a11; after</x>"),
    "deep.xml": lambda: b"<a>" * 1_000_000,
    "laughs.fb2": lambda: packages.xml(
        packages.LAUGHS, "<FictionBook><body><p>&a11;</p></body></FictionBook>"
    ),
    "laughs.svg": lambda: packages.xml(packages.LAUGHS, "<svg><text>&a11;</text></svg>"),
    "laughs.docx": lambda: packages.word(packages.LAUGHS, packages.paragraph("&a11;")),
    "quadratic.docx": lambda: packages.word(packages.QUADRATIC, packages.paragraph("&a;" * 50_000)),
    "outside.docx": lambda: packages.word(packages.OUTSIDE, packages.paragraph("before &a11; after")),
    "deep.docx": packages.deep_docx,
    "long.docx": packages.long_docx,
    "tiny.docx": packages.tiny_paragraphs_docx,
    "laughs.xlsx": lambda: packages.workbook(
        packages.LAUGHS + packages.sheet('<row><c t="str"><v>&a11;</v></c></row>')
    ),
    "rows.xlsx": packages.empty_rows_xlsx,
    "far.xlsx": packages.far_apart_xlsx,
    "shared.xlsx": packages.shared_string_xlsx,
    "slides.pptx": lambda: packages.presentation(1_000_000),
    "laughs.odt": lambda: packages.odt(packages.LAUGHS, "<text:p>&a11;</text:p>"),
    "outside.odt": lambda: packages.odt(packages.OUTSIDE, "<text:p>before &a11; after</text:p>"),
    "spaces.odt": packages.spaced_odt,
    "deep.odt": lambda: packages.odt("", "<text:section>" * 100_000 + "</text:section>" * 100_000),
    "repeated.ods": packages.repeated_ods,
    "spine.epub": lambda: packages.epub(100_000),
    "recursive.pdf": pdfs.recursive_page_tree,
    "deep.pdf": pdfs.deep_page_tree,
    "forms.pdf": pdfs.laughing_forms_pdf,
    "text.pdf": pdfs.endless_text_pdf,
    "deflated.pdf": pdfs.twice_deflated_pdf,
    "arrays.pdf": pdfs.nested_arrays_pdf,
    "lines.pdf": pdfs.lines_pdf,
    "pixels.png": lambda: media.png(1_000_000, 1_000_000),
    "wide.png": lambda: media.png(500_000_000, 3),
    "loop.tiff": media.looping_tiff,
    "huge.gif": media.huge_gif,
    "huge.bmp": media.huge_bmp,
    "loop.mp4": media.looping_mp4,
    "giant.mp3": media.giant_id3,
    "line.csv": texts.one_line_csv,
    "quote.csv": texts.unclosed_quote_csv,
    "paragraphs.txt": texts.tiny_paragraphs,
    "wide.txt": texts.wide_paragraphs,
    "lines.txt": texts.short_lines,
    "lines.md": texts.short_lines,
    "space.txt": texts.white_space,
    "word.txt": lambda: b"x" * 40_000_000,
    "brackets.md": texts.markdown_brackets,
    "deep.html": lambda: texts.deep_html("div", 1_000_000),
    "bold.html": lambda: texts.deep_html("b", 300_000),
    "table.html": lambda: texts.deep_html("table><tr><td", 100_000),
    "misnested.html": texts.misnested_html,
    "styled.html": texts.styled_html,
    "wide.html": texts.wide_table_html,
    "multiparts.eml": texts.nested_multiparts,
    "parts.eml": texts.many_parts,
    "messages.eml": texts.nested_messages,
    "soft.eml": texts.soft_breaks,
    "words.eml": texts.encoded_words,
    "header.eml": lambda: b"Subject: " + b"a " * 10_000_000 + b"\n\nbody\n",
    "boundary.mbox": lambda: b"From a\n\n" + b"\nFrom b\n\n" * 100_000,
    "folded.vcf": texts.folded_card,
    "deep.ics": texts.deep_calendar,
    "deep.ipynb": texts.deep_notebook,
    "deep.json": lambda: b"[" * 10_000_000,
    "deep.rtf": lambda: b"{\\rtf1 above " + b"{\\b " * 2_000_000,
    "binary.rtf": lambda: b"{\\rtf1 above {\\pict\\bin2000000000 " + b"x" * 1000 + b"}} below}",
    "deep.tex": lambda: b"\\begin{a}" * 300_000 + b"{" * 300_000,
    "stars.org": lambda: b"*" * 1_000_000 + b" a\n" + b"* a\n" * 100_000,
    "under.rst": lambda: b"a\n" + b"=" * 1_000_000 + b"\n" + b"|a" * 500_000,
    **{f"noise.{suffix}": partial(texts.noise, seed) for seed, suffix in enumerate(_BINARY + _TEXTUAL)},
}
