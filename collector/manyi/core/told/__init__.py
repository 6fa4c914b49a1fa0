"""What other systems tell: who may tell what (sources.py), a message's form (items.py), the way over MQTT (mqtt.py)."""
