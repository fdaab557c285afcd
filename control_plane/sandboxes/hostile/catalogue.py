"""The hostile behaviours, one a row: what is tried, by which program, and how it must end."""

from control_plane.sandboxes.hostile import aftermath, judging
from control_plane.sandboxes.hostile.shapes import Behaviour, How

SEEING = (
    Behaviour("seeing", "host_files", "read planted secrets, the password file and common folders of the host"),
    Behaviour("seeing", "path_tricks", "reach host files through /proc, `..`, descriptors and links"),
    Behaviour("seeing", "host_writes", "append to, rename and replace files of the host"),
    Behaviour("seeing", "other_workspaces", "find another run's workspace, home, results and temporary files"),
    Behaviour("seeing", "other_processes", "see, signal and read processes of the host"),
    Behaviour("seeing", "environment_leaks", "find a secret of the factory in any environment or command line"),
    Behaviour("seeing", "docker_socket", "find and reach Docker, containerd and other sockets of the host"),
    Behaviour("seeing", "kernel_secrets", "read kernel memory, addresses, keys and log"),
    Behaviour("seeing", "abstract_sockets", "reach an abstract Unix socket of the host"),
    Behaviour("seeing", "path_sockets", "reach a Unix socket below the host's /tmp"),
    Behaviour("seeing", "shared_memory", "attach System V and POSIX shared memory of the host"),
    Behaviour("seeing", "inherited_descriptors", "use what the factory left open"),
)
REACHING = (
    Behaviour("reaching", "host_loopback", "reach services on the host's loopback, TCP and UDP, IPv4 and IPv6"),
    Behaviour("reaching", "host_addresses", "reach the host by its own and by gateway addresses"),
    Behaviour("reaching", "metadata_address", "reach the cloud's metadata service"),
    Behaviour("reaching", "outside_addresses", "reach outside addresses directly"),
    Behaviour("reaching", "names", "resolve names where there is no door"),
    Behaviour("reaching", "interfaces", "find or add a network interface"),
    Behaviour("reaching", "raw_sockets", "open packet, raw and rare kinds of sockets"),
    Behaviour("reaching", "vsock", "talk to the hypervisor by its own sockets"),
    Behaviour("reaching", "other_doors", "use another run's door to the network"),
)
KERNEL = (
    Behaviour("kernel", "mounts", "mount, bind, remount, unmount, change root", dangerous=True),
    Behaviour("kernel", "new_mounts", "the same by the newer mount calls", dangerous=True),
    Behaviour("kernel", "new_namespaces", "make namespaces of its own, of users above all"),
    Behaviour("kernel", "joining_namespaces", "enter the namespaces of other processes"),
    Behaviour("kernel", "ptrace_init", "trace the first process and the parent", dangerous=True),
    Behaviour("kernel", "ptrace_siblings", "trace, read and write other processes of the sandbox"),
    Behaviour("kernel", "io_uring", "use io_uring, which filters do not see into"),
    Behaviour("kernel", "keyrings", "use the kernel's keys, which no namespace holds"),
    Behaviour("kernel", "kernel_programs", "load bpf, count with perf, handle page faults, watch all files"),
    Behaviour("kernel", "kernel_modules", "load modules, another kernel, swap; reboot", dangerous=True),
    Behaviour("kernel", "file_handles", "open files by inode number, past all mounts"),
    Behaviour("kernel", "foreign_calls", "make the same calls by the numbers of another architecture"),
)
POWERS = (
    Behaviour("powers", "identity", "be root, have capabilities or no filter from the start"),
    Behaviour("powers", "becoming_root", "become root by calls, su, sudo and setuid files"),
    Behaviour("powers", "setuid_bit", "set the setuid bit on a file in the workspace"),
    Behaviour("powers", "file_capabilities", "give a file capabilities or make it immutable"),
    Behaviour("powers", "higher_limits", "raise its own resource limits"),
    Behaviour("powers", "scheduling", "run in real time, lock memory, never be the one killed"),
    Behaviour("powers", "clock_and_names", "set the clock and the host's name", dangerous=True),
    Behaviour("powers", "kernel_settings", "write to /proc/sys, /sys and other settings of the kernel"),
    Behaviour("powers", "own_settings", "change settings of its own namespaces, which may be the host's"),
    Behaviour("powers", "control_groups", "write release_agent and its own limits, make control groups"),
    Behaviour("powers", "devices", "open and make devices"),
    Behaviour("powers", "terminals", "type into the terminal of whoever started the factory", dangerous=True),
    Behaviour("powers", "core_dumps", "leave a core dump"),
)
EXHAUSTING = (
    Behaviour("exhausting", "fork_bomb", "start more processes than allowed", How.DIES),
    Behaviour(
        "exhausting", "fork_storm", "replace processes faster than they can be listed", How.CLOSED, dangerous=True
    ),
    Behaviour(
        "exhausting", "memory_balloon", "use more memory than allowed, in several processes", How.DIES, seconds=60
    ),
    Behaviour(
        "exhausting", "hidden_memory", "use memory that belongs to no process", How.DIES, dangerous=True, seconds=60
    ),
    Behaviour("filling", "disk_fill", "write and reserve more than allowed, in every folder", seconds=90),
    Behaviour("filling", "inode_fill", "make more files than allowed"),
    Behaviour("filling", "sparse_file", "make a file of 1 TB that is empty"),
    Behaviour("exhausting", "many_descriptors", "open as many files and pipes as there are"),
    Behaviour("exhausting", "cpu_spin", "use more processor than allowed", cpus=0.25),
    Behaviour("filling", "deep_folders", "make folders deeper than a path can name"),
    Behaviour("filling", "disk_filling_for_ever", "fill the disk again and again until stopped", How.CLOSED),
)
LINGERING = (
    Behaviour("lingering", "daemons", "leave daemons: double fork, own session, deaf, without a marker"),
    Behaviour("lingering", "daemons_at_the_order", "have such daemons when the order to stop comes", How.CLOSED),
    Behaviour("lingering", "daemon_holding_the_pipe", "end, and leave a daemon that holds the output open"),
    Behaviour("lingering", "deaf_to_signals", "ignore every signal in fifty processes", How.INTERRUPTED),
    Behaviour("lingering", "stopped", "stop itself, so that it handles nothing", How.CLOSED),
    Behaviour("lingering", "sleeping_for_ever", "say nothing and never end", How.TIMED),
    Behaviour("lingering", "chatty_for_ever", "say something now and then and never end", How.TIMED),
    Behaviour("lingering", "signal_storm", "kill everything it may signal", How.DIES, dangerous=True,
              outside=aftermath.works_after),
    Behaviour("lingering", "killing_the_supervisor", "stop and kill its own parents", How.DIES, dangerous=True,
              outside=aftermath.works_after),
    Behaviour("lingering", "closed_descriptors", "close everything that was inherited and go on", How.CLOSED),
    Behaviour("lingering", "tracing_at_the_order", "have traced and tracing processes at the order", How.CLOSED),
    Behaviour("lingering", "broken_supervisor", "write over the code of the first process", How.CLOSED, dangerous=True),
    Behaviour("lingering", "not_dumpable", "hide by another name and as unreadable", How.CLOSED),
    Behaviour("lingering", "uninterruptible", "wait in vfork, where only one signal reaches it", How.INTERRUPTED),
)  # fmt: skip
TALKING = (
    Behaviour("talking", "flood", "flood the output until stopped", How.CLOSED, judging.flood_arrived),
    Behaviour("talking", "flood_of_both", "flood both streams without a line end", How.CLOSED, judging.flood_arrived),
    Behaviour("talking", "huge_line", "write a line of 20 MB", judge=judging.all_of_a_huge_line),
    Behaviour("talking", "escapes", "send terminal escapes in output and file names", judge=judging.bounded_lines),
    Behaviour("talking", "not_text", "send bytes that are no text, and forged events", judge=judging.bounded_lines),
    Behaviour("talking", "slow_bytes", "send a byte now and then, and never a line", How.TIMED),
)
LEAVING = (
    Behaviour("leaving", "result_links", "hand over links to host files", outside=aftermath.collect_all),
    Behaviour("leaving", "result_hard_links", "hand over hard links to host files", outside=aftermath.collect_all),
    Behaviour("leaving", "result_specials", "hand over pipes, sockets, devices", outside=aftermath.collect_all),
    Behaviour("leaving", "huge_sparse_result", "hand over a huge empty file", outside=aftermath.collect_huge),
    Behaviour("leaving", "swapping_results", "swap a result for a link while it is collected", How.CLOSED,
              outside=aftermath.collect_swapped),
    Behaviour("leaving", "replaced_folders", "replace the folders that are collected and removed by links",
              outside=aftermath.collect_all),
    Behaviour("leaving", "locked_trees", "leave trees that nobody may enter"),
    Behaviour("leaving", "git_traps", "leave hooks, filters, fsmonitor, submodules for the host's git",
              outside=aftermath.import_with_git),
    Behaviour("leaving", "hostile_archive", "hand over an archive that unpacks elsewhere",
              judge=judging.whole_archive, outside=aftermath.unpack),
)  # fmt: skip
PERSISTING = (
    Behaviour("persisting", "programs_of_the_machine", "write to programs, libraries and settings of the machine"),
    Behaviour("persisting", "environment_cache", "write to the prepared environment that runs share",
              judge=judging.environment_seen, environment=True),
    Behaviour("persisting", "next_run", "leave what a later run would start by itself", dangerous=True,
              outside=aftermath.look_in_a_new_run),
)  # fmt: skip
DOOR = tuple(
    Behaviour("door", name, tries, judge=judging.refused_and_recorded, door=True)
    for name, tries in {
        "names_not_allowed": "reach names that are not allowed, and look-alikes of the allowed one",
        "addresses": "reach bare addresses through the door",
        "spelled_addresses": "reach addresses in decimal, hex and octal",
        "metadata": "reach the metadata service through the door",
        "ipv6": "reach IPv6 addresses through the door",
        "host_gateway": "reach the host through the door",
        "other_ports": "reach other ports of the allowed name",
        "smuggled_requests": "smuggle a second request or another host past the door",
        "secrets_in_names": "carry secrets out in names that are asked for",
        "direct_connections": "connect directly, past the proxy",
        "door_socket": "remove, replace and write the door's socket",
        "killed_relay": "kill the relay and speak to the door itself",
    }.items()
)
SERVER_NAME = (
    Behaviour("door", "wrong_server_name", "name the allowed host and greet another",
              judge=judging.upstream_heard_nothing, door=True),
)  # fmt: skip

CATALOGUE = (
    *SEEING, *REACHING, *KERNEL, *POWERS, *EXHAUSTING, *LINGERING, *TALKING, *LEAVING, *PERSISTING, *DOOR, *SERVER_NAME,
)  # fmt: skip
