//! `infinisim live`, with real functions.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// The function's program, where it is built: another crate's, so cargo does not build it for us.
fn bootstrap() -> Option<PathBuf> {
    let path = PathBuf::from(env!("CARGO_BIN_EXE_infinisim")).with_file_name("bootstrap");
    path.exists().then_some(path)
}

#[test]
fn up_serves_redis_clients_until_it_is_told_to_stop() {
    if bootstrap().is_none() {
        println!("skipped: there is no bootstrap; `cargo build -p nodefn` makes it");
        return;
    }
    let mut command = Command::new(env!("CARGO_BIN_EXE_infinisim"));
    command.args("live up --any-ports --nodes 6 --code 2+1 --memory 128MB".split(' '));
    let mut running = command.stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(running.stdout.take().unwrap()).lines();
    let mut said: Vec<String> = Vec::new();
    for line in lines {
        said.push(line.unwrap());
        if said.last().is_some_and(|it| it.starts_with("Ctrl-C")) {
            break;
        }
    }
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
