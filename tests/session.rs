//! The session on real servers: login, loss, recovery, pipelining, forgery.

#![cfg(test)]

mod support;

use support::prosody::{Options, Prosody};
use support::settled;
use tidings::xmpp::{self, Session, Status, Tls, Wire};

#[tokio::test]
async fn the_account_logs_in_by_starttls_and_by_direct_tls() {
    let server = Prosody::start(Options { is_tls_required: true, ..Options::default() }).await;
    for tls in [Tls::StartTls, Tls::Direct] {
        let session = Session::start(server.xmpp(tls), xmpp::Options::new("tidings-0")).unwrap();
        let Status::Online { bind: 1, jid } = settled(&session).await else { panic!("{:?}", settled(&session).await) };
        assert_eq!(jid.as_str(), "bot@a.test/tidings-0");
        let service = xmpp::disco::pubsub_service(&session, &jid.to_bare()).await.unwrap();
        assert_eq!(service.unwrap().as_str(), "pubsub.a.test");
        session.close().await;
        assert_eq!(*session.status().borrow(), Status::Closed);
    }
}
