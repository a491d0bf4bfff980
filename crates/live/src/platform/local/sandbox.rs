//! The moment between the platform's process and the function's: what a child has to do to
//! itself before it becomes the function.
//!
//! Some things can only be asked for by the child: that the kernel kills it when its parent dies,
//! lower limits, and that it waits for its turn. Rust's own hook for this (`pre_exec`) is unsafe,
//! so the child is first this small program, which then executes the function in its own place
//! (same process, same id).

use std::ffi::OsString;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;

use preempt_rt::sched::{self, Scheduler, SchedulerParams, set_scheduler};
use rustix::process::{
    Pid, Resource, Rlimit, Signal, getppid, getrlimit, set_parent_process_death_signal, setrlimit,
};

/// As many open files as a function may have on AWS.
const N_FILES_MAX: u64 = 1_024;

/// The one priority that [`Scheduler::SCHED_BATCH`] has.
const BATCH: SchedulerParams = SchedulerParams { priority: 0 };

/// A program that calls [`enter`] with the arguments it gets after `arguments`.
///
/// It may be the very program that runs the platform, under an argument of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SandboxCommand {
    /// The program.
    pub program: PathBuf,
    /// What comes before the arguments for [`enter`].
    pub arguments: Vec<OsString>,
}

impl SandboxCommand {
    /// The command that runs `function` as a child of the thread that will start it.
    pub(super) fn running(&self, function: &std::path::Path) -> Command {
        let mut command = Command::new(&self.program);
        let parent = rustix::process::getpid().as_raw_nonzero().to_string();
        command.args(&self.arguments).arg(parent).arg(function);
        command
    }
}

/// Becomes a function: `arguments` are the id of the parent, and the function's program.
///
/// From here on the process is killed by the kernel when the thread that started it ends, also
/// while it is stopped, and also when the whole platform was killed. It leaves no core files,
/// may open as many files as on AWS, and takes no processor from who is at work when it wakes.
///
/// Returns only if that failed, with the reason.
pub fn enter(arguments: impl IntoIterator<Item = OsString>) -> io::Error {
    let mut arguments = arguments.into_iter();
    let (Some(parent), Some(program), None) =
        (arguments.next(), arguments.next(), arguments.next())
    else {
        let why = "the sandbox takes two arguments: the id of its parent, and a program";
        return io::Error::new(io::ErrorKind::InvalidInput, why);
    };
    match prepare(&parent) {
        Ok(()) => Command::new(program).exec(),
        Err(err) => err,
    }
}

fn prepare(parent: &OsString) -> io::Result<()> {
    let invalid = |why: String| io::Error::new(io::ErrorKind::InvalidInput, why);
    let expected: i32 = parent
        .to_str()
        .and_then(|it| it.parse().ok())
        .ok_or_else(|| invalid(format!("{} is not the id of a process", parent.display())))?;
    set_parent_process_death_signal(Some(Signal::KILL))?;
    // The parent may have died before that took effect, and then nothing would ever signal us.
    if getppid().map(Pid::as_raw_pid) != Some(expected) {
        return Err(invalid(format!("the platform, process {expected}, has ended")));
    }
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })?;
    let limit = getrlimit(Resource::Nofile);
    let at_most = |it: Option<u64>| Some(it.map_or(N_FILES_MAX, |it| it.min(N_FILES_MAX)));
    let limit = Rlimit { current: at_most(limit.current), maximum: at_most(limit.maximum) };
    setrlimit(Resource::Nofile, limit)?;
    // On AWS no function takes the proxy's processor the moment that a request reaches it. Here it
    // would, while the proxy is about to ask eleven others. Where that is refused, all is slower.
    let _ = set_scheduler(sched::Pid::current_thread(), Scheduler::SCHED_BATCH, BATCH);
    Ok(())
}
