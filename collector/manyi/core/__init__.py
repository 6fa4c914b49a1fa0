"""The collector without any web framework: wire, pipeline, ledger, settle, projections, roster."""
