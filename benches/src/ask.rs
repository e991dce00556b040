//! The program's HTTP client by itself: the nearest limit of a pass over feeds that have not changed.

use futures::{StreamExt, stream};
use reqwest::header::IF_NONE_MATCH;

use crate::fleet::AT_ONCE;
use crate::site::etag;

/// What this program takes as its first argument to do nothing else.
pub(crate) const ASK: &str = "--ask";

/// Asks a site once for each of its feeds, as many at a time as a gateway does.
pub(crate) async fn ask(site: &str, feeds: usize) {
    tidings::source::install_tls();
    let client = reqwest::Client::builder().tls_certs_only([]).no_proxy().build().unwrap();
    let known = etag(0);
    let request = |feed| client.get(format!("{site}/{feed}")).header(IF_NONE_MATCH, &known).send();
    let answers = stream::iter((0..feeds).map(request)).buffer_unordered(AT_ONCE);
    answers.for_each(|answer| async { assert_eq!(answer.unwrap().status(), 304) }).await;
}
