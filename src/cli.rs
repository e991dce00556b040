//! The verbs, one file each. What a verb finds out goes to stdout, what it says about its work to stderr.

mod ask;
pub mod check;
pub mod doctor;
pub mod exit;
pub mod export;
pub mod feeds;
pub mod follow;
pub mod generate;
pub mod import;
pub mod init;
mod input;
pub mod log;
pub mod once;
pub mod outbox;
pub mod parse;
pub mod preview;
mod rebuild;
pub mod reload;
pub mod run;
pub mod signal;
pub mod status;
mod subject;
mod take_over;
pub mod terminal;

use std::io::Write;
use std::path::PathBuf;

use clap::{Parser, Subcommand};

pub use self::exit::{Exit, Failure};
use self::log::Format;

const EXAMPLES: &str = "Examples:
  tidings check    what is wrong with the configuration?
  tidings run      poll and publish until stopped
  tidings once     the same, once: for cron and timers
  tidings status   what is going on?
  tidings outbox   what waits, what was refused and why

The configuration is the first of: --config, $TIDINGS_CONFIG, ./tidings.toml,
~/.config/tidings/tidings.toml, /etc/tidings/tidings.toml; and feeds.d/*.toml
and *.opml beside it.

Variables:
  TIDINGS_CONFIG               the configuration, instead of --config
  TIDINGS_XMPP_PASSWORD_FILE   the file with the account's password, or
  TIDINGS_XMPP_PASSWORD        the password, where the configuration names none
  RUST_LOG                     what is logged, such as tidings=debug
  NO_COLOR                     no colours, when it is set";

/// Turns RSS, Atom and JSON feeds into followable XMPP pubsub streams
#[derive(Debug, Parser)]
#[command(version, after_help = EXAMPLES, disable_help_subcommand = true, arg_required_else_help = true)]
#[command(subcommand_value_name = "VERB", subcommand_help_heading = "Verbs")]
pub struct Cli {
    /// The configuration file
    #[arg(long, global = true, value_name = "FILE", display_order = 100)]
    config: Option<PathBuf>,
    /// How log lines look, human or json; RUST_LOG says which there are
    #[arg(long, global = true, value_name = "FORMAT", value_enum, default_value_t = Format::Human)]
    #[arg(hide_possible_values = true, hide_default_value = true, display_order = 101)]
    log_format: Format,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Init(Box<init::Init>),
    Run(run::Run),
    Once(once::Once),
    Check(check::Check),
    Doctor(doctor::Doctor),
    Parse(parse::Parse),
    Preview(preview::Preview),
    Follow(follow::Follow),
    Feeds(feeds::Feeds),
    Import(import::Import),
    Export(export::Export),
    Status(status::Show),
    Reload(reload::Reload),
    Outbox(outbox::Outbox),
    Completions(generate::Completions),
    Man(generate::Man),
}

impl Cli {
    /// How this call logs, and from which level when RUST_LOG says nothing: the daemon tells what it does, other verbs only
    /// what is wrong.
    pub fn log(&self) -> (Format, &'static str) {
        let level = if matches!(self.verb, Verb::Run(_)) { "info" } else { "warn" };
        (self.log_format, level)
    }

    /// Runs the verb. Data goes to `out`.
    pub async fn run(self, out: &mut impl Write) -> Result<Exit, Failure> {
        let config = self.config.as_deref();
        match self.verb {
            Verb::Init(verb) => verb.run(config, out).await,
            Verb::Run(verb) => verb.run(config).await,
            Verb::Once(verb) => verb.run(config).await,
            Verb::Check(verb) => verb.run(config, out),
            Verb::Doctor(verb) => verb.run(config, out).await,
            Verb::Parse(verb) => verb.run(out),
            Verb::Preview(verb) => verb.run(config, out).await,
            Verb::Follow(verb) => verb.run(config, out).await,
            Verb::Feeds(verb) => verb.run(config, out).await,
            Verb::Import(verb) => verb.run(config, out).await,
            Verb::Export(verb) => verb.run(config, out),
            Verb::Status(verb) => verb.run(config, out).await,
            Verb::Reload(verb) => verb.run(config, out).await,
            Verb::Outbox(verb) => verb.run(config, out).await,
            Verb::Completions(verb) => verb.run(out),
            Verb::Man(verb) => verb.run(out),
        }
    }
}
