//! A program's run to its end: how long, how much of the processor, how much memory.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::support::process::Process;

/// The longest that anything measured may take.
const LIMIT: Duration = Duration::from_secs(300);

/// What a run took.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Cost {
    pub(crate) wall_seconds: f64,
    pub(crate) cpu_seconds: f64,
    pub(crate) peak_mib: f64,
    code: Option<i32>,
}

/// Runs a command in a folder; it must end well. A process in between has it as its only child, so that the system's sums
/// over children are the command's own.
pub(crate) async fn run(folder: &Path, program: &str, arguments: &[&str]) -> Cost {
    let report = folder.join("cost.json");
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.arg("--child").arg(&report).arg(program).args(arguments).current_dir(folder).env("HOME", folder);
    let log = folder.join("output.log");
    let mut process = Process::start(&command, program, Some(&log));
    let ended = async || process.ended();
    let status = crate::support::within(LIMIT, &format!("the end of {program}"), ended).await;
    let output = || fs::read_to_string(&log).unwrap_or_default();
    assert!(status.success(), "{program} {arguments:?}: {status}\n{}", output());
    let cost: Cost = serde_json::from_slice(&fs::read(report).unwrap()).unwrap();
    assert_eq!(cost.code, Some(0), "{program} {arguments:?}:\n{}", output());
    cost
}

/// The process in between.
pub(crate) fn child(mut arguments: impl Iterator<Item = String>) {
    let (report, program) = (arguments.next().unwrap(), arguments.next().unwrap());
    let began = Instant::now();
    let code = Command::new(program).args(arguments).status().unwrap().code();
    let wall_seconds = began.elapsed().as_secs_f64();
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).unwrap();
    let cpu = usage.user_time() + usage.system_time();
    let cpu_seconds = cpu.num_microseconds() as f64 / 1e6;
    let cost = Cost { wall_seconds, cpu_seconds, peak_mib: usage.max_rss() as f64 / 1024.0, code };
    fs::write(report, serde_json::to_vec(&cost).unwrap()).unwrap();
}

/// The median of something of several runs.
pub(crate) fn median<T>(runs: &[T], of: impl Fn(&T) -> f64) -> f64 {
    let mut all: Vec<f64> = runs.iter().map(of).collect();
    all.sort_by(f64::total_cmp);
    all[all.len() / 2]
}
