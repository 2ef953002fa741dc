"""Android phones and emulators, and boards with adbd, through the adb client program."""
