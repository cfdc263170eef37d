//! One leg: a task that owns a dialog with a peer. In come the runtime's commands, the peer's
//! messages and the clock; out go SIP and the events of `event.rs`. Pure rules live beside
//! (`dialog`, `session_timer`, `reliable`); here they meet the wire.

mod incoming;
mod outgoing;
mod requests;
mod session;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use rsipstack::sip::{Request, Response};
use rsipstack::transaction::Transaction;
use rsipstack::transaction::transaction::TransactionEventSender;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::dialog::Dialog;
use super::endpoint::{LegEntry, LegKey, Shared, locked};
use super::event::{Command, LegEvent, LegHandle, SipEvent, SipLegId};
use super::limits::{LEG_COMMANDS_MAX, LEG_MESSAGES_MAX};
use super::net::Route;
use super::reliable::Reliable;
use super::sdp::OriginKeeper;
use super::session_timer::SessionTimer;
use super::settings::Credentials;
use crate::call::command::HangUpCause;
use crate::call::event::LegEnd;

pub(crate) use incoming::incoming;
pub(crate) use outgoing::dial;
pub(crate) use requests::{run_client, via};

/// What reaches a leg from the wire.
pub(crate) enum LegInput {
    /// A request within the dialog.
    Request(Box<Transaction>),
    /// The ACK of our final response to INVITE number `seq`.
    Ack { seq: u32, request: Box<Request> },
    /// CANCEL of an INVITE that we have not answered.
    Cancel { reason: Option<String> },
    /// The server transaction of INVITE number `seq` ended, acknowledged or not.
    InviteDone { seq: u32 },
    /// A response to a request of ours.
    Reply { to: Sent, response: Box<Response> },
    /// A request of ours got no final response.
    NoReply { to: Sent },
    /// A 2xx to our INVITE came again, or from another fork.
    Late2xx(Box<Response>),
    /// The way to the peer of a call that we place was found, or was not.
    Found(Result<Route, super::net::NoRoute>),
}

/// Which of our requests a response belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sent {
    /// The INVITE that makes the leg, by its number.
    Invite(u32),
    /// A re-INVITE: an offer of the runtime, or a refresh.
    Reinvite(u32),
    /// An UPDATE that refreshes the session.
    Update,
    Bye,
    /// CANCEL, PRACK: nothing hangs on the answer.
    Other,
}

/// A server INVITE that we have not finished.
struct Asked {
    seq: u32,
    request: Request,
    /// Where responses go.
    answer: TransactionEventSender,
    /// A 2xx is on its way and its ACK has not come.
    accepted: bool,
    /// It was acknowledged.
    acknowledged: bool,
    /// It made the leg; others change it.
    first: bool,
    /// Our 2xx carries an offer, so that the ACK carries the answer.
    we_offered: bool,
}

/// The peer's change that waits for the runtime.
enum Pending {
    Invite,
    /// UPDATE is answered by its own transaction.
    Update(Box<Transaction>),
}

/// Where a leg is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// An INVITE to us, not answered.
    Ringing,
    /// Our INVITE, not answered.
    Dialling,
    Up,
    /// BYE or CANCEL is out; the runtime knows, or will at the end.
    Closing,
    Over,
}

/// Deadlines, all in one table; `None` is not set.
#[derive(Default)]
struct Timers {
    /// No final answer of the runtime, no response of the peer, no reply to a BYE.
    patience: Option<Instant>,
    /// The runtime has not answered the peer's change.
    change: Option<Instant>,
    /// Session timer: refresh or give up.
    session: Option<Instant>,
    /// Our change met the peer's: try again.
    glare: Option<Instant>,
}

pub(crate) struct Leg {
    shared: Arc<Shared>,
    id: SipLegId,
    key: LegKey,
    handle: LegHandle,
    wire: mpsc::Sender<LegInput>,
    phase: Phase,
    dialog: Dialog,
    route: Option<Route>,
    public_address: Option<IpAddr>,
    origin: OriginKeeper,
    /// Our last description, stamped.
    our_sdp: Option<String>,
    /// The peer's last offer, as it came: the same again is a refresh.
    their_offer: Option<Vec<u8>>,
    asked: Option<Asked>,
    pending: Option<Pending>,
    reliable: Option<Reliable<Response>>,
    /// Our INVITE within the dialog, without a final response.
    inviting: Option<u32>,
    /// What that INVITE offers; it holds only when it is accepted.
    offering: Option<String>,
    /// The description of the runtime that waits for glare to pass.
    retry_offer: Option<String>,
    timer: Option<SessionTimer>,
    /// The peer's Allow names UPDATE.
    peer_updates: bool,
    timers: Timers,
    /// ACK of our last INVITE, for 2xx that come again.
    last_ack: Option<(u32, Request)>,
    /// The runtime wants to hang up as soon as that is allowed.
    hang_up: Option<HangUpCause>,
    /// For the digest of a trunk's challenge; only requests to that trunk may use it.
    credentials: Option<Credentials>,
    /// The address that a call of ours was placed to.
    home: Option<IpAddr>,
    outgoing: Option<outgoing::Outgoing>,
    /// The end was told.
    told: bool,
    /// A BYE, or a change, that a trunk challenged was sent again once.
    bye_proved: bool,
    change_proved: bool,
}

