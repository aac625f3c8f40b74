# Runs a container in a control group of its own, and again whenever it rebooted: systemd-nspawn, told to --keep-unit,
# then ends with status 133. First argument: the control group's cgroup.procs; then the command.
echo $$ > "$1"
shift
"$@"
while [ $? -eq 133 ]; do
    "$@"
done
