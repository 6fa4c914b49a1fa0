# Facts of one board: ESP32-S3-DevKitC-1 with a WROOM-1 module of 8 MB flash or more, with or without PSRAM. Wi-Fi.
#
# Refuses: to do anything; esp32_devkitc.py says who reads these names.
#
# Chosen so that no strapping pin (0, 3, 45, 46), no USB pin (19, 20), no pin of flash or PSRAM (26 to 37) and none of
# the board's own lamp (38 or 48, by its version) is used. Keys and lamps on one side of the board, modules on the other.

NAME = "esp32-s3-devkitc"
CHIP = "esp32s3"
MICROPYTHON = "ESP32_GENERIC_S3"
FLASH_BYTES = 8 * 1024 * 1024
AUTO_RESET = True
CONSOLE = {"uart": 0, "tx": 43, "rx": 44}  # the socket marked UART, not the one marked USB

KEYS = (4, 5, 6)
KEY_DOWN = 0
KEY_PULL_UP = True

LAMPS = (7, 15, 16)
LAMP_ON = 1
DUTY_LAMP = 18
BUZZER = 17
BUZZER_HZ = 2400

VOICE_UART = {"uart": 1, "tx": 47, "rx": 21, "baud": 9600}
NFC = {"spi": 1, "sck": 42, "mosi": 41, "miso": 40, "cs": 39, "rst": None, "hz": 1_000_000}
RTC = {"i2c": 0, "sda": 1, "scl": 2, "hz": 100_000}
ETH = None
