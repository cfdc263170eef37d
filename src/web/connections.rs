//! Connections of browsers and programs. So many at once, so many from one address, and one that
//! asks for nothing gives its place back: whoever opens connections and is silent (Slowloris)
//! keeps nobody else from the pages, and takes no file handle that a call needs.

use std::collections::HashMap;
use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::{ConnectInfo, Request};
use axum::serve::Listener;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_util::task::TaskTracker;
use tower_service::Service as _;

use super::limits::{CONNECTIONS_MAX, CONNECTIONS_PER_ADDRESS_MAX, HANDSHAKE_WITHIN, HEAD_WITHIN};
use super::listen::{Certificate, Client};

/// Serves until `shutdown` resolves and running requests are done; with `certificate` by TLS.
pub(super) async fn serve(
    listener: TcpListener,
    certificate: Option<Arc<Certificate>>,
    router: Router,
    shutdown: impl Future<Output = ()> + Send + 'static,
) {
    serve_within(listener, certificate, router, shutdown, HEAD_WITHIN).await;
}

async fn serve_within(
    mut listener: TcpListener,
    certificate: Option<Arc<Certificate>>,
    router: Router,
    shutdown: impl Future<Output = ()> + Send + 'static,
    head_within: Duration,
) {
    let (places, tasks) = (Arc::new(Places::default()), TaskTracker::new());
    let (stop, stopping) = watch::channel(());
    let mut shutdown = pin!(shutdown);
    loop {
        let (stream, from) = tokio::select! {
            // `Listener::accept` waits where the system has no file handle left.
            accepted = Listener::accept(&mut listener) => accepted,
            () = &mut shutdown => break,
        };
        // One too many is closed: its client tries again, or shows that nobody answers.
        let Some(place) = places.take(from.ip()) else { continue };
        let one =
            Connection { from, router: router.clone(), stopping: stopping.clone(), head_within };
        let certificate = certificate.clone();
        tasks.spawn(async move {
            one.speak(stream, certificate).await;
            drop(place);
        });
    }
    drop((listener, stopping));
    let _ = stop.send(());
    tasks.close();
    tasks.wait().await;
}

struct Connection {
    from: SocketAddr,
    router: Router,
    stopping: watch::Receiver<()>,
    head_within: Duration,
}

impl Connection {
    async fn speak(self, stream: TcpStream, certificate: Option<Arc<Certificate>>) {
        let Some(certificate) = certificate else { return self.answer(stream).await };
        let acceptor = TlsAcceptor::from(certificate.config());
        let mut stopping = self.stopping.clone();
        let shaken = tokio::select! {
            shaken = timeout(HANDSHAKE_WITHIN, acceptor.accept(stream)) => shaken,
            _ = stopping.changed() => return,
        };
        if let Ok(Ok(stream)) = shaken {
            self.answer(stream).await;
        }
    }

