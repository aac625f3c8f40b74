# Runs inside the new image's file tree (chroot): makes it a node worth hardening. No service is started here.
set -eu

# Three people: a sudo user without and one with a password, and one who may not change anything.
useradd --uid 1000 --create-home --shell /bin/bash --groups sudo admin
useradd --uid 1001 --create-home --shell /bin/bash --no-user-group --gid users --groups sudo operator
useradd --uid 1002 --create-home --shell /bin/bash plain
printf 'admin ALL=(ALL:ALL) NOPASSWD: ALL\n' > /etc/sudoers.d/lab-admin
chmod 0440 /etc/sudoers.d/lab-admin

# What only a person may mend is in order from the start: a proof breaks it, and brings it back.
for user in root admin operator plain; do
    chage --maxdays 365 --warndays 7 --inactive 45 "$user"
done
chmod 0750 /home/admin /home/operator /home/plain

echo LANG=C.UTF-8 > /etc/default/locale

# sshd lets root in; its host keys are made per node.
sed -i 's/^#\?PermitRootLogin .*/PermitRootLogin yes/' /etc/ssh/sshd_config
rm -f /etc/ssh/ssh_host_*

# Kept installed, not started: they would take over name resolution or wait for servers that do not exist.
for unit in dnsmasq ypbind ypserv yppasswdd ypxfrd nis domainname; do
    if systemctl list-unit-files "$unit.service" 2>/dev/null | grep -q "^$unit"; then
        systemctl disable --quiet "$unit.service"
    fi
done

# Postfix outside its chroot: filling that takes ten seconds of every boot on an emulated processor. Its own name is
# otherwise that of the machine the image was built on.
postconf -F '*/*/chroot=n'
postconf -e myhostname=localhost mydestination=localhost
echo lab > /etc/hostname

# Units that download or scan at unpredictable moments would disturb every measurement on an emulated machine.
for unit in apt-daily.timer apt-daily-upgrade.timer dailyaidecheck.timer e2scrub_all.timer e2scrub_reap.service; do
    systemctl disable --quiet "$unit" 2>/dev/null || true
done

systemctl enable --quiet hardener-lab-seed.service ssh.service

# Package lists stay, so that a first installation need not fetch them on an emulated processor; archives do not.
apt-get clean
apt-cache gencaches
