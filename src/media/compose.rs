//! What one leg is sent in a tick. The cheap ways first: a prompt or a bed is copied as it was
//! encoded once, the other party's packet is passed on untouched; only what must be mixed or
//! changed in level is encoded anew.

use crate::base::audio::frame_samples;
use crate::base::session::Codec;

use super::*;

/// The way a frame is made.
enum Way<'a> {
    /// A clip's frame as it was encoded once.
    Copy { clip: &'a Clip, index: usize, kind: FrameKind },
    /// The other party's payload, untouched.
    Forward(&'a Heard),
    /// Everything added up and encoded.
    Mix,
}

impl Leg {
    /// Fills `out`; its samples only if `wants_samples` or they had to be made anyway.
    pub(super) fn compose(
        &mut self,
        beds: &Beds,
        all: &[Heard],
        legs: &[(LegId, usize)],
        out: &mut Composed,
        wants_samples: bool,
    ) {
        let Some(codec) = self.plan.as_ref().map(|plan| plan.codec) else { return };
        let rate_hz = codec.sample_rate_hz();
        let voices = Voices::of(&self.hears, all, legs);
        let bed = self.bed_clip(beds);
        let bed_index = self.bed_index % bed.frames().max(1);
        let fresh = self.bed != Bed::Noise && self.bed_age < FADE_IN_FRAMES;
        let bed_age = self.bed_age;
        let gains = (self.play_gain, if self.ducked { DUCK_GAIN } else { 1.0 });
        let bed_kind = if self.bed == Bed::Noise { FrameKind::Silent } else { FrameKind::Sound };
        let playing = self.player.frame();
        let way = match (&playing, voices.only()) {
            (Some(play), _)
                if voices.is_empty() && play.edge == Edge::None && gains == (1.0, 1.0) =>
            {
                Way::Copy { clip: play.clip, index: play.index, kind: FrameKind::Sound }
            }
            (None, Some(voice)) if voice.forwardable && voice.codec == codec => Way::Forward(voice),
            (None, _) if voices.is_empty() && !fresh => {
                Way::Copy { clip: bed, index: bed_index, kind: bed_kind }
            }
            _ => Way::Mix,
        };
        match way {
            Way::Copy { clip, index, kind } => {
                out.kind = kind;
                copy_clip(clip, codec, index, out, wants_samples);
            }
            Way::Forward(voice) => {
                out.kind = FrameKind::Sound;
                out.payload = voice.payload;
                if wants_samples {
                    copy_samples(voice.samples(), &mut out.samples);
                }
            }
            Way::Mix => {
                let mut sum = Sum::new(rate_hz);
                if let Some(play) = &playing {
                    let samples = play.clip.sample_frame(rate_hz, play.index).unwrap_or_default();
                    sum.add_play(samples, gains, play.edge);
                }
                let gain = if playing.is_some() { UNDER_PROMPT_GAIN } else { 1.0 };
                voices.heard.iter().flatten().for_each(|voice| {
                    sum.add(voice.samples_at(rate_hz), gain);
                });
                if voices.is_empty() && playing.is_none() {
                    let gain = (bed_age + 1) as f32 / (FADE_IN_FRAMES + 1) as f32;
                    sum.add(bed.sample_frame(rate_hz, bed_index).unwrap_or_default(), gain);
                }
                out.kind = FrameKind::Sound;
                sum.finish(&mut out.samples);
                self.encode(codec, out);
            }
        }
        self.play_gain = gains.1;
    }

    fn encode(&mut self, codec: Codec, out: &mut Composed) {
        let samples = frame_samples(codec.sample_rate_hz());
        if let (Some(encoder), Some(samples)) = (&mut self.encoder, out.samples.get(..samples)) {
            encoder.encode(samples, &mut out.payload);
        }
    }

    fn bed_clip<'a>(&self, beds: &'a Beds) -> &'a Clip {
        match self.bed {
            Bed::Noise => &beds.noise,
            Bed::Music => beds.music.get().unwrap_or(&beds.noise),
            Bed::Ringing => &beds.ringing,
        }
    }
}

fn copy_clip(clip: &Clip, codec: Codec, index: usize, out: &mut Composed, wants_samples: bool) {
    match clip.payload_frame(codec, index) {
        Some(payload) => copy_samples(payload, &mut out.payload),
        None => out.payload.fill(super::super::codec::silence_byte(codec)),
    }
    if wants_samples {
        let samples = clip.sample_frame(codec.sample_rate_hz(), index).unwrap_or_default();
        copy_samples(samples, &mut out.samples);
    }
}

fn copy_samples<T: Copy>(from: &[T], to: &mut [T]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to = *from;
    }
}

/// The legs that are heard and really speak.
struct Voices<'a> {
    heard: [Option<&'a Heard>; LEGS_PER_CALL_MAX],
    count: usize,
}

impl<'a> Voices<'a> {
    fn of(hears: &[LegId], all: &'a [Heard], legs: &[(LegId, usize)]) -> Self {
        let mut voices = Self { heard: [None; LEGS_PER_CALL_MAX], count: 0 };
        for (id, index) in legs {
            let Some(heard) = all.get(*index) else { continue };
            if hears.contains(id)
                && heard.is_audible()
                && let Some(place) = voices.heard.get_mut(voices.count)
            {
                *place = Some(heard);
                voices.count += 1;
            }
        }
        voices
    }

    fn is_empty(&self) -> bool {
        self.count == 0
    }

    fn only(&self) -> Option<&'a Heard> {
        if self.count == 1 { self.heard.first().copied().flatten() } else { None }
    }
}

/// A frame being added up.
struct Sum {
    samples: [i32; FRAME_SAMPLES_MAX],
    count: usize,
}

impl Sum {
    fn new(rate_hz: u32) -> Self {
        Self {
            samples: [0; FRAME_SAMPLES_MAX],
            count: frame_samples(rate_hz).min(FRAME_SAMPLES_MAX),
        }
    }

    fn add(&mut self, samples: &[i16], gain: f32) {
        if gain == 1.0 {
            for (sum, sample) in self.samples.iter_mut().zip(samples) {
                *sum += i32::from(*sample);
            }
        } else {
            for (sum, sample) in self.samples.iter_mut().zip(samples) {
                *sum += i32::from(scale(*sample, gain));
            }
        }
    }

    /// A play, its gain going from the first to the second of `gains`. One that was stopped is
    /// heard for a quarter of the frame more, fading; one that goes on comes in as softly.
    fn add_play(&mut self, samples: &[i16], gains: (f32, f32), edge: Edge) {
        let count = self.count.max(1) as f32;
        let quarter = (self.count / 4).max(1);
        for (index, (sum, sample)) in self.samples.iter_mut().zip(samples).enumerate() {
            let gain = gains.0 + (gains.1 - gains.0) * (index + 1) as f32 / count;
            let fade = match edge {
                Edge::None => 1.0,
                Edge::Out => quarter.saturating_sub(index) as f32 / quarter as f32,
                Edge::In => (index + 1).min(quarter) as f32 / quarter as f32,
            };
            *sum += i32::from(scale(*sample, gain * fade));
        }
    }

    fn finish(&self, out: &mut [i16; FRAME_SAMPLES_MAX]) {
        for (to, sum) in out.iter_mut().zip(&self.samples[..self.count]) {
            *to = (*sum).clamp(-32_768, 32_767) as i16;
        }
    }
}
