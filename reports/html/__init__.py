"""The HTML report: an index and one page per finding.  Self-contained: no request, inline style, dark and
light; a page has one script at most, a filter or buttons to copy, and all works without it."""

from reports.html.pages import HISTORY, finding_page, history_page, index_page, texts

__all__ = ["HISTORY", "finding_page", "history_page", "index_page", "texts"]
