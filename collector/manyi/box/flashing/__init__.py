"""A board's flash: written by esptool, one board or a tray; the image that goes in; what must stay when it is written anew;
and, of a box with a dead radio, what it still holds."""
