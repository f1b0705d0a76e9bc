"""An untrusted file becomes pages of text and passages. Knows neither rows nor tokens of a model; runs in a process of
its own, which has bounds of memory and time and may die."""
