//! The certificate in use: renewed, broken, with another key.

use super::*;

use axum::routing::get;
use reqwest::{Client as Browser, tls};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

/// Writes a new certificate for this machine, and returns it as PEM.
fn renew(folder: &Path) -> String {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".into()]).expect("made");
    std::fs::write(folder.join("c.pem"), made.cert.pem()).expect("written");
    std::fs::write(folder.join("k.pem"), made.signing_key.serialize_pem()).expect("written");
    made.cert.pem()
}

async fn fetch(at: SocketAddr, trusted: &str) -> Result<String, reqwest::Error> {
    let root = tls::Certificate::from_pem(trusted.as_bytes())?;
    let browser = Browser::builder().add_root_certificate(root).build()?;
    browser.get(format!("https://localhost:{}/", at.port())).send().await?.text().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renewed_certificate_is_taken_and_a_broken_one_is_not() {
    let folder = tempfile::tempdir().expect("a folder");
    let (pem, key) = (folder.path().join("c.pem"), folder.path().join("k.pem"));
    let first = renew(folder.path());
    let certificate = Arc::new(Certificate::load(&pem, &key).expect("good"));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let at = listener.local_addr().expect("an address");
    let from =
        |client: axum::extract::ConnectInfo<Client>| async move { client.0.0.ip().to_string() };
    let router = Router::new().route("/", get(from));
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let served = tokio::spawn(serve(listener, Some(certificate.clone()), router, async {
        let _ = stopped.await;
    }));
    assert_eq!(fetch(at, &first).await.expect("trusted"), "127.0.0.1");

    // Who speaks no TLS, or nothing at all, holds up nobody.
    let mut plain = TcpStream::connect(at).await.expect("connects");
    plain.write_all(b"GET / HTTP/1.1\r\n\r\n").await.expect("sent");
    let _silent = TcpStream::connect(at).await.expect("connects");
    assert_eq!(fetch(at, &first).await.expect("trusted"), "127.0.0.1");

    assert!(!certificate.refresh().expect("unchanged"));
    let second = renew(folder.path());
    assert!(certificate.refresh().expect("good"));
    assert!(fetch(at, &first).await.is_err(), "the former one is no longer shown");
    assert_eq!(fetch(at, &second).await.expect("trusted"), "127.0.0.1");

    std::fs::write(&pem, "half a certific").expect("written");
    let fault = certificate.refresh().expect_err("broken").to_string();
    assert!(fault.contains("c.pem") && fault.contains("expected PEM"), "{fault}");
    assert_eq!(fetch(at, &second).await.expect("the former stays"), "127.0.0.1");
    stop.send(()).expect("runs");
    served.await.expect("no panic");
}

#[test]
fn a_key_of_another_certificate_is_told() {
    let (one, two) =
        (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    renew(one.path());
    renew(two.path());
    let load = |c: &Path, k: &Path| Certificate::load(c, k).map(drop).map_err(|e| e.to_string());
    let (pem, key) = (one.path().join("c.pem"), two.path().join("k.pem"));
    assert!(load(&pem, &key).expect_err("another's").contains("does not fit"));
    assert!(load(&pem, &pem).expect_err("no key").contains("expected the private key"));
    assert!(load(&one.path().join("none.pem"), &key).is_err());
}
