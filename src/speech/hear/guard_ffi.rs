//! The callbacks that whisper.cpp calls in the middle of a decode: the end guard's filter and the
//! stop flag. The only unsafe code of this room.
#![allow(unsafe_code)]

use std::ffi::{c_int, c_void};

use whisper_rs::whisper_rs_sys::{whisper_context, whisper_state, whisper_token_data};
use whisper_rs::{FullParams, WhisperError, WhisperState};

use super::end_guard::{Allowed, EndGuard};
use super::grammar::DigitGrammar;
use super::transcript::{StopFlag, TextEnd};

/// What a decode may write.
#[derive(Clone, Copy, Debug)]
pub struct Limits<'a> {
    pub guard: Option<&'a EndGuard>,
    pub grammar: Option<&'a DigitGrammar>,
    pub end_of_text: i32,
}

/// What the callbacks read and write during one decode.
struct Watch<'a> {
    guard: Option<&'a EndGuard>,
    grammar: Option<&'a DigitGrammar>,
    stop: &'a StopFlag,
    vocabulary: usize,
    end_of_text: usize,
    tokens: Vec<i32>,
    end: TextEnd,
}

/// Runs one decode of `samples` (mono, 16 kHz) within `limits`; says what ended the text.
///
/// Errors are whisper's own; a decode that `stop` ended shows as one of them.
pub fn decode(
    state: &mut WhisperState,
    mut params: FullParams<'_, '_>,
    samples: &[f32],
    limits: Limits<'_>,
    stop: &StopFlag,
) -> Result<TextEnd, WhisperError> {
    let vocabulary = usize::try_from(state.n_vocab()).unwrap_or(0);
    let mut watch = Watch {
        guard: limits.guard,
        grammar: limits.grammar,
        stop,
        vocabulary,
        end_of_text: usize::try_from(limits.end_of_text).unwrap_or(usize::MAX),
        tokens: Vec::with_capacity(64),
        end: TextEnd::Model,
    };
    let user = (&raw mut watch).cast::<c_void>();
    // SAFETY: whisper.cpp calls both callbacks only inside `state.full` below and on this thread:
    // the filter, because it takes at most one thread a decoder, and we set one decoder or one
    // thread (`Whisper::threads`; more of them only compute graphs); the abort callback, because
    // ggml asks it on a graph's first thread, which is the one that called. `watch` lives on this
    // stack frame until `full` has returned, and no other reference to it is used meanwhile.
    // `params` is consumed by `full`, so the pointer cannot be kept beyond it.
    unsafe {
        if limits.guard.is_some() || limits.grammar.is_some() {
            params.set_filter_logits_callback(Some(filter_logits));
            params.set_filter_logits_callback_user_data(user);
        }
        params.set_abort_callback(Some(should_abort));
        params.set_abort_callback_user_data(user);
    }
    state.full(params, samples)?;
    Ok(watch.end)
}

/// Leaves only the end of text possible, once the guard says so, and only numbers under the
/// grammar. Does not panic: no indexing without a check, no arithmetic that overflows, and the
/// allocation of a few numbers.
///
/// SAFETY: to be called by whisper.cpp only, from the decode that `user` belongs to.
unsafe extern "C" fn filter_logits(
    _context: *mut whisper_context,
    _state: *mut whisper_state,
    tokens: *const whisper_token_data,
    token_count: c_int,
    logits: *mut f32,
    user: *mut c_void,
) {
    if user.is_null() || logits.is_null() {
        return;
    }
    // SAFETY: `user` is the `Watch` of the `decode` that is running (see there), and whisper.cpp
    // holds no reference to it.
    let watch = unsafe { &mut *user.cast::<Watch<'_>>() };
    watch.tokens.clear();
    if !tokens.is_null() {
        let count = usize::try_from(token_count).unwrap_or(0);
        // SAFETY: whisper.cpp passes the address and the length of its vector of tokens, which
        // it does not change during the call.
        let written = unsafe { std::slice::from_raw_parts(tokens, count) };
        watch.tokens.extend(written.iter().map(|token| token.id));
    }
    // SAFETY: whisper.cpp passes the decoder's logits, resized to the vocabulary just before,
    // and does not touch them during the call.
    let row = unsafe { std::slice::from_raw_parts_mut(logits, watch.vocabulary) };
    let allowed = watch.guard.map_or(Allowed::Anything, |guard| guard.allow(&watch.tokens));
    if let Allowed::OnlyEnd(end) = allowed {
        watch.end = end;
        leave(row, |token| token == watch.end_of_text);
    } else if let Some(grammar) = watch.grammar {
        leave(row, |token| grammar.allows(token));
    }
}

/// Makes all tokens impossible but those that are `wanted`.
fn leave(row: &mut [f32], wanted: impl Fn(usize) -> bool) {
    for (token, logit) in row.iter_mut().enumerate() {
        if !wanted(token) {
            *logit = f32::NEG_INFINITY;
        }
    }
}

/// Asked by whisper.cpp between steps: `true` ends the decode.
///
/// SAFETY: to be called by whisper.cpp only, from the decode that `user` belongs to.
unsafe extern "C" fn should_abort(user: *mut c_void) -> bool {
    if user.is_null() {
        return false;
    }
    // SAFETY: as in `filter_logits`; only the stop flag, which is atomic, is read.
    let watch = unsafe { &*user.cast::<Watch<'_>>() };
    watch.stop.is_stopped()
}
