"""What people wrote into pictures to find them again, in the ways that programs write it."""

from __future__ import annotations

import io
import struct

import pytest
from PIL import Image, PngImagePlugin
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from nasd.extract.readers.captions import Caption, read_iptc, read_xmp
from tests.unit.extract.reading import pdf, read, whole

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
SPACES = (
    'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/" '
    'xmlns:lr="http://ns.adobe.com/lightroom/1.0/" xmlns:xmp="http://ns.adobe.com/xap/1.0/" '
    'xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" '
    'xmlns:mwg-rs="http://www.metadataworkinggroup.com/schemas/regions/" '
    'xmlns:digiKam="http://www.digikam.org/ns/1.0/" '
    'xmlns:MP="http://ns.microsoft.com/photo/1.2/" '
    'xmlns:MPRI="http://ns.microsoft.com/photo/1.2/t/RegionInfo#" '
    'xmlns:MPReg="http://ns.microsoft.com/photo/1.2/t/Region#"'
)


def packet(inner: str, attributes: str = "") -> bytes:
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
        f'<rdf:RDF xmlns:rdf="{RDF}"><rdf:Description rdf:about="" {SPACES} {attributes}>{inner}'
        '</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
    ).encode()


def bag(name: str, *words: str) -> str:
    return f"<{name}><rdf:Bag>{''.join(f'<rdf:li>{word}</rdf:li>' for word in words)}</rdf:Bag></{name}>"


def alt(name: str, **texts: str) -> str:
    items = "".join(f'<rdf:li xml:lang="{lang}">{text}</rdf:li>' for lang, text in texts.items())
    return f"<{name}><rdf:Alt>{items}</rdf:Alt></{name}>"


FULL = packet(
    alt("dc:title", de="Garten", **{"x-default": "The garden"})
    + alt("dc:description", **{"x-default": "Roses in June"})
    + bag("dc:subject", "garden", "Rose", "rose")
    + bag("lr:hierarchicalSubject", "Places|Italy|Rome")
    + bag("digiKam:TagsList", "Family/Anna Berg")
    + bag("Iptc4xmpExt:PersonInImage", "Anna Berg")
    + "<dc:creator><rdf:Seq><rdf:li>Tom Holt</rdf:li></rdf:Seq></dc:creator>"
    + '<mwg-rs:Regions rdf:parseType="Resource"><mwg-rs:RegionList><rdf:Bag>'
    '<rdf:li><rdf:Description mwg-rs:Name="Otto" mwg-rs:Type="Face"/></rdf:li>'
    '<rdf:li rdf:parseType="Resource"><mwg-rs:Name>Ida</mwg-rs:Name><mwg-rs:Type>Face</mwg-rs:Type></rdf:li>'
    '<rdf:li><rdf:Description mwg-rs:Name="Rex" mwg-rs:Type="Pet"/></rdf:li>'
    "</rdf:Bag></mwg-rs:RegionList></mwg-rs:Regions>"
    '<MP:RegionInfo rdf:parseType="Resource"><MPRI:Regions><rdf:Bag>'
    '<rdf:li MPReg:PersonDisplayName="Lena" MPReg:Rectangle="0.1, 0.1, 0.2, 0.2"/>'
    "</rdf:Bag></MPRI:Regions></MP:RegionInfo>",
    'photoshop:City="Rome" photoshop:Country="Italy" xmp:Rating="4"',
)


def dataset(number: int, data: bytes, record: int = 2) -> bytes:
    return struct.pack(">BBBH", 0x1C, record, number, len(data)) + data


IPTC = (
    dataset(90, b"\x1b%G", record=1)
    + dataset(5, b"The harbour")
    + dataset(25, "Möwe".encode())
    + dataset(25, b"ships")
    + dataset(80, b"P. Reed")
    + dataset(90, b"Hamburg")
    + dataset(101, b"Germany")
    + dataset(116, b"(c) P. Reed")
    + dataset(120, b"Ships at dawn")
)


def test_every_way_of_writing_a_property_is_understood() -> None:
    caption = read_xmp(FULL)
    assert caption.title == "The garden"
    assert caption.description == "Roses in June"
    assert caption.keywords == ("garden", "Rose", "Places", "Italy", "Rome", "Family", "Anna Berg")
    assert set(caption.people) == {"Anna Berg", "Lena", "Otto", "Ida"}
    assert (caption.creator, caption.place, caption.rating) == ("Tom Holt", "Rome, Italy", "4")


