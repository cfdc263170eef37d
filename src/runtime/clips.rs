//! What never varies, rendered and encoded once, in memory for all calls.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use crate::base::spoken::Spoken;
use crate::media;

use super::shared::locked;

/// One sentence, encoded once for all legs.
#[derive(Clone)]
pub struct SpokenClip {
    pub clip: Arc<media::Clip>,
    pub text: String,
}

/// Texts that are kept; one more, and all are forgotten but those that fill waits.
const TEXTS_MAX: usize = 2_000;

/// The sentences of each text.
#[derive(Default)]
pub struct Clips {
    known: Mutex<HashMap<String, Vec<SpokenClip>>>,
    /// What fills waits, in each language: never rendered while somebody waits.
    fillers: Mutex<HashMap<String, Vec<SpokenClip>>>,
}

impl Clips {
    /// The sentences of `what`, if they are there.
    pub fn get(&self, what: &Spoken) -> Option<Vec<SpokenClip>> {
        let key = key(what);
        let filler = locked(&self.fillers).get(&key).cloned();
        filler.or_else(|| locked(&self.known).get(&key).cloned())
    }

    pub fn keep(&self, what: &Spoken, clips: Vec<SpokenClip>) {
        let mut known = locked(&self.known);
        if known.len() >= TEXTS_MAX {
            known.clear();
        }
        known.insert(key(what), clips);
    }

    /// Sets what fills waits; what filled them before is forgotten.
    pub fn set_fillers(&self, fillers: Vec<(Spoken, Vec<SpokenClip>)>) {
        *locked(&self.fillers) =
            fillers.into_iter().map(|(what, clips)| (key(&what), clips)).collect();
    }
}

fn key(what: &Spoken) -> String {
    format!("{}\0{}\0{}", what.language, what.slow, what.text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::audio::Pcm;
    use crate::base::language::Language;

    fn clip(text: &str) -> Vec<SpokenClip> {
        let clip = media::Clip::new(&Pcm::new(16_000, vec![0; 1_600]));
        vec![SpokenClip { clip, text: text.to_owned() }]
    }

    fn say(text: &str) -> Spoken {
        Spoken::fixed("answer", text, Language::english())
    }

    #[test]
    fn a_full_memory_keeps_what_fills_waits() {
        let clips = Clips::default();
        let moment = say("One moment, please.");
        clips.set_fillers(vec![(moment.clone(), clip("One moment, please."))]);
        for number in 0..=TEXTS_MAX {
            clips.keep(&say(&number.to_string()), clip("…"));
        }
        assert!(clips.get(&moment).is_some());
        assert!(clips.get(&say("0")).is_none(), "forgotten");
        assert!(clips.get(&say(&TEXTS_MAX.to_string())).is_some(), "the last one");
        clips.set_fillers(Vec::new());
        assert!(clips.get(&moment).is_none());
    }

    #[test]
    fn another_pace_or_language_is_another_sound() {
        let clips = Clips::default();
        clips.keep(&say("Yes."), clip("Yes."));
        assert!(clips.get(&say("Yes.")).is_some());
        assert!(clips.get(&Spoken { slow: true, ..say("Yes.") }).is_none());
        let german = Language::new("de").expect("a code");
        assert!(clips.get(&Spoken { language: german, ..say("Yes.") }).is_none());
    }
}
