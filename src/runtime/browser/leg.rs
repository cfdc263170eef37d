//! A browser's side of one call: its line, the connection that carries it now, and a task that
//! watches over both. Connections come and go (a reload, a new network); the leg ends by the
//! button, by us, or when its browser stays away longer than its grace.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::base::ids::LegId;
use crate::call::event::LegEnd;
use crate::runtime::shared::{Inbound, Inbox, locked};
use crate::webrtc::{Line, Peer, PeerEvent};

/// News that wait for the leg's task.
const NEWS_MAX: usize = 64;
/// Sound that is still on its way when we hang up.
const LAST_SOUND: Duration = Duration::from_millis(60);

/// What a browser's leg tells its call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BrowserNews {
    /// Sound flows, for the first time.
    Connected,
    Ended(LegEnd),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Control {
    /// Of the connection with this number; late ones of an older connection are ignored.
    Peer(u32, PeerEvent),
    Left,
    HungUp,
    ByUs,
}

/// How patient a leg is with its browser.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// Until it first connects; `None` where somebody else watches over that.
    pub connect: Option<Duration>,
    /// Once it has left, or its connection is gone.
    pub grace: Duration,
    /// While its connection is interrupted: ICE may find another way.
    pub repair: Duration,
}

/// Who closes the connection when the leg ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keeps {
    /// The caller's: it is over with the call.
    Closes,
    /// The agent's: it stays for the next call.
    Stays,
}

#[derive(Default)]
struct Carried {
    peer: Option<Arc<Peer>>,
    number: u32,
}

/// One browser's side of one call.
pub struct BrowserLeg {
    leg: LegId,
    line: Line,
    keeps: Keeps,
    carried: Mutex<Carried>,
    control: mpsc::Sender<Control>,
}

impl BrowserLeg {
    /// A leg without a connection yet.
    pub fn open(
        leg: LegId,
        inbox: Inbox,
        line: Line,
        keeps: Keeps,
        patience: Patience,
    ) -> Arc<BrowserLeg> {
        let (control, news) = mpsc::channel(NEWS_MAX);
        let carried = Mutex::new(Carried::default());
        let opened = Arc::new(BrowserLeg { leg, line, keeps, carried, control });
        tokio::spawn(opened.clone().watch(inbox, patience, news));
        opened
    }

    pub fn id(&self) -> LegId {
        self.leg
    }

    /// Is carried by this connection from now on; one before it is closed, or let go. Returns the
    /// connection's number for [`BrowserLeg::peer_told`].
    pub fn carry(&self, peer: Arc<Peer>) -> u32 {
        peer.attach(&self.line);
        let (before, number) = {
            let mut carried = locked(&self.carried);
            carried.number += 1;
            (carried.peer.replace(peer), carried.number)
        };
        self.let_go(before);
        number
    }

    /// The connection that carries the leg now.
    pub fn peer(&self) -> Option<Arc<Peer>> {
        locked(&self.carried).peer.clone()
    }

    pub fn peer_told(&self, number: u32, event: PeerEvent) {
        self.tell(Control::Peer(number, event));
    }

    /// Brings what this connection tells to the leg, until one of them ends.
    pub fn listen_to(self: &Arc<Self>, number: u32, mut events: mpsc::Receiver<PeerEvent>) {
        let control = self.control.clone();
        tokio::spawn(async move {
            while let Some(event) = events.recv().await {
                if control.send(Control::Peer(number, event)).await.is_err() {
                    return;
                }
            }
        });
    }

    /// The page was left.
    pub fn left(&self) {
        self.tell(Control::Left);
    }

    /// The person pressed the button.
    pub fn hung_up(&self) {
        self.tell(Control::HungUp);
    }

    /// We end it.
    pub fn hang_up(&self) {
        self.tell(Control::ByUs);
    }

    /// `false` once the leg is over.
    pub fn is_open(&self) -> bool {
        !self.control.is_closed()
    }

    fn tell(&self, control: Control) {
        let _ = self.control.try_send(control);
    }

    fn let_go(&self, peer: Option<Arc<Peer>>) {
        let Some(peer) = peer else { return };
        match self.keeps {
            Keeps::Closes => drop(tokio::spawn(async move { peer.close().await })),
            Keeps::Stays => peer.detach(),
        }
    }

    async fn watch(
        self: Arc<Self>,
        inbox: Inbox,
        patience: Patience,
        mut news: mpsc::Receiver<Control>,
    ) {
        let mut connected_ever = false;
        let mut due = patience.connect.map(|most| Instant::now() + most);
        let end = loop {
            let wait = async {
                match due {
                    Some(at) => tokio::time::sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            let control = tokio::select! {
                control = news.recv() => control,
                () = wait => break LegEnd::MediaLost,
            };
            let away = match control {
                None | Some(Control::ByUs) => break LegEnd::ByUs,
                Some(Control::HungUp) => break LegEnd::HungUp,
                Some(Control::Left) => Some(patience.grace),
                Some(Control::Peer(number, _)) if number != locked(&self.carried).number => {
                    continue;
                }
                Some(Control::Peer(_, PeerEvent::Connected)) => None,
                Some(Control::Peer(_, PeerEvent::Interrupted)) => Some(patience.repair),
                Some(Control::Peer(_, PeerEvent::Lost)) => Some(patience.grace),
            };
            if let Some(most) = away {
                // News of a loss that is known already do not begin it anew.
                let at = Instant::now() + most;
                due = Some(due.map_or(at, |due| due.min(at)));
                continue;
            }
            due = None;
            if !connected_ever {
                connected_ever = true;
                let _ = inbox.send(Inbound::Browser(self.leg, BrowserNews::Connected)).await;
            }
        };
        if end == LegEnd::ByUs {
            tokio::time::sleep(LAST_SOUND).await;
        }
        news.close();
        let peer = locked(&self.carried).peer.take();
        self.let_go(peer);
        let _ = inbox.send(Inbound::Browser(self.leg, BrowserNews::Ended(end))).await;
    }
}
