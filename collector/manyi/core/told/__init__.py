"""What other systems tell: who may tell what (sources.py), a message's form (items.py), how all kinds are taken in
(intake.py, intakes.py), the way over MQTT (mqtt.py)."""
