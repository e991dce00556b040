//! `tidings completions` and `tidings man`: generated from the command line's own description.

use std::io::{self, Write};

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::Cli;
use super::exit::{Exit, Failure};

/// Prints completions for a shell
#[derive(Debug, Args)]
#[command(after_help = "Example:
  tidings completions bash > \\
      ~/.local/share/bash-completion/completions/tidings")]
pub struct Completions {
    /// The shell
    shell: Shell,
}

impl Completions {
    /// Prints.
    pub fn run(self, out: &mut impl Write) -> Result<Exit, Failure> {
        // Not straight to `out`: the generator panics when that is closed.
        let mut text = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "tidings", &mut text);
        out.write_all(&text)?;
        Ok(Exit::Ok)
    }
}

/// Prints a manual page
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  tidings man | man -l -
  tidings man once > tidings-once.1
  tidings man feeds add > tidings-feeds-add.1")]
pub struct Man {
    /// The page of this verb
    verb: Vec<String>,
}

impl Man {
    /// Prints.
    pub fn run(self, out: &mut impl Write) -> Result<Exit, Failure> {
        let mut command = Cli::command();
        command.build();
        let mut page = &command;
        for name in &self.verb {
            let unknown = || {
                let hint = format!("`{} --help` lists them", page.get_bin_name().unwrap_or("tidings"));
                Failure::new(Exit::Usage, format!("there is no verb `{name}`"), hint)
            };
            page = page.find_subcommand(name).ok_or_else(unknown)?;
        }
        out.write_all(&page_of(page.clone())?)?;
        Ok(Exit::Ok)
    }
}

/// A page of section 1: clap_mangen's sections, then examples and exit codes of the help under the headings of man-pages(7).
fn page_of(mut command: clap::Command) -> io::Result<Vec<u8>> {
    let after = command.get_after_help().map(|text| text.to_string()).unwrap_or_default();
    let has_verbs = command.has_subcommands();
    let name = command.get_display_name().unwrap_or("tidings").to_uppercase();
    let usage = command.render_usage().to_string();
    let synopsis = usage.trim_start_matches("Usage:").trim().to_owned();
    let command = command.subcommand_help_heading("VERBS");
    let man = clap_mangen::Man::new(command).title(name).source(concat!("tidings ", env!("CARGO_PKG_VERSION")));
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    write!(page, ".SH SYNOPSIS\n{}", as_typed(&synopsis))?;
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    if has_verbs {
        man.render_subcommands_section(&mut page)?;
    }
    for part in after.split("\n\n") {
        let (heading, text) = match part.split_once(':') {
            Some(("Example" | "Examples", text)) => ("EXAMPLES", text),
            Some(("Exit codes", text)) => ("EXIT STATUS", text),
            Some(("Variables", text)) => ("ENVIRONMENT", text),
            _ => ("NOTES", part),
        };
        if !text.trim().is_empty() {
            let text =
                text.strip_prefix(' ').unwrap_or(text).trim_matches('\n').lines().map(as_typed).collect::<String>();
            write!(page, ".SH {heading}\n.nf\n{text}.fi\n")?;
        }
    }
    Ok(page)
}

/// A line as it stands, for roff: no dash becomes a typographic one, no dot at the beginning a request.
fn as_typed(line: &str) -> String {
    let line = line.trim_end().replace('\\', "\\e").replace('-', "\\-");
    if line.starts_with(['.', '\'']) { format!("\\&{line}\n") } else { format!("{line}\n") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_shows_examples_as_they_are_typed() {
        let mut command = Cli::command();
        command.build();
        let page =
            String::from_utf8(page_of(command.find_subcommand("completions").unwrap().clone()).unwrap()).unwrap();
        let (_, end) = page.split_once(".SH EXAMPLES").unwrap();
        insta::assert_snapshot!(end, @r"
        .nf
          tidings completions bash > \e
              ~/.local/share/bash\-completion/completions/tidings
        .fi
        ");
    }
}
