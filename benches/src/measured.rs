//! A program's run to its end: how long, how much of the processor, how much memory.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use tokio::time::Instant;

/// The longest that anything measured may take.
const LIMIT: Duration = Duration::from_secs(300);

/// What a run took.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cost {
    pub(crate) wall_seconds: f64,
    pub(crate) cpu_seconds: f64,
    pub(crate) peak_mib: f64,
}

/// Runs a command in a folder, which is its home, too; it must end well. GNU time adds up what it took.
pub(crate) async fn run(folder: &Path, program: &str, arguments: &[&str]) -> Cost {
    let (report, log) = (folder.join("cost"), folder.join("output.log"));
    let output = fs::File::create(&log).unwrap();
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "--", "/usr/bin/time", "--format", "%U %S %M", "--output"]).arg(&report);
    command.arg("timeout").arg(LIMIT.as_secs().to_string()).arg(program).args(arguments);
    command.current_dir(folder).env("HOME", folder).stdin(Stdio::null());
    command.stdout(output.try_clone().unwrap()).stderr(output);
    // On a thread that lives as long as the command: the command dies with it.
    let measure = move || {
        let began = Instant::now();
        (command.status().unwrap(), began.elapsed())
    };
    let (status, wall) = tokio::task::spawn_blocking(measure).await.unwrap();
    assert!(status.success(), "{program} {arguments:?}: {status}\n{}", fs::read_to_string(log).unwrap_or_default());
    let report = fs::read_to_string(report).unwrap();
    let figures: Vec<f64> = report.split_whitespace().map(|figure| figure.parse().unwrap()).collect();
    Cost { wall_seconds: wall.as_secs_f64(), cpu_seconds: figures[0] + figures[1], peak_mib: figures[2] / 1024.0 }
}

/// The processor time that a process took so far, in seconds; of the process itself, when there is no id.
pub(crate) fn cpu_seconds(process: Option<u32>) -> f64 {
    let process = process.map_or_else(|| "self".to_owned(), |id| id.to_string());
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    let ticks = stat.rsplit_once(')').unwrap().1.split_whitespace().skip(11).take(2);
    // The kernel tells everybody hundredths.
    ticks.map(|ticks| ticks.parse::<f64>().unwrap() / 100.0).sum()
}

/// The most memory that a process had so far.
pub(crate) fn peak_bytes(process: u32) -> f64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<f64>().unwrap() * 1024.0
}

/// The median of something of several runs.
pub(crate) fn median<T>(runs: &[T], of: impl Fn(&T) -> f64) -> f64 {
    let mut all: Vec<f64> = runs.iter().map(of).collect();
    all.sort_by(f64::total_cmp);
    all[all.len() / 2]
}
