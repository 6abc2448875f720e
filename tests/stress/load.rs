//! `stress.cpu`, `stress.memory`, `stress.connections`, `stress.disk_io`: measured from outside.

use std::time::{Duration, Instant};

use rchaos::fault::Healed;
use rchaos::fault::stress::{
    Amount, CONNECTIONS, CPU, Connections, Cpu, DISK_IO, DiskIo, MEMORY, Manner, Memory,
};

use crate::support::faults::{LEASE, alive, before_others, build, context, eventually, workers};

/// The processor time of a process, in seconds: fields 14 and 15 of its `stat`, hundredths.
fn cpu_time(pid: i32) -> f64 {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let (_, rest) = text.rsplit_once(") ").unwrap();
    let fields: Vec<_> = rest.split(' ').collect();
    let ticks: f64 = fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap();
    ticks / 100.0
}

#[test]
fn each_core_is_as_busy_as_was_asked_for() {
    let options = Cpu {
        load: 0.3,
        workers: None,
        cores: None,
        target: None,
        over: None,
    };
    let mut fault = build(&CPU, &options, &context());
    fault.preflight().unwrap();
    fault.inject(LEASE).unwrap();
    let _first = before_others(&*fault);
    let pids = workers(&*fault);
    assert!(!pids.is_empty());
    let (began, before) = (Instant::now(), pids.iter().map(|pid| cpu_time(*pid)));
    let before: Vec<f64> = before.collect();
    std::thread::sleep(Duration::from_secs(10));
    let took = began.elapsed().as_secs_f64();
    let loads: Vec<f64> = pids
        .iter()
        .zip(&before)
        .map(|(pid, before)| (cpu_time(*pid) - before) / took)
        .collect();
    assert_eq!(fault.heal(), Ok(Healed::Restored));
    assert!(pids.iter().all(|pid| !alive(*pid)));
    let near = |load: &f64| (0.25..=0.35).contains(load);
    assert!(loads.iter().all(near), "{loads:?}");
}

#[test]
fn each_core_has_its_worker_and_all_end() {
    let options = Cpu {
        load: 0.01,
        workers: Some(3),
        cores: None,
        target: None,
        over: Some(Duration::from_secs(60)),
    };
    let mut fault = build(&CPU, &options, &context());
    fault.preflight().unwrap();
    fault.inject(LEASE).unwrap();
    let pids = workers(&*fault);
    assert_eq!(pids.len(), 3);
    for pid in &pids {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        let cores = status
            .lines()
            .find_map(|line| line.strip_prefix("Cpus_allowed_list:"))
            .unwrap();
        assert!(cores.trim().parse::<u32>().is_ok(), "{cores}");
    }
    assert!(fault.inspect().unwrap().installed);
    fault.heal().unwrap();
    assert!(pids.iter().all(|pid| !alive(*pid)));
}

#[test]
fn memory_is_there_and_grows_over_time() {
    let hold = |over| Memory {
        amount: Amount::Bytes(64 << 20),
        target: None,
        over,
        touch: true,
        oomable: true,
        force: false,
    };
    let resident = |pid: i32| {
        let text = std::fs::read_to_string(format!("/proc/{pid}/statm")).unwrap();
        let pages: u64 = text.split(' ').nth(1).unwrap().parse().unwrap();
        pages * 4096
    };
    let mut fault = build(&MEMORY, &hold(None), &context());
    fault.preflight().unwrap();
    fault.inject(LEASE).unwrap();
    let pid = workers(&*fault)[0];
    assert!(resident(pid) >= 64 << 20, "{}", resident(pid));
    fault.heal().unwrap();
    assert!(!alive(pid));
    let mut slow = build(&MEMORY, &hold(Some(Duration::from_secs(3600))), &context());
    slow.preflight().unwrap();
    slow.inject(LEASE).unwrap();
    assert!(resident(workers(&*slow)[0]) < 64 << 20);
    slow.heal().unwrap();
}

#[test]
fn a_server_sees_the_connections_until_they_are_healed() {
    let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let options = Connections {
        to: server.local_addr().unwrap().to_string(),
        count: 50,
        rate: None,
        manner: Manner::Slow,
        tls: false,
        target: None,
    };
    let mut fault = build(&CONNECTIONS, &options, &context());
    fault.preflight().unwrap();
    fault.inject(LEASE).unwrap();
    let clients: Vec<_> = (0..50).map(|_| server.accept().unwrap().0).collect();
    eventually("all are counted", Duration::from_secs(10), || {
        fault.inspect().unwrap().hits == Some(50)
    });
    let mut start = [0; 16];
    std::io::Read::read_exact(&mut &clients[49], &mut start).unwrap();
    assert_eq!(&start, b"GET / HTTP/1.1\r\n");
    fault.heal().unwrap();
    // Each has come to its end.
    for mut client in &clients {
        let mut rest = Vec::new();
        let _ = std::io::Read::read_to_end(&mut client, &mut rest);
    }
}

#[test]
fn a_disk_is_kept_busy_and_nothing_is_left_on_it() {
    let folder = tempfile::tempdir().unwrap();
    let options = DiskIo {
        path: folder.path().to_owned(),
        workers: 2,
        block: 4096,
        read_ratio: 0.5,
        sync: false,
        size: 1 << 20,
        target: None,
    };
    let mut fault = build(&DISK_IO, &options, &context());
    fault.preflight().unwrap();
    fault.inject(LEASE).unwrap();
    eventually("operations are counted", Duration::from_secs(20), || {
        fault.inspect().unwrap().hits.is_some_and(|hits| hits > 10)
    });
    fault.heal().unwrap();
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}
