//! The jitter buffer against simulated networks, packet by packet.

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::*;

/// A network: for each packet, the tick in which it arrives (several times for duplicates).
struct Network {
    arrivals: Vec<(usize, u32)>,
}

impl Network {
    /// `count` packets from `first`, each on its way for the ticks that `delay` gives (`None`:
    /// lost).
    fn new(count: u32, first: u32, mut delay: impl FnMut(u32) -> Option<usize>) -> Self {
        let mut arrivals = Vec::new();
        for index in 0..count {
            if let Some(ticks) = delay(index) {
                arrivals.push((index as usize + ticks, first.wrapping_add(index * 160)));
            }
        }
        Self { arrivals }
    }

    /// Plays it and says what came out: the frame's own number, or what was missing.
    fn play(
        &self,
        buffer: &mut JitterBuffer,
        first: u32,
        ticks: usize,
    ) -> Vec<Result<u32, Pulled>> {
        let mut out = Vec::new();
        for tick in 0..ticks {
            for (_, timestamp) in self.arrivals.iter().filter(|(at, _)| *at == tick) {
                let number = timestamp.wrapping_sub(first) / 160;
                buffer.insert(*timestamp, &[number as u8; 160]);
            }
            let mut frame = Payload::default();
            out.push(match buffer.pull(false, &mut frame) {
                Pulled::Frame => Ok(u32::from(frame.bytes()[0])),
                other => Err(other),
            });
        }
        out
    }
}

fn heard(out: &[Result<u32, Pulled>]) -> Vec<u32> {
    out.iter().filter_map(|frame| frame.ok()).collect()
}

fn missing(out: &[Result<u32, Pulled>]) -> usize {
    let first = out.iter().position(Result::is_ok).unwrap();
    let last = out.iter().rposition(Result::is_ok).unwrap();
    out[first..last].iter().filter(|frame| frame.is_err()).count()
}

#[test]
fn a_clean_network_is_played_whole_and_soon() {
    for first in [0, 1_234, u32::MAX - 1_000] {
        let mut buffer = JitterBuffer::new(20, 120);
        let network = Network::new(200, first, |_| Some(0));
        let out = network.play(&mut buffer, first, 210);
        let first_out = out.iter().position(Result::is_ok).unwrap();
        assert!(first_out <= 2, "{first_out} frames of delay");
        assert_eq!(missing(&out), 0);
        assert!(heard(&out).len() >= 199);
    }
}

#[test]
fn reordered_packets_come_out_in_order() {
    let mut buffer = JitterBuffer::new(20, 120);
    let network = Network::new(200, 0, |index| Some(if index % 4 == 1 { 2 } else { 0 }));
    let out = network.play(&mut buffer, 0, 220);
    let heard = heard(&out);
    assert!(heard.windows(2).all(|pair| pair[0] < pair[1]), "{heard:?}");
    assert!(missing(&out) <= 3, "{}", missing(&out));
}

#[test]
fn a_lost_packet_is_one_missing_frame() {
    let mut buffer = JitterBuffer::new(20, 120);
    let network = Network::new(100, 0, |index| (index != 50).then_some(0));
    let out = network.play(&mut buffer, 0, 100);
    assert_eq!(missing(&out), 1);
    assert!(!heard(&out).contains(&50) && heard(&out).contains(&51));
}

#[test]
fn duplicates_and_late_ones_are_told() {
    let mut buffer = JitterBuffer::new(20, 120);
    assert_eq!(buffer.insert(1_000, &[1; 160]), Inserted::Restarted);
    assert_eq!(buffer.insert(1_000, &[1; 160]), Inserted::Duplicate);
    assert_eq!(buffer.insert(1_160, &[2; 160]), Inserted::Kept);
    let mut frame = Payload::default();
    for _ in 0..4 {
        buffer.pull(false, &mut frame);
    }
    assert_eq!(buffer.insert(1_000, &[1; 160]), Inserted::Late);
}

