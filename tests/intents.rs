//! `warmline intents` and `warmline replay` as an operator runs them, and what any command says of
//! arguments that are wrong.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use warmline::base::caller::{CallerInfo, CustomerProfile};
use warmline::base::card::{Line, Speaker};
use warmline::base::disposition::Disposition;
use warmline::base::ids::{CallId, TrunkId};
use warmline::base::language::Language;
use warmline::base::moment::Moment;
use warmline::base::utterance::Utterance;
use warmline::call::command::Fact;
use warmline::store::{Store, StoreSettings};

fn run(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_warmline"))
        .args(args)
        .current_dir(folder)
        .env_remove("WARMLINE_CONFIG")
        .output()
        .expect("the binary runs")
}

fn said(out: &Output) -> String {
    String::from_utf8_lossy(&out.stdout).into_owned()
}

fn told(out: &Output) -> String {
    String::from_utf8_lossy(&out.stderr).into_owned()
}

/// A folder as `warmline init` makes it, with few examples so that training is quick.
fn operator() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    let out = run(dir.path(), &["init"]);
    assert!(out.status.success(), "{}", told(&out));
    for language in ["en", "zh"] {
        let file = dir.path().join("tables/understanding").join(language).join("examples.toml");
        std::fs::write(file, "").expect("written");
    }
    dir
}

fn edit(file: &Path, from: &str, to: &str) {
    let text = std::fs::read_to_string(file).expect("read");
    assert!(text.contains(from), "{from} is not in {}", file.display());
    std::fs::write(file, text.replacen(from, to, 1)).expect("written");
}

