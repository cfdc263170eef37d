//! What the classifier learns from few examples, and that no file can mislead it.

use super::*;

const EXAMPLES: [(&str, &[&str]); 4] = [
    (
        "hours",
        &[
            "when do you open",
            "what time do you close",
            "are you open on sunday",
            "what are your opening hours",
            "is the shop open today",
            "until when are you open",
            "do you close over lunch",
            "which hours are you open",
            "when does the shop close",
            "are you still open",
            "opening times please",
            "how late are you open",
        ],
    ),
    (
        "order",
        &[
            "where is my order",
            "when will my parcel arrive",
            "track my order please",
            "has my package been sent",
            "my order number is five",
            "is my parcel on its way",
            "what is the status of my order",
            "when is my delivery coming",
            "where is my package now",
            "i am waiting for my parcel",
            "did you ship my order",
            "i want to know where my order is",
        ],
    ),
    (
        "password",
        &[
            "i forgot my password",
            "reset my password please",
            "i can not log in",
            "my login does not work",
            "my account is locked",
            "i need a new password",
            "the password is wrong",
            "unlock my account",
            "it does not take my password",
            "how do i change my password",
            "i am locked out",
            "log in fails every time",
        ],
    ),
    (
        "",
        &[
            "how tall is the tower",
            "play some music",
            "tell me a joke",
            "it rains today",
            "what is two plus two",
            "my dog is called max",
            "who won the match",
            "translate good morning",
            "i had pasta for dinner",
            "set a timer",
        ],
    ),
];

fn examples() -> Vec<Example> {
    let all = EXAMPLES.iter().flat_map(|(name, list)| list.iter().map(move |text| (name, text)));
    all.zip(0..)
        .map(|((name, text), group)| Example {
            intent: Some((*name).to_owned()).filter(|name| !name.is_empty()),
            words: text.split(' ').map(str::to_owned).collect(),
            text: (*text).to_owned(),
            group,
        })
        .collect()
}

fn trained() -> Classifier {
    Classifier::train(&examples(), Settings::default())
}

fn judge(model: &Classifier, text: &str) -> Judgement {
    model.judge(&text.split(' ').collect::<Vec<_>>())
}

#[test]
fn new_sentences_find_the_intent_they_resemble() {
    let model = trained();
    for (wanted, text) in [
        ("hours", "at what time does the shop open on monday"),
        ("hours", "are you open now"),
        ("order", "i would like to track the parcel"),
        ("order", "when does my order arrive"),
        ("password", "i do not know my password any more"),
        ("password", "please unlock it i am locked out of my account"),
        // Slips of the recogniser leave most letter groups as they were.
        ("password", "i forgot my passwort"),
        ("order", "where is my ordar"),
    ] {
        let found = judge(&model, text);
        assert_eq!(found.best().map(|best| best.0), Some(wanted), "{text}: {found:?}");
    }
}

#[test]
fn strange_sentences_are_out_of_scope() {
    let model = trained();
    for text in ["bananas grow quickly", "who painted this", "my aunt lives far away"] {
        let found = judge(&model, text);
        assert_eq!(found.best(), None, "{text}: {found:?}");
    }
    assert_eq!(model.judge(&[]).best(), None);
    assert_eq!(Classifier::train(&[], Settings::default()).judge(&["open"]).best(), None);
}

#[test]
fn confidences_are_shares_and_the_clearer_sentence_has_more() {
    let model = trained();
    for text in ["when do you open", "open my order", "hello", "x"] {
        let found = judge(&model, text).ranked;
        let sum: f32 = found.iter().map(|(_, share)| share).sum();
        assert!(found.iter().all(|(_, share)| (0.0..=1.0).contains(share)), "{found:?}");
        assert!(sum <= 1.001, "{text}: {found:?}");
        assert!(found.is_sorted_by(|a, b| a.1 >= b.1), "{text}: {found:?}");
    }
    let clear = judge(&model, "what time do you open today").ranked[0].1;
    let mixed = judge(&model, "open my password order").ranked[0].1;
    assert!(clear > mixed, "{clear} {mixed}");
}

#[test]
fn the_words_that_decide_are_named() {
    let model = trained();
    let words = ["please", "reset", "the", "password"];
    let pulls = model.explain(&words, "password");
    let strongest = pulls.first().map(|(word, pull)| (word.as_str(), *pull > 0.0));
    assert_eq!(strongest, Some(("password", true)), "{pulls:?}");
    assert!(model.explain(&words, "nowhere").is_empty());
}

#[test]
fn training_again_gives_the_same_model() {
    assert_eq!(trained(), trained());
    let mut fewer = examples();
    fewer.pop();
    let other = Classifier::train(&fewer, Settings::default());
    assert_ne!(other.fingerprint(), trained().fingerprint());
}

#[test]
fn a_model_survives_its_file() {
    for model in [trained(), Classifier::default()] {
        let read = Classifier::from_bytes(&model.to_bytes()).expect("just written");
        assert_eq!(read, model);
    }
}

/// With `change` made and a checksum that fits, as a forger would write it.
fn forged(change: impl Fn(&mut Vec<u8>)) -> Result<Classifier, ModelFault> {
    use sha2::Digest;
    let mut bytes = trained().to_bytes();
    bytes.truncate(bytes.len() - 32);
    change(&mut bytes);
    let sum = sha2::Sha256::digest(&bytes);
    bytes.extend_from_slice(&sum);
    Classifier::from_bytes(&bytes)
}

