//! Where what is written goes: pipes, links, devices, files that others may read.

use crate::command::{Workplace, small_trace};

#[test]
fn whoever_has_seen_enough_may_leave() {
    // A shell, for its pipe: `head` closes it after a line.
    let infinisim = assert_cmd::cargo::cargo_bin("infinisim");
    let script = format!(
        "set -o pipefail; {} trace generate dallas-50h 2>&1 | head -n 1",
        infinisim.display()
    );
    let ran = std::process::Command::new("bash").args(["-c", &script]).output().unwrap();
    assert!(ran.status.success());
    assert_eq!(ran.stdout, b"time_s,key,size,op\n");
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_standard_output_is_named() {
    let infinisim = assert_cmd::cargo::cargo_bin("infinisim");
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let mut command = std::process::Command::new(infinisim);
    let ran = command.args(["trace", "generate", "dallas-50h"]).stdout(full).output().unwrap();
    let said = String::from_utf8(ran.stderr).unwrap();
    assert!(said.contains("error: standard output: cannot be written: No space left"), "{said}");
    assert_eq!(ran.status.code(), Some(1));
}

#[test]
fn a_link_is_followed_and_a_device_is_written_to() {
    let workplace = Workplace::new().file("target.csv", "before");
    std::os::unix::fs::symlink("target.csv", workplace.path().join("link.csv")).unwrap();
    workplace.run("trace generate dallas-50h -o link.csv").ok();
    assert!(workplace.path().join("link.csv").is_symlink());
    let written = std::fs::metadata(workplace.path().join("target.csv")).unwrap().len();
    assert!(1_000_000 < written, "{written} bytes");
    let ran = workplace.run("trace generate dallas-50h -o /dev/stdout");
    assert_eq!(ran.ok().len() as u64, written);
}

#[test]
fn a_link_to_nothing_yet_is_followed() {
    let workplace = Workplace::new().file("trace.csv", small_trace(20));
    std::fs::create_dir(workplace.path().join("there")).unwrap();
    let link = |target: &str, name: &str| {
        std::os::unix::fs::symlink(target, workplace.path().join(name)).unwrap();
    };
    link("there/second.csv", "first.csv");
    link("third.csv", "there/second.csv");
    workplace.run("trace convert trace.csv -o first.csv").ok();
    assert!(workplace.path().join("first.csv").is_symlink());
    assert!(workplace.path().join("there/second.csv").is_symlink());
    assert!(workplace.path().join("there/third.csv").is_file());
}

#[test]
fn who_may_read_a_file_is_up_to_the_user() {
    use std::os::unix::fs::PermissionsExt;
    let workplace = Workplace::new().file("trace.csv", small_trace(20)).file("there.csv", "");
    let path = |name: &str| workplace.path().join(name);
    std::fs::set_permissions(path("there.csv"), std::fs::Permissions::from_mode(0o600)).unwrap();
    let script = format!(
        "for name in there new; do umask 027; {} trace convert trace.csv -o $name.csv; done",
        assert_cmd::cargo::cargo_bin("infinisim").display()
    );
    let mut shell = std::process::Command::new("bash");
    let ran = shell.current_dir(workplace.path()).args(["-c", &script]).output().unwrap();
    assert!(ran.status.success());
    let mode = |name: &str| path(name).metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("there.csv"), mode("new.csv")), (0o600, 0o640));
}
