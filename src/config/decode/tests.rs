//! A whole file at once, good and bad.

use super::*;

const GOOD: &str = r#"
tables = "tables"

[company]
name = "Northwind"
country = "DE"
time_zone = "Europe/Berlin"

[sip]
udp = "127.0.0.1:5070"
tcp = "off"
calls_max = 50

[[trunks]]
id = "carrier"
addresses = ["192.0.2.0/24", "2001:db8::1"]
codecs = ["PCMA"]
[trunks.register]
registrar = "sip:carrier.example"

[[agents]]
id = "anna"
name = "Anna"
skills = ["billing"]
contact = "sip:anna@192.0.2.9"
attach_transcript = true

[[numbers]]
dialled = "100"
consent = "ask"

[transfer]
ring_s = 20
"#;

#[test]
fn a_good_file_reads_whole() {
    let config = Config::read("warmline.toml", GOOD, Path::new("/etc/warmline")).expect("is good");
    assert_eq!(config.company.name, "Northwind");
    assert_eq!(config.sip.udp, "127.0.0.1:5070".parse().ok());
    assert_eq!(config.sip.tcp, None);
    assert_eq!(config.trunks[0].codecs, [Codec::Pcma]);
    assert_eq!(config.agents[0].skills, [Skill::from("billing")]);
    assert_eq!(config.numbers[0].consent, Some(ConsentMode::Ask));
    assert_eq!(config.transfer.ring, Duration::from_secs(20));
    assert_eq!(config.transfer.briefing, Duration::from_secs(15));
    assert_eq!(config.tables.as_deref(), Some(Path::new("/etc/warmline/tables")));
    assert_eq!(config.recording.folder, Path::new("/etc/warmline/data/recordings"));
}

#[test]
fn an_empty_file_is_the_defaults() {
    let config = Config::read("warmline.toml", "", Path::new("x")).expect("is good");
    assert_eq!(config.sip.calls_max, limits::CALLS_MAX_DEFAULT);
    assert_eq!(config.speech.model, "base-q8_0");
    assert_eq!(config.store.file, Path::new("x/data/warmline.db"));
}

/// One case: a file, and its faults as an operator reads them.
fn check(text: &str, expected: &[&str]) {
    let problems = Config::read("w.toml", text, Path::new("x")).expect_err("has faults");
    let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
    assert_eq!(lines, expected);
}

#[test]
fn five_faults_come_at_once() {
    check(
        r#"[company]
country = "Germany"
[sip]
udp = "localhost"
calls_max = 0
[[trunks]]
id = "carrier"
addresses = ["192.0.2.0/33"]
[[agents]]
id = "anna"
skils = ["billing"]
contact = "sip:anna@192.0.2.9"
"#,
        &[
            "w.toml:2: company.country: found \"Germany\", expected two capitals such as \"US\"",
            "w.toml:4: sip.udp: found \"localhost\", \
             expected an address and port such as \"0.0.0.0:5060\", or \"off\"",
            "w.toml:5: sip.calls_max: found 0, expected a whole number from 1 to 10000",
            "w.toml:8: trunks[0].addresses: found \"192.0.2.0/33\", \
             expected IP addresses or networks such as \"192.0.2.0/24\"",
            "w.toml:11: agents[0].skils: found a field of unknown name, \
             expected a known field; did you mean \"skills\"?",
        ],
    );
}

#[test]
fn tls_is_a_clear_fault_until_it_is_built() {
    check(
        "[sip]\ntransport = \"tls\"\n",
        &["w.toml:2: sip.transport: found \"tls\", \
           expected \"udp+tcp\" (SIP over TLS is not built yet)"],
    );
}

#[test]
fn secrets_come_from_one_place_and_never_print() {
    check(
        "[[agents]]\nid = \"a\"\npassword = \"x\"\npassword_env = \"Y\"\n",
        &[
            "w.toml:3: agents[0].password: found more than one source, \
           expected one of password, password_file, password_env",
            "w.toml:1: agents[0].contact: found neither contact nor password, \
           expected a contact, a password for the agent's phone to register with, or browser = true",
        ],
    );
    let text = "[[agents]]\nid = \"a\"\npassword = \"canary-77\"\n";
    let config = Config::read("w.toml", text, Path::new("x")).expect("is good");
    assert!(!format!("{config:?}").contains("canary-77"));
}

#[test]
fn two_agents_need_two_names() {
    check(
        "[[agents]]\nid=\"a\"\ncontact=\"sip:a@h\"\n[[agents]]\nid=\"a\"\ncontact=\"sip:b@h\"\n",
        &["w.toml:5: agents[1].id: found \"a\" a second time, expected a name of its own"],
    );
}

#[test]
fn a_model_for_english_alone_hears_no_other_language() {
    let numbers = "[[numbers]]\ndialled = \"1\"\nlanguage = \"zh\"\n";
    let of = |model: &str| format!("[speech]\nmodel = \"{model}\"\n{numbers}");
    assert!(Config::read("w.toml", &of("base-q8_0"), Path::new("x")).is_ok());
    check(
        &of("tiny.en-q8_0"),
        &["w.toml:5: numbers[0].language: found \"zh\", expected \"en\": the model \
           tiny.en-q8_0 knows no other"],
    );
}