#[test]
fn jitter_raises_the_delay_and_calm_lowers_it() {
    let mut random = StdRng::seed_from_u64(7);
    let mut buffer = JitterBuffer::new(20, 120);
    let network =
        Network::new(500, 0, |index| Some(if index < 250 { random.random_range(0..5) } else { 0 }));
    let mut late = 0;
    for tick in 0..500 {
        for (_, timestamp) in network.arrivals.iter().filter(|(at, _)| *at == tick) {
            let inserted = buffer.insert(*timestamp, &[1; 160]);
            late += usize::from(tick > 100 && inserted == Inserted::Late);
        }
        buffer.pull(tick % 10 == 0, &mut Payload::default());
        if tick == 240 {
            assert!(buffer.delay_ms() >= 60, "{} ms", buffer.delay_ms());
        }
    }
    assert!(late <= 10, "{late} late of 400");
    // The memory of the bad time fades; the quickest packets are as quick as before.
    for index in 500..900u32 {
        buffer.insert(index * 160, &[1; 160]);
        buffer.pull(true, &mut Payload::default());
    }
    assert_eq!(buffer.delay_ms(), 20);
}

#[test]
fn heavy_loss_and_jitter_never_disorder_or_repeat() {
    for seed in 0..50 {
        let mut random = StdRng::seed_from_u64(seed);
        let mut buffer = JitterBuffer::new(20, 120);
        let network = Network::new(250, 5_000, |_| {
            (random.random_range(0..10) > 2).then(|| random.random_range(0..15))
        });
        let heard = heard(&network.play(&mut buffer, 5_000, 300));
        assert!(heard.windows(2).all(|pair| pair[0] < pair[1]), "seed {seed}: {heard:?}");
    }
}

#[test]
fn silence_is_nothing_after_a_while_and_speech_comes_back_at_once() {
    let mut buffer = JitterBuffer::new(20, 120);
    let network = Network::new(200, 0, |index| (!(50..100).contains(&index)).then_some(0));
    let out = network.play(&mut buffer, 0, 200);
    assert!(out[60..98].iter().all(|frame| *frame == Err(Pulled::Nothing)));
    let again = out[98..].iter().position(Result::is_ok).unwrap();
    assert!(again <= 4, "{again}");
}

#[test]
fn a_jump_of_the_clock_begins_anew() {
    let mut buffer = JitterBuffer::new(20, 120);
    let mut frame = Payload::default();
    for index in 0..20u32 {
        buffer.insert(index * 160, &[1; 160]);
        buffer.pull(false, &mut frame);
    }
    assert_eq!(buffer.insert(4_000_000_000, &[2; 160]), Inserted::Restarted);
    let mut heard = false;
    for index in 1..6u32 {
        buffer.insert(4_000_000_000 + index * 160, &[2; 160]);
        heard |= buffer.pull(false, &mut frame) == Pulled::Frame && frame.bytes() == [2; 160];
    }
    assert!(heard);
}

#[test]
fn packets_of_other_lengths_are_cut_and_joined() {
    for length in [80usize, 240, 320, 480] {
        let mut buffer = JitterBuffer::new(20, 120);
        let (mut sent, mut frames) = (0usize, 0);
        for tick in 0..200usize {
            while sent + length <= (tick + 1) * 160 {
                let payload: Vec<u8> = (0..length).map(|i| ((sent + i) % 251) as u8).collect();
                buffer.insert(sent as u32, &payload);
                sent += length;
            }
            let mut frame = Payload::default();
            if buffer.pull(false, &mut frame) == Pulled::Frame {
                frames += 1;
                let step = |pair: &[u8]| (u16::from(pair[0]) + 1) % 251 == u16::from(pair[1]);
                assert!(frame.bytes().windows(2).all(step), "{length} bytes: joined wrongly");
            }
        }
        assert!(frames >= 185, "{length} bytes: {frames} frames of 200");
    }
}

