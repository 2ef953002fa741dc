"""How work is carried out: apart from other work, interruptible, with libraries loaded late."""
