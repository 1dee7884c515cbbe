//! The word that stands before a value and says what it is: `SSN: `, `phone=`, `"api_key":"`.

/// How far before a value its label may begin.
const NEAR: usize = 40;

/// The label before `start`, without the signs that part it from the value.
fn before(text: &[u8], start: usize) -> &[u8] {
    let head = text.get(start.saturating_sub(NEAR)..start).unwrap_or_default();
    let mut head = head.trim_ascii_end();
    // `is` and `number` say nothing of their own.
    for _ in 0..3 {
        let end = head.iter().rposition(|byte| {
            !matches!(
                byte,
                b':' | b'=' | b'"' | b'\'' | b'#' | b'.' | b' ' | b'(' | b'>' | b'\t' | b'\\' | b'`' | b'\n'
            )
        });
        head = head.get(..end.map_or(0, |end| end + 1)).unwrap_or_default();
        let filler =
            [b"number".as_slice(), b" no", b" is", b" num", b"_no", b" nr", b" was", b" at", b" on", b" to"];
        match filler.iter().find(|word| ends_with(head, word)) {
            Some(word) => head = head.get(..head.len() - word.len()).unwrap_or_default(),
            None => break,
        }
    }
    head
}

fn ends_with(text: &[u8], word: &[u8]) -> bool {
    text.len() >= word.len()
        && text.get(text.len() - word.len()..).is_some_and(|end| end.eq_ignore_ascii_case(word))
}

/// The label ends with one of the words, and the word begins there.
fn says(label: &[u8], words: &[&[u8]]) -> bool {
    words.iter().any(|word| {
        let alone = || !super::bytes::before(label, label.len() - word.len(), 1).is_ascii_alphabetic();
        ends_with(label, word) && alone()
    })
}

pub(super) fn is_phone(text: &[u8], start: usize) -> bool {
    const WORDS: &[&[u8]] = &[
        b"phone",
        b"telephone",
        b"tel",
        b"mobile",
        b"cell",
        b"fax",
        b"call",
        b"called",
        b"sms",
        b"whatsapp",
        b"text",
        b"phones",
        b"telefon",
        b"telefono",
        b"celular",
        b"handy",
        b"msisdn",
        b"cellphone",
        b"dial",
    ];
    says(before(text, start), WORDS)
}

pub(super) fn is_ssn(text: &[u8], start: usize) -> bool {
    says(
        before(text, start),
        &[b"ssn", b"social security", b"social_security", b"socialsecurity", b"social sec"],
    )
}

/// A key, a token or a secret, and what it is set to.
pub(super) fn is_key(text: &[u8], start: usize) -> bool {
    const WORDS: &[&[u8]] = &[
        b"api_key",
        b"apikey",
        b"api-key",
        b"api key",
        b"secret_key",
        b"secretkey",
        b"secret-key",
        b"secret key",
        b"client_secret",
        b"clientsecret",
        b"client-secret",
        b"client secret",
        b"access_token",
        b"accesstoken",
        b"access-token",
        b"access token",
        b"auth_token",
        b"authtoken",
        b"auth-token",
        b"auth token",
        b"api_token",
        b"apitoken",
        b"api-token",
        b"api token",
        b"private_token",
        b"bearer",
        b"api_secret",
        b"apisecret",
        b"secret",
        b"app_secret",
        b"appkey",
        b"app_key",
        b"access_key",
        b"accesskey",
        b"webhook_secret",
    ];
    let label = before(text, start);
    words_end(label, WORDS)
}

fn words_end(label: &[u8], words: &[&[u8]]) -> bool {
    words.iter().any(|word| ends_with(label, word))
}

/// Something else than what the shape suggests: the version of a program, the number of an order.
pub(super) fn is_version(text: &[u8], start: usize) -> bool {
    const WORDS: &[&[u8]] = &[
        b"section",
        b"chapter",
        b"version",
        b"ver",
        b"release",
        b"build",
        b"firmware",
        b"driver",
        b"oid",
        b"upgraded",
    ];
    says(before(text, start), WORDS)
}
