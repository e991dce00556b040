//! What was measured, as a table for people and as JSON for programs.

use std::fmt::Write as _;
use std::fs;
use std::process::Command;

use serde::Serialize;

/// One line of the table.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Row {
    /// The bench that it belongs to.
    pub(crate) bench: &'static str,
    /// What was measured.
    pub(crate) what: String,
    /// The figure, and its unit.
    pub(crate) value: f64,
    pub(crate) unit: &'static str,
    /// What stands beside it in the same run.
    pub(crate) beside: Option<(String, f64)>,
    /// The figure as a multiple of what stands beside it.
    pub(crate) ratio: Option<f64>,
    /// The most that the ratio, or else the figure, may be.
    pub(crate) goal: Option<f64>,
    pub(crate) cpu_seconds: Option<f64>,
    pub(crate) peak_mib: Option<f64>,
}

impl Row {
    /// A figure by itself.
    pub(crate) fn figure(bench: &'static str, what: impl Into<String>, value: f64, unit: &'static str) -> Self {
        Self { bench, what: what.into(), value, unit, ..Self::default() }
    }

    /// Beside a limit, or a peer.
    pub(crate) fn beside(self, name: impl Into<String>, value: f64) -> Self {
        Self { ratio: Some(self.value / value), beside: Some((name.into(), value)), ..self }
    }

    /// With the most that is allowed.
    pub(crate) fn goal(self, goal: f64) -> Self {
        Self { goal: Some(goal), ..self }
    }

    /// With what the process took.
    pub(crate) fn process(self, cpu_seconds: f64, peak_mib: f64) -> Self {
        Self { cpu_seconds: Some(cpu_seconds), peak_mib: Some(peak_mib), ..self }
    }

    /// Whether the goal is met; `None` without one.
    pub(crate) fn is_met(&self) -> Option<bool> {
        Some(self.ratio.unwrap_or(self.value) <= self.goal?)
    }

    /// As a row of a Markdown table.
    pub(crate) fn line(&self) -> String {
        let Self { bench, what, value, unit, .. } = self;
        let beside =
            self.beside.as_ref().map_or_else(String::new, |(name, value)| format!("{name} {} {unit}", short(*value)));
        let ratio = self.ratio.map_or_else(String::new, |ratio| format!("{ratio:.2}"));
        let goal = self.goal.map_or_else(String::new, |goal| format!("≤ {}", short(goal)));
        let met = self.is_met().map_or("", |is_met| if is_met { "yes" } else { "**no**" });
        let cpu = self.cpu_seconds.map_or_else(String::new, |cpu| format!("{} s", short(cpu)));
        let peak = self.peak_mib.map_or_else(String::new, |peak| format!("{peak:.0} MiB"));
        format!(
            "| {bench} | {what} | {} {unit} | {beside} | {ratio} | {goal} | {met} | {cpu} | {peak} |",
            short(*value)
        )
    }
}

const HEAD: &str = "| bench | what | ours | beside | ratio | goal | met | own CPU | peak memory |\n|---|---|---|---|---|---|---|---|---|";

/// All of it as Markdown, with the day and the machine.
pub(crate) fn markdown(circumstances: &str, rows: &[Row]) -> String {
    let mut text = format!(
        "# Results\n\nWritten by `./benches/run.sh`; figures are medians of alternating runs. docs/capacity.md says what they mean.\n\n{circumstances}\n\n{HEAD}\n"
    );
    rows.iter().for_each(|row| writeln!(text, "{}", row.line()).unwrap());
    text
}

/// The table's head.
pub(crate) fn head() -> &'static str {
    HEAD
}

/// When, and on what.
pub(crate) fn circumstances() -> String {
    let file = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let field = |text: &str, name: &str| {
        let line = text.lines().find(|line| line.starts_with(name)).unwrap_or_default().to_owned();
        line.split_once(':').map_or_else(String::new, |(_, value)| value.trim().to_owned())
    };
    let kib: f64 = field(&file("/proc/meminfo"), "MemTotal").trim_end_matches(" kB").parse().unwrap_or_default();
    let said = |program: &str, arguments: &[&str]| {
        let output = Command::new(program).args(arguments).output().map(|output| output.stdout).unwrap_or_default();
        String::from_utf8_lossy(&output).trim().to_owned()
    };
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    format!(
        "{} · {cores} × {} · {:.0} GiB · Linux {} · {} · {} · Prosody {} · revision {} · load at the start {}",
        said("date", &["-u", "+%Y-%m-%d"]),
        field(&file("/proc/cpuinfo"), "model name"),
        kib / 1024.0 / 1024.0,
        file("/proc/sys/kernel/osrelease").trim(),
        field(&format!("x:{}", said("sh", &["-c", ". /etc/os-release; echo \"$PRETTY_NAME\""])), "x"),
        said("rustc", &["--version"]),
        said("dpkg-query", &["-W", "-f", "${Version}", "prosody"]),
        said("git", &["rev-parse", "--short", "HEAD"]),
        file("/proc/loadavg").split(' ').next().unwrap_or_default(),
    )
}

/// Three digits that count.
fn short(value: f64) -> String {
    let digits = if value == 0.0 { 0 } else { (2 - value.abs().log10().floor() as i32).clamp(0, 4) };
    let text = format!("{value:.*}", digits as usize);
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}
