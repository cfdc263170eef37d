//! The demo's agent: answers, hears the briefing, accepts, speaks, and says how it went.

use std::time::Duration;

use crate::base::audio::Pcm;
use crate::base::key::Key;
use crate::runtime::peer::Peer;

/// Takes one call.
pub async fn serve(phone: Peer, voice: Pcm) {
    let Ok(mut call) = phone.answer(Duration::from_millis(1_500)).await else { return };
    call.wait_for_turn(Duration::from_millis(900), Duration::from_secs(25)).await;
    call.press(Key::ONE);
    call.listen(Duration::from_millis(2_500)).await;
    call.say(&voice).await;
    // The caller hangs up; then the result is asked for.
    call.listen_afresh();
    for _ in 0..120 {
        call.listen(Duration::from_millis(500)).await;
        if call.is_over() {
            return;
        }
        call.listen_afresh();
        if call.wait_for_turn(Duration::from_millis(900), Duration::from_secs(4)).await {
            call.press(Key::ONE);
        }
    }
}
