//! How fast and how large: ours beside the limit or a peer, in alternation, on servers of its own. `./benches/run.sh` starts it.
//!
//! Loopback only, out of temporary folders, bounded in count and time; everything that it starts dies with it.

mod ask;
mod bare;
mod changed;
mod client;
mod document;
mod fleet;
mod folder;
mod followers;
mod gateway;
mod item;
mod measured;
mod operator;
mod parse;
mod poll;
#[path = "../../tests/support/process.rs"]
#[expect(dead_code, unreachable_pub, reason = "benches use a part of it")]
mod process;
mod prosody;
mod publish;
mod replay;
mod report;
mod scale;
mod site;
mod state;

use std::fs;
use std::process::ExitCode;

use futures::FutureExt;
use futures::future::LocalBoxFuture;

use report::Row;

/// The program's, for what is measured in this process, and for what it is measured by.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// A bench takes how often to measure, and gives its rows.
type Bench = fn(usize) -> LocalBoxFuture<'static, Vec<Row>>;

const BENCHES: [(&str, Bench); 13] = [
    ("parse", |rounds| parse::parse(rounds).boxed_local()),
    ("first-pass", |rounds| publish::first_pass(rounds).boxed_local()),
    ("followers", |rounds| followers::followers(rounds).boxed_local()),
    ("tls", |rounds| publish::tls(rounds).boxed_local()),
    ("item", |rounds| item::item(rounds).boxed_local()),
    ("unchanged", |rounds| poll::unchanged(rounds).boxed_local()),
    ("polls", |rounds| poll::polls(rounds).boxed_local()),
    ("changed", |rounds| changed::changed(rounds).boxed_local()),
    ("operator", |rounds| operator::operator(rounds).boxed_local()),
    ("scale", |rounds| scale::scale(rounds).boxed_local()),
    ("entries", |rounds| state::entries(rounds).boxed_local()),
    ("million", |rounds| state::million(rounds).boxed_local()),
    ("year", |rounds| state::year(rounds).boxed_local()),
];

/// What is asked of it: `[NAME…] [--rounds N] [--json FILE] [--results FILE]`.
struct Arguments {
    names: Vec<String>,
    rounds: usize,
    json: Option<String>,
    results: Option<String>,
}

fn main() -> ExitCode {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [ask::ASK, site, feeds] = arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        runtime.block_on(ask::ask(site, feeds.parse().unwrap()));
        return ExitCode::SUCCESS;
    }
    let asked = match read(arguments.into_iter()) {
        Ok(asked) => asked,
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::from(64);
        }
    };
    let circumstances = report::circumstances();
    println!("{circumstances}\n\n{}", report::head());
    let mut rows = Vec::new();
    for (name, bench) in BENCHES {
        if asked.names.is_empty() || asked.names.iter().any(|asked| asked == name) {
            let measured = runtime.block_on(bench(asked.rounds));
            measured.iter().for_each(|row| println!("{}", row.line()));
            rows.extend(measured);
            // After each: what was measured is there, whatever becomes of the next one.
            if let Some(path) = &asked.json {
                fs::write(path, serde_json::to_vec_pretty(&(&circumstances, &rows)).unwrap()).unwrap();
            }
            if let Some(path) = &asked.results {
                fs::write(path, report::markdown(&circumstances, &rows)).unwrap();
            }
        }
    }
    let missed = rows.iter().filter(|row| row.is_met() == Some(false)).count();
    println!("\n{missed} goals missed");
    if missed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn read(mut arguments: impl Iterator<Item = String>) -> Result<Arguments, String> {
    let mut asked = Arguments { names: Vec::new(), rounds: 5, json: None, results: None };
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or_else(|| format!("{argument} wants a value"));
        match argument.as_str() {
            "--json" => asked.json = Some(value()?),
            "--results" => asked.results = Some(value()?),
            "--rounds" => asked.rounds = value()?.parse().map_err(|_| "--rounds wants a number".to_owned())?,
            name if BENCHES.iter().any(|(known, _)| *known == name) => asked.names.push(name.to_owned()),
            other => {
                let known: Vec<&str> = BENCHES.iter().map(|(name, _)| *name).collect();
                return Err(format!("there is no bench {other:?}; there are {}", known.join(", ")));
            }
        }
    }
    Ok(asked)
}
