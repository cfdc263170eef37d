//! The demo's agent: answers, hears the briefing, accepts, speaks, and says how it went; then the
//! next call.

use std::time::Duration;

use crate::base::audio::Pcm;
use crate::base::key::Key;
use crate::runtime::peer::{Peer, PeerCall};

/// Takes one call after the other.
pub async fn serve(mut phone: Peer, voice: Pcm) {
    while let Ok(mut call) = phone.answer(Duration::from_millis(1_500)).await {
        take(&mut call, &voice).await;
        phone = call.into_phone();
    }
}

async fn take(call: &mut PeerCall, voice: &Pcm) {
    call.wait_for_turn(Duration::from_millis(900), Duration::from_secs(25)).await;
    call.press(Key::ONE);
    call.listen(Duration::from_millis(2_500)).await;
    call.say(voice).await;
    // The caller hangs up; then the result is asked for.
    while !call.is_over() {
        call.listen(Duration::from_millis(500)).await;
        call.listen_afresh();
        if call.wait_for_turn(Duration::from_millis(900), Duration::from_secs(4)).await {
            call.press(Key::ONE);
        }
    }
}
