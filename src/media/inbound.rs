//! The receiving half of a leg, sans-IO: datagrams with their time → one decoded frame a tick,
//! keys, and signs of life. Nothing from outside can end it or make it panic.

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use crate::base::audio::frame_samples;
use crate::base::key::Key;
use crate::base::limits::{RTP_SILENCE, RTP_SILENCE_FIRST};
use crate::base::session::{Codec, MediaPlan};

use super::codec::Decoder;
use super::conceal::Concealer;
use super::dtmf::DtmfReceiver;
use super::heard::Heard;
use super::jitter::{Inserted, JitterBuffer, Pulled};
use super::limits::{FRAME_BYTES, PACKET_BURST_MAX, PACKETS_PER_SECOND_MAX, SILENCE_HINT};
use super::opus;
use super::rtcp;
use super::rtp::{Packet, looks_like_rtcp};
use super::source::{SourceLock, Verdict};
use super::stats::{LegStats, Reception};
use super::tap::FrameKind;

/// Payload type of comfort noise in RFC 3551, for peers that send it unasked.
const STATIC_COMFORT_NOISE: u8 = 13;
/// The jitter buffer and the reports count at this rate.
const TICKS_PER_SECOND: u32 = 8_000;

/// How a leg receives.
#[derive(Clone, Copy, Debug)]
pub struct InboundSettings {
    /// Least and most delay of the jitter buffer, milliseconds.
    pub jitter_min_ms: u32,
    pub jitter_max_ms: u32,
    /// No RTP for so long is reported once.
    pub silence_hint: Duration,
    /// No sign of life for so long means that the media is lost.
    pub silence_max: Duration,
    /// The same before the first packet.
    pub silence_max_first: Duration,
}

impl Default for InboundSettings {
    fn default() -> Self {
        Self {
            jitter_min_ms: 20,
            jitter_max_ms: 120,
            silence_hint: SILENCE_HINT,
            silence_max: RTP_SILENCE,
            silence_max_first: RTP_SILENCE_FIRST,
        }
    }
}

/// What the receiving half noticed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Noticed {
    Key(Key),
    Seen { from: SocketAddr },
    Silent { expected: SocketAddr },
    Lost,
}

/// The agreed stream: gone and made anew with each plan that changes codec or payload types.
#[derive(Debug)]
struct Stream {
    codec: Codec,
    payload_type: u8,
    dtmf: Option<u8>,
    comfort_noise: Option<u8>,
    decoder: Decoder,
    concealer: Concealer,
    /// The last RTP timestamp on the endless line, in the codec's own clock.
    clock: i64,
}

impl Stream {
    /// The RTP timestamp in ticks of 8 kHz. A plain division would jump where 32 bits wrap.
    fn ticks(&mut self, timestamp: u32) -> u32 {
        let step = timestamp.wrapping_sub(self.clock as u32) as i32;
        self.clock += i64::from(step);
        (self.clock / i64::from(self.codec.clock_rate_hz() / TICKS_PER_SECOND)) as u32
    }
}

/// Signs of life of the peer.
#[derive(Clone, Copy, Debug)]
struct Life {
    /// When the peer was last expected to begin: the plan, the resumption, the watch.
    since: Instant,
    last_rtp: Option<Instant>,
    last_sign: Option<Instant>,
    silent_told: bool,
    lost_told: bool,
}

/// The receiving half of a leg.
#[derive(Debug)]
pub struct Inbound {
    settings: InboundSettings,
    lock: Option<SourceLock>,
    signalling: Option<IpAddr>,
    stream: Option<Stream>,
    jitter: JitterBuffer,
    dtmf: DtmfReceiver,
    reception: Reception,
    ssrc: Option<u32>,
    /// The peer's own silence (comfort noise was its last word): nothing is missing.
    at_rest: bool,
    watched: bool,
    held: bool,
    life: Life,
    started: Instant,
    /// Packets that may still come at once, and when that was counted.
    allowance: (f32, Instant),
    last_sr: Option<(u32, Instant)>,
    noticed: VecDeque<Noticed>,
    /// Counters of this half; the sender's are kept beside.
    pub stats: LegStats,
}

impl Inbound {
    /// A half that waits for its plan.
    pub fn new(settings: InboundSettings, now: Instant) -> Self {
        let life = Life {
            since: now,
            last_rtp: None,
            last_sign: None,
            silent_told: false,
            lost_told: false,
        };
        Self {
            settings,
            lock: None,
            signalling: None,
            stream: None,
            jitter: JitterBuffer::new(settings.jitter_min_ms, settings.jitter_max_ms),
            dtmf: DtmfReceiver::default(),
            reception: Reception::default(),
            ssrc: None,
            at_rest: false,
            watched: true,
            held: false,
            life,
            started: now,
            allowance: (PACKET_BURST_MAX as f32, now),
            last_sr: None,
            noticed: VecDeque::new(),
            stats: LegStats::default(),
        }
    }

