"""The kernel: which drivers can be loaded, how processes are protected, and how the network stack treats strangers."""

from hardener.controls.kernel import drivers, network, processes

CONTROLS = [*drivers.CONTROLS, *processes.CONTROLS, *network.CONTROLS]
