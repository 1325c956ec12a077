"""The HTML report: an index and one page per finding.  Self-contained: no request, inline style, dark and
light; a filter on the index is the only script, and all works without it."""

from reports.html.pages import finding_page, index_page, write

__all__ = ["finding_page", "index_page", "write"]
