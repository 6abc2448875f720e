//! `stress.io_errors`: what a program sees of its files, during and after.

use std::fs;
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::time::{Duration, Instant};

use rchaos::fault::process::Find;
use rchaos::fault::stress::{ErrorNumber, IO_ERRORS, IoErrors, Operation, Rule};
use rchaos::fault::{Context, Fault, Healed, Target};

use crate::support::faults::{LEASE, build, context, eventually};
use crate::support::gate;
use crate::support::groups::Shell;
use crate::support::rollback::crash_tests;

/// A folder on a disk of its own kind, and its fault; unmounted with the test, also when it fails.
struct Folder(tempfile::TempDir);

impl Folder {
    fn make() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn mounts(&self) -> usize {
        let text = fs::read_to_string("/proc/self/mountinfo").unwrap();
        let path = format!(" {} ", self.path().display());
        text.lines().filter(|line| line.contains(&path)).count()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        while self.mounts() > 0 {
            let flags = rustix::mount::UnmountFlags::DETACH;
            rustix::mount::unmount(self.path(), flags).unwrap();
        }
    }
}

fn errors(folder: &Folder, on: &[Operation], errno: Option<&str>) -> IoErrors {
    IoErrors {
        path: folder.path().to_owned(),
        target: None,
        rule: Rule {
            on: on.to_vec(),
            share: 1.0,
            delay: None,
            errno: errno.map(|name| ErrorNumber::parse(name).unwrap()),
        },
        force: false,
    }
}

fn inject(options: &IoErrors, context: &Context) -> Box<dyn Fault> {
    let mut fault = build(&IO_ERRORS, options, context);
    fault.preflight().unwrap();
    fault.inject(LEASE).unwrap();
    assert!(fault.inspect().unwrap().installed);
    fault
}

#[test]
fn a_program_gets_the_error_until_it_is_healed() {
    if !gate::met("fuse", "a_program_gets_the_error_until_it_is_healed") {
        return;
    }
    let folder = Folder::make();
    let file = folder.path().join("file");
    fs::write(&file, "before").unwrap();
    let options = errors(&folder, &[Operation::Read, Operation::Sync], Some("EIO"));
    let mut fault = inject(&options, &context());
    let error = fs::read(&file).unwrap_err();
    assert_eq!(error.raw_os_error(), Some(5), "{error}");
    // Other operations are done as usual, and on the folder below.
    let mut written = fs::File::create(folder.path().join("new")).unwrap();
    written.write_all(b"during").unwrap();
    assert_eq!(written.sync_all().unwrap_err().raw_os_error(), Some(5));
    drop(written);
    eventually("its hits are counted", Duration::from_secs(10), || {
        fault.inspect().unwrap().hits == Some(2)
    });
    assert_eq!(fault.heal(), Ok(Healed::Restored));
    assert_eq!(folder.mounts(), 0);
    assert_eq!(fs::read(&file).unwrap(), b"before");
    assert_eq!(fs::read(folder.path().join("new")).unwrap(), b"during");
    assert_eq!((IO_ERRORS.recover)(&fault.undo()), Ok(Healed::Unchanged));
}

