"""The HTML report: an index and one page per finding.  Self-contained: no script, no request, inline style,
dark and light."""

from reports.html.pages import finding_page, index_page, write

__all__ = ["finding_page", "index_page", "write"]