#[test]
fn a_drifting_clock_is_followed_without_growing_delay() {
    // The sender's clock is 1 % fast: a packet more every hundred ticks.
    let mut buffer = JitterBuffer::new(20, 120);
    let mut next = 0u32;
    for tick in 0..3_000u32 {
        buffer.insert(next * 160, &[1; 160]);
        next += 1;
        if tick % 100 == 99 {
            buffer.insert(next * 160, &[1; 160]);
            next += 1;
        }
        buffer.pull(tick % 25 == 0, &mut Payload::default());
        assert!(buffer.stored.len() <= 8, "tick {tick}: {} packets wait", buffer.stored.len());
    }
}

/// The thread that pulls stands still for `stall` ticks of every fifty, while packets arrive: what
/// came in each pull that was made, and how many packets wait at the end.
fn stalled(stall: u32, seconds: u32, calm: u32) -> (Vec<Result<u32, Pulled>>, usize) {
    let mut buffer = JitterBuffer::new(20, 120);
    let mut out = Vec::new();
    for tick in 0..(seconds + calm) * 50 {
        buffer.insert(tick * 160, &[1; 160]);
        if tick < seconds * 50 && tick % 50 < stall {
            continue;
        }
        let mut frame = Payload::default();
        out.push(match buffer.pull(false, &mut frame) {
            Pulled::Frame => Ok(tick),
            other => Err(other),
        });
    }
    (out, buffer.stored.len())
}

#[test]
fn stalls_of_the_machine_silence_nobody() {
    for stall in [5, 15, 25, 40] {
        let (out, _) = stalled(stall, 30, 0);
        let heard = out.iter().filter(|frame| frame.is_ok()).count();
        assert!(heard * 100 >= out.len() * 95, "{stall} of 50: {heard} of {} pulls", out.len());
        // What they left waiting is played out, and then dropped frame by frame.
        let (_, waiting) = stalled(stall, 30, 20);
        assert!(waiting <= 8, "{stall} of 50: {waiting} packets wait");
    }
}

/// What is heard of a sender whose clock stands still for `stall` ticks of every fifty: packets
/// that were sent, and frames that came out.
fn slow_clock(stall: usize) -> (usize, usize) {
    let mut buffer = JitterBuffer::new(20, 120);
    let (mut sent, mut heard) = (0, 0);
    for tick in 0..1_500 {
        if tick % 50 >= stall {
            buffer.insert(sent as u32 * 160, &[1; 160]);
            sent += 1;
        }
        heard += usize::from(buffer.pull(false, &mut Payload::default()) == Pulled::Frame);
    }
    (sent, heard)
}

#[test]
fn a_sender_whose_clock_stood_still_is_heard_again_at_once() {
    for stall in [5, 15, 25, 40] {
        let (sent, heard) = slow_clock(stall);
        assert!(heard * 100 >= sent * 95, "{stall} of 50: {heard} of {sent}");
    }
}

#[test]
fn a_burst_after_a_stall_of_the_network_is_played_and_its_delay_won_back() {
    let mut buffer = JitterBuffer::new(20, 120);
    let mut heard = Vec::new();
    for tick in 0..1_500u32 {
        let stalled = tick % 300 >= 280;
        if tick % 300 == 0 && tick > 0 {
            (tick - 20..tick).for_each(|index| {
                buffer.insert(index * 160, &[1; 160]);
            });
        }
        if !stalled {
            buffer.insert(tick * 160, &[1; 160]);
        }
        // One frame in four is quiet, as in speech.
        if buffer.pull(tick % 4 == 0, &mut Payload::default()) == Pulled::Frame {
            heard.push(tick);
        }
        if tick % 300 == 279 {
            assert!(buffer.stored.len() <= 8, "{} packets wait", buffer.stored.len());
        }
    }
    // All but the pauses, and the quiet frames that were dropped afterwards.
    assert!(heard.len() >= 1_500 - 5 * 20 - 10, "{} frames", heard.len());
}
