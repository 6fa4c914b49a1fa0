"""Pages of figures behind roles: tables with a period, each also as a workbook; a clerk's own; 已知悉."""
