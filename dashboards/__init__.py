"""Grafana as code: `python -m dashboards.build` writes out/ and provisioning/. A tool of developers: never installed."""
