//! What a check found: a line each, with a way out where something is wrong.

use std::io::{self, Write};

use serde::Serialize;

/// How it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Grade {
    /// As it should be.
    Ok,
    /// It works, and might not for long.
    Warn,
    /// It does not work.
    Fail,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Check {
    check: &'static str,
    status: Grade,
    message: String,
    fix: Option<String>,
}

impl Check {
    pub(super) fn ok(check: &'static str, message: impl ToString) -> Self {
        Self { check, status: Grade::Ok, message: message.to_string(), fix: None }
    }

    pub(super) fn warn(check: &'static str, message: impl ToString, fix: impl Into<String>) -> Self {
        Self { check, status: Grade::Warn, message: message.to_string(), fix: Some(fix.into()) }
    }

    pub(super) fn fail(check: &'static str, message: impl ToString, fix: impl Into<String>) -> Self {
        Self { check, status: Grade::Fail, message: message.to_string(), fix: Some(fix.into()) }
    }

    pub(super) fn is_failure(&self) -> bool {
        self.status == Grade::Fail
    }
}

/// All checks; as text each is told when it is known.
pub(super) struct Report<'a, W> {
    out: &'a mut W,
    is_json: bool,
    checks: Vec<Check>,
}

impl<'a, W: Write> Report<'a, W> {
    pub(super) fn new(out: &'a mut W, is_json: bool) -> Self {
        Self { out, is_json, checks: Vec::new() }
    }

    pub(super) fn add(&mut self, check: Check) -> io::Result<()> {
        if !self.is_json {
            write!(self.out, "{}", line(&check))?;
            self.out.flush()?;
        }
        self.checks.push(check);
        Ok(())
    }

    /// Ends with the whole report; whether nothing failed.
    pub(super) fn end(self) -> io::Result<bool> {
        let is_well = self.checks.iter().all(|check| check.status < Grade::Fail);
        if self.is_json {
            let report = serde_json::json!({ "ok": is_well, "checks": self.checks });
            writeln!(self.out, "{}", serde_json::to_string(&report)?)?;
        }
        Ok(is_well)
    }
}

fn line(check: &Check) -> String {
    let Check { check, status, message, fix } = check;
    let status = match status {
        Grade::Ok => "ok",
        Grade::Warn => "warn",
        Grade::Fail => "fail",
    };
    let fix = fix.as_ref().filter(|fix| !fix.is_empty()).map(|fix| format!("                 fix: {fix}\n"));
    format!("{status:4}  {check:9}  {message}\n{}", fix.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_is_a_line_and_a_fix() {
        let mut out = Vec::new();
        let mut report = Report::new(&mut out, false);
        report.add(Check::ok("dns", "example.org is at xmpp.example.org:5222")).unwrap();
        report.add(Check::warn("disk", "300 MB are left", "make room")).unwrap();
        assert!(report.end().unwrap());
        let mut report = Report::new(&mut out, true);
        report.add(Check::fail("login", "login refused: not-authorized", "look at `jid`")).unwrap();
        assert!(!report.end().unwrap());
        insta::assert_snapshot!(String::from_utf8(out).unwrap(), @r#"
        ok    dns        example.org is at xmpp.example.org:5222
        warn  disk       300 MB are left
                         fix: make room
        {"checks":[{"check":"login","fix":"look at `jid`","message":"login refused: not-authorized","status":"fail"}],"ok":false}
        "#);
    }
}
