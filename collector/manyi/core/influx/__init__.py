"""InfluxDB as a projection: lines.py (a rating as text), writer.py (the wire), follow.py (cursor, memory, outbox)."""
