"""Documents that leave the centre: what stands in them, and how they become PDF and XLSX.

Nothing here fetches: a report is a function of the values it is given. `charts` draws SVG, `page`
makes a printed document of HTML, `pdf` renders it, `brief` and `workbook` are the leaders' brief.
Another report is one more module like `brief`.
"""
