//! The reader gathers every fault, each with its place.

use super::*;

const FILE: &str = r#"
port = 5060
name = "desk"
rate = 0.5
on = "yes"
kind = "blue"
words = ["a", 7]

[trunk]
adress = "1.2.3.4"

[[agents]]
id = "anna"
[[agents]]
id = 9
"#;

fn lines(problems: &Problems) -> Vec<String> {
    problems.iter().map(ToString::to_string).collect()
}

#[test]
fn all_faults_at_once_with_line_and_field() {
    let mut problems = Problems::new();
    let table = Table::parse("warmline.toml", FILE, &mut problems).expect("is TOML");
    assert_eq!(table.integer_in("port", 1..=1000, 80, &mut problems), 80);
    assert_eq!(table.required_string("name", &mut problems).as_deref(), Some("desk"));
    assert_eq!(table.float_in("rate", 0.0..=1.0, 0.1, &mut problems), 0.5);
    assert!(!table.bool_or("on", false, &mut problems));
    assert_eq!(table.choice("kind", &[("red", 1), ("green", 2)], 1, &mut problems), 1);
    assert_eq!(table.strings("words", &mut problems), ["a"]);
    let trunk = table.table("trunk", &mut problems).expect("stands there");
    assert_eq!(trunk.parsed::<std::net::IpAddr>("address", "an IP address", &mut problems), None);
    trunk.finish(&mut problems);
    let agents = table.tables("agents", &mut problems);
    let ids: Vec<_> = agents.iter().map(|a| a.required_string("id", &mut problems)).collect();
    assert_eq!(ids, [Some("anna".to_owned()), None]);
    table.finish(&mut problems);
    assert_eq!(
        lines(&problems),
        [
            "warmline.toml:2: port: found 5060, expected a whole number from 1 to 1000",
            "warmline.toml:5: on: found \"yes\", expected true or false",
            "warmline.toml:6: kind: found \"blue\", expected \"red\" or \"green\"",
            "warmline.toml:7: words[1]: found 7, expected the same kind as its neighbours",
            "warmline.toml:10: trunk.adress: found a field of unknown name, \
             expected a known field; did you mean \"address\"?",
            "warmline.toml:15: agents[1].id: found 9, expected text in quotes",
        ]
    );
}

#[test]
fn what_is_no_toml_names_its_lines() {
    let mut problems = Problems::new();
    assert!(Table::parse("a.toml", "x = \ny = 1\nz = = 2\n", &mut problems).is_none());
    let places: Vec<_> = problems.iter().map(|problem| problem.line).collect();
    assert_eq!(places, [1, 3]);
}

#[test]
fn what_is_absent_is_default_or_named() {
    let mut problems = Problems::new();
    let table = Table::parse("a.toml", "", &mut problems).expect("empty is TOML");
    assert_eq!(table.integer_in("n", 0..=9, 3, &mut problems), 3);
    assert!(problems.is_empty());
    assert_eq!(table.required_string("id", &mut problems), None);
    assert_eq!(lines(&problems), ["a.toml:1: id: found nothing, expected text in quotes"]);
}

#[test]
fn huge_numbers_are_faults_and_no_panics() {
    let mut problems = Problems::new();
    let text = "n = 99999999999999999999999999\nm = -9223372036854775809";
    if let Some(table) = Table::parse("a.toml", text, &mut problems) {
        table.integer_in("n", 0..=9, 3, &mut problems);
        table.integer_in("m", 0..=9, 3, &mut problems);
    }
    assert_eq!(problems.len(), 2);
}

proptest::proptest! {
    #[test]
    fn no_text_makes_it_panic(text in ".{0,400}") {
        let mut problems = Problems::new();
        if let Some(table) = Table::parse("a.toml", &text, &mut problems) {
            table.finish(&mut problems);
        }
    }
}
