"""The program that keeps a checkpoint on a target, guards it with a timer, and restores it.

It runs on the target, as root, with nothing but the standard library: it is packed into one file, stored with the
checkpoint, and needs neither the network nor the controller to bring everything back.

* ``system``: the target's own programs, and where everything is.
* ``files``, ``units``, ``packages``, ``live``: one kind of state each: what it is now, and how to bring it back.
* ``state``: all of them as one value; what differs between two; making one true.
* ``keeping``: a checkpoint in its directory, and the lock that one run at a time holds.
* ``guard``: the timer, and what has to end before anything can be restored.
* ``commands``: what the controller can ask for.
"""
