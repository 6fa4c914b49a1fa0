"""What other systems tell: who may tell what (sources.py), a message's form (items.py), how each kind is taken in
(intakes.py), the way over MQTT (mqtt.py)."""
