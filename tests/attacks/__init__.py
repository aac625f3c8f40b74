"""Attacks: what an ordinary user, or the account of a service, does while we work as root on the same machine.

There are two ways to add one.

**A swap between two system calls** (``tracing.py``, ``swaps.py``). ``sweep`` runs a function of ours once for each of
its system calls, and has the attacker act just before that call. Use it for a race: nothing is left to luck. The
docstring of ``tracing.py`` shows the four functions it takes; ``test_swapped_files.py`` in ``tests/integration`` has
tables of places and swaps to which a line is added, ``test_swapped_for_modules.py`` the same for Ansible's modules.

**A program on a node** (``arsenal``, ``drill.py``). Write a class below ``Attack`` in one of the modules of
``arsenal``:

* its docstring is one sentence that says why it could win; ``aims`` names the step of a flow it is about;
* ``prepare`` is run by root and makes what is there before, ``run`` is the attack itself, run by the account
  ``plain`` (``account``) from before the first step until after the last;
* what it attacks is ``self.victims``: root's files ``secret``, ``tool``, ``shared`` (he may write it) and
  ``directory``. Each attack has victims of its own, so whatever becomes of them tells who has won. Set-id bits,
  capabilities and secrets in files of the attacker are looked for as well, and whether any of his programs was run by
  root (``CANARY``). ``won`` is for what shows elsewhere;
* ``wait_for_checkpoint`` returns when what is done next will be taken back, ``swap_after_looks`` swaps after every
  look at a directory, ``spin_during_looks`` during it.

``tests/integration/test_attacks.py`` runs all of them side by side: once beside an apply whose guard restores, once
beside an apply that is released and taken back. Afterwards the whole node is compared with what it was; ``whole.py``
lists what may differ, with reasons. ``holds_up`` marks attacks that win by having a run wait or fail: to see which
one it was, run it alone (``Drill(node, [name])``).

What cannot be tried: a user makes no devices and no capabilities outside of a user namespace of his own;
``fusermount`` and ``newuidmap`` are not on the node, and a fixture does what they do. Hard links to files that a user
may not write are refused by the kernel (``fs.protected_hardlinks``, which is the machine's and not the node's): the
sweeps make them as root.
"""
