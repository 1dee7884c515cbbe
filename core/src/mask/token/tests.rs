use super::*;
use proptest::prelude::*;
use std::collections::HashSet;

fn tokens(session: &str, tenant: &str) -> Tokens {
    Tokens::keyed(&MaskKey::new([7; 32]), &[session], &[tenant])
}

fn rule() -> RuleId {
    RuleId::new("mask")
}

fn text(tokens: &mut Tokens, scope: Scope, value: &str) -> String {
    let mut out = Vec::new();
    assert!(tokens.write_text(scope, &rule(), value.as_bytes(), &mut out));
    String::from_utf8(out).unwrap()
}

fn typed(tokens: &mut Tokens, sort: Narrow, value: &str) -> String {
    let mut out = Vec::new();
    assert!(tokens.write_narrow(Scope::Session, &rule(), (sort, false), value.as_bytes(), &mut out));
    String::from_utf8(out).unwrap()
}

fn means(tokens: &Tokens, scope: Scope, sort: Sort, token: &str) -> Result<Option<String>, ()> {
    match tokens.meant(scope, &rule(), sort, (token.as_bytes(), false)) {
        Meant::Plain => Ok(None),
        Meant::Own(value) => Ok(Some(value.expose_str().unwrap().to_owned())),
        Meant::Foreign => Err(()),
    }
}

#[test]
fn a_token_has_the_shape_of_its_value() {
    let mut tokens = tokens("s", "t");
    let mail = text(&mut tokens, Scope::Session, "ada.marlow@example.com");
    assert_eq!(spell::looks(mail.as_bytes()), spell::Looks::Email, "{mail}");
    assert!(mail.ends_with(".token.invalid") && mail.split('@').all(|part| part.len() <= 64), "{mail}");
    let short = text(&mut tokens, Scope::Session, "a@b.example");
    assert!(short.ends_with("@token.invalid"), "{short}");
    let card = text(&mut tokens, Scope::Session, "4111 1111 1111 1111");
    assert!(card.starts_with("9999 ") && card.len() == 19 && card.split(' ').count() == 4, "{card}");
    let phone = text(&mut tokens, Scope::Session, "+49 30 901820 123");
    assert!(phone.starts_with("+99") && digits_of(&phone) == digits_of("+49 30 901820 123"), "{phone}");
    assert!(text(&mut tokens, Scope::Session, "Ada Marlow").starts_with("tok_"));
    assert!(
        text(&mut tokens, Scope::Tenant, "4111111111111111").starts_with("tok_"),
        "no book beyond a session"
    );
    for value in ["0", "-1", "2147483647", "-2147483648", "2013265920"] {
        let four = typed(&mut tokens, Narrow::Four, value);
        assert!(four.parse::<i32>().unwrap() >= 2_013_265_920);
        assert_eq!(four, typed(&mut tokens, Narrow::Eight, value), "one number, one token");
    }
    let large = typed(&mut tokens, Narrow::Eight, "-9223372036854775808");
    assert!((8_000_000_000_000_000..9_000_000_000_000_000).contains(&large.parse::<i64>().unwrap()));
    let uuid = typed(&mut tokens, Narrow::Uuid, "6F9619FF-8B86-D011-B42D-00CF4FC964FF");
    assert_eq!((uuid.len(), uuid.as_bytes()[14]), (36, b'8'), "{uuid}");
    assert_eq!(
        means(&tokens, Scope::Session, Sort::Narrow(Narrow::Uuid), &uuid.to_uppercase()),
        Ok(Some("6f9619ff-8b86-d011-b42d-00cf4fc964ff".into()))
    );
}

fn digits_of(text: &str) -> usize {
    text.bytes().filter(u8::is_ascii_digit).count()
}

const VALUES: &[&str] =
    &["ada@x.example", "4111111111111111", "+1 415 555 0132", "Ada", "", "tok_", "a\u{80}é", "x\n"];

#[test]
fn it_means_its_value_in_its_own_scope_and_under_its_own_rule() {
    for scope in [Scope::Session, Scope::Tenant] {
        for value in VALUES {
            let mut own = tokens("s", "t");
            let token = text(&mut own, scope, value);
            assert!(
                is_token(token.as_bytes()) && holds_token(token.as_bytes()) && may_be_token(token.as_bytes())
            );
            assert_eq!(means(&own, scope, Sort::Text, &token), Ok(Some((*value).to_owned())));
            let other = tokens("other", "other");
            assert_eq!(means(&other, scope, Sort::Text, &token), Err(()), "{value}");
            let kept = own.meant(scope, &RuleId::new("another"), Sort::Text, (token.as_bytes(), false));
            assert!(matches!(kept, Meant::Foreign), "{value}");
            let beside = if scope == Scope::Session { tokens("other", "t") } else { tokens("s", "other") };
            assert_eq!(means(&beside, scope, Sort::Text, &token), Err(()), "{value}");
        }
    }
    let mut own = tokens("s", "t");
    for (sort, value) in
        [(Narrow::Four, "7"), (Narrow::Eight, "70000000000"), (Narrow::Uuid, &"1".repeat(32))]
    {
        let token = typed(&mut own, sort, value);
        assert!(may_be_token(token.as_bytes()));
        assert_eq!(means(&tokens("o", "t"), Scope::Session, Sort::Narrow(sort), &token), Err(()), "{value}");
    }
}