#[test]
fn the_web_opens_only_where_it_is_protected() {
    let at = |text: &str| {
        let config = Config::read("w.toml", text, Path::new("/etc/w")).expect("is good");
        config.web.listen_at().to_string()
    };
    let open = "[web]\nlisten = \"0.0.0.0:8443\"\n";
    assert_eq!(at(open), "127.0.0.1:8443");
    assert_eq!(at("[web]\nlisten = \"[::]:8443\"\n"), "[::1]:8443");
    assert_eq!(at(&format!("{open}public_url = \"https://calls.example\"")), "0.0.0.0:8443");
    let pair = "certificate = \"c.pem\"\nkey = \"k.pem\"\n";
    assert_eq!(at(&format!("{open}{pair}")), "0.0.0.0:8443");
}

#[test]
fn a_certificate_needs_its_key() {
    for (has, needs) in [("certificate", "key"), ("key", "certificate")] {
        let expected = match needs {
            "key" => "the certificate's key, a PEM file",
            _ => "the key's certificate, a PEM file",
        };
        check(
            &format!("[web]\n{has} = \"x.pem\"\n"),
            &[&format!("w.toml:1: web.{needs}: found nothing, expected {expected}")],
        );
    }
}

/// The dialled number before the trunk, the trunk before the company.
#[test]
fn a_call_begins_in_the_language_of_its_number_its_trunk_or_the_company() {
    let text = "[company]\nlanguage = \"de\"\n\
        [[trunks]]\nid = \"east\"\naddresses = [\"192.0.2.1\"]\nlanguage = \"zh\"\n\
        [[trunks]]\nid = \"west\"\naddresses = [\"192.0.2.2\"]\n\
        [[numbers]]\ndialled = \"100\"\nlanguage = \"en\"\n\
        [[numbers]]\ndialled = \"200\"\nconsent = \"ask\"\n";
    let config = Config::read("warmline.toml", text, Path::new(".")).expect("is good");
    for (trunk, dialled, expected) in [
        ("east", "100", "en"),
        ("west", "100", "en"),
        ("east", "200", "zh"),
        ("east", "999", "zh"),
        ("west", "200", "de"),
        ("nobody", "999", "de"),
    ] {
        let language = config.language(&TrunkId(trunk.to_owned()), dialled);
        assert_eq!(language.code(), expected, "{dialled} by {trunk}");
    }
    let all: Vec<&str> = config.languages().into_iter().map(Language::code).collect();
    assert_eq!(all, ["de", "zh", "en"], "the company's first, each once");
}

#[test]
fn the_manifest_tells_which_models_know_english_alone() {
    use super::speech::knows_english_alone;
    for (model, expected) in [
        ("tiny.en-q8_0", true),
        ("small.en-q8_0", true),
        ("base-q8_0", false),
        ("auto", false),
        // Not in the manifest: its name is all that there is.
        ("medium.en-q5_1", true),
        ("medium-q5_1", false),
    ] {
        assert_eq!(knows_english_alone(model), expected, "{model}");
    }
}

#[test]
fn a_model_is_one_of_the_manifest_and_of_the_right_kind() {
    for good in ["[speech]\nmodel = \"auto\"", "[speech]\nend_of_turn = \"text\""] {
        assert!(Config::read("w.toml", good, Path::new("x")).is_ok(), "{good}");
    }
    check(
        "[speech]\nmodel = \"bas\"\nend_of_turn = \"base-q8_0\"\n[understanding]\n\
         embedding = \"no\"\n[voice]\nmodel = \"\"\n",
        &[
            "w.toml:2: speech.model: found \"bas\", expected one of \"auto\", \"base-q8_0\", \
             \"tiny.en-q8_0\", \"base.en-q8_0\", \"small.en-q8_0\", \"small-q8_0\", \
             \"medium-q5_0\", \"large-v3-turbo-q5_0\"",
            "w.toml:3: speech.end_of_turn: found \"base-q8_0\", expected one of \"auto\", \
             \"text\", \"smart-turn-v3.2\"",
            "w.toml:5: understanding.embedding: found \"no\", expected one of \"auto\", \
             \"off\", \"all-MiniLM-L6-v2\"",
            "w.toml:7: voice.model: found \"\", expected one of \"en_US-joe-medium\", \
             \"zh_CN-huayan-medium\"",
        ],
    );
}

#[test]
fn domain_words_are_few_and_go_to_the_recogniser_but_for_digits() {
    use crate::base::listen::ListenMode;
    let read = |words: &str| {
        let text = format!("[speech]\ndomain_words = {words}\n");
        Config::read("warmline.toml", &text, Path::new(".")).map(|config| config.speech)
    };
    let speech = read("[\"Warmline\", \"Northwind\"]").expect("is good");
    assert_eq!(speech.prompt(ListenMode::Turn).as_deref(), Some("Warmline, Northwind."));
    assert_eq!(speech.prompt(ListenMode::Digits), None);
    assert_eq!(read("[]").expect("is good").prompt(ListenMode::Turn), None, "off by default");
    let many = format!("[{}]", vec!["\"Northwind\""; 41].join(", "));
    let long = format!("[\"{}\"]", "x".repeat(301));
    for bad in [many.as_str(), &long, "[\"a\\u0000b\"]", "[\"…\"]"] {
        let told = read(bad).expect_err(bad).to_string();
        assert!(told.contains("domain_words"), "{told}");
    }
}