    /// Obeys a new plan. The source lock begins anew only if the address changed.
    pub fn set_plan(&mut self, now: Instant, plan: &MediaPlan) {
        if self.lock.as_ref().map(SourceLock::expected) != Some(plan.remote) {
            self.lock = Some(SourceLock::new(plan.remote, self.signalling));
        }
        let same = self.stream.as_ref().is_some_and(|stream| {
            stream.codec == plan.codec && stream.payload_type == plan.payload_type
        });
        if !same {
            self.jitter.set_whole(plan.codec == Codec::Opus);
            self.stream = Decoder::new(plan.codec).map(|decoder| Stream {
                codec: plan.codec,
                payload_type: plan.payload_type,
                dtmf: None,
                comfort_noise: None,
                decoder,
                concealer: Concealer::new(plan.codec.sample_rate_hz()),
                clock: 1 << 40,
            });
        }
        if let Some(stream) = &mut self.stream {
            stream.dtmf = plan.dtmf_payload_type;
            stream.comfort_noise = plan.comfort_noise_payload_type;
        }
        self.held = !plan.direction.receives();
        self.restart_watch(now);
    }

    /// The host that the peer's signalling comes from, for the source lock of the next plan.
    pub fn set_signalling_host(&mut self, host: IpAddr) {
        self.signalling = Some(host);
        if let Some(lock) = &self.lock {
            self.lock = Some(SourceLock::new(lock.expected(), Some(host)));
        }
    }

    /// Whether silence of the peer is to be noticed (off while it only rings).
    pub fn set_watched(&mut self, now: Instant, watched: bool) {
        self.watched = watched;
        self.restart_watch(now);
    }

    /// Where to send; `None` without a plan.
    pub fn destination(&self) -> Option<SocketAddr> {
        self.lock.as_ref().map(SourceLock::destination)
    }

    /// Takes one datagram of the RTP port.
    pub fn on_rtp(&mut self, now: Instant, from: SocketAddr, bytes: &[u8]) {
        if self.lock.is_none() || !self.admits(now) {
            self.stats.excess += 1;
            return;
        }
        if looks_like_rtcp(bytes) {
            self.on_rtcp(now, from, bytes, 0);
            return;
        }
        let Ok(packet) = Packet::parse(bytes) else {
            self.stats.malformed += 1;
            return;
        };
        if !self.is_agreed(packet.payload_type) {
            self.stats.malformed += 1;
            return;
        }
        let Some(lock) = &mut self.lock else { return };
        match lock.judge(from, packet.ssrc, packet.sequence) {
            Verdict::Accept => self.accept(now, from, &packet),
            Verdict::Learning => {}
            Verdict::Stranger => self.stats.strangers += 1,
        }
    }

    /// Takes one datagram of the RTCP port. `ours` is the SSRC under which the leg sends.
    pub fn on_rtcp(&mut self, now: Instant, from: SocketAddr, bytes: &[u8], ours: u32) {
        if !self.lock.as_ref().is_some_and(|lock| lock.knows_host(from.ip())) {
            self.stats.strangers += 1;
            return;
        }
        let Some(report) = rtcp::parse(bytes, ours) else {
            self.stats.malformed += 1;
            return;
        };
        self.life.last_sign = Some(now);
        if let Some(ntp) = report.sender_report {
            self.last_sr = Some((ntp, now));
        }
        if let Some(block) = report.about_us {
            self.stats.peer_lost = f32::from(block.fraction_lost) / 256.0;
        }
    }

    /// The report block about the peer's stream, for our next RTCP packet.
    pub fn report(&mut self, now: Instant) -> Option<rtcp::ReportBlock> {
        let mut block = self.reception.report()?;
        if let Some((ntp, at)) = self.last_sr {
            let since = now.saturating_duration_since(at);
            block.last_sr = ntp;
            block.delay_since_last_sr = (since.as_micros() * 65_536 / 1_000_000) as u32;
        }
        Some(block)
    }

    /// The frame of this tick, into `heard`.
    pub fn receive(&mut self, now: Instant, heard: &mut Heard) {
        self.check_life(now);
        let Some(stream) = &mut self.stream else {
            heard.set_silent();
            return;
        };
        let pulled = self.jitter.pull(heard.is_quiet(), &mut heard.payload);
        heard.codec = stream.codec;
        let samples = frame_samples(stream.codec.sample_rate_hz());
        heard.set_rate(stream.codec.sample_rate_hz());
        let resting = self.at_rest || self.dtmf.is_pressed(now);
        match pulled {
            Pulled::Frame => {
                let native = &mut heard.native[..samples];
                stream.decoder.decode(heard.payload.bytes(), native);
                heard.forwardable = true;
                heard.kind = FrameKind::Sound;
                if stream.codec != Codec::Opus {
                    stream.concealer.real(native);
                }
            }
            Pulled::Missing if !resting => {
                let native = &mut heard.native[..samples];
                match &mut stream.decoder {
                    Decoder::Opus(opus) => {
                        opus.conceal(self.jitter.behind_the_gap(), native);
                    }
                    Decoder::Pcmu | Decoder::Pcma | Decoder::G722(_) => {
                        stream.concealer.conceal(native);
                    }
                }
                heard.forwardable = false;
                heard.kind = FrameKind::Concealed;
                self.stats.concealed += 1;
            }
            Pulled::Missing | Pulled::Nothing => heard.set_silent(),
        }
    }