#[test]
fn the_folder_is_what_it_is_without_us() {
    if !gate::met("fuse", "the_folder_is_what_it_is_without_us") {
        return;
    }
    let folder = Folder::make();
    fs::create_dir(folder.path().join("sub")).unwrap();
    // Nothing that is done here is hit.
    let mut options = errors(&folder, &[Operation::List], None);
    options.rule.delay = Some(Duration::from_millis(1));
    let mut fault = inject(&options, &context());
    let path = |name: &str| folder.path().join(name);
    let block: Vec<u8> = (0..700_000_u32).map(|n| n.to_le_bytes()[1]).collect();
    fs::write(path("sub/large"), &block).unwrap();
    assert_eq!(fs::read(path("sub/large")).unwrap(), block);
    let mut file = fs::OpenOptions::new()
        .read(true)
        .append(true)
        .open(path("sub/large"))
        .unwrap();
    file.write_all(b"tail").unwrap();
    file.seek(SeekFrom::End(-4)).unwrap();
    let mut tail = String::new();
    file.read_to_string(&mut tail).unwrap();
    assert_eq!(tail, "tail");
    file.set_len(10).unwrap();
    assert_eq!(file.metadata().unwrap().len(), 10);
    fs::rename(path("sub/large"), path("moved")).unwrap();
    fs::hard_link(path("moved"), path("twin")).unwrap();
    assert_eq!(fs::metadata(path("twin")).unwrap().nlink(), 2);
    symlink("moved", path("link")).unwrap();
    assert_eq!(fs::read_link(path("link")).unwrap(), Path::new("moved"));
    assert_eq!(fs::read(path("link")).unwrap(), block[..10]);
    fs::set_permissions(path("moved"), fs::Permissions::from_mode(0o640)).unwrap();
    assert_eq!(fs::metadata(path("moved")).unwrap().mode() & 0o777, 0o640);
    let mut names: Vec<_> = fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["link", "moved", "sub", "twin"]);
    fs::remove_file(path("twin")).unwrap();
    let error = fs::File::create_new(path("moved")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AlreadyExists);
    assert_eq!(
        fs::remove_dir(path("moved")).unwrap_err().kind(),
        ErrorKind::NotADirectory
    );
    fs::remove_dir(path("sub")).unwrap();
    assert_eq!(
        fs::metadata(path("sub")).unwrap_err().kind(),
        ErrorKind::NotFound
    );
    let many = path("many");
    fs::create_dir(&many).unwrap();
    for n in 0..500 {
        fs::write(many.join(format!("file-{n:04}")), b"").unwrap();
    }
    assert_eq!(fs::read_dir(&many).unwrap().count(), 500);
    drop(file);
    assert_eq!(fault.heal(), Ok(Healed::Restored));
    assert_eq!(fs::read(path("link")).unwrap(), block[..10]);
    assert_eq!(fs::metadata(path("moved")).unwrap().mode() & 0o777, 0o640);
}

#[test]
fn operations_come_late_and_do_not_hold_up_each_other() {
    if !gate::met("fuse", "operations_come_late_and_do_not_hold_up_each_other") {
        return;
    }
    let folder = Folder::make();
    let delay = Duration::from_secs(1);
    let mut options = errors(&folder, &[Operation::Write], None);
    options.rule.delay = Some(delay);
    let mut fault = inject(&options, &context());
    let began = Instant::now();
    std::thread::scope(|scope| {
        for n in 0..8 {
            let file = folder.path().join(n.to_string());
            scope.spawn(move || fs::write(file, b"late").unwrap());
        }
    });
    let took = began.elapsed();
    // All eight at once: far less than one after the other.
    assert!(took >= delay && took < delay * 6, "{took:?}");
    assert_eq!(fault.heal(), Ok(Healed::Restored));
    assert_eq!(fs::read(folder.path().join("7")).unwrap(), b"late");
}

#[test]
fn a_share_is_hit_and_the_same_seed_hits_the_same() {
    if !gate::met("fuse", "a_share_is_hit_and_the_same_seed_hits_the_same") {
        return;
    }
    let round = || {
        let folder = Folder::make();
        let mut options = errors(&folder, &[Operation::Open], Some("EMFILE"));
        options.rule.share = 0.3;
        let file = folder.path().join("file");
        fs::write(&file, b"").unwrap();
        let mut context = context();
        context.id = 7;
        let mut fault = inject(&options, &context);
        let failed: Vec<bool> = (0..200).map(|_| fs::File::open(&file).is_err()).collect();
        fault.heal().unwrap();
        failed
    };
    let failed = round();
    let count = failed.iter().filter(|failed| **failed).count();
    assert!((35..=85).contains(&count), "{count} of 200");
    assert_eq!(round(), failed);
}

#[test]
fn what_is_mounted_over_it_since_is_left_and_said() {
    if !gate::met("fuse", "what_is_mounted_over_it_since_is_left_and_said") {
        return;
    }
    let folder = Folder::make();
    let options = errors(&folder, &[Operation::Read], Some("EIO"));
    let mut fault = inject(&options, &context());
    let over = rustix::mount::MountFlags::empty();
    rustix::mount::mount("test", folder.path(), "tmpfs", over, None).unwrap();
    let healed = fault.heal().unwrap();
    assert!(matches!(healed, Healed::Drifted(_)), "{healed:?}");
    rustix::mount::unmount(folder.path(), rustix::mount::UnmountFlags::DETACH).unwrap();
    assert_eq!((IO_ERRORS.recover)(&fault.undo()), Ok(Healed::Restored));
    assert_eq!(folder.mounts(), 0);
}

#[test]
fn the_system_s_own_folders_are_refused() {
    if !gate::met("fuse", "the_system_s_own_folders_are_refused") {
        return;
    }
    for path in ["/", "/proc/self", "/dev"] {
        let mut options = errors(&Folder::make(), &[Operation::Read], Some("EIO"));
        options.path = path.into();
        let mut fault = build(&IO_ERRORS, &options, &context());
        let error = fault.preflight().unwrap_err().to_string();
        assert!(error.contains("the system's own"), "{error}");
    }
}