/// The parts that a new leg starts from.
struct Seed {
    shared: Arc<Shared>,
    phase: Phase,
    dialog: Dialog,
    route: Option<Route>,
    public_address: Option<IpAddr>,
    invited: Option<(String, u32)>,
}

impl Leg {
    /// Registers a leg and gives its handle; the task is not started.
    fn new(seed: Seed) -> (Self, mpsc::Receiver<Command>, mpsc::Receiver<LegInput>) {
        let shared = seed.shared;
        let (commands, command_queue) = mpsc::channel(LEG_COMMANDS_MAX);
        let (wire, wire_queue) = mpsc::channel(LEG_MESSAGES_MAX);
        let (call_id, local_tag) = (seed.dialog.call_id.clone(), seed.dialog.local_tag.clone());
        let key = LegKey { call_id: call_id.clone(), local_tag };
        let ladder = shared.ladders.open(&call_id);
        let id = shared.new_leg_id();
        let handle = LegHandle { id, call_id: call_id.into(), commands, ladder };
        let entry = LegEntry { wire: wire.clone(), invited: seed.invited };
        locked(&shared.legs).insert(key.clone(), entry);
        let mut dialog = seed.dialog;
        dialog.user_agent = shared.settings.user_agent.clone();
        let leg = Self {
            shared,
            id,
            key,
            handle,
            wire,
            phase: seed.phase,
            dialog,
            route: seed.route,
            public_address: seed.public_address,
            origin: OriginKeeper::new(rand::random()),
            our_sdp: None,
            their_offer: None,
            asked: None,
            pending: None,
            reliable: None,
            inviting: None,
            offering: None,
            retry_offer: None,
            timer: None,
            peer_updates: false,
            timers: Timers::default(),
            last_ack: None,
            hang_up: None,
            credentials: None,
            home: None,
            outgoing: None,
            told: false,
            bye_proved: false,
            change_proved: false,
        };
        (leg, command_queue, wire_queue)
    }

