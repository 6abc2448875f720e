//! `stress.disk_fill`: what others see of the filesystem.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use rchaos::fault::Healed;
use rchaos::fault::stress::{Amount, DISK_FILL, DiskFill};

use crate::support::faults::{LEASE, build, context};
use crate::support::gate;

/// A filesystem of its own, of 64 MiB.
pub struct Disk(PathBuf);

impl Disk {
    pub fn mount(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("rchaos-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let status = Command::new("mount")
            .args([
                "-t",
                "tmpfs",
                "-o",
                "size=64m,nr_inodes=2000",
                "rchaos-test",
            ])
            .arg(&folder)
            .status();
        assert!(status.unwrap().success());
        Self(folder)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    pub fn free(&self) -> u64 {
        let room = rustix::fs::statvfs(&self.0).unwrap();
        room.f_bavail * room.f_frsize
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
        let _ = std::fs::remove_dir(&self.0);
    }
}

fn fill(disk: &Disk, amount: Amount, force: bool) -> DiskFill {
    DiskFill {
        path: disk.path().to_owned(),
        target: None,
        amount,
        over: None,
        force,
    }
}

#[test]
fn a_victim_finds_the_disk_full_until_it_is_healed() {
    let test = "a_victim_finds_the_disk_full_until_it_is_healed";
    if !gate::met("root", test) {
        return;
    }
    let disk = Disk::mount("full");
    let before = disk.free();
    let mut fault = build(
        &DISK_FILL,
        &fill(&disk, Amount::Percent(1.0), true),
        &context(),
    );
    fault.preflight().unwrap();
    fault.inject(LEASE).unwrap();
    assert!(fault.inspect().unwrap().installed);
    assert_eq!(disk.free(), 0);
    let victim = disk.path().join("victim");
    let write = || std::fs::File::create(&victim)?.write_all(&[1; 100_000]);
    let error = write().unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::StorageFull);
    std::fs::remove_file(&victim).unwrap();
    assert_eq!(fault.heal(), Ok(Healed::Restored));
    assert_eq!(disk.free(), before);
    write().unwrap();
}

#[test]
fn as_much_is_left_as_was_asked_for() {
    if !gate::met("root", "as_much_is_left_as_was_asked_for") {
        return;
    }
    let disk = Disk::mount("left");
    let left = 10 << 20;
    let mut fault = build(
        &DISK_FILL,
        &fill(&disk, Amount::LeaveFree(left), false),
        &context(),
    );
    fault.preflight().unwrap();
    fault.inject(LEASE).unwrap();
    assert_eq!(disk.free(), left);
    fault.heal().unwrap();
    // All of it in per cent leaves the reserve.
    let mut fault = build(
        &DISK_FILL,
        &fill(&disk, Amount::Percent(1.0), false),
        &context(),
    );
    let plan = fault.preflight().unwrap();
    assert!(plan.effect.contains("kept in reserve"), "{}", plan.effect);
    fault.inject(LEASE).unwrap();
    let reserve = (64 << 20) / 100;
    assert!(
        (reserve - 4096..=reserve + 4096).contains(&disk.free()),
        "{}",
        disk.free()
    );
    fault.heal().unwrap();
}
