//! Callers who all need a sentence made anew at the same time: each names an order of their own,
//! whose number is read back. Nothing of what they hear next lies rendered.

use std::process::Command;
use std::time::Duration;

use super::capture::Capture;
use super::server::{BINARY, Server, models_folder};
use super::{SILENCE_MS_MAX, first_audio_of, percentile};

const DIGITS: [&str; 10] =
    ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];

/// One caller first: the figure that others are held against.
pub fn measure(callers: usize) {
    let alone = silence_before_read_back(1);
    let together = silence_before_read_back(callers);
    println!("  ratio {:.1}", together as f64 / alone.max(1) as f64);
}

/// The median silence between a number's last digit and any sound, milliseconds.
fn silence_before_read_back(callers: usize) -> u64 {
    let server = Server::start("");
    let folder = tempfile::tempdir().expect("a folder");
    let running: Vec<_> = (0..callers)
        .map(|number| {
            let digits = [4, 2, number / 10 % 10, number % 10];
            let number = digits.map(|digit| digit.to_string()).concat();
            let words = digits.map(|digit| DIGITS[digit]).join(" ");
            let file = folder.path().join(format!("{number}.wav"));
            let child = Command::new(BINARY)
                .args(["call", &server.uri(), "--say", "Where is my order?", "--then", &words])
                // A question that is late comes after "one moment, please".
                .args(["--quiet-s", "5", "--json", "--capture"])
                .arg(&file)
                .env("WARMLINE_MODELS", models_folder())
                .stdout(std::process::Stdio::piped())
                .stderr(std::process::Stdio::null())
                .spawn()
                .expect("the simulated caller starts");
            (child, file, number)
        })
        .collect();
    let (mut silences, mut numbers) = (Vec::new(), Vec::new());
    for (child, file, number) in running {
        let out = child.wait_with_output().expect("the simulated caller ends");
        let text = String::from_utf8_lossy(&out.stdout).into_owned();
        let turns = text.lines().filter_map(first_audio_of).count();
        let capture = Capture::read(&file);
        silences.extend(capture.and_then(|one| one.silence_ms()).filter(|_| turns > 0));
        numbers.push(number);
    }
    let calls = server.ended_calls(callers, Duration::from_secs(60));
    let said: Vec<String> = calls.iter().map(|call| call["lines"].to_string()).collect();
    let count = |words: &str| said.iter().filter(|lines| lines.contains(words)).count();
    let asked = count("Is that right?");
    let right = numbers.iter().filter(|number| count(&format!("order {number}.")) > 0).count();
    silences.sort_unstable();
    let most = silences.last().copied().unwrap_or(0);
    println!(
        "last digit → any sound, {callers} caller(s) whose numbers are read back: p50 {} ms, \
         p95 {} ms, longest {most} ms; over {SILENCE_MS_MAX} ms: {} of {}; read back {asked}, \
         {right} with the right number; \"one moment\" {}",
        percentile(&silences, 50),
        percentile(&silences, 95),
        silences.iter().filter(|ms| **ms > SILENCE_MS_MAX).count(),
        silences.len(),
        count("One moment")
    );
    percentile(&silences, 50)
}
