"""`manyi doctor`: looks at a running installation from end to end and says what is wrong and what to do.

finding.py (what a check says), host.py, books.py (service and ledger), behind.py (what follows the ledger), link.py (broker),
servers.py (InfluxDB, Grafana, web), alerts.py (where alerts go), doors.py (what should be shut), safety.py (certificates,
copies), through.py (a message all the way), mqtt_probe.py (a few bytes of MQTT), cli.py. Each check is a function from what
is installed to findings. Refuses to change anything (but what through.py says), and to print a secret.
"""
