"""The committed dashboards, filled with a city's names and put where Grafana reads them. Needs no SDK and no network."""
