//! What a page hears: the tones that its connection brings, measured in the page itself.

use std::time::{Duration, Instant};

use super::chromium::Chromium;

const SCRIPT: &str = include_str!("ear.js");
/// Half a bin of the page's analysis, and what the codecs shift.
const NEAR_HZ: f32 = 30.0;
const LONG: Duration = Duration::from_secs(60);
/// How often the page looks, in a second.
const LOOKS: f64 = 50.0;
/// Between two looks that are further apart, the sound may have been gone.
const GAP_MS: i64 = 200;

/// Every page that is opened from now on has an ear.
pub async fn give(page: &Chromium) {
    page.before_each_page(SCRIPT).await;
}

/// Now, as the pages' clocks have it: Unix milliseconds.
pub fn now_ms() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

fn filter(hz: f32, since_ms: i64) -> String {
    format!("([at, f]) => at >= {since_ms} && Math.abs(f - {hz}) < {NEAR_HZ}")
}

/// Seconds in which this tone was the loudest, since then.
pub async fn seconds(page: &Chromium, hz: f32, since_ms: i64) -> f64 {
    let count = format!("return heard.filter({}).length", filter(hz, since_ms));
    page.run(&count).await.as_f64().unwrap_or(0.0) / LOOKS
}

/// Seconds for which this tone went on, since then, by the clock: a busy page looks less often, and
/// its looks count for less than the sound that lies between them. A tone that comes and goes, or
/// one in a page that hardly looks, is short by this measure: `seconds` is the one for "not heard".
pub async fn lasted(page: &Chromium, hz: f32, since_ms: i64) -> f64 {
    let sum = format!(
        "let [sum, before] = [0, null]; \
         for (const [at, f] of heard.filter(([at]) => at >= {since_ms})) {{ \
           const is = Math.abs(f - {hz}) < {NEAR_HZ}; \
           if (is && before !== null && at - before < {GAP_MS}) sum += at - before; \
           before = is ? at : null; \
         }} \
         return sum"
    );
    page.run(&sum).await.as_f64().unwrap_or(0.0) / 1_000.0
}

/// When this tone was first heard since then, Unix milliseconds; waits for it.
pub async fn first(page: &Chromium, hz: f32, since_ms: i64) -> i64 {
    let filter = filter(hz, since_ms);
    let find = format!(
        "const all = (window.heard ?? []).filter({filter}); return all.length >= 3 ? all[0][0] : null"
    );
    wait_for(page, hz, &find).await
}

/// When this tone was heard again after something else was (a voice, music, for a tenth of a
/// second or more), Unix milliseconds; waits for both.
pub async fn back(page: &Chromium, hz: f32, since_ms: i64) -> i64 {
    let find = format!(
        "let [others, own] = [0, 0]; \
         for (const [at, f] of heard.filter(([at]) => at >= {since_ms})) {{ \
           const is = Math.abs(f - {hz}) < {NEAR_HZ}; \
           if (others < 5) {{ others = is ? 0 : others + 1; continue; }} \
           own = is ? own + 1 : 0; \
           if (own === 3) return at; \
         }} \
         return null"
    );
    wait_for(page, hz, &find).await
}

async fn wait_for(page: &Chromium, hz: f32, find: &str) -> i64 {
    let began = Instant::now();
    loop {
        if let Some(at) = page.run(find).await.as_i64() {
            return at;
        }
        let last = "return JSON.stringify((window.heard ?? []).slice(-10))";
        assert!(
            began.elapsed() < LONG,
            "{hz} Hz is not heard, but {} on\n{}",
            page.run(last).await,
            page.text().await
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