#[test]
fn a_broken_model_file_is_a_clear_error() {
    let good = trained().to_bytes();
    assert_eq!(Classifier::from_bytes(b"hello"), Err(ModelFault::NotAModel));
    assert_eq!(Classifier::from_bytes(&[]), Err(ModelFault::NotAModel));
    for length in [8, 10, 40, good.len() / 2, good.len() - 1] {
        assert_eq!(Classifier::from_bytes(&good[..length]), Err(ModelFault::Damaged), "{length}");
    }
    let mut flipped = good.clone();
    flipped[good.len() / 2] ^= 1;
    assert_eq!(Classifier::from_bytes(&flipped), Err(ModelFault::Damaged));
    assert_eq!(forged(|bytes| bytes[8] = 9), Err(ModelFault::Version(9)));
    let huge = forged(|bytes| bytes[24..28].copy_from_slice(&u32::MAX.to_le_bytes()));
    assert!(matches!(huge, Err(ModelFault::TooLarge { what: "features", .. })), "{huge:?}");
    let many = forged(|bytes| bytes[20..24].copy_from_slice(&5_000_u32.to_le_bytes()));
    assert!(matches!(many, Err(ModelFault::TooLarge { what: "intents", .. })), "{many:?}");
    let longer = forged(|bytes| bytes.extend_from_slice(&[0; 9]));
    assert_eq!(longer, Err(ModelFault::Senseless));
    // The first number of the calibration stands behind three names.
    let names: usize = ["hours", "order", "password"].map(|name| name.len() + 4).iter().sum();
    let nan = forged(|bytes| {
        bytes[28 + names..32 + names].copy_from_slice(&f32::NAN.to_le_bytes());
    });
    assert_eq!(nan, Err(ModelFault::Senseless));
}

/// Vectors in which each intent has a place of its own, and strangers none.
fn vectors() -> Vectors {
    let at = |place: usize| {
        let mut numbers = vec![0.01; crate::understanding::embedding::WIDTH];
        numbers[place] = 1.0;
        Vector::round(&numbers)
    };
    let place = |example: &Example| {
        EXAMPLES.iter().position(|(name, _)| *name == example.intent.as_deref().unwrap_or_default())
    };
    let list = examples().iter().map(|example| at(place(example).unwrap_or(0))).collect();
    Vectors { embedding: 77, list }
}

fn trained_with() -> Classifier {
    Classifier::train_with(&examples(), &vectors(), Settings::default())
}

#[test]
fn a_vector_finds_what_no_word_tells_and_its_example_is_named() {
    let (model, vectors) = (trained_with(), vectors());
    assert_eq!(model.embedding(), Some(77));
    let order = &vectors.list[12];
    let judged = model.judge_with(&["gibberish"], Some(order), |_| 0.0);
    assert_eq!(judged.ranked.first().map(|one| one.0.as_str()), Some("order"), "{judged:?}");
    let (text, likeness) = model.nearest(order, "order").expect("has examples");
    assert!(text.contains("order") || text.contains("parcel"), "{text}");
    assert!((likeness - order.likeness(order)).abs() < 0.01, "{likeness}");
    assert!(model.nearest(order, "hours").expect("has examples").1 < 0.5);
    assert_eq!(model.nearest(order, "nowhere"), None);
    assert_eq!(trained().nearest(order, "order"), None);
    // Without its vector it says nothing, instead of something else than it learned.
    assert_eq!(model.judge(&["where", "is", "my", "order"]), Judgement::default());
}

#[test]
fn the_embedding_is_part_of_what_a_model_was_trained_from() {
    let (plain, with) = (trained(), trained_with());
    assert_eq!(plain.fingerprint(), fingerprint(&examples(), None));
    assert_eq!(with.fingerprint(), fingerprint(&examples(), Some(77)));
    assert_ne!(with.fingerprint(), fingerprint(&examples(), Some(78)));
    assert_ne!(with.fingerprint(), plain.fingerprint());
    // One vector short of the examples: trained without.
    let mut short = vectors();
    short.list.pop();
    assert_eq!(Classifier::train_with(&examples(), &short, Settings::default()), plain);
}

#[test]
fn a_model_with_vectors_survives_its_file_and_a_forged_one_is_an_error() {
    use sha2::Digest;
    let model = trained_with();
    let good = model.to_bytes();
    assert_eq!(Classifier::from_bytes(&good).expect("just written"), model);
    let forged = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = good[..good.len() - 32].to_vec();
        change(&mut bytes);
        let sum = sha2::Sha256::digest(&bytes);
        bytes.extend_from_slice(&sum);
        Classifier::from_bytes(&bytes)
    };
    // Where the words' part ends: a model of the words alone has the same one, with other numbers.
    let words = trained().to_bytes().len() - 32;
    let width = crate::understanding::embedding::WIDTH;
    let count = words + 8 + width * 4 + width * 3;
    let many = forged(&|bytes| bytes[count..count + 4].copy_from_slice(&u32::MAX.to_le_bytes()));
    assert!(matches!(many, Err(ModelFault::TooLarge { what: "examples", .. })), "{many:?}");
    let class = forged(&|bytes| bytes[count + 4..count + 8].copy_from_slice(&[9, 0, 0, 0]));
    assert_eq!(class, Err(ModelFault::Senseless));
    let long = forged(&|bytes| bytes[count + 8..count + 12].copy_from_slice(&[0, 9, 0, 0]));
    assert!(matches!(long, Err(ModelFault::TooLarge { .. })), "{long:?}");
    let cut = forged(&|bytes| bytes.truncate(bytes.len() - 1));
    assert_eq!(cut, Err(ModelFault::Damaged));
    let older = forged(&|bytes| bytes[8] = 1);
    assert_eq!(older, Err(ModelFault::Senseless), "more than its version has");
}
