//! Passwords and keys in the query or fragment of an address: `?password=…`, `&access_token=…`, `&sig=…`. The name and the
//! rest of the address stay readable.

use super::bytes::at;
use super::{Class, Classes, Found, tokens, url};

pub(super) const KINDS: Classes = Classes::of(Class::UrlPassword).with(Class::ApiKey);

/// Longer names are none of these, and longer values are cut here.
const LONGEST_NAME: usize = 32;
const LONGEST: usize = 4096;
/// Shorter keys are counts and flags.
const SHORTEST: usize = 4;

/// Whether there is anything to read.
#[inline]
pub(super) fn may_be_in(text: &[u8]) -> bool {
    let query = memchr::memchr3(b'?', b'#', b'&', text).and_then(|mark| text.get(mark..));
    query.is_some_and(|query| memchr::memchr(b'=', query).is_some())
}

pub(super) fn scan(text: &[u8], wanted: Classes, found: &mut Vec<Found>) {
    for sign in memchr::memchr_iter(b'=', text) {
        let Some(said) = named(text, sign) else { continue };
        if !wanted.contains(said.class) {
            continue;
        }
        let start = sign + 1;
        let rest = text.get(start..text.len().min(start + LONGEST)).unwrap_or_default();
        let ends = |byte: &u8| {
            byte.is_ascii_whitespace()
                || matches!(
                    byte,
                    b'&' | b'#' | b';' | b'"' | b'\'' | b'<' | b'>' | b'`' | b'\\' | b'|' | b')' | b']'
                )
        };
        let value = rest.get(..rest.iter().position(ends).unwrap_or(rest.len())).unwrap_or_default();
        if said.fits(value) {
            found.push(Found { class: said.class, start, end: start + value.len() });
        }
    }
}

struct Said {
    class: Class,
    /// The name is used for other things too: the value has to look like a key.
    doubtful: bool,
}

impl Said {
    fn fits(&self, value: &[u8]) -> bool {
        const NOTHING: [&[u8]; 6] = [b"true", b"false", b"null", b"none", b"undefined", b"required"];
        let nothing = NOTHING.iter().any(|word| value.eq_ignore_ascii_case(word));
        // `YOUR_TOKEN`, `:token`, `%s`: what stands in an example.
        let example = value.iter().all(|byte| byte.is_ascii_uppercase() || *byte == b'_')
            || matches!(at(value, 0), b':' | b'%' if !value.iter().any(u8::is_ascii_digit));
        let shortest = if self.class == Class::ApiKey { SHORTEST } else { 1 };
        value.len() >= shortest
            && !nothing
            && !example
            && !url::is_hidden(value)
            && (!self.doubtful || is_key(value))
    }
}

/// Not a word nor a number: mixed letters and figures, signs of the address's own aside.
fn is_key(value: &[u8]) -> bool {
    let signs = value.iter().filter(|byte| matches!(byte, b'%' | b'+' | b'/' | b'=')).count();
    tokens::is_opaque(value) || signs > 0 && value.len() >= 24 && value.iter().any(u8::is_ascii_digit)
}

