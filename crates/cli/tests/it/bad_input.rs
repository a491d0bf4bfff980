//! What goes wrong, and what the program says of it: each on the real binary.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use insta::assert_snapshot;

use crate::command::{Workplace, small_trace};

/// The exit code of a run that fails and what it says, notes on the trace aside.
#[track_caller]
fn failure(workplace: &Workplace, arguments: &str) -> String {
    let ran = workplace.run(arguments);
    let said: Vec<&str> = ran.stderr.lines().filter(|it| !it.starts_with("note: ")).collect();
    assert_eq!(ran.stdout, "", "nothing half-done is printed");
    format!("{}: {}", ran.exit_code, said.join("\n"))
}

/// The same for `infinisim trace info` on a file of this content.
#[track_caller]
fn failure_on(content: impl AsRef<[u8]>) -> String {
    failure(&Workplace::new().file("trace.csv", content), "trace info trace.csv")
}

/// The notes of `infinisim trace info` on a file of this content, and what is printed first.
#[track_caller]
fn notes_on(content: &str) -> String {
    let ran = Workplace::new().file("trace.csv", content).run("trace info trace.csv");
    let notes: Vec<&str> = ran.stderr.lines().skip(1).collect();
    let n_requests = ran.stdout.lines().next().unwrap_or_default().to_owned();
    assert_eq!(ran.exit_code, 0, "{}", ran.stderr);
    format!("{}\n{n_requests}", notes.join("\n"))
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).expect("memory");
    encoder.finish().expect("memory")
}

#[test]
fn a_trace_that_is_not_there_or_is_none() {
    let workplace = Workplace::new();
    std::fs::create_dir(workplace.path().join("traces")).expect("a directory can be made");
    assert_snapshot!(failure(&workplace, "compare trace.csv"), @"1: error: failed to open file `trace.csv`: No such file or directory (os error 2)");
    assert_snapshot!(failure(&workplace, "compare traces"), @"1: error: no trace file in directory `traces`");
    assert_snapshot!(failure(&workplace, "compare synthetic:london"), @"2: error: no profile is called `london`; write dallas-50h, dallas-50h-large, london-50h, dallas-75d or the path of a .toml file");
    assert_snapshot!(failure_on(""), @"1: error: trace.csv: the file is empty; a trace has one request per row");
    assert_snapshot!(failure_on("time,key,size\n"), @"1: error: trace.csv: there is a header but no row below it");
    assert_snapshot!(failure_on([0_u8, 159, 146, 150, 7, 0, 255, 1]), @"1: error: trace.csv: this is not text (byte 0x00 at offset 0) and no binary format has a mark to know it by; if it is a binary trace, name its format, such as `--format oracleGeneral`");
}

#[test]
fn a_truncated_file() {
    let whole = gzip(small_trace(500).as_bytes());
    assert_snapshot!(failure_on(&whole[..whole.len() / 2]), @"1: error: trace.csv: the gzip data stops before its end: the file is cut short; copy or download it again");
}

#[test]
fn columns_that_are_not_there() {
    assert_snapshot!(failure_on("when,what,much\n1,a,2\n"), @"1: error: trace.csv: no column is recognised as the time or the key or the size; the columns are `when`, `what`, `much`; say which with `--time-column` and `--key-column` and `--size-column`");
    let workplace = Workplace::new().file("trace.csv", "when,what,much\n1,a,2\n");
    assert_snapshot!(failure(&workplace, "trace info trace.csv --time-column time"), @"1: error: trace.csv: there is no column `time` for the time; the columns are `when`, `what`, `much`; say which with `--time-column`");
    let named = "--time-column when --key-column what --size-column much --time-unit s";
    assert!(workplace.run(&format!("trace info trace.csv {named}")).ok().contains("requests"));
}

#[test]
fn flags_of_which_nothing_would_come() {
    let workplace = Workplace::new().file("trace.csv", small_trace(20));
    let of = |arguments: &str| failure(&workplace, &format!("trace info {arguments}"));
    assert_snapshot!(of("synthetic:dallas-50h --format csv --time-column 1 --cache copies"), @"2: error: `synthetic:dallas-50h` is made, not read; leave out `--format` and `--time-column` and `--cache`");
    assert_snapshot!(of("- --cache copies"), @"2: error: `-` can be read but once, and is one file; leave out `--cache`");
    assert_snapshot!(of("trace.csv --dc dal09"), @"2: error: `trace.csv` is one file; leave out `--dc`");
    assert_snapshot!(of("trace.csv --method PUT --status 404"), @"1: error: trace.csv: this is delimited text, and `--method`, `--blobs` and `--status` choose among the records of a Docker registry; leave them out");
    let convert = failure(&workplace, "trace convert trace.csv -o new.csv --dc dal09");
    assert_eq!(convert, of("trace.csv --dc dal09"));
}

