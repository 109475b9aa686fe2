"""Charts as plain Plotly JSON: functions of values and words, without stores, clock or language.

Colours are the dark room's tokens (assets/tokens.css); a severity's colour is never a series'.
"""