/// `| head -1`: whoever reads has enough.
#[test]
fn a_reader_that_leaves_ends_a_tool_without_a_word() {
    let dir = operator();
    let mut child = Command::new(env!("CARGO_BIN_EXE_warmline"))
        .args(["intents", "explain", "When are you open?"])
        .current_dir(dir.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary runs");
    drop(child.stdout.take());
    let out = child.wait_with_output().expect("the binary ends");
    assert_eq!((out.status.code(), told(&out)), (Some(0), String::new()));
}

#[test]
fn explain_shows_the_intent_its_reasons_and_the_words_that_pull() {
    let dir = operator();
    let out = run(dir.path(), &["intents", "explain", "My order 4417 never came, this is awful!"]);
    let text = said(&out);
    assert!(out.status.success(), "{}", told(&out));
    for part in ["intent: delivery_problem", "phrase '", "4417", "\"awful\"", "examples:", "+"] {
        assert!(text.contains(part), "{part} is not in:\n{text}");
    }
}

#[test]
fn test_counts_and_fails_below_the_share_asked_for() {
    let dir = operator();
    let file = dir.path().join("set.tsv");
    let set = "# a comment\nopening_hours\tWhen are you open?\naddress\tWhere is your shop?\n\
               refund_request\tWhen are you open?\n";
    std::fs::write(&file, set).expect("written");
    let out = run(dir.path(), &["intents", "test", "set.tsv", "--wrong", "--at-least", "0.9"]);
    let text = said(&out);
    assert_eq!(out.status.code(), Some(1), "{}", told(&out));
    assert!(text.contains("2 of 3 right: 66.7 %"), "{text}");
    assert!(text.contains("refund_request ← opening_hours: When are you open?"), "{text}");
    let out = run(dir.path(), &["intents", "test", "set.tsv", "--at-least", "0.6"]);
    assert!(out.status.success());
    std::fs::write(&file, "no tab here\n").expect("written");
    let out = run(dir.path(), &["intents", "test", "set.tsv"]);
    assert_eq!(out.status.code(), Some(2));
    assert!(told(&out).contains("set.tsv:1"), "{}", told(&out));
}

#[test]
fn train_writes_a_model_that_is_used_and_a_broken_one_is_told() {
    let dir = operator();
    let out = run(dir.path(), &["intents", "train"]);
    assert!(out.status.success(), "{}", told(&out));
    let model = dir.path().join("tables/understanding/en/intents.model");
    assert!(model.is_file(), "{}", said(&out));
    assert!(run(dir.path(), &["check"]).status.success());
    let mut bytes = std::fs::read(&model).expect("read");
    bytes.truncate(bytes.len() / 2);
    std::fs::write(&model, bytes).expect("written");
    let out = run(dir.path(), &["check"]);
    assert!(!out.status.success());
    assert!(
        told(&out).contains("intents.model") && told(&out).contains("damaged"),
        "{}",
        told(&out)
    );
}

#[test]
fn import_proposes_lines_and_examples_from_past_cases() {
    let dir = operator();
    let mut rows = "id,text,outcome\n".to_owned();
    for number in 0..6 {
        rows.push_str(&format!("{number},\"When are you open, please?\",answered by menu\n"));
        rows.push_str(&format!(
            "{number},You charged me twice for order {number},agent refunded\n"
        ));
        rows.push_str(&format!("{number},my zebra permit number 77{number} expired,closed\n"));
    }
    std::fs::write(dir.path().join("cases.csv"), rows).expect("written");
    let out = run(dir.path(), &["intents", "import", "cases.csv"]);
    let text = said(&out);
    assert!(out.status.success(), "{}", told(&out));
    for part in [
        "[opening_hours] # known, 6 cases, 0 % by people",
        "line = \"green\"",
        "[billing_dispute] # known, 6 cases, 100 % by people",
        "line = \"red\"",
        "zebra",
    ] {
        assert!(text.contains(part), "{part} is not in:\n{text}");
    }
    let examples = text.split("understanding/LANGUAGE").nth(1).unwrap_or_default();
    assert!(!examples.contains("77"), "numbers of cases stay out: {examples}");
    let out = run(dir.path(), &["intents", "import", "cases.csv", "--text", "words"]);
    assert_eq!(out.status.code(), Some(2));
    assert!(told(&out).contains("there are: id, text, outcome"), "{}", told(&out));
}

/// A store with one call of two turns.
async fn keep_a_call(folder: &Path, id: &CallId) {
    let store = Store::open(StoreSettings::in_folder(folder)).expect("the store opens");
    let wall = jiff::Timestamp::now();
    let caller = CallerInfo {
        number: None,
        name: None,
        dialled: "100".into(),
        trunk: TrunkId::from("demo"),
        user_agent: None,
        language: Language::english(),
        peer: None,
        profile: CustomerProfile::default(),
    };
    drop(store.arrived(id, wall, &caller).await);
    for (at, text) in [(4_000, "When are you open?"), (15_000, "Where is your shop?")] {
        let at = Moment(at);
        let line = Line { at, speaker: Speaker::Caller, text: text.to_owned().into() };
        let utterance = Some(Utterance::typed(text, at, 1_500));
        let fact = Fact::Said { line, utterance, understanding: None };
        drop(store.note(id, at, wall, fact).await);
    }
    drop(store.ended(id, Moment(20_000), wall, Disposition::Answered).await);
    store.close().await.expect("closed");
}

#[test]
fn replay_shows_what_new_tables_would_have_changed() {
    let dir = operator();
    let id = CallId::new(1_763_000_000_000, [7; 10]);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(keep_a_call(dir.path(), &id));
    let store = "# file = \"data/warmline.db\"";
    edit(&dir.path().join("warmline.toml"), store, "file = \"warmline.db\"");
    let copied = Command::new("cp").args(["-r", "tables", "new"]).current_dir(dir.path()).status();
    assert!(copied.expect("cp runs").success());
    let policy = dir.path().join("new/policy/intents.toml");
    edit(&policy, "[address]\nline = \"green\"", "[address]\nline = \"red\"");

    let out = run(dir.path(), &["replay", "--rules", "new", id.as_str()]);
    let text = said(&out);
    assert!(out.status.success(), "{}{text}", told(&out));
    for part in
        ["1 of 2 turns change", "2 \"Where is your shop?\"", "decision: answer address", "→ person"]
    {
        assert!(text.contains(part), "{part} is not in:\n{text}");
    }
    let out = run(dir.path(), &["replay", "--rules", "tables", "--last", "5"]);
    assert!(said(&out).contains("0 of 2 turns of 1 calls change"), "{}", said(&out));

    edit(&policy, "line = \"red\"", "line = \"purple\"");
    let out = run(dir.path(), &["replay", "--rules", "new", id.as_str()]);
    assert_eq!(out.status.code(), Some(2));
    assert!(told(&out).contains("purple"), "{}", told(&out));
    let out = run(dir.path(), &["replay", "--rules", "tables", "nonsense"]);
    assert_eq!(out.status.code(), Some(2));
}

/// Each case: arguments, and what is told; nothing is done, and nothing panics.
#[test]
fn what_is_given_wrongly_is_told_in_plain_words() {
    let dir = operator();
    for (name, bytes) in [
        ("noise", &b"\xff\xfe\x00noise"[..]),
        ("empty", b""),
        ("set.tsv", b"opening_ours\tWhen are you open?\n"),
        ("head.csv", b"text,outcome\n"),
    ] {
        std::fs::write(dir.path().join(name), bytes).expect("written");
    }
    let cases: [(&[&str], &str); 24] = [
        (&["intents", "test", "absent"], "absent: No such file"),
        (&["intents", "test", "noise"], "noise: expected text in UTF-8"),
        (&["intents", "test", "empty"], "empty: no sentence in it"),
        (&["intents", "test", "set.tsv"], "set.tsv:1: found \"opening_ours\""),
        (&["intents", "test", "set.tsv", "--at-least", "90"], "a share from 0 to 1"),
        (&["intents", "explain", "hi", "-c", "absent"], "absent: found No such file"),
        (&["intents", "explain", "hi", "--language", "fr"], "no tables for the language \"fr\""),
        (&["intents", "train", "--tables", "absent"], "absent: found no folder of tables"),
        (&["intents", "import", "empty"], "expected a first line of column names"),
        (&["intents", "import", "head.csv"], "no case with a text in it"),
        (&["replay", "--rules", "absent", "--last", "1"], "absent: found no folder"),
        (&["replay", "--rules", "tables"], "--last"),
        (&["replay", "--rules", "tables", "--last", "1"], "no store is here"),
        (&["models", "fetch"], "name models"),
        (&["models", "fetch", "huge"], "no model huge"),
        (&["models", "import", "absent"], "absent: No such file"),
        (&["models", "verify", "--folder", "noise"], "noise: Not a directory"),
        (&["bench", "models", "--folder", "absent"], "absent: No such file"),
        (&["check", "-c", "noise"], "noise: found stream did not contain valid UTF-8"),
        (&["check", "-c", "absent"], "absent: found No such file"),
        (&["call", "sip:x@127.0.0.1", "--key", "1x"], "'x' is no key"),
        (&["call", "sip:x@127.0.0.1", "--pace", "0"], "a number from 0.72 to 2.5"),
        (&["call", "sip:x@127.0.0.1", "--pitch", "NaN"], "a number from -350 to 500"),
        (&["user", "token", "nobody"], "there is no such user"),
    ];
    for (args, expected) in cases {
        let out = run(dir.path(), args);
        let told = told(&out);
        assert!(!out.status.success(), "{args:?} is taken: {}", said(&out));
        assert!(told.contains(expected), "{expected:?} is not told to {args:?}:\n{told}");
        assert!(!told.contains("panicked"), "{args:?}: {told}");
    }
}
