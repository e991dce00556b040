//! Arguments, logging, the runtime, exit code.

use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

use clap::Parser;
use tidings::cli::{Cli, Exit, Failure, log, terminal};
use tidings::ingest::parse::mute_contained_panics;
use tidings::source::install_tls;

/// Much is allocated by one thread and freed by another here, for which the C library's allocator makes both take a lock.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(help_or_error) => {
            let printed = help_or_error.print();
            if help_or_error.use_stderr() {
                return Exit::Usage.into();
            }
            // Whoever reads a page of help may have seen enough of it.
            let is_told = printed.map_or_else(|error| error.kind() == io::ErrorKind::BrokenPipe, |()| true);
            return if is_told { Exit::Ok.into() } else { Exit::Io.into() };
        }
    };
    match catch_unwind(AssertUnwindSafe(|| run(cli))) {
        Ok(Ok(exit)) => exit.into(),
        Ok(Err(failure)) => {
            let _ = write!(io::stderr(), "{}", failure.render(terminal::is_coloured()));
            failure.exit().into()
        }
        Err(_) => {
            terminal::say("error: this is a bug in tidings; the lines above say where");
            Exit::Bug.into()
        }
    }
}

fn run(cli: Cli) -> Result<Exit, Failure> {
    let (format, level) = cli.log();
    log::start(format, level)?;
    install_tls();
    mute_contained_panics();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let mut out = terminal::Clean::new(io::stdout().lock());
    let exit = runtime.block_on(cli.run(&mut out))?;
    out.flush()?;
    Ok(exit)
}
