//! `infinisim live`, with real functions.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

/// The function's program, where it is built: another crate's, so cargo does not build it for us.
fn bootstrap() -> Option<PathBuf> {
    let path = PathBuf::from(env!("CARGO_BIN_EXE_infinisim")).with_file_name("bootstrap");
    if !path.exists() {
        println!("SKIPPED: there is no bootstrap; `cargo build -p nodefn` makes it");
        return None;
    }
    Some(path)
}

/// Runs `infinisim` with a runtime directory of its own in `dir`, and by default with fewer open
/// files than a replay takes.
fn infinisim(dir: &Path, arguments: &str) -> Command {
    let mut command = Command::new("sh");
    let limited = r#"ulimit -S -n 256 && exec "$0" "$@""#;
    command.args(["-c", limited, env!("CARGO_BIN_EXE_infinisim")]);
    command.env("XDG_RUNTIME_DIR", dir).current_dir(dir).args(arguments.split_whitespace());
    command
}

/// What a run printed that has to end with this code, and its complaints.
#[track_caller]
fn ran(dir: &Path, arguments: &str, exit_code: i32) -> (String, String) {
    let output = infinisim(dir, arguments).output().unwrap();
    let text = |it: Vec<u8>| String::from_utf8(it).unwrap();
    let (stdout, stderr) = (text(output.stdout), text(output.stderr));
    assert_eq!(output.status.code(), Some(exit_code), "{arguments}: {stderr}");
    (stdout, stderr)
}

/// Starts `live up`, and gives what it said once it was up.
fn up(dir: &Path, arguments: &str) -> (Child, Vec<String>) {
    let mut command = infinisim(dir, &format!("live up {arguments}"));
    let mut running = command.stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(running.stdout.take().unwrap()).lines();
    let mut said: Vec<String> = Vec::new();
    for line in lines {
        said.push(line.unwrap());
        if said.last().is_some_and(|it| it.starts_with("Ctrl-C")) {
            break;
        }
    }
    (running, said)
}

#[test]
fn up_serves_redis_clients_until_it_is_told_to_stop() {
    if bootstrap().is_none() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let (mut running, said) = up(dir.path(), "--any-ports --nodes 6 --code 2+1 --memory 128MB");
    let redis = said.iter().find_map(|it| it.strip_prefix("redis")).unwrap().trim();
    let mut client = TcpStream::connect(redis).unwrap();
    let mut ask = |command: &[u8], answer: &[u8]| {
        client.write_all(command).unwrap();
        let mut read = vec![0; answer.len()];
        client.read_exact(&mut read).unwrap();
        assert_eq!(String::from_utf8_lossy(&read), String::from_utf8_lossy(answer));
    };
    ask(b"*3\r\n$3\r\nSET\r\n$4\r\nsong\r\n$5\r\nla la\r\n", b"+OK\r\n");
    ask(b"*2\r\n$3\r\nGET\r\n$4\r\nsong\r\n", b"$5\r\nla la\r\n");

    let children = children_of(running.id());
    assert_eq!(children.len(), 6);
    let told = Command::new("kill").args(["-INT", &running.id().to_string()]).status().unwrap();
    assert!(told.success());
    assert!(running.wait().unwrap().success());
    for child in children {
        assert!(!PathBuf::from(format!("/proc/{child}")).exists(), "{child} is left");
    }
}

