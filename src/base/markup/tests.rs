//! Texts with their trees, and texts with their faults.

use super::*;

fn text(text: &str) -> Node {
    Node::Text(text.into())
}

#[test]
fn every_tag_of_the_subset_is_read() {
    let german = Language::new("de").expect("is a code");
    for (written, tree) in [
        ("plain", vec![text("plain")]),
        ("<speak>plain</speak>", vec![text("plain")]),
        ("<s>One.</s><p>Two.</p>", {
            vec![Node::Sentence(vec![text("One.")]), Node::Sentence(vec![text("Two.")])]
        }),
        ("a<break time=\"1.5s\"/>b", {
            vec![text("a"), Node::Break(Duration::from_millis(1_500)), text("b")]
        }),
        ("<break time='250ms' />", vec![Node::Break(Duration::from_millis(250))]),
        ("<break/>", vec![Node::Break(Duration::from_millis(400))]),
        ("<break strength=\"strong\"></break>", vec![Node::Break(Duration::from_millis(700))]),
        ("<prosody rate=\"80%\">slow</prosody>", {
            vec![Node::Prosody { pace: 1.25, gain_db: 0.0, inner: vec![text("slow")] }]
        }),
        ("<prosody volume=\"-6dB\" rate=\"medium\">x</prosody>", {
            vec![Node::Prosody { pace: 1.0, gain_db: -6.0, inner: vec![text("x")] }]
        }),
        ("<say-as interpret-as=\"telephone\">030 1</say-as>", {
            vec![Node::SayAs { kind: SayAs::Telephone, text: "030 1".into() }]
        }),
        ("<digits>42</digits>", vec![Node::SayAs { kind: SayAs::Digits, text: "42".into() }]),
        ("<sub alias=\"World Wide Web\">WWW</sub>", {
            vec![Node::Sub { alias: "World Wide Web".into(), text: "WWW".into() }]
        }),
        ("<lang xml:lang=\"de-DE\">Tag</lang>", {
            vec![Node::Language { language: german.clone(), inner: vec![text("Tag")] }]
        }),
        ("<voice xml:lang=\"de\">Tag</voice>", {
            vec![Node::Language { language: german, inner: vec![text("Tag")] }]
        }),
        ("<mark name=\"here\"/>", vec![Node::Mark("here".into())]),
        ("wait < 5 & more", vec![text("wait < 5 & more")]),
        ("Smith &amp; Co &lt;b&gt;", vec![text("Smith & Co <b>")]),
    ] {
        assert_eq!(parse(written), Ok(tree), "{written}");
    }
}

#[test]
fn every_fault_has_its_place_and_its_words() {
    for (written, at, what) in [
        ("ab <b>x</b>", 6, "<b> is not known; known are speak"),
        ("<s>open", 7, "<s> is not closed: </s>"),
        ("<s>a</p>", 8, "</p> where </s> belongs"),
        ("a</s>", 5, "</s> closes nothing"),
        ("<break time=\"1h\"/>", 18, "expected 250ms or 1.5s, at most 10s"),
        ("<break time=\"11s\"/>", 19, "at most 10s"),
        ("<break time=\"-1s\"/>", 19, "at most 10s"),
        ("<break strength=\"huge\"/>", 24, "strength=\"huge\": expected none"),
        ("<prosody rate=\"900%\">x</prosody>", 21, "expected 50% to 200%"),
        ("<prosody volume=\"loudest\">x</prosody>", 26, "expected -60dB to +6dB"),
        ("<prosody pitch=\"high\">x</prosody>", 22, "<prosody> has no pitch"),
        ("<say-as>1</say-as>", 8, "<say-as> needs interpret-as"),
        ("<say-as interpret-as=\"x\">1</say-as>", 25, "interpret-as=\"x\": expected characters"),
        ("<digits>1<break/></digits>", 26, "may hold words only"),
        ("<sub>W</sub>", 5, "<sub> needs alias"),
        ("<lang xml:lang=\"?\">x</lang>", 19, "expected a code such as en"),
        ("<mark/>", 7, "<mark> needs name"),
        ("<s rate>x</s>", 0, "is no attribute"),
        ("é <s", 2, "a tag without its >"),
    ] {
        let error = parse(written).expect_err(written);
        assert_eq!(error.at, at, "{written}: {error}");
        assert!(error.what.contains(what), "{written}: {error}");
    }
    let deep = ["<s>".repeat(40), "</s>".repeat(40)].concat();
    assert!(parse(&deep).is_err_and(|error| error.what.contains("more than 16")));
}

#[test]
fn a_transcript_shows_what_is_written() {
    for (written, shown) in [
        ("Order <digits>4217</digits> is here.", "Order 4217 is here."),
        ("Press *7.", "Press *7."),
        ("<sub alias=\"W W W\">WWW</sub><break/> now", "WWW now"),
        ("<b>bold</b> <digits>9", "bold 9"),
        ("a < b", "a < b"),
        ("<", "<"),
    ] {
        assert_eq!(plain(written), shown, "{written}");
    }
}

proptest::proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "[a-z<>/=\"' é&;:0-9-]{0,80}") {
        let _ = parse(&text);
        let _ = plain(&text);
    }
}
