//! A document that is named on the command line: a file, or standard input.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use super::exit::{Exit, Failure};

/// No feed and no list of feeds is longer; what never ends must not fill the memory.
const MOST_BYTES: u64 = 256 << 20;

/// Reads a file, `-` being standard input.
pub(super) fn read(file: &Path) -> Result<Vec<u8>, Failure> {
    let name = file.display();
    let unread = |why: String| Failure::new(Exit::BadInput, format!("{name} {why}"), "");
    let body = match file == Path::new("-") {
        true => limited(io::stdin().lock()),
        false => File::open(file).and_then(limited),
    };
    let body = body.map_err(|error| unread(format!("cannot be read: {error}")))?;
    if body.len() as u64 > MOST_BYTES {
        return Err(unread(format!("is longer than {} MiB", MOST_BYTES >> 20)));
    }
    Ok(body)
}

fn limited(from: impl Read) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    from.take(MOST_BYTES + 1).read_to_end(&mut body)?;
    Ok(body)
}
