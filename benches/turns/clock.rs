//! A sound played to a listener on a virtual clock, on which a decode takes as long as it is told.

use std::time::Duration;

use warmline::base::moment::Moment;
use warmline::speech::hear::listener::{Listener, Output};
use warmline::speech::hear::order::{DecodeOrder, JobId};
use warmline::speech::hear::transcript::{StopFlag, Transcriber, Transcript};
use warmline::speech::hear::whisper::Whisper;

use crate::sound::processor_us;

/// Samples of 20 ms at 16 kHz.
pub const FRAME: usize = 320;

/// Plays `sound` (16 kHz) to `listener`. `decode` gives an order's text and the time that it
/// takes, or nothing for one that fails; all else that comes out goes to `seen`, with its time.
pub fn play(
    listener: &mut Listener,
    sound: &[i16],
    mut decode: impl FnMut(&DecodeOrder) -> Option<(Transcript, Duration)>,
    mut seen: impl FnMut(Moment, Output),
) {
    let mut pending: Vec<(Moment, JobId, Transcript)> = Vec::new();
    for (number, frame) in sound.chunks(FRAME).enumerate() {
        let now = Moment(20 * (number as u64 + 1));
        for (at, job, transcript) in pending.extract_if(.., |(at, ..)| *at <= now) {
            listener.handle_decoded(at, job, Ok(transcript));
        }
        listener.push_frame(now, frame, 16_000);
        while let Some(output) = listener.poll_output() {
            match output {
                Output::StartDecode(order) => match decode(&order) {
                    Some((text, took)) if took.is_zero() => {
                        listener.handle_decoded(now, order.job, Ok(text));
                    }
                    Some((text, took)) => pending.push((now + took, order.job, text)),
                    None => {}
                },
                Output::Cancel { job } => pending.retain(|(_, waiting, _)| *waiting != job),
                other => seen(now, other),
            }
        }
    }
}

/// A decode by `whisper`, which takes the processor time that it really took.
pub fn decoded(whisper: &mut Whisper, order: &DecodeOrder) -> Option<(Transcript, Duration)> {
    let begun = processor_us();
    let text = whisper.transcribe(&order.samples, &order.hint, &StopFlag::default()).ok()?;
    Some((text, Duration::from_micros(processor_us() - begun)))
}
