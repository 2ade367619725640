"""The formats that files come in: kinds, their suffixes and media types. Data only."""

from __future__ import annotations

from collections.abc import Mapping

_OPENXML = "application/vnd.openxmlformats-officedocument"
_ODF = "application/vnd.oasis.opendocument"

# kind -> default media type, suffixes; "suffix=media/type" where a suffix has its own
FORMATS: Mapping[str, tuple[str, str]] = {
    "text": (
        "text/plain",
        "txt text log adoc asciidoc srt vtt=text/vtt nfo",
    ),
    "markdown": ("text/markdown", "md markdown mdown mkd mdx qmd rmd"),
    "html": ("text/html", "html htm xhtml=application/xhtml+xml shtml"),
    "code": (
        "text/plain",
        "py=text/x-python pyi=text/x-python pyw=text/x-python js=text/javascript mjs=text/javascript "
        "cjs=text/javascript jsx tsx css=text/css scss sass less c=text/x-c h=text/x-c cc cpp cxx hpp hh "
        "hxx cs java=text/x-java kt kts scala groovy gradle go rs rb php pl pm lua r jl swift m mm dart "
        "ex exs erl hs ml mli fs clj lisp el scm vb pas asm s sql=application/sql sh=application/x-sh "
        "bash zsh fish ps1 bat cmd awk sed vue svelte tf hcl nix cmake mk dockerfile proto graphql ino "
        "vhd v sv json=application/json jsonl=application/jsonl ndjson=application/x-ndjson json5 geojson "
        "yaml=application/yaml yml=application/yaml toml=application/toml ini cfg conf cnf properties env "
        "service desktop rules xsd=application/xml xsl=text/xsl xslt=text/xsl "
        "bib=text/x-bibtex diff=text/x-diff patch=text/x-diff ldif po "
        "pot",
    ),
    "csv": ("text/csv", "csv tsv=text/tab-separated-values tab=text/tab-separated-values"),
    "pdf": ("application/pdf", "pdf"),
    "docx": (
        f"{_OPENXML}.wordprocessingml.document",
        "docx docm=application/vnd.ms-word.document.macroEnabled.12 "
        f"dotx={_OPENXML}.wordprocessingml.template dotm=application/vnd.ms-word.template.macroEnabled.12",
    ),
    "pptx": (
        f"{_OPENXML}.presentationml.presentation",
        "pptx pptm=application/vnd.ms-powerpoint.presentation.macroEnabled.12 "
        f"ppsx={_OPENXML}.presentationml.slideshow potx={_OPENXML}.presentationml.template",
    ),
    "xlsx": (
        f"{_OPENXML}.spreadsheetml.sheet",
        "xlsx xlsm=application/vnd.ms-excel.sheet.macroEnabled.12 "
        f"xlsb=application/vnd.ms-excel.sheet.binary.macroEnabled.12 xltx={_OPENXML}.spreadsheetml.template",
    ),
    "eml": ("message/rfc822", "eml"),
    "doc": ("application/msword", "doc dot"),
    "xls": ("application/vnd.ms-excel", "xls xlt"),
    "ppt": ("application/vnd.ms-powerpoint", "ppt pps pot"),
    "msg": ("application/vnd.ms-outlook", "msg"),
    "odt": (f"{_ODF}.text", "odt ott fodt odm"),
    "ods": (f"{_ODF}.spreadsheet", "ods ots fods"),
    "odp": (f"{_ODF}.presentation", "odp otp fodp"),
    "odg": (f"{_ODF}.graphics", "odg otg fodg"),
    "rtf": ("application/rtf", "rtf"),
    "epub": ("application/epub+zip", "epub"),
    "fb2": ("application/x-fictionbook+xml", "fb2"),
    "xml": (
        "application/xml",
        "xml nxml dita docbook dbk rss=application/rss+xml atom=application/atom+xml opml=text/x-opml "
        "kml=application/vnd.google-earth.kml+xml gpx=application/gpx+xml tei=application/tei+xml",
    ),
    "calendar": ("text/calendar", "ics ical ifb"),
    "vcard": ("text/vcard", "vcf vcard"),
    "mhtml": ("multipart/related", "mhtml mht"),
    "ipynb": ("application/x-ipynb+json", "ipynb"),
    "rst": ("text/x-rst", "rst rest"),
    "org": ("text/org", "org"),
    "latex": ("text/x-tex", "tex latex ltx"),
    "xps": ("application/oxps", "oxps xps=application/vnd.ms-xpsdocument"),
    "iwork": (
        "application/octet-stream",
        "pages=application/vnd.apple.pages numbers=application/vnd.apple.numbers "
        "key=application/vnd.apple.keynote",
    ),
    "mbox": ("application/mbox", "mbox"),
    "pst": ("application/vnd.ms-outlook-pst", "pst ost"),
    # named, not read yet
    "book": ("application/x-mobipocket-ebook", "mobi azw azw3 djvu=image/vnd.djvu"),
    "image": (
        "application/octet-stream",
        "png=image/png jpg=image/jpeg jpeg=image/jpeg gif=image/gif webp=image/webp bmp=image/bmp "
        "tif=image/tiff tiff=image/tiff heic=image/heic heif=image/heif avif=image/avif svg=image/svg+xml "
        "ico=image/x-icon psd=image/vnd.adobe.photoshop raw dng cr2 cr3 nef arw orf rw2 jxl=image/jxl "
        "jp2=image/jp2 xcf eps=application/postscript ps=application/postscript ai",
    ),
    "audio": (
        "application/octet-stream",
        "mp3=audio/mpeg flac=audio/flac ogg=audio/ogg oga=audio/ogg opus=audio/ogg wav=audio/wav "
        "m4a=audio/mp4 aac=audio/aac wma aiff=audio/aiff aif=audio/aiff mid=audio/midi midi=audio/midi "
        "ape amr=audio/amr",
    ),
    "video": (
        "application/octet-stream",
        "mp4=video/mp4 m4v=video/mp4 mkv=video/matroska webm=video/webm avi=video/x-msvideo "
        "mov=video/quicktime wmv mpg=video/mpeg mpeg=video/mpeg mts=video/mp2t m2ts=video/mp2t flv "
        "3gp=video/3gpp ogv=video/ogg vob",
    ),
    "archive": (
        "application/octet-stream",
        "zip=application/zip gz=application/gzip tgz=application/gzip bz2=application/x-bzip2 "
        "xz=application/x-xz zst=application/zstd tar=application/x-tar 7z=application/x-7z-compressed "
        "rar=application/vnd.rar lz4 lzma cab jar=application/java-archive war apk deb rpm iso dmg "
        "whl=application/zip cbz cbr",
    ),
    "font": ("font/sfnt", "ttf=font/ttf otf=font/otf woff=font/woff woff2=font/woff2 ttc=font/collection"),
    "program": (
        "application/octet-stream",
        "exe dll so dylib o a lib obj class pyc pyo wasm=application/wasm msi sys ko elf appimage",
    ),
    "database": (
        "application/octet-stream",
        "sqlite=application/vnd.sqlite3 sqlite3=application/vnd.sqlite3 db mdb accdb dbf parquet feather "
        "kdbx",
    ),
    "disk": ("application/octet-stream", "img qcow2 vmdk vdi vhdx ova"),
    "encrypted": ("application/octet-stream", "gpg pgp age p12 pfx"),
}

BARE_NAMES: Mapping[str, str] = {  # names without a telling suffix
    "makefile": "code", "dockerfile": "code", "containerfile": "code", "vagrantfile": "code",
    "jenkinsfile": "code", "rakefile": "code", "gemfile": "code", "cmakelists.txt": "code",
    ".bashrc": "code", ".profile": "code", ".gitconfig": "code", ".editorconfig": "code",
    "readme": "text", "license": "text", "licence": "text", "copying": "text", "changelog": "text",
    "authors": "text", "notice": "text", "todo": "text", "news": "text", "install": "text",
}  # fmt: skip
