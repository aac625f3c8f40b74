# Runs inside a virtual machine's file tree (chroot): file systems, network and boot loader.
# ROOT_UUID is the identity the root file system will get.
set -eu

cat > /etc/fstab <<'FSTAB'
LABEL=root           /               ext4  defaults  0  1
LABEL=home           /home           ext4  defaults  0  0
LABEL=var            /var            ext4  defaults  0  0
LABEL=var-log        /var/log        ext4  defaults  0  0
LABEL=var-log-audit  /var/log/audit  ext4  defaults  0  0
LABEL=var-tmp        /var/tmp        ext4  defaults  0  0
FSTAB
mkdir -p /var/log/audit
chmod 0750 /var/log/audit

# The fixed addresses of QEMU's user network: no waiting for a lease.
cat > /etc/systemd/network/10-lab.network <<'NETWORK'
[Match]
Name=en* eth*

[Network]
Address=10.0.2.15/24
Gateway=10.0.2.2
DNS=10.0.2.3
IPv6AcceptRA=no
NETWORK
rm -f /etc/resolv.conf
echo 'nameserver 10.0.2.3' > /etc/resolv.conf
systemctl enable --quiet systemd-networkd.service

# Reading every file of a system takes minutes on an emulated processor; AIDE's baseline is one of the smaller parts here.
printf '%s\n' '!/boot' '!/usr/lib' '!/usr/share' '!/var/lib' > /etc/aide/aide.conf.d/10_lab

# grub-mkconfig asks grub-probe about the disk below "/", which does not exist yet: answer for it.
cat > /etc/default/grub <<'GRUB'
GRUB_DEFAULT=0
GRUB_TIMEOUT=0
GRUB_DISTRIBUTOR=Debian
GRUB_CMDLINE_LINUX_DEFAULT="quiet"
GRUB_CMDLINE_LINUX="console=ttyS0 net.ifnames=0"
GRUB_TERMINAL=console
GRUB_DISABLE_OS_PROBER=true
GRUB
mv /usr/sbin/grub-probe /usr/sbin/grub-probe.real
cat > /usr/sbin/grub-probe <<PROBE
#!/bin/sh
case "\$*" in
    *fs_uuid*) echo $ROOT_UUID ;;
    *fs_label*) echo root ;;
    *target=fs*|*"-t fs"*) echo ext2 ;;
    *target=device*|*"-t device"*) echo /dev/vda ;;
    *target=drive*) echo "(hd0)" ;;
    *compatibility_hint*) echo hd0 ;;
esac
PROBE
chmod 0755 /usr/sbin/grub-probe
mkdir -p /boot/grub /dev/disk/by-uuid
touch "/dev/disk/by-uuid/$ROOT_UUID"
grub-mkconfig -o /boot/grub/grub.cfg
rm -r /dev/disk
mv /usr/sbin/grub-probe.real /usr/sbin/grub-probe