def test_iptc_records() -> None:
    assert read_iptc(IPTC) == Caption(
        title="The harbour", description="Ships at dawn", keywords=("Möwe", "ships"), creator="P. Reed",
        place="Hamburg, Germany", rights="(c) P. Reed",
    )  # fmt: skip
    assert read_iptc(dataset(25, "Straße".encode("latin-1"))).keywords == ("Straße",)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"no xml",
        b"<x>",
        b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
        FULL[:300],
        b"\x1c",
        dataset(25, b"x")[:-1],
        b"\x1c\x02\x19\xff\xff",
        bytes(100),
    ],
)
def test_nonsense_tells_nothing_and_ends(data: bytes) -> None:
    for caption in (read_xmp(data), read_iptc(data)):
        assert caption.title is None
        assert caption.people == ()


def jpeg(**options: object) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (300, 200)).save(out, "JPEG", **options)
    return out.getvalue()


def with_iptc(data: bytes) -> bytes:
    """With Photoshop's block, right after the start of a JPEG."""
    block = b"8BIM\x04\x04\0\0" + struct.pack(">I", len(IPTC)) + IPTC + b"\0" * (len(IPTC) % 2)
    segment = b"Photoshop 3.0\0" + block
    return data[:2] + b"\xff\xed" + struct.pack(">H", len(segment) + 2) + segment + data[2:]


def test_a_jpeg_is_found_by_all_that_is_written_in_it() -> None:
    blocks, notes = read("image", with_iptc(jpeg(xmp=FULL)))
    text = whole(blocks)
    assert text.startswith("The garden. Roses in June. In the picture: ")
    for word in ("Otto", "Lena", "Keywords: garden, Rose", "Möwe", "Place: Rome, Italy.", "By Tom Holt."):
        assert word in text
    assert text.count("Anna Berg") == 1, "a person is no keyword as well"
    assert notes.title == "The garden"
    assert notes.metadata["rating"] == "4"
    assert "Anna Berg" in notes.metadata["people"]
    assert "Möwe" in notes.metadata["keywords"]


def test_what_exif_and_xmp_both_say_is_said_once() -> None:
    exif = Image.Exif()
    exif[0x010E] = "Roses in June"
    text = whole(read("image", jpeg(xmp=packet(alt("dc:description", en="Roses in June")), exif=exif))[0])
    assert text.count("Roses in June") == 1


def saved_with_xmp(form: str) -> bytes:
    out = io.BytesIO()
    image = Image.new("RGB", (300, 200))
    match form:
        case "PNG":
            text = PngImagePlugin.PngInfo()
            text.add_itxt("XML:com.adobe.xmp", FULL.decode())
            image.save(out, "PNG", pnginfo=text)
        case "TIFF":
            tags = ImageFileDirectory_v2()
            tags[700], tags.tagtype[700] = FULL, 1
            tags[33723], tags.tagtype[33723] = IPTC, 7
            image.save(out, "TIFF", tiffinfo=tags)
        case _:
            image.save(out, form, xmp=FULL)
    return out.getvalue()


@pytest.mark.parametrize("form", ["PNG", "TIFF", "WEBP", "AVIF"])
def test_other_formats_carry_it_too(form: str) -> None:
    blocks, notes = read("image", saved_with_xmp(form))
    assert "Roses in June" in whole(blocks)
    assert notes.title == "The garden"
    assert ("Möwe" in whole(blocks)) == (form == "TIFF")


def test_what_a_pdf_says_of_itself_is_found_but_stands_on_no_page() -> None:
    info = "/Subject (Heat pumps) /Keywords (warmth; winter) /Author (I. Berg)"
    blocks, notes = read(
        "pdf", pdf("BT /F 12 Tf 50 700 Td (The visible page of the report) Tj ET", info=info)
    )
    assert [block.text for block in blocks if block.hidden] == ["Heat pumps\nwarmth; winter"]
    assert "warmth" not in "".join(block.text for block in blocks if not block.hidden)
    assert notes.metadata["author"] == "I. Berg"