#[test]
fn an_interrupt_has_the_exit_code_of_one() {
    if bootstrap().is_none() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let last = format!("{TRACE}300,a,1000,GET\n");
    std::fs::write(dir.path().join("trace.csv"), last).unwrap();
    for command in ["live replay trace.csv", "live bench --rate 0.05"] {
        let mut command = infinisim(dir.path(), &format!("{command} {POOL}"));
        let mut running = command.stderr(Stdio::piped()).spawn().unwrap();
        while children_of(running.id()).is_empty() {
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        let told = Command::new("kill").args(["-INT", &running.id().to_string()]).status();
        assert!(told.unwrap().success());
        let mut said = String::new();
        running.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        assert_eq!(running.wait().unwrap().code(), Some(130), "{said}");
        assert!(said.ends_with("error: interrupted\n"), "{said}");
    }
}

/// Twelve requests in about a second: objects are read again, one is written and one deleted.
const TRACE: &str = "time_s,key,size,op
0,a,1000,GET
0.1,b,200000,GET
0.2,c,90000,PUT
0.3,a,1000,GET
0.5,b,200000,GET
0.6,c,90000,GET
0.7,a,1000,DELETE
0.8,a,1000,GET
0.9,d,5,GET
1.0,d,5,GET
1.1,c,90000,GET
1.2,b,200000,GET
";

const POOL: &str = "--nodes 6 --code 2+1 --memory 128MB";

#[test]
fn a_replay_has_the_schema_of_a_simulation() {
    if bootstrap().is_none() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("trace.csv"), TRACE).unwrap();
    let command = format!("live replay trace.csv {POOL} --store instant --json -o out");
    let live: Value = serde_json::from_str(&ran(dir.path(), &command, 0).0).unwrap();
    let system = "--system infinicache:nodes=6,code=2+1,memory=128MB,overhead=32MB,reclaim=none";
    let command = format!("compare trace.csv {system} --json");
    let simulated: Value = serde_json::from_str(&ran(dir.path(), &command, 0).0).unwrap();
    let keys = |it: &Value| -> Vec<String> { it.as_object().unwrap().keys().cloned().collect() };
    assert_eq!(keys(&live), keys(&simulated));
    let [live, simulated] = [live, simulated].map(|it| it["systems"][0].clone());
    assert_eq!(keys(&live), keys(&simulated));
    for key in ["n_gets", "n_puts", "n_deletes", "n_compulsory_misses", "n_resets", "n_hits"] {
        assert_eq!(live[key], simulated[key], "{key}");
    }
    assert!(0.0 < live["cost_usd"]["total"].as_f64().unwrap());
    let names = ["invocations.jsonl", "reclaims.csv", "results.csv", "results.json"];
    for name in names {
        assert!(dir.path().join("out").join(name).exists(), "{name}");
    }
}

#[test]
fn a_replay_opens_no_more_files_than_it_may_and_leaves_no_other_results_beside_its_own() {
    if bootstrap().is_none() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("trace.csv"), TRACE).unwrap();
    ran(dir.path(), "compare trace.csv --system s3 -o out", 0);
    let out = dir.path().join("out");
    assert!(out.join("index.html").exists());
    // So many for each request, for 256 of which there are too few.
    let mut command = Command::new("sh");
    let limited = r#"ulimit -n 1000 && exec "$0" "$@""#;
    command.args(["-c", limited, env!("CARGO_BIN_EXE_infinisim")]).current_dir(dir.path());
    let replay = format!("live replay trace.csv {POOL} --store instant -o out");
    let output = command.args(replay.split_whitespace()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut names: Vec<_> =
        std::fs::read_dir(out).unwrap().map(|it| it.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["invocations.jsonl", "reclaims.csv", "results.csv", "results.json"]);
    // Nothing was taken back, which is a schedule too.
    let again =
        format!("live replay trace.csv {POOL} --reclaim schedule:out/reclaims.csv --limit 1");
    ran(dir.path(), &again, 0);
}

#[test]
fn a_cache_that_is_starting_has_its_name_and_can_be_stopped() {
    if bootstrap().is_none() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let up = format!("live up --any-ports {POOL} --name one --cold-start 20s");
    let mut pair = [(); 2].map(|()| {
        infinisim(dir.path(), &up).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    });
    let socket = dir.path().join("infinisim/one.sock");
    while !socket.exists() {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let (_, stderr) = ran(dir.path(), "live replay none.csv --running --name one", 1);
    assert!(stderr.contains("only starting"), "{stderr}");
    ran(dir.path(), "live down --name one", 0);
    let mut ended = pair.each_mut().map(|it| it.wait().unwrap().code());
    ended.sort();
    assert_eq!(ended, [Some(0), Some(1)]);
}

#[test]
fn a_replay_on_what_another_left_says_so_and_one_that_fails_is_an_error() {
    if bootstrap().is_none() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("trace.csv"), TRACE).unwrap();
    std::fs::write(dir.path().join("other.csv"), TRACE.replace("200000", "300000")).unwrap();
    let (mut running, _) = up(dir.path(), &format!("--any-ports {POOL}"));
    ran(dir.path(), "live replay trace.csv --running --store instant", 0);
    let (_, stderr) = ran(dir.path(), "live replay other.csv --running --store instant", 1);
    assert!(stderr.contains("the cache already had other bytes for `b`"), "{stderr}");
    ran(dir.path(), "live down", 0);
    assert!(running.wait().unwrap().success());
    let huge = format!("{TRACE}1.3,e,900000000,PUT\n");
    std::fs::write(dir.path().join("huge.csv"), huge).unwrap();
    let out = dir.path().join("out");
    std::fs::create_dir(&out).unwrap();
    let others = ["profile.toml", "validation.json", "sweep.csv"].map(|it| out.join(it));
    for it in &others {
        std::fs::write(it, "").unwrap();
    }
    let command = format!("live replay huge.csv {POOL} --store instant -o out");
    let (stdout, stderr) = ran(dir.path(), &command, 1);
    assert!(stderr.contains("1 requests failed, the first one so: "), "{stderr}");
    assert!(stdout.contains("1 requests failed"), "{stdout}");
    assert!(out.join("results.json").exists() && others.iter().all(|it| !it.exists()));
}

