//! `tidings completions` and `tidings man`: generated from the command line's own description.

use std::io::Write;

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
  tidings man once > tidings-once.1")]
pub struct Man {
    /// The page of this verb
    verb: Option<String>,
}

impl Man {
    /// Prints.
    pub fn run(self, out: &mut impl Write) -> Result<Exit, Failure> {
        let mut command = Cli::command();
        command.build();
        let page = match &self.verb {
            None => command,
            Some(name) => match command.find_subcommand(name) {
                Some(verb) => verb.clone(),
                None => {
                    return Err(Failure::new(
                        Exit::Usage,
                        format!("there is no verb `{name}`"),
                        "`tidings --help` lists them",
                    ));
                }
            },
        };
        clap_mangen::Man::new(page).render(out)?;
        Ok(Exit::Ok)
    }
}