    /// What was noticed since the last time.
    pub fn poll_noticed(&mut self) -> Option<Noticed> {
        self.noticed.pop_front()
    }

    /// The counters, brought up to date.
    pub fn stats_now(&mut self) -> &mut LegStats {
        self.stats.lost = self.reception.lost();
        self.stats.jitter_ms = self.reception.jitter_ms();
        self.stats.delay_ms = self.jitter.delay_ms();
        &mut self.stats
    }

    fn accept(&mut self, now: Instant, from: SocketAddr, packet: &Packet<'_>) {
        self.stats.packets_in += 1;
        self.mark_alive(now, from);
        if self.ssrc != Some(packet.ssrc) {
            self.ssrc = Some(packet.ssrc);
            self.jitter.clear();
        }
        let arrived = now.saturating_duration_since(self.started).as_micros() as i64 * 8 / 1_000;
        let Some(stream) = &mut self.stream else { return };
        let is_key = stream.dtmf == Some(packet.payload_type);
        // Keys carry the time of their beginning, which lies behind: it moves no clock.
        let ticks = if is_key { packet.timestamp } else { stream.ticks(packet.timestamp) };
        if !is_key || stream.codec != Codec::Opus {
            self.reception.count(packet.ssrc, packet.sequence, ticks, arrived);
        }
        if is_key {
            if let Some(key) = self.dtmf.on_packet(now, packet.timestamp, packet.payload) {
                self.noticed.push_back(Noticed::Key(key));
            }
        } else if stream.payload_type == packet.payload_type {
            self.at_rest = false;
            if stream.codec == Codec::Opus && !opus::is_one_frame(packet.payload) {
                self.stats.malformed += 1;
                return;
            }
            match self.jitter.insert(ticks, packet.payload) {
                Inserted::Kept | Inserted::Overflow | Inserted::Restarted => {}
                Inserted::Duplicate => self.stats.duplicates += 1,
                Inserted::Late => self.stats.late += 1,
            }
        } else {
            self.at_rest = true;
        }
    }

    fn is_agreed(&self, payload_type: u8) -> bool {
        self.stream.as_ref().is_some_and(|stream| {
            payload_type == stream.payload_type
                || stream.dtmf == Some(payload_type)
                || stream.comfort_noise == Some(payload_type)
                || payload_type == STATIC_COMFORT_NOISE
        })
    }

    /// A bucket of packets: fills at the permitted rate, holds a burst.
    fn admits(&mut self, now: Instant) -> bool {
        let (mut tokens, counted) = self.allowance;
        let passed = now.saturating_duration_since(counted).as_secs_f32();
        tokens = (tokens + passed * PACKETS_PER_SECOND_MAX as f32).min(PACKET_BURST_MAX as f32);
        let admitted = tokens >= 1.0;
        self.allowance = (if admitted { tokens - 1.0 } else { tokens }, now);
        admitted
    }

    fn mark_alive(&mut self, now: Instant, from: SocketAddr) {
        if self.life.last_rtp.is_none() || self.life.silent_told {
            self.noticed.push_back(Noticed::Seen { from });
        }
        self.life.silent_told = false;
        self.life.last_rtp = Some(now);
        self.life.last_sign = Some(now);
    }

    fn restart_watch(&mut self, now: Instant) {
        self.life.since = now;
        self.life.silent_told = false;
        self.life.lost_told = false;
    }

    fn check_life(&mut self, now: Instant) {
        let Some(lock) = &self.lock else { return };
        if self.held || !self.watched {
            return;
        }
        let since = |last: Option<Instant>| {
            now.saturating_duration_since(
                last.map_or(self.life.since, |at| at.max(self.life.since)),
            )
        };
        let quiet = since(self.life.last_rtp) >= self.settings.silence_hint;
        if quiet && !self.at_rest && !self.life.silent_told {
            self.life.silent_told = true;
            self.noticed.push_back(Noticed::Silent { expected: lock.destination() });
        }
        let never = self.life.last_rtp.is_none();
        let longest =
            if never { self.settings.silence_max_first } else { self.settings.silence_max };
        if since(self.life.last_sign) >= longest && !self.life.lost_told {
            self.life.lost_told = true;
            self.noticed.push_back(Noticed::Lost);
        }
    }
}

const _: () = assert!(FRAME_BYTES == 160);

#[cfg(test)]
#[path = "inbound/tests.rs"]
mod tests;