/// What the name before the `=` says, where it stands in a query.
fn named(text: &[u8], sign: usize) -> Option<Said> {
    let head = text.get(sign.saturating_sub(LONGEST_NAME + 1)..sign)?;
    let in_name = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    let length = head.iter().rev().take_while(|byte| in_name(byte)).count();
    let (before, name) = head.split_at(head.len() - length);
    if !matches!(before.last(), Some(b'?' | b'&' | b'#')) && !before.ends_with(b"&amp;") {
        return None;
    }
    let mut plain = [0; LONGEST_NAME];
    let mut length = 0;
    for byte in name.iter().filter(|byte| byte.is_ascii_alphanumeric()) {
        *plain.get_mut(length)? = byte.to_ascii_lowercase();
        length += 1;
    }
    let said = |class, doubtful| Some(Said { class, doubtful });
    match plain.get(..length)? {
        b"password" | b"passwd" | b"pwd" | b"pass" | b"passphrase" | b"newpassword" | b"oldpassword"
        | b"userpassword" | b"dbpassword" | b"passwort" | b"pw" => said(Class::UrlPassword, false),
        b"token" | b"accesstoken" | b"authtoken" | b"refreshtoken" | b"idtoken" | b"apitoken"
        | b"sessiontoken" | b"privatetoken" | b"oauthtoken" | b"usertoken" | b"resettoken" | b"apikey"
        | b"xapikey" | b"secretkey" | b"accesskey" | b"privatekey" | b"secret" | b"clientsecret"
        | b"apisecret" | b"appsecret" | b"authkey" | b"subscriptionkey" | b"xamzsignature"
        | b"xamzsecuritytoken" | b"xgoogsignature" | b"webhooksecret" => said(Class::ApiKey, false),
        b"key" | b"sig" | b"signature" | b"auth" | b"jwt" | b"session" | b"sessionid" | b"sid" | b"hmac"
        | b"code" | b"credential" | b"bearer" | b"appkey" | b"license" | b"invite" => {
            said(Class::ApiKey, true)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use crate::mask::detect::{Class, Classes, scan};

    #[test]
    fn what_an_address_carries_along() {
        for (text, class, value) in [
            ("https://x.example/login?user=ada&password=hunter2&next=/", Class::UrlPassword, "hunter2"),
            ("GET https://x.example/?PWD=s3cret!%21", Class::UrlPassword, "s3cret!%21"),
            ("https://x.example/cb#access_token=abcd1234&expires_in=3600", Class::ApiKey, "abcd1234"),
            ("see https://x.example/a?api-key=tiny.", Class::ApiKey, "tiny."),
            ("<a href=\"https://x.example/?a=1&amp;token=k3yk3y\">", Class::ApiKey, "k3yk3y"),
            (
                "https://x.example/o?sig=Zm9vYmFyMTIzNDU2Nzg5MGFiY2RlZg%3D%3D",
                Class::ApiKey,
                "Zm9vYmFyMTIzNDU2Nzg5MGFiY2RlZg%3D%3D",
            ),
            (
                "https://hooks.slack.com/services/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",
                Class::ApiKey,
                "T024BE7LD/B024BE7LE/x8kq2mZp4LsT0vRd6WnYb3Jc",
            ),
            (
                "post to hooks.slack.com/workflows/T024BE7LD/A024BE7LE/123456789012345678/x8kq2mZp4LsT0vRd6WnYb3Jc.",
                Class::ApiKey,
                "T024BE7LD/A024BE7LE/123456789012345678/x8kq2mZp4LsT0vRd6WnYb3Jc",
            ),
            (
                "https://discord.com/api/v10/webhooks/1199999999999999999/aBcDeFgHiJ-kLmNoPqRsTuVwXyZ_0123456789abcdefghijABCDEFGHIJ0123456789",
                Class::ApiKey,
                "1199999999999999999/aBcDeFgHiJ-kLmNoPqRsTuVwXyZ_0123456789abcdefghijABCDEFGHIJ0123456789",
            ),
            (
                "https://acme.webhook.office.com/webhookb2/11111111-2222-3333-4444-555555555555@66666666-7777-8888-9999-000000000000/IncomingWebhook/0123456789abcdef0123456789abcdef/11111111-2222-3333-4444-555555555555",
                Class::ApiKey,
                "11111111-2222-3333-4444-555555555555@66666666-7777-8888-9999-000000000000/IncomingWebhook/0123456789abcdef0123456789abcdef/11111111-2222-3333-4444-555555555555",
            ),
        ] {
            let mut found = Vec::new();
            scan(text.as_bytes(), Classes::all(), &mut found);
            let seen: Vec<_> = found.iter().map(|one| (one.class, &text[one.start..one.end])).collect();
            assert_eq!(seen, [(class, value)], "{text}");
        }
        for text in [
            "https://x.example/?token=YOUR_TOKEN&password=${PASSWORD}",
            "https://x.example/?key=title&sid=12&code=FR&password=",
            "https://x.example/reset?password_changed=true&tokens=5&secret=true",
            "https://x.example/docs#authentication",
            "note: a password=hunter2 in prose is none of an address",
            "https://hooks.slack.com/services/",
            "https://api.slack.com/messaging/webhooks",
            "https://discord.com/developers/docs/resources/webhook-execute-0123456789",
        ] {
            let mut found = Vec::new();
            scan(text.as_bytes(), Classes::all(), &mut found);
            assert_eq!(found, [], "{text}");
        }
    }
}