#[test]
fn values_that_make_no_sense() {
    assert_snapshot!(failure_on("time_s,key,size\n0,a,10\n1,b,-5\n"), @"1: error: trace.csv, line 3: column `size`: `-5` is a size below zero; remove the row, or correct it to a whole number of bytes");
    assert_snapshot!(failure_on("time_s,key,size\n0,a,10\n1,b,large\n"), @"1: error: trace.csv, line 3: column `size`: `large` is not a size; a size is a whole number of bytes, such as `72626` or `72626.0`");
    assert_snapshot!(failure_on("time_s,key,size\n0,a,10\n1,b,NaN\n"), @"1: error: trace.csv, line 3: column `size`: `NaN` is not a size; a size is a whole number of bytes, such as `72626` or `72626.0`");
    assert_snapshot!(failure_on("time_s,key,size\n0,a,10\nlater,b,5\n"), @"1: error: trace.csv, line 3: column `time_s`: `later` is not a number of seconds; a date-time is written `2017-06-20 00:00:26.626` and needs no `--time-unit`; is `--time-column` right?");
    assert_snapshot!(failure_on("time_s,key,size\n0,a,10\n1,b\n"), @"1: error: trace.csv, line 3: the row has 2 fields where the first has 3; a field that holds the delimiter must stand in double quotes, and a row cut short be completed or removed");
    assert_snapshot!(failure_on("time_s,key,size\n0,a,99999999999999999999\n"), @"1: error: trace.csv, line 2: column `size`: `99999999999999999999` is more than the largest size, 1 PiB; is `--size-column` right?");
}

