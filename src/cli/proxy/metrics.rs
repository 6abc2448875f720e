//! Counters in Prometheus' text format.

use std::fmt::Write as _;

use super::registry::Shown;
use super::route::VERSION;
use crate::fault::proxy::Traffic;

/// The content type of the format.
pub const KIND: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The two byte counters of every proxy.
pub fn proxies(out: &mut String, all: &[(Shown, Traffic)]) {
    let received: fn(&Traffic) -> [u64; 2] = |traffic| traffic.received;
    let sent: fn(&Traffic) -> [u64; 2] = |traffic| traffic.sent;
    for (name, read) in [("received", received), ("sent", sent)] {
        let name = format!("toxiproxy_proxy_{name}_bytes_total");
        head(out, &name, "counter", "Bytes of a proxy in a direction.");
        for (shown, traffic) in all {
            for (direction, bytes) in ["upstream", "downstream"].iter().zip(read(traffic)) {
                let labels = [
                    ("direction", *direction),
                    ("listener", &shown.listen),
                    ("proxy", &shown.name),
                    ("upstream", &shown.upstream),
                ]
                .map(|(label, value)| format!("{label}=\"{}\"", escape(value)));
                line(out, &format!("{name}{{{}}}", labels.join(",")), bytes);
            }
        }
    }
}

/// What the process uses, by the names of Prometheus' process collector.
pub fn runtime(out: &mut String) {
    head(
        out,
        "rchaos_build_info",
        "gauge",
        "The version, as a label.",
    );
    line(
        out,
        &format!("rchaos_build_info{{version=\"{VERSION}\"}}"),
        1,
    );
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kilobytes = |key: &str| {
        let found = status.lines().find_map(|line| line.strip_prefix(key));
        found.and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok())
    };
    let memory = [
        (
            "process_resident_memory_bytes",
            "VmRSS:",
            "Resident memory.",
        ),
        ("process_virtual_memory_bytes", "VmSize:", "Virtual memory."),
    ];
    for (name, key, help) in memory {
        if let Some(value) = kilobytes(key) {
            head(out, name, "gauge", help);
            line(out, name, value * 1024);
        }
    }
    if let Some(value) = kilobytes("Threads:") {
        head(out, "process_threads", "gauge", "Threads.");
        line(out, "process_threads", value);
    }
    if let Ok(open) = std::fs::read_dir("/proc/self/fd") {
        head(out, "process_open_fds", "gauge", "Open descriptors.");
        line(out, "process_open_fds", open.count() as u64);
    }
    let most = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    if let Some(most) = most {
        head(
            out,
            "process_max_fds",
            "gauge",
            "Descriptors that may be open.",
        );
        line(out, "process_max_fds", most);
    }
    let used = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    head(
        out,
        "process_cpu_seconds_total",
        "counter",
        "Processor time, user and system.",
    );
    let _ = writeln!(
        out,
        "process_cpu_seconds_total {}.{:09}",
        used.tv_sec, used.tv_nsec
    );
}

fn head(out: &mut String, name: &str, kind: &str, help: &str) {
    // Writing to a string cannot fail.
    let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}");
}

fn line(out: &mut String, series: &str, value: u64) {
    let _ = writeln!(out, "{series} {value}");
}

fn escape(value: &str) -> String {
    value
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}
