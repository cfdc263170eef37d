//! What the listener asks of the recognisers, and how they may fail it: shared by both.

use std::sync::Arc;

use thiserror::Error;

use crate::base::moment::Moment;

use super::transcript::{Hint, TranscribeError};

/// Names one decode of one listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct JobId(pub u64);

/// Who waits for a decode, the most urgent first.
///
/// A speculative decode stands before bridge speech: nine times of ten it is the caller's final
/// text, and a person waits for it, while bridge speech is only written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DecodeClass {
    /// A caller has stopped speaking and waits.
    CallerFinal,
    /// A caller paused, and may have stopped.
    CallerSpeculative,
    /// Speech of a bridged call, for the transcript.
    Conversation,
    /// Text so far of somebody who still speaks.
    Partial,
}

impl DecodeClass {
    pub const ALL: [DecodeClass; 4] = [
        DecodeClass::CallerFinal,
        DecodeClass::CallerSpeculative,
        DecodeClass::Conversation,
        DecodeClass::Partial,
    ];

    /// As written in metrics.
    pub fn name(self) -> &'static str {
        match self {
            DecodeClass::CallerFinal => "caller_final",
            DecodeClass::CallerSpeculative => "caller_speculative",
            DecodeClass::Conversation => "conversation",
            DecodeClass::Partial => "partial",
        }
    }
}

/// One decode to be done.
#[derive(Clone, Debug, PartialEq)]
pub struct DecodeOrder {
    pub job: JobId,
    /// Mono, 16 kHz.
    pub samples: Arc<[i16]>,
    pub hint: Hint,
    pub class: DecodeClass,
    /// After this nobody wants the text any more (the call's clock).
    pub deadline: Moment,
}

/// Why a decode brought nothing.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum DecodeFailure {
    #[error("shed: too much was waiting")]
    Shed,
    #[error("its deadline passed before a recogniser was free")]
    TooLate,
    #[error("cancelled")]
    Cancelled,
    #[error("the recogniser crashed")]
    Crashed,
    #[error("the recogniser hung and was replaced")]
    Hung,
    #[error("no recogniser is running")]
    Closed,
    #[error(transparent)]
    Recogniser(TranscribeError),
}