#[test]
fn what_is_odd_is_said_and_not_refused() {
    assert_snapshot!(notes_on("time_s,key,size\n5,a,10\n3,b,10\n4,a,10\n"), @"
    note: trace.csv: 2 rows are earlier than one above (first at line 3): sorted by time
    requests                        3
    ");
    assert_snapshot!(notes_on("time_s,key,size\n0,a,0\n1,b,10\n"), @"
    note: trace.csv: 1 request is for an object of 0 bytes (first at line 2): kept
    requests                        2
    ");
    assert_snapshot!(notes_on("time_s,key,size,op\n0,a,5,GET\n1,b,10,HEAD\n"), @"
    note: trace.csv: 1 row that moves no object left out (HEAD: 1)
    requests                        1
    ");
}

#[test]
fn systems_that_cannot_be() {
    let workplace = Workplace::new().file("trace.csv", small_trace(20));
    let of = |system: &str| failure(&workplace, &format!("compare trace.csv --system {system}"));
    assert_snapshot!(of("redis"), @"2: error: no system is called `redis`; write elasticache:NODE_TYPE (such as elasticache:cache.r5.24xlarge), infinicache, s3 or tiers:SIZE;SYSTEM;SYSTEM");
    assert_snapshot!(of("elasticache:cache.r5.8xlarge"), @"2: error: price book `aws-us-east-1-2019-12` has no node type `cache.r5.8xlarge`; the nearest it has: `cache.r5.xlarge`, `cache.r5.2xlarge`, `cache.r5.24xlarge`, `cache.r5.large`; `infinisim prices show aws-us-east-1-2019-12` lists what it has");
    assert_snapshot!(of("infinicache:memory=128MB,overhead=200MB"), @"2: error: a function of memory=128 MB has no room beside overhead=200 MB; give it more memory or less overhead");
    assert_snapshot!(of("infinicache:nodes=8,code=10+2"), @"2: error: code=10+2 puts 12 chunks of an object on different functions, but nodes=8; raise nodes to at least 12 or choose a smaller code");
    assert_snapshot!(of("infinicache:reclaim=sometimes"), @"2: error: `reclaim=sometimes`: `sometimes` is not a reclaim process; write none, poisson:RATE/min, poisson:RATE/h, zipf:EXPONENT:MAX, idle:TIME, mass:TIME, schedule:FILE.csv, fig14:RUN (all, large or large_nobackup), or fig8:DATE or fig9:DATE (one of 2020-01-09, 2019-12-26, 2019-11-06, 2019-10-20, 2019-09-15, 2019-08-21)");
    let with = |flags: &str| failure(&workplace, &format!("compare trace.csv {flags}"));
    assert_snapshot!(with("--prices aws-1999"), @"2: error: no price book is called `aws-1999`, and no such file exists; write aws-us-east-1-2019-12, aws-us-east-1-2026-09 or the path of a .toml file");
    assert_snapshot!(with("--policy mru"), @"
    2: error: invalid value 'mru' for '--policy <POLICY>': no eviction policy is called `mru`; write one of lru, fifo, clock, lfu, sieve, s3-fifo, belady

    For more information, try '--help'.
    ");
    assert_snapshot!(with("--min-size 10"), @"
    2: error: invalid value '10' for '--min-size <SIZE>': `10` has no unit of size; write a number and a unit, such as `10MB` (decimal) or `10MiB` (binary)

    For more information, try '--help'.
    ");
    assert_snapshot!(with("--min-size 10GB"), @"1: error: `trace.csv`: none of the 20 requests is left (20 requests of less than 10 GB dropped); select less narrowly");
    assert_snapshot!(with("--json --csv"), @"
    2: error: the argument '--json' cannot be used with '--csv'

    Usage: infinisim compare --json <TRACE>

    For more information, try '--help'.
    ");
}

#[test]
fn an_object_larger_than_the_cache_is_a_miss_and_nothing_worse() {
    let trace = "time_s,key,size\n0,whale,900000000000\n1,whale,900000000000\n2,shrimp,10\n";
    let json = Workplace::new().file("trace.csv", trace).run("compare trace.csv --json").json();
    for system in [0, 1, 2] {
        let seen = &json["systems"][system];
        assert_eq!(seen["n_hits"], 0, "{seen}");
        assert_eq!(seen["n_compulsory_misses"], 2, "{seen}");
        assert_eq!(seen["n_capacity_misses"], 1, "{seen}");
    }
}

#[test]
fn times_that_were_guessed_wrong() {
    // 50 hours in milliseconds, and nothing that says so.
    let rows: Vec<String> = (0..2_000).map(|it| format!("{},a,1", it * 90_000)).collect();
    let trace = format!("time,key,size\n{}\n", rows.join("\n"));
    let workplace = Workplace::new().file("trace.csv", trace);
    assert_snapshot!(failure(&workplace, "compare trace.csv"), @"1: error: `trace.csv` spans 2082.29d if its times are seconds, which nothing says; name their unit with `--time-unit` (s, ms, us or ns)");
    // A converted copy would know the unit for certain, so none is kept.
    for _ in 0..2 {
        let again = failure(&workplace, "compare trace.csv --cache copies");
        assert!(again.contains("spans 2082.29d if its times are seconds"), "{again}");
    }
    let json = workplace.run("compare trace.csv --json --time-unit ms --system s3").json();
    assert_eq!(json["trace"]["span_s"], 179_910.0);
}

#[test]
fn traces_of_which_there_is_no_profile() {
    let puts = "time_s,key,size,op\n0,a,5,put\n1,b,5,put\n";
    let ages = "time_s,key,size\n0,a,5\n40000000,b,5\n";
    let workplace = Workplace::new().file("puts.csv", puts).file("ages.csv", ages);
    let workplace = workplace.file("like.toml", "as before");
    assert_snapshot!(failure(&workplace, "trace fit puts.csv -o like.toml"), @"1: error: `puts.csv`: a profile is of GETs, and none of the 2 requests is one");
    assert_snapshot!(failure(&workplace, "trace fit ages.csv -o like.toml --time-unit s"), @"1: error: `ages.csv`: the trace lasts 462.96d, and a profile at most 8766 hours; select as many with `--hours 8766`");
    let kept = std::fs::read_to_string(workplace.path().join("like.toml")).expect("it is there");
    assert_eq!(kept, "as before");
}

#[test]
fn experiments_that_cannot_be_run() {
    let good = "question = \"?\"\ntrace = \"trace.csv\"\nsystems = [\"s3\"]\n";
    let of = |text: &str| {
        let workplace = Workplace::new().file("trace.csv", small_trace(20)).file("it.toml", text);
        failure(&workplace, "run it.toml")
    };
    assert_snapshot!(of(&good.replace("systems", "system")), @r#"
    1: error: cannot read `it.toml`: TOML parse error at line 3, column 1
      |
    3 | system = ["s3"]
      | ^^^^^^
    unknown field `system`, expected one of `question`, `figure`, `trace`, `seeds`, `prices`, `accounting`, `policy`, `profile`, `systems`, `select`, `workload`, `sweep`, `traces`, `n_gets`, `processes`, `books`, `policies`, `sizes`, `reference`
    "#);
    assert_snapshot!(of(&good.replace("s3", "s4")), @"2: error: cannot run `it.toml`: no system is called `s4`; write elasticache:NODE_TYPE (such as elasticache:cache.r5.24xlarge), infinicache, s3 or tiers:SIZE;SYSTEM;SYSTEM");
    let figure = of(&format!("figure = \"fig2\"\n{good}"));
    assert!(figure.contains("no figure is called `fig2`; write one of table1, "), "{figure}");
    let workloads = |select: &str, names: [&str; 2]| {
        let text = names.map(|it| format!("[[workload]]\nname = \"{it}\"\nsystems = [\"s3\"]\n"));
        of(&format!("question = \"?\"\ntrace = \"trace.csv\"\n{select}{}", text.concat()))
    };
    let select = "select = { hours = \"1h\" }\n";
    assert_snapshot!(workloads(select, ["a", "b"]), @"2: error: cannot run `it.toml`: `select` stands beside `workload`; write it into each workload");
    assert_snapshot!(workloads("", ["a", "a"]), @"2: error: cannot run `it.toml`: `workload.name`: two are called `a`; give each a name of its own");
    assert_snapshot!(workloads("", ["a", "../b"]), @"2: error: cannot run `it.toml`: `workload.name`: `../b` cannot be a part of file names; write letters, digits, `_` and `-`");
    let bench =
        include_str!("../../../../experiments/fig12.toml").replace("n_gets = 40", "n_gets = 1");
    assert_snapshot!(of(&bench), @"2: error: cannot run `it.toml`: `n_gets` is 1; write at least 2");
    let nothing = of(&good.replace("systems = [\"s3\"]", ""));
    assert!(nothing.contains("`systems` is missing; write which to run"), "{nothing}");
    let none = "[[workload]]\nname = \"a\"\nsystems = []\n";
    assert_snapshot!(of(&format!("question = \"?\"\ntrace = \"trace.csv\"\n{none}")), @r#"2: error: cannot run `it.toml`: `systems` of workload `a` is missing; write which to run, such as ["infinicache"]"#);
    assert_snapshot!(of(&format!("{good}seeds = [3, 1, 3]")), @"2: error: cannot run `it.toml`: `seeds`: 3 stands there twice; leave one out");
    assert_snapshot!(of(&format!("{good}seeds = []")), @"2: error: cannot run `it.toml`: `seeds` is empty; write at least one");
    assert_snapshot!(of(&format!("{good}select.hours = \"soon\"")), @"2: error: cannot run `it.toml`: `select.hours`: `soon` is not a length of time; write a number and a unit, such as `100ms`, `30s`, `5min` or `50h`");
    assert_snapshot!(failure(&Workplace::new(), "run it.toml"), @"1: error: failed to open file `it.toml`: No such file or directory (os error 2)");
}

#[test]
fn figures_that_cannot_be_made_are_refused_before_anything_is_run() {
    let of = |figure: &str, rest: &str| {
        let text = format!("figure = \"{figure}\"\nquestion = \"?\"\n{rest}");
        let workplace = Workplace::new().file("trace.csv", small_trace(20)).file("it.toml", text);
        failure(&workplace, "run it.toml")
    };
    let trace = "trace = \"trace.csv\"\n";
    let systems = "systems = [\"s3:store=fast20\"]\n";
    assert_snapshot!(of("fig15b", &format!("{trace}{systems}")), @"2: error: cannot run `it.toml`: `reference` has 0 of the 1 or more entries that figure `fig15b` is made of; see experiments/fig15b.toml");
    assert_snapshot!(of("miss_ratios", trace), @"2: error: cannot run `it.toml`: `policies` has 0 of the 1 or more entries that figure `miss_ratios` is made of; see experiments/miss_ratios.toml");
    assert_snapshot!(of("miss_ratios", &format!("{trace}policies = [\"lru\"]\n")), @"2: error: cannot run `it.toml`: `sizes` has 0 of the 1 or more entries that figure `miss_ratios` is made of; see experiments/miss_ratios.toml");
    assert_snapshot!(of("codes", trace), @r#"2: error: cannot run `it.toml`: `systems` is missing; write which to run, such as ["infinicache"]"#);
    assert_snapshot!(of("break_even", "books = [\"aws-us-east-1-2019-12\"]\n"), @"2: error: cannot run `it.toml`: `books` has 1 of the 2 or more entries that figure `break_even` is made of; see experiments/break_even.toml");
    let narrow = "select = { min_size = \"1GB\" }\n";
    assert_snapshot!(of("codes", &format!("{trace}{systems}{narrow}")), @"1: error: cannot run `it.toml`: `trace.csv`: none of the 20 requests is left (20 requests of less than 1 GB dropped); select less narrowly");
}

#[test]
fn a_directory_that_cannot_be_written_is_found_before_the_run() {
    let workplace = Workplace::new().file("trace.csv", small_trace(20)).file("taken", "");
    let said = failure(&workplace, "compare trace.csv -o taken");
    assert!(said.starts_with("1: error: failed to create directory `taken`"), "{said}");
    let said = failure(&workplace, "calibrate -o none/profile.toml");
    assert!(said.starts_with("1: error: cannot write into `none`"), "{said}");
    assert_snapshot!(failure(&workplace, "calibrate -o ."), @"2: error: `.` is a directory; name a file");
    assert_snapshot!(failure(&workplace, "calibrate --profile aws-1999"), @"2: error: no profile is called `aws-1999`, and no such file exists; write aws-2019-fast20, aws-2024 or the path of a .toml file");
}

/// A cause that an error has in its own words is not said again.
#[test]
fn a_full_disk_is_said_once() {
    if !std::path::Path::new("/dev/full").exists() {
        return;
    }
    let workplace = Workplace::new().file("trace.csv", small_trace(20));
    assert_snapshot!(failure(&workplace, "trace convert trace.csv -o /dev/full"), @"1: error: cannot be written: failed to write to file `/dev/full`: No space left on device (os error 28)");
    let workplace = workplace.file("result.json", "no");
    assert_snapshot!(failure(&workplace, "reprice result.json"), @"1: error: `result.json` is no result: expected ident at line 1 column 2; write a result with `-o DIR` or `--json`");
}

/// A library panics at it, of which nothing is to be seen.
#[test]
fn a_damaged_parquet_file() {
    let damaged = include_bytes!("../../../trace/tests/fixtures/no-dictionary.parquet");
    assert_snapshot!(failure_on(damaged), @"1: error: trace.csv: this Parquet file cannot be read: Parquet error: its pages contradict its index; is it whole? Copy or write it again");
}

#[test]
fn a_number_that_is_none_is_refused_with_what_to_write() {
    let workplace = Workplace::new().file("trace.csv", small_trace(20));
    let check = |flags: &str, expect: &str| {
        let said = failure(&workplace, flags);
        assert!(said.starts_with("2: ") && said.contains(expect), "{flags}: {said}");
    };
    let of_time = "`-5` is not a length of time; write a number and a unit";
    check("compare trace.csv --hours -5", of_time);
    check("compare trace.csv --hours -5h", "`-5h` is not a length of time");
    check("compare trace.csv --min-size -5MB", "`-5MB` is not a size; write a number and a unit");
    check("compare trace.csv -j -5", "write a whole number from 1 on");
    let (from_0, from_1) = ("write a whole number from 0 on", "write a whole number from 1 on");
    check("compare trace.csv --seed -1", from_0);
    check("compare trace.csv --seed one", from_0);
    check("compare trace.csv --skip-bad -1", from_0);
    check("compare trace.csv --jobs 0", from_1);
    check("trace sample trace.csv --objects 0", from_1);
    check("trace sample trace.csv --rate -0.5", "write a share above 0");
    check("trace info trace.csv --status ok", from_0);
    check("live replay trace.csv --limit 0", from_1);
    check("live bench --nodes -3", "write a whole number from 1 to 4000");
    check("figures --seeds -1", "write a whole number from 1 to 1000");
    check("trace convert trace.csv -o x.csv.BZ2", "write `x.csv.gz` or `x.csv.zst`");
    check("compare trace.csv --policy mru", "no eviction policy is called `mru`");
    check("calibrate --gets x", "write a whole number from 2 to 4294967295");
}

#[cfg(unix)]
#[test]
fn what_is_read_is_not_written_over() {
    let workplace = Workplace::new().file("trace.csv", small_trace(20));
    let path = |name: &str| workplace.path().join(name);
    std::fs::hard_link(path("trace.csv"), path("hard.csv")).unwrap();
    std::os::unix::fs::symlink("trace.csv", path("soft.csv")).unwrap();
    let check = |arguments: &str| {
        let said = failure(&workplace, arguments);
        let is_refused = said.contains("is what is read, and would be written over");
        assert!(said.starts_with("2: ") && is_refused, "{arguments}: {said}");
        assert_eq!(std::fs::read_to_string(path("trace.csv")).unwrap(), small_trace(20));
    };
    for name in ["trace.csv", "./trace.csv", "hard.csv", "soft.csv"] {
        check(&format!("trace convert trace.csv -o {name}"));
        check(&format!("trace sample trace.csv --rate 0.5 -o {name}"));
        check(&format!("trace fit trace.csv -o {name}"));
    }
    check("trace convert soft.csv -o trace.csv");
    check("trace convert t*.csv --to ibm-json -o hard.csv");
    workplace.run("trace convert trace.csv -o other.csv").ok();
    workplace.run("trace convert trace.csv -o other.csv").ok();
}

#[test]
fn no_command_writes_over_what_it_reads() {
    let experiment = "question = \"?\"\ntrace = \"results.csv\"\nsystems = [\"s3\"]\n";
    let workplace = Workplace::new()
        .file("results.csv", small_trace(20))
        .file("it.toml", experiment)
        .file("sweep.toml", format!("{experiment}[sweep]\nn = [1]\n").replace("s3", "s3{n}"));
    workplace.run("trace fit results.csv -o my.toml").ok();
    workplace.run("ec encode results.csv --code 2+1 -o .").ok();
    let files = || {
        let paths = std::fs::read_dir(workplace.path()).unwrap().map(|it| it.unwrap().path());
        let read = |it: std::path::PathBuf| (it.clone(), std::fs::read(it).unwrap());
        paths.map(read).collect::<std::collections::BTreeMap<_, _>>()
    };
    let before = files();
    for arguments in [
        "trace generate my.toml -o my.toml",
        "trace convert synthetic:my.toml -o ./my.toml",
        "trace sample synthetic:my.toml --rate 0.5 -o my.toml",
        "trace fit synthetic:my.toml -o my.toml",
        "compare results.csv --system s3 -o .",
        "run it.toml -o .",
        "live replay results.csv -o .",
        "ec decode results.csv.000 results.csv.001 -o results.csv.000",
    ] {
        let said = failure(&workplace, arguments);
        let is_refused = said.contains("is what is read, and would be written over");
        assert!(said.starts_with("2: ") && is_refused, "{arguments}: {said}");
        assert!(files() == before, "{arguments}");
    }
    workplace.run("trace generate dallas-50h -o dallas.toml").ok();
}

#[test]
fn an_experiment_says_from_where_its_paths_go_out() {
    let workplace = Workplace::new().file("trace.csv", small_trace(20));
    let dir = workplace.path().canonicalize().unwrap().display().to_string();
    let check = |more: &str, expect: &str| {
        std::fs::create_dir_all(workplace.path().join("sub")).unwrap();
        let text = format!("question = \"?\"\nsystems = [\"s3\"]\n{more}\n");
        std::fs::write(workplace.path().join("sub/it.toml"), text).unwrap();
        let said = failure(&workplace, "run sub/it.toml").replace(&dir, "DIR");
        assert_eq!(said.replace("error: cannot run `sub/it.toml`: ", ""), expect);
    };
    let from = "in `DIR`, the working directory, from which paths of traces and prices go out";
    check("trace = \"none.csv\"", &format!("1: `trace`: there is no `none.csv` {from}"));
    check(
        "trace = \"trace.csv\"\nprices = \"none.toml\"",
        &format!("2: `prices`: there is no `none.toml` {from}"),
    );
    check(
        "trace = \"trace.csv\"\n[[reference]]\nfile = \"none.csv\"\nsource = \"?\"",
        "2: `reference.file`: `none.csv` is neither beside the experiment nor part of the program",
    );
}