/// A program in mounts of its own, with a folder there that nobody else sees; it reads a file again and again.
fn reader(folder: &Folder) -> Shell {
    let path = folder.path().display();
    let inside = format!(
        "mount -t tmpfs none {path} && echo data > {path}/file && while kill -0 $OUTER; do cat {path}/file; sleep 0.02; done"
    );
    // It ends with the shell around it, also where the test fails.
    Shell::start(&format!(
        "export OUTER=$$; unshare --mount sh -c '{inside}' & wait"
    ))
}

/// The process behind the last line that it wrote, once it reads.
fn last(shell: &Shell) -> String {
    let output = shell.output();
    output
        .trim_end()
        .rsplit('\n')
        .next()
        .unwrap_or_default()
        .to_owned()
}

fn in_mounts_of(folder: &Folder, shell: &Shell) -> Option<Target> {
    let path = format!(" {} ", folder.path().display());
    let all = fs::read_dir("/proc").unwrap().flatten();
    let pid = all.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    let pid = pid.into_iter().find(|pid| {
        let mounts = fs::read_to_string(format!("/proc/{pid}/mountinfo")).unwrap_or_default();
        let comm = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
        comm.trim() == "sh" && mounts.contains(&path)
    })?;
    assert!(last(shell) == "data");
    let find = Find {
        pid: Some(pid),
        ..Find::default()
    };
    Some(Target::Process { find })
}

/// Ends the program in its mounts, and with it those.
struct Ended(Target);

impl Drop for Ended {
    fn drop(&mut self) {
        if let Target::Process { find } = &self.0 {
            for one in find.all().unwrap_or_default() {
                let _ = one.identity.signal(rustix::process::Signal::KILL);
            }
        }
    }
}

#[test]
fn a_target_s_own_mounts_are_where_it_is() {
    if !gate::met("fuse", "a_target_s_own_mounts_are_where_it_is") {
        return;
    }
    let folder = Folder::make();
    let shell = reader(&folder);
    eventually("it reads", Duration::from_secs(20), || {
        last(&shell) == "data"
    });
    let target = Ended(in_mounts_of(&folder, &shell).unwrap());
    let mut options = errors(&folder, &[Operation::Read], Some("EIO"));
    options.target = Some(target.0.clone());
    let mut fault = inject(&options, &context());
    eventually("it gets the error", Duration::from_secs(20), || {
        last(&shell).contains("Input/output error")
    });
    // Nobody else has it.
    assert_eq!(folder.mounts(), 0);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    let undo = fault.undo();
    assert_eq!(fault.heal(), Ok(Healed::Restored));
    eventually("it reads again", Duration::from_secs(20), || {
        last(&shell) == "data"
    });
    assert_eq!((IO_ERRORS.recover)(&undo), Ok(Healed::Unchanged));
}

#[test]
fn files_are_well_again_whoever_is_lost() {
    if !gate::met("fuse", "files_are_well_again_whoever_is_lost") {
        return;
    }
    let folder = Folder::make();
    let file = folder.path().join("file");
    fs::write(&file, b"data").unwrap();
    let private = Folder::make();
    let shell = reader(&private);
    eventually("it reads", Duration::from_secs(20), || {
        last(&shell) == "data"
    });
    let target = Ended(in_mounts_of(&private, &shell).unwrap());
    let Target::Process { find } = &target.0 else {
        unreachable!("it is one");
    };
    let body = format!(
        r#"
inject(stress.io_errors {{ path = "{}", errno = "EIO" }})
inject(stress.io_errors {{ path = "{}", errno = "EIO", target = process.find {{ pid = {} }} }})
"#,
        folder.path().display(),
        private.path().display(),
        find.pid.unwrap()
    );
    let mounted = || {
        let text = fs::read_to_string(format!("/proc/{}/mountinfo", find.pid.unwrap())).unwrap();
        // Its namespace may have been copied while other tests had mounts of that kind, which stay there.
        let place = format!(" {} ", private.path().display());
        let ours = |line: &str| line.contains(&place) && line.contains(" rchaos-");
        text.lines().any(ours)
    };
    crash_tests(&body, || {
        folder.mounts() > 0 || fs::read(&file).is_err() || mounted()
    });
    assert_eq!(fs::read(&file).unwrap(), b"data");
    eventually("it reads again", Duration::from_secs(20), || {
        last(&shell) == "data"
    });
}
