# Facts of one board: ESP32-DevKitC with a WROOM-32 module (not WROVER: its PSRAM takes 16 and 17). Wi-Fi.
#
# Refuses: to do anything. No import, no Pin, no `if`: the port reads these names, docs/HARDWARE.md draws them, and
# tests/docs/test_hardware.py holds all boards to the same names and to what their chip allows. To add a board, add a
# file; docs/HARDWARE.md, "Another board", says what each name means.
#
# Chosen so that no strapping pin (0, 2, 5, 12, 15) is used, and nothing that the citizen hears or sees hangs on a pin
# that toggles while the chip starts (1, 3, 14). Keys and lamps on one side of the board, modules on the other.

NAME = "esp32-devkitc"
CHIP = "esp32"  # what esptool must find
MICROPYTHON = "ESP32_GENERIC"  # the build of MicroPython for it
FLASH_BYTES = 4 * 1024 * 1024
AUTO_RESET = True  # esptool starts the boot loader by itself, over DTR and RTS
CONSOLE = {"uart": 0, "tx": 1, "rx": 3}  # the USB socket

KEYS = (32, 33, 25)  # level 1 green, 2 yellow, 3 red
KEY_DOWN = 0  # the level of a pin whose key is down
KEY_PULL_UP = True  # weak and inside the chip; the resistors of docs/HARDWARE.md are there all the same

LAMPS = (26, 27, 13)  # the light in each key, same order
LAMP_ON = 1
DUTY_LAMP = 14  # somebody is signed in; faces the clerk
BUZZER = 4  # passive, so its loudness is the duty cycle; the chip pulls 4 down at start: silent
BUZZER_HZ = 2400  # its resonance

VOICE_UART = {"uart": 2, "tx": 17, "rx": 35, "baud": 9600}
NFC = {"spi": 2, "sck": 18, "mosi": 23, "miso": 19, "cs": 16, "rst": None, "hz": 1_000_000}  # RST to 3V3
RTC = {"i2c": 0, "sda": 21, "scl": 22, "hz": 100_000}
ETH = None