#[test]
fn tenants_share_and_sessions_do_not() {
    let (mut one, mut two) = (tokens("s", "t"), tokens("other", "t"));
    let token = text(&mut one, Scope::Tenant, "ada@x.example");
    assert_eq!(token, text(&mut two, Scope::Tenant, "ada@x.example"));
    assert_eq!(means(&two, Scope::Tenant, Sort::Text, &token), Ok(Some("ada@x.example".into())));
    assert_ne!(
        text(&mut one, Scope::Session, "ada@x.example"),
        text(&mut two, Scope::Session, "ada@x.example")
    );
    let mut out = Vec::new();
    assert!(!one.write_narrow(Scope::Tenant, &rule(), (Narrow::Four, false), b"7", &mut out));
}

#[test]
fn a_token_that_was_changed_is_foreign_and_a_callers_own_value_is_not() {
    let mut own = tokens("s", "t");
    for value in ["ada.marlow@example.com", "Ada Marlow"] {
        let token = text(&mut own, Scope::Session, value);
        for at in spell::MARK.len()..token.len() {
            let mut changed = token.clone().into_bytes();
            changed[at] = if changed[at] == b'a' { b'b' } else { b'a' };
            let changed = String::from_utf8(changed).unwrap();
            assert_eq!(means(&own, Scope::Session, Sort::Text, &changed), Err(()), "{changed}");
        }
        for changed in [token.to_uppercase(), format!(" {token}"), token[..20].to_owned()] {
            assert_eq!(means(&own, Scope::Session, Sort::Text, &changed), Ok(None), "{changed}");
        }
        assert_eq!(means(&own, Scope::Session, Sort::Text, &format!("{token}a")), Err(()));
    }
    for plain in
        ["tok_1Abc", "ada@token.example", "+49 30 901820", "9999", "0049 176 1234567", "", "****1111"]
    {
        assert_eq!(means(&own, Scope::Session, Sort::Text, plain), Ok(None), "{plain}");
        assert!(!is_token(plain.as_bytes()));
    }
    for plain in ["1", "-5", "2013265919", "7999999999999999", "9000000000000000", "x", ""] {
        assert_eq!(means(&own, Scope::Session, Sort::Narrow(Narrow::Eight), plain), Ok(None), "{plain}");
    }
    let v8 = "00000000-0000-8000-8000-000000000000";
    assert_eq!(means(&own, Scope::Session, Sort::Narrow(Narrow::Uuid), v8), Ok(None), "another's version 8");
}

#[test]
fn no_two_values_have_one_token() {
    let mut own = tokens("s", "t");
    let mut seen = HashSet::new();
    for number in 0..60_000 {
        assert!(seen.insert(typed(&mut own, Narrow::Four, &number.to_string())), "{number}");
    }
    for number in 0..60_000 {
        let token = typed(&mut own, Narrow::Four, &number.to_string());
        assert_eq!(
            means(&own, Scope::Session, Sort::Narrow(Narrow::Four), &token),
            Ok(Some(number.to_string()))
        );
    }
    let mut own = tokens("s", "t");
    let seen: HashSet<String> =
        (0..120_000).map(|at| text(&mut own, Scope::Session, &format!("u{at}@x.example"))).collect();
    assert_eq!(seen.len(), 120_000);
}

#[test]
fn a_full_book_gives_no_more_numbers_and_seals_texts_instead() {
    let mut own = tokens("s", "t");
    own.book = (0..MOST_KEPT).map(|at| (format!("x{at}").into(), Box::from([]))).collect();
    let mut out = Vec::new();
    assert!(!own.write_narrow(Scope::Session, &rule(), (Narrow::Four, false), b"7", &mut out));
    let card = text(&mut own, Scope::Session, "4111111111111111");
    assert_eq!(means(&own, Scope::Session, Sort::Text, &card), Ok(Some("4111111111111111".into())));
    assert!(!own.write_text(Scope::Session, &rule(), &[b'x'; LONGEST + 1], &mut out));
}

#[test]
fn binary_values_keep_their_width() {
    let mut own = tokens("s", "t");
    let values: [(Narrow, Vec<u8>); 3] = [
        (Narrow::Four, 77i32.to_be_bytes().to_vec()),
        (Narrow::Eight, (-1i64 << 40).to_be_bytes().to_vec()),
        (Narrow::Uuid, (0..16).collect()),
    ];
    for (sort, value) in values {
        let mut token = Vec::new();
        assert!(own.write_narrow(Scope::Session, &rule(), (sort, true), &value, &mut token));
        assert_eq!(token.len(), value.len());
        match own.meant(Scope::Session, &rule(), Sort::Narrow(sort), (&token, true)) {
            Meant::Own(found) => assert_eq!(found.expose(), value),
            other => panic!("{other:?}"),
        }
    }
}

proptest! {
    #[test]
    fn every_text_comes_back(value in proptest::collection::vec(any::<u8>(), 0..LONGEST)) {
        let mut own = tokens("s", "t");
        for scope in [Scope::Session, Scope::Tenant] {
            let mut token = Vec::new();
            prop_assert!(own.write_text(scope, &rule(), &value, &mut token));
            prop_assert!(value.len() < 6 || memchr::memmem::find(&token, &value).is_none());
            match own.meant(scope, &rule(), Sort::Text, (&token, false)) {
                Meant::Own(found) => prop_assert_eq!(found.expose(), &value),
                other => prop_assert!(false, "{:?}", other),
            }
        }
    }

    #[test]
    fn nothing_else_is_one(text in "\\PC{0,80}") {
        let own = tokens("s", "t");
        let meant = own.meant(Scope::Session, &rule(), Sort::Text, (text.as_bytes(), false));
        prop_assert!(!matches!(meant, Meant::Own(_)));
    }
}
