"""A report as files."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from repot.engine.access import in_words
from repot.report.document import Report
from repot.report.flow import draw


def write_report(report: Report, folder: Path) -> tuple[Path, ...]:
    """Write report.md, report.html and report.json into `folder`; gives their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    texts = {
        "report.md": render(report, "report.md.j2"),
        "report.html": render(report, "report.html.j2"),
        "report.json": report.model_dump_json(indent=2),
    }
    paths = []
    for name, text in texts.items():
        path = folder / name
        path.write_text(text, encoding="utf-8")
        paths.append(path)
    return tuple(paths)


def render(report: Report, template: str) -> str:
    """The report through one of the templates; HTML is escaped."""
    environment = Environment(
        loader=PackageLoader("repot.report", "templates"),
        autoescape=select_autoescape(["html.j2", "html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["n"] = lambda value: f"{value:,}"
    environment.filters["time"] = lambda at: f"{at:%Y-%m-%d %H:%M:%S} UTC"
    environment.filters["ms"] = _duration
    environment.filters["cell"] = lambda text: str(text).replace("|", "\\|").replace("\n", " ")
    flow = draw(report.verdict.accounts) if report.verdict else None
    tried = report.verdict.access if report.verdict else None
    access = in_words(tried) if tried else None
    return environment.get_template(template).render(r=report, flow=flow, access=access)


def _duration(ms: float) -> str:
    return f"{ms:,.0f} ms" if ms < 1000 else f"{ms / 1000:,.1f} s"