    /// Lives until the dialog is over.
    async fn run(
        mut self,
        mut commands: mpsc::Receiver<Command>,
        mut wire: mpsc::Receiver<LegInput>,
    ) {
        let stop = self.shared.stop.clone();
        while self.phase != Phase::Over {
            let due = self.next_due();
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                Some(command) = commands.recv() => self.obey(command).await,
                Some(input) = wire.recv() => self.hear(input).await,
                () = tokio::time::sleep_until(due) => self.time_came().await,
            }
        }
    }

    fn next_due(&self) -> Instant {
        let reliable = self.reliable.as_ref().and_then(Reliable::next_timeout_ms);
        let reliable = reliable.map(|at_ms| {
            let wait = at_ms.saturating_sub(self.shared.now_ms());
            Instant::now() + Duration::from_millis(wait)
        });
        let timers = &self.timers;
        let all = [timers.patience, timers.change, timers.session, timers.glare, reliable];
        let far = Instant::now() + Duration::from_secs(3_600);
        all.into_iter().flatten().min().unwrap_or(far)
    }

    async fn time_came(&mut self) {
        let now = Instant::now();
        let due = |slot: &mut Option<Instant>| slot.take_if(|at| *at <= now).is_some();
        if due(&mut self.timers.patience) {
            self.out_of_patience().await;
        }
        if due(&mut self.timers.change) {
            self.refuse_change(500).await;
        }
        if due(&mut self.timers.session) {
            self.session_due().await;
        }
        if due(&mut self.timers.glare) {
            self.glare_passed().await;
        }
        self.reliable_due();
    }

    async fn out_of_patience(&mut self) {
        match self.phase {
            Phase::Ringing => self.refuse(408, None).await,
            Phase::Dialling => self.dialled_in_vain().await,
            Phase::Up => self.ack_never_came().await,
            Phase::Closing => self.finish(LegEnd::ByUs, None).await,
            Phase::Over => {}
        }
    }

    async fn obey(&mut self, command: Command) {
        match command {
            Command::Ring => self.ring(),
            Command::Progress { sdp } => self.progress(&sdp),
            Command::Answer { sdp } => self.answer(&sdp).await,
            Command::Refuse { status, retry_after_s } => self.refuse(status, retry_after_s).await,
            Command::HangUp { cause } => self.hang_up(cause).await,
            Command::Reinvite { sdp } => self.reinvite(sdp).await,
            Command::AnswerChange { sdp } => self.answer_change(&sdp).await,
            Command::RefuseChange { status } => self.refuse_change(status).await,
        }
    }

    async fn hear(&mut self, input: LegInput) {
        match input {
            LegInput::Request(transaction) => self.request_came(transaction).await,
            LegInput::Ack { seq, request } => self.ack_came(seq, &request).await,
            LegInput::Cancel { reason } => self.cancelled(reason).await,
            LegInput::InviteDone { seq } => self.invite_done(seq).await,
            LegInput::Reply { to, response } => self.replied(to, *response).await,
            LegInput::NoReply { to } => self.no_reply(to).await,
            LegInput::Late2xx(response) => self.late_2xx(*response).await,
            LegInput::Found(route) => self.found(route).await,
        }
    }

    async fn hang_up(&mut self, cause: HangUpCause) {
        match self.phase {
            Phase::Ringing => self.refuse(refusal_status(cause), None).await,
            Phase::Dialling => self.cancel(cause).await,
            Phase::Up => {
                let unconfirmed = self.asked.as_ref().is_some_and(|asked| asked.first);
                self.hang_up = Some(cause);
                if unconfirmed {
                    // The callee may not send BYE before the ACK (RFC 3261 section 15).
                    let limit = Instant::now() + super::limits::BYE_WITHOUT_ACK;
                    self.timers.patience = Some(limit);
                } else {
                    self.bye(cause).await;
                }
            }
            Phase::Closing | Phase::Over => {}
        }
    }

    /// Counts the address that we dialled as wanted, while the leg lives.
    fn settle_at(&mut self, home: IpAddr) {
        self.home = Some(home);
        *locked(&self.shared.dialled).entry(home).or_default() += 1;
    }

    fn leave_home(&mut self) {
        let Some(home) = self.home.take() else { return };
        let mut dialled = locked(&self.shared.dialled);
        if let Some(count) = dialled.get_mut(&home) {
            *count = count.saturating_sub(1);
        }
        dialled.retain(|_, count| *count > 0);
    }

    async fn tell(&self, event: LegEvent) {
        self.shared.tell(SipEvent::Leg { leg: self.id, event }).await;
    }

    /// The leg is over, and the runtime hears it, once.
    async fn finish(&mut self, end: LegEnd, reason: Option<String>) {
        self.phase = Phase::Over;
        if !self.told {
            self.told = true;
            self.tell(LegEvent::Ended { end, reason }).await;
        }
    }
}

impl Drop for Leg {
    /// What the leak of rsipstack's own dialog layer would be: nothing of ours stays, not even
    /// after a panic, of which the runtime hears as of any other end.
    fn drop(&mut self) {
        self.leave_home();
        locked(&self.shared.legs).remove(&self.key);
        self.shared.ladders.close(&self.key.call_id);
        if std::thread::panicking() && !self.told {
            let reason = Some("a fault of ours".to_owned());
            let event = LegEvent::Ended { end: LegEnd::SignallingLost, reason };
            let _ = self.shared.events.try_send(SipEvent::Leg { leg: self.id, event });
        }
    }
}

/// What a caller hears who is hung up on before the answer.
fn refusal_status(cause: HangUpCause) -> u16 {
    match cause {
        HangUpCause::Normal | HangUpCause::OfferWithdrawn | HangUpCause::NoAnswer => 480,
        HangUpCause::Declined => 603,
        HangUpCause::MediaLost | HangUpCause::TooLong => 480,
        HangUpCause::Failure => 500,
    }
}

/// The Reason header (RFC 3326).
fn reason_header(cause: HangUpCause) -> &'static str {
    match cause {
        HangUpCause::Normal => "Q.850;cause=16;text=\"Normal call clearing\"",
        // Phones show no missed call for this one.
        HangUpCause::OfferWithdrawn => "SIP;cause=200;text=\"Call completed elsewhere\"",
        HangUpCause::Declined => "SIP;cause=603;text=\"Declined\"",
        HangUpCause::NoAnswer => "Q.850;cause=19;text=\"No answer\"",
        HangUpCause::MediaLost => "Q.850;cause=41;text=\"Media lost\"",
        HangUpCause::TooLong => "Q.850;cause=102;text=\"Longest call reached\"",
        HangUpCause::Failure => "Q.850;cause=41;text=\"Temporary failure\"",
    }
}

/// A random tag, branch or identifier: 16 hexadecimal digits.
pub(crate) fn random_token() -> String {
    format!("{:016x}", rand::random::<u64>())
}