#[test]
fn functions_that_run_are_priced_by_a_book_that_knows_their_memory() {
    if bootstrap().is_none() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("trace.csv"), TRACE).unwrap();
    let pool = POOL.replace("128MB", "200MB");
    let (mut running, _) = up(dir.path(), &format!("--any-ports {pool}"));
    let replay = "live replay trace.csv --running --store instant";
    let (_, stderr) = ran(dir.path(), replay, 2);
    let expect = "have memory in steps of 64 MB, not 200 MB; write 192 or 256 MB; these run \
                  already, so name another book with --prices, such as aws-us-east-1-2026-09";
    assert!(stderr.contains(expect), "{stderr}");
    ran(dir.path(), &format!("{replay} --prices aws-us-east-1-2026-09"), 0);
    ran(dir.path(), "live down", 0);
    assert!(running.wait().unwrap().success());
}

#[test]
fn a_running_cache_is_found_asked_and_stopped_by_its_name() {
    if bootstrap().is_none() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("trace.csv"), TRACE).unwrap();
    let (mut running, said) = up(dir.path(), &format!("--any-ports {POOL} --name one"));
    assert!(said.last().unwrap().ends_with("`infinisim live down --name one`"), "{said:?}");
    let (_, stderr) = ran(dir.path(), &format!("live up --any-ports {POOL} --name one"), 1);
    assert!(stderr.contains("a live cache called `one` is running"), "{stderr}");
    let replay =
        "live replay trace.csv --running --name one --store instant --prices aws-us-east-1-2026-09";
    let before = bill(dir.path(), "one");
    let live: Value =
        serde_json::from_str(&ran(dir.path(), &format!("{replay} --json"), 0).0).unwrap();
    assert_eq!(live["systems"][0]["n_gets"], 10);
    // The cache bills by its own step, whatever that of the prices.
    assert_eq!(live["receipt"]["quantum_ms"], 100);
    // Those that ran on when the last request was answered are in it.
    let after = bill(dir.path(), "one");
    let n_since = n_invocations(&after) - n_invocations(&before);
    assert!(0 < n_since);
    assert_eq!(live["systems"][0]["n_invocations"], n_since);
    // What was noted of another run is not of this one.
    let out = dir.path().join("out");
    let names = ["invocations.jsonl", "reclaims.csv"].map(|it| out.join(it));
    std::fs::create_dir(&out).unwrap();
    for it in &names {
        std::fs::write(it, "").unwrap();
    }
    ran(dir.path(), &format!("{replay} --limit 1 -o out"), 0);
    assert!(names.iter().all(|it| !it.exists()));
    let shorter: Value =
        serde_json::from_slice(&std::fs::read(out.join("results.json")).unwrap()).unwrap();
    let hash_of = |it: &Value| it["receipt"]["experiment_hash"].as_str().unwrap().to_owned();
    assert_ne!(hash_of(&shorter), hash_of(&live), "a part is no further run of the same");
    let bench = "live bench --running --name one --size 1kB,40kB --objects 2 --requests 50 --json";
    let measured: Value = serde_json::from_str(&ran(dir.path(), bench, 0).0).unwrap();
    assert_eq!(measured["n_failures"], 0);
    ran(dir.path(), "live down --name one", 0);
    assert!(running.wait().unwrap().success());
    let (_, stderr) = ran(dir.path(), "live down --name one", 1);
    assert!(stderr.contains("no live cache called `one` is running"), "{stderr}");
    // One of the same name is another cache, and its bill says so.
    let (mut running, _) = up(dir.path(), &format!("--any-ports {POOL} --name one"));
    let anew = bill(dir.path(), "one");
    assert_eq!(
        (after["cache"] == before["cache"], anew["cache"] == before["cache"]),
        (true, false)
    );
    ran(dir.path(), "live down --name one", 0);
    assert!(running.wait().unwrap().success());
}

