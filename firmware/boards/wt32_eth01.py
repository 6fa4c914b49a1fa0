# Facts of one board: WT32-ETH01, an ESP32 with a LAN8720A for networks that forbid Wi-Fi. Power over Ethernet through
# a splitter to 5 V.
#
# Refuses: to do anything; esp32_devkitc.py says who reads these names.
#
# The Ethernet chip takes most pins, and the header brings out few of the rest. Keys are on input-only pins, which have
# no pull-up of their own: without the resistors to 3V3 this board presses its own keys. The badge reader is on
# strapping pins 2, 5 and 15, but only its inputs are, and an input pulls nothing: the chip starts as without it.
# 12 stays empty: high at start means 1.8 V for the flash, and no start. No pins are left for a voice, a clock and a
# duty lamp: time comes over the wire.

NAME = "wt32-eth01"
CHIP = "esp32"
MICROPYTHON = "ESP32_GENERIC"
FLASH_BYTES = 4 * 1024 * 1024
AUTO_RESET = False  # no USB: an adapter of 3.3 V on TXD0 and RXD0, and IO0 to GND by hand while EN is touched
CONSOLE = {"uart": 0, "tx": 1, "rx": 3}

KEYS = (39, 36, 35)
KEY_DOWN = 0
KEY_PULL_UP = False

LAMPS = (32, 33, 17)
LAMP_ON = 1
DUTY_LAMP = None
BUZZER = 4
BUZZER_HZ = 2400

VOICE_UART = None
NFC = {"spi": 2, "sck": 15, "mosi": 2, "miso": 14, "cs": 5, "rst": None, "hz": 1_000_000}
RTC = None
ETH = {
    "phy": "LAN8720",
    "addr": 1,
    "mdc": 23,
    "mdio": 18,
    "power": 16,  # switches the 50 MHz oscillator
    "ref_clk": 0,
    "ref_clk_in": True,  # the board's oscillator drives it, not the chip
    "rmii": (19, 21, 22, 25, 26, 27),  # fixed by the chip; not to be used for anything else
}