    /// Answers requests until the client goes, is silent for [`HEAD_WITHIN`], or we stop. A desk's
    /// socket leaves the connection to its page, which asks it every few seconds whether it lives.
    async fn answer(self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
        let Self { from, router, mut stopping, head_within } = self;
        let service = service_fn(move |request: hyper::Request<Incoming>| {
            let mut request: Request<Incoming> = request;
            request.extensions_mut().insert(ConnectInfo(Client(from)));
            router.clone().call(request)
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(head_within)
            .serve_connection(TokioIo::new(stream), service)
            .with_upgrades();
        let mut connection = pin!(connection);
        // How a client ends is its own affair: a reset, a time-out, what is no HTTP.
        tokio::select! {
            _ = &mut connection => return,
            _ = stopping.changed() => connection.as_mut().graceful_shutdown(),
        }
        let _ = connection.await;
    }
}

/// Who has how many connections.
#[derive(Debug, Default)]
struct Places {
    taken: Mutex<HashMap<IpAddr, usize>>,
}

/// One connection's place; given back by a drop.
#[derive(Debug)]
struct Place {
    places: Arc<Places>,
    address: IpAddr,
}

impl Places {
    /// `None` where there are too many; a proxy on this machine speaks for many and may have all.
    fn take(self: &Arc<Self>, address: IpAddr) -> Option<Place> {
        let address = address.to_canonical();
        let own_max = match address.is_loopback() {
            true => CONNECTIONS_MAX,
            false => CONNECTIONS_PER_ADDRESS_MAX,
        };
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let all: usize = taken.values().sum();
        let own = taken.get(&address).copied().unwrap_or_default();
        if all >= CONNECTIONS_MAX || own >= own_max {
            return None;
        }
        taken.insert(address, own + 1);
        Some(Place { places: self.clone(), address })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = taken.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                taken.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use axum::routing::get;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::sync::Notify;

    /// What takes longer than this will never come.
    const LONG: Duration = Duration::from_secs(20);

    #[test]
    fn one_address_has_so_many_places_and_gives_them_back() {
        let places = Arc::new(Places::default());
        let (one, other): (IpAddr, IpAddr) = ([192, 0, 2, 1].into(), [192, 0, 2, 2].into());
        let mapped = "::ffff:192.0.2.1".parse().unwrap();
        let mut held: Vec<Place> =
            (0..CONNECTIONS_PER_ADDRESS_MAX).map(|_| places.take(one).unwrap()).collect();
        assert!(places.take(one).is_none() && places.take(mapped).is_none());
        assert!(places.take(other).is_some());
        held.pop();
        held.push(places.take(mapped).unwrap());

        let own = IpAddr::from([127, 0, 0, 1]);
        let free = CONNECTIONS_MAX - CONNECTIONS_PER_ADDRESS_MAX;
        held.extend((0..free).map(|_| places.take(own).unwrap()));
        assert!(places.take(own).is_none() && places.take(other).is_none(), "all are taken");
        held.clear();
        assert!(places.taken.lock().unwrap().is_empty());
    }

    /// Requests that never end are let go, those of others are answered meanwhile, and one that
    /// runs when the service stops still has its answer.
    #[tokio::test(flavor = "multi_thread")]
    async fn who_is_silent_is_let_go_and_who_waits_is_answered() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        // The slow one tells that it has begun, and answers when the test lets it.
        let (begun, released) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (tell, release) = (begun.clone(), released.clone());
        let slow = || async move {
            tell.notify_one();
            release.notified().await;
            "slow"
        };
        let router = Router::new().route("/", get(|| async { "here" })).route("/slow", get(slow));
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let (shutdown, within) = (async { drop(stopped.await) }, Duration::from_secs(2));
        let served = tokio::spawn(serve_within(listener, None, router, shutdown, within));
        // Before the connection: its time may begin as soon as it is there.
        let began = tokio::time::Instant::now();
        let mut half = TcpStream::connect(at).await.unwrap();
        half.write_all(b"GET / HTTP/1.1\r\nHost: here\r\nX-Slow: ").await.unwrap();
        let url = format!("http://{at}");
        assert_eq!(reqwest::get(&url).await.unwrap().text().await.unwrap(), "here");
        let mut end = Vec::new();
        let _ = half.read_to_end(&mut end).await;
        assert!(began.elapsed() >= within, "{:?}", began.elapsed());

        let asked = tokio::spawn(reqwest::get(format!("{url}/slow")));
        timeout(LONG, begun.notified()).await.expect("the request runs");
        stop.send(()).unwrap();
        // Nobody new is taken: the service has begun to stop, and the request still runs.
        let closed = async {
            while TcpStream::connect(at).await.is_ok() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        timeout(LONG, closed).await.expect("the service stops");
        assert!(!asked.is_finished() && !served.is_finished());
        released.notify_one();
        assert_eq!(asked.await.unwrap().unwrap().text().await.unwrap(), "slow");
        served.await.unwrap();
        assert!(TcpStream::connect(at).await.is_err());
    }
}