#[test]
fn a_validation_shows_both_side_by_side() {
    if bootstrap().is_none() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("trace.csv"), TRACE).unwrap();
    let command = format!("live validate trace.csv {POOL} --store instant --json -o out");
    let shown: Value = serde_json::from_str(&ran(dir.path(), &command, 0).0).unwrap();
    let rows = shown["rows"].as_array().unwrap();
    let row = |id: &str| rows.iter().find(|it| it["id"] == id).unwrap();
    assert_eq!(
        (row("n_hits")["live"].as_f64(), row("n_hits")["simulated"].as_f64()),
        (Some(6.0), Some(6.0))
    );
    assert!(row("n_invocations")["rel_error"].is_f64() && row("billed_s")["tolerance"].is_f64());
    let out = dir.path().join("out");
    let profile = out.join("profile.toml");
    let compare = format!("compare trace.csv --system infinicache --profile {}", profile.display());
    ran(dir.path(), &compare, 0);
    for name in ["validation.svg", "validation.png", "validation.json", "results.json"] {
        assert!(out.join(name).exists(), "{name}");
    }
}

#[test]
fn what_makes_no_sense_is_said_before_anything_is_started() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("trace.csv"), TRACE).unwrap();
    let check = |arguments: &str, exit_code: i32, expect: &str| {
        let (stdout, stderr) = ran(dir.path(), arguments, exit_code);
        assert!(stderr.contains(expect), "{arguments}: {stderr}");
        assert_eq!(stdout, "");
    };
    check("live replay trace.csv --speed 0", 2, "write a factor from 0.001 to 10000");
    check("live replay trace.csv --store s4", 2, "invalid value 's4'");
    check("live replay trace.csv --memory 128kB", 2, "write whole megabytes");
    check("live replay trace.csv --code 4+2 --nodes 5", 2, "nodes=5");
    for command in ["up --any-ports", "bench"] {
        let arguments = format!("live {command} --nodes 4 --code 10+2");
        check(&arguments, 2, "4 functions cannot hold an object of 10+2: give at least 12");
    }
    check("live replay trace.csv --warmup 5ms", 2, "write at least 1s, or off");
    check("live replay trace.csv --running", 1, "no live cache called `live` is running");
    check("live replay trace.csv --bootstrap none", 1, "there is no none; build it");
    check("live replay no.csv", 1, "no.csv");
    check("live bench --rate 5 --clients 2", 2, "cannot be used with");
    check("live bench --reads 1.5", 2, "write a share from 0 to 1");
    check("live bench --size 0B", 2, "write at least 1B");
    check("live bench --size 1kB,2kB,1000B", 2, "--size has 1 kB twice; leave one out");
    let huge = u64::MAX;
    check(&format!("live bench --objects {huge}"), 2, "write a number from 1 to 1000000");
    check(&format!("live bench --requests {huge}"), 2, "write a number from 1 to 10000000");
    check("live bench --running --nodes 300", 2, "cannot be used with");
    check("live replay trace.csv --running --reclaim mass:1h", 2, "cannot be used with");
    check("live down", 1, "no live cache called `live` is running");
    check("live down --name ../x", 2, "letters, digits");
    check("live validate trace.csv --speed fast", 2, "write a factor");
}

/// What a running cache has billed once nothing is under way.
fn bill(dir: &Path, name: &str) -> Value {
    loop {
        let path = dir.join("infinisim").join(format!("{name}.sock"));
        let mut stream = UnixStream::connect(path).unwrap();
        stream.write_all(b"bill\n").unwrap();
        let bill: Value = serde_json::from_reader(stream).unwrap();
        if bill["n_running"] == 0 {
            return bill;
        }
    }
}

fn n_invocations(bill: &Value) -> u64 {
    let kinds = bill["kinds"].as_object().unwrap().values();
    kinds.map(|it| it["n_invocations"].as_u64().unwrap()).sum()
}

/// The processes whose parent is this one.
fn children_of(process: u32) -> Vec<String> {
    let is_child = |status: &str| status.contains(&format!("\nPPid:\t{process}\n"));
    std::fs::read_dir("/proc")
        .unwrap()
        .filter_map(|it| it.ok()?.file_name().into_string().ok())
        .filter(|it| {
            std::fs::read_to_string(format!("/proc/{it}/status")).is_ok_and(|it| is_child(&it))
        })
        .collect()
}
