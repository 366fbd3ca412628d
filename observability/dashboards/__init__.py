"""The four dashboards that the chart ships, each a table of contents; `python -m observability.dashboards` writes their JSON.

The JSON is plain. grafana-foundation-sdk was weighed: 2 MB of generated builders, marked as alpha, whose version begins with
a date (an installer takes the types of Grafana 10.1 for the newest). It would hide the JSON that people compare with what
Grafana exports, and the five shapes of panels.py are all that is needed of it.
"""
