# Runs inside a virtual machine's file tree (chroot) before the kernel is installed: its initrd gets only what finds
# the root file system, because every megabyte costs emulated boot time.
set -eu
mkdir -p /etc/initramfs-tools/conf.d /usr/share/initramfs-tools/modules.d
printf 'MODULES=list\nCOMPRESS=lz4\n' > /etc/initramfs-tools/conf.d/lab
printf 'virtio_pci\nvirtio_blk\next4\n' > /usr/share/initramfs-tools/modules.d/lab
