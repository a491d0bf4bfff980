//! The same miss counts as libCacheSim (PyPI `libcachesim`), on files that we wrote.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::command::Workplace;

/// Prints the misses of one cache: format, file, policy, bytes.
const SCRIPT: &str = "
import sys, libcachesim as l
form, path, policy, size = sys.argv[1:]
def reader():
    p = l.ReaderInitParam()
    p.ignore_size_zero_req = False
    kind = {'lcs': l.TraceType.LCS_TRACE, 'oracle': l.TraceType.ORACLE_GENERAL_TRACE}.get(form)
    if kind is None:
        kind = l.TraceType.CSV_TRACE
        p.has_header, p.has_header_set, p.delimiter = True, True, ','
        p.time_field, p.obj_id_field, p.obj_size_field, p.obj_id_is_num = 1, 2, 3, True
    return l.TraceReader(path, kind, p)
n = reader().get_num_of_req()
cache = getattr(l, policy)(int(size), consider_obj_metadata=False)
print(round(cache.process_trace(reader())[0] * n))
";

/// A Python that has libCacheSim: `LIBCACHESIM_PYTHON`, or that of `make bench`.
fn python() -> Option<PathBuf> {
    let ours = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.venv/bin/python");
    let named = std::env::var_os("LIBCACHESIM_PYTHON").map(PathBuf::from);
    let found = [named, Some(ours)].into_iter().flatten().find(|it| {
        let ran = Command::new(it).args(["-c", "import libcachesim"]).output();
        ran.is_ok_and(|it| it.status.success())
    });
    if found.is_none() {
        println!("SKIPPED: no Python with libcachesim; name one by LIBCACHESIM_PYTHON");
    }
    found
}

#[test]
fn misses_are_those_of_libcachesim() {
    let Some(python) = python() else { return };
    let workplace = Workplace::new();
    // Keys are numbers and times whole seconds behind the first of these.
    workplace.run("trace convert synthetic:dallas-50h --clamp-size 4GB -o t.oracleGeneral").ok();
    for name in ["t.csv", "t.lcs", "t.v1.lcs", "t.v2.lcs"] {
        workplace.run(&format!("trace convert t.oracleGeneral -o {name}")).ok();
    }
    let files = [("csv", "t.csv"), ("lcs", "t.v1.lcs"), ("lcs", "t.v2.lcs"), ("lcs", "t.lcs")];
    for (form, name) in [("oracle", "t.oracleGeneral")].into_iter().chain(files) {
        for (theirs, ours) in [("LRU", "lru"), ("FIFO", "fifo"), ("Sieve", "sieve")] {
            let curve = format!("trace mrc {name} --policy {ours} --size 100GB --json");
            let expect = workplace.run(&curve).json()[0]["n_misses"].to_string();
            let path = workplace.path().join(name);
            let ran = Command::new(&python)
                .args(["-c", SCRIPT, form])
                .arg(path)
                .args([theirs, "100000000000"])
                .output()
                .expect("Python runs");
            let found = String::from_utf8_lossy(&ran.stdout);
            let said = String::from_utf8_lossy(&ran.stderr);
            assert_eq!(found.lines().last(), Some(&expect[..]), "{theirs} on {name}: {said}");
        }
    }
}
