//! Listens to all legs: frames from the taps → listeners → recognisers → events for the calls.
//! One thread; a listener costs a few microseconds a frame.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use crate::base::audio::FRAME_MS;
use crate::base::ids::LegId;
use crate::base::moment::Moment;
use crate::call::event::Event;
use crate::media::{Bell, Frame, FrameKind, Tap};
use crate::speech::hear::judge;
use crate::speech::hear::listener::{Listener, ListenerSettings, Listening, Output};
use crate::speech::hear::order::{DecodeFailure, JobId};
use crate::speech::hear::pool::{Job, Pool, Ticket};
use crate::speech::hear::transcript::Transcript;

use super::shared::{EarKey, Inbound, Inbox};
use super::tables::LiveTables;

/// The longest sleep between two looks at the taps.
const NAP: Duration = Duration::from_millis(20);

enum Message {
    Open(EarKey, Box<Ear>),
    Listen(EarKey, Listening),
    Prompt(EarKey, bool),
    Close(EarKey),
    Decoded(EarKey, JobId, Result<Transcript, DecodeFailure>),
}

struct Ear {
    heard: Tap,
    played: Tap,
    listener: Listener,
    inbox: Inbox,
    leg: LegId,
    began: Instant,
    tickets: HashMap<JobId, Ticket>,
    frames: Vec<Frame>,
    echo: Vec<Frame>,
}

/// A handle to the thread.
#[derive(Clone)]
pub struct Ears {
    messages: Sender<Message>,
    tables: Arc<LiveTables>,
    pool: Arc<Pool>,
    settings: ListenerSettings,
}

/// A leg to be listened to.
pub struct NewEar {
    pub key: EarKey,
    pub heard: Tap,
    pub played: Tap,
    pub inbox: Inbox,
    pub began: Instant,
}

impl Ears {
    pub fn start(
        bell: Bell,
        pool: Arc<Pool>,
        tables: Arc<LiveTables>,
        settings: ListenerSettings,
    ) -> std::io::Result<Ears> {
        let (messages, inbox) = channel();
        let (back, busy) = (messages.clone(), pool.clone());
        std::thread::Builder::new().name("ears".into()).spawn(move || {
            bell.enrol();
            Thread { ears: HashMap::new(), inbox, back, pool: busy }.run(&bell);
        })?;
        Ok(Ears { messages, tables, pool, settings })
    }

    pub fn open(&self, new: NewEar) {
        let NewEar { key, heard, played, inbox, began } = new;
        let understander = self.tables.get().understander.clone();
        let judge = judge::by(understander);
        let listener = Listener::new(self.settings.clone(), judge);
        let leg = key.1;
        let ear = Ear {
            heard,
            played,
            listener,
            inbox,
            leg,
            began,
            tickets: HashMap::new(),
            frames: Vec::new(),
            echo: Vec::new(),
        };
        let _ = self.messages.send(Message::Open(key, Box::new(ear)));
    }

    pub fn listen(&self, key: EarKey, listening: Listening) {
        let _ = self.messages.send(Message::Listen(key, listening));
    }

    /// Whether a prompt plays to the leg.
    pub fn set_prompt(&self, key: EarKey, playing: bool) {
        let _ = self.messages.send(Message::Prompt(key, playing));
    }

    /// Whether more callers speak than are understood in time.
    pub fn is_pressed(&self) -> bool {
        self.pool.is_pressed()
    }

    pub fn close(&self, key: EarKey) {
        let _ = self.messages.send(Message::Close(key));
    }
}

struct Thread {
    ears: HashMap<EarKey, Ear>,
    inbox: Receiver<Message>,
    back: Sender<Message>,
    pool: Arc<Pool>,
}

impl Thread {
    fn run(&mut self, bell: &Bell) {
        loop {
            bell.wait(NAP);
            self.look();
        }
    }

    /// What was asked for is done, then every leg is listened to.
    fn look(&mut self) {
        while let Ok(message) = self.inbox.try_recv() {
            self.obey(message);
        }
        let pressed = self.pool.is_pressed();
        for (key, ear) in &mut self.ears {
            ear.listener.set_pressed(pressed);
            ear.listen();
            ear.act(key, &self.pool, &self.back);
        }
    }

    fn obey(&mut self, message: Message) {
        match message {
            Message::Open(key, ear) => {
                self.ears.insert(key, *ear);
            }
            Message::Listen(key, listening) => {
                if let Some(ear) = self.ears.get_mut(&key) {
                    ear.listener.set_mode(listening);
                    ear.act(&key, &self.pool, &self.back);
                }
            }
            Message::Prompt(key, playing) => {
                if let Some(ear) = self.ears.get_mut(&key) {
                    ear.listener.set_prompt_playing(playing);
                }
            }
            Message::Close(key) => {
                if let Some(ear) = self.ears.get_mut(&key) {
                    // The last words: what is being said is ended, its text still comes.
                    ear.listen();
                    let now = ear.now();
                    ear.listener.finish(now);
                    ear.act(&key, &self.pool, &self.back);
                    if ear.tickets.is_empty() {
                        self.ears.remove(&key);
                    }
                }
            }
            Message::Decoded(key, job, result) => {
                if let Some(ear) = self.ears.get_mut(&key) {
                    ear.tickets.remove(&job);
                    let now = ear.now();
                    ear.listener.handle_decoded(now, job, result);
                    ear.act(&key, &self.pool, &self.back);
                    if ear.heard.is_closed() && ear.tickets.is_empty() {
                        self.ears.remove(&key);
                    }
                }
            }
        }
    }
}

impl Ear {
    fn now(&self) -> Moment {
        Moment(self.began.elapsed().as_millis() as u64)
    }

    fn listen(&mut self) {
        self.frames.clear();
        self.echo.clear();
        self.heard.drain(&mut self.frames);
        self.played.drain(&mut self.echo);
        let mut echo = self.echo.iter();
        for frame in &self.frames {
            if let Some(played) = echo.next()
                && played.kind == FrameKind::Sound
            {
                self.listener.push_played(played.samples());
            }
            let ended = Moment(frame.at.0 + FRAME_MS);
            self.listener.push_frame(ended, frame.samples(), frame.rate_hz);
        }
        let now = self.now();
        if self.listener.poll_timeout().is_some_and(|at| at <= now) {
            self.listener.handle_timeout(now);
        }
    }

    fn act(&mut self, key: &EarKey, pool: &Pool, back: &Sender<Message>) {
        while let Some(output) = self.listener.poll_output() {
            let leg = self.leg;
            let event = match output {
                Output::SpeechSuspected => Event::SpeechSuspected { leg },
                Output::SpeechDismissed => Event::SpeechDismissed { leg },
                Output::SpeechBegan => Event::SpeechBegan { leg },
                Output::WordsLate => Event::WordsLate { leg },
                Output::SoFar { text } => {
                    self.so_far(text);
                    continue;
                }
                Output::Heard(utterance) => Event::Heard { leg, utterance },
                Output::HeardNothing => Event::HeardNothing { leg },
                Output::SpeechUnavailable => Event::SpeechUnavailable { leg },
                Output::StartDecode(order) => {
                    let (key, back, job) = (key.clone(), back.clone(), order.job);
                    let deadline = self.instant(order.deadline);
                    let ticket = pool.submit(Job {
                        samples: order.samples,
                        hint: order.hint,
                        class: order.class,
                        deadline,
                        reply: Box::new(move |result| {
                            let _ = back.send(Message::Decoded(key, job, result));
                        }),
                    });
                    self.tickets.insert(job, ticket);
                    continue;
                }
                Output::Raise { job, deadline } => {
                    let deadline = self.instant(deadline);
                    if let Some(ticket) = self.tickets.get(&job) {
                        pool.raise(*ticket, deadline);
                    }
                    continue;
                }
                Output::Cancel { job } => {
                    if let Some(ticket) = self.tickets.remove(&job) {
                        pool.cancel(ticket);
                    }
                    continue;
                }
            };
            let _ = self.inbox.try_send(Inbound::Event(event));
        }
    }

    /// Text so far of a caller who goes on: for whoever watches the call.
    fn so_far(&self, text: String) {
        let _ = self.inbox.try_send(Inbound::SoFar(self.leg, text));
    }

    fn instant(&self, moment: Moment) -> Instant {
        self.began + Duration::from_millis(moment.0)
    }
}

#[cfg(test)]
mod tests;
