//! Servers that say what no honest one says. Each must be refused, in words of ours, without learning the password.

use crate::stage::{LIMIT, password, refused, target};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

const SECRET: &str = "canary-password";
const GARBLED: &str = "the target does not speak PostgreSQL's protocol as we know it";
const IMPOSTOR: &str = "the target could not show that it knows the account's password";
const OK: &[u8] = b"R\0\0\0\x08\0\0\0\0";
const OFFER: &[u8] = b"R\0\0\0\x17\0\0\0\x0aSCRAM-SHA-256\0\0";

/// Answers each packet of its one client with the next of `answers`, and hands back everything it was told.
async fn server(answers: Vec<Vec<u8>>) -> (u16, JoinHandle<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let told = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut told = Vec::new();
        for answer in answers {
            if stream.read_buf(&mut told).await.unwrap_or(0) == 0 || stream.write_all(&answer).await.is_err()
            {
                break;
            }
        }
        _ = stream.read_to_end(&mut told).await;
        told
    });
    (port, told)
}

/// What is said of a server that answers so; it must not have been told the password.
async fn verdict(sslmode: &str, answers: Vec<Vec<u8>>) -> String {
    let (port, told) = server(answers).await;
    let words = refused(target("127.0.0.1", port, "app", &[("sslmode", sslmode)]), &password(SECRET)).await;
    let told = tokio::time::timeout(LIMIT, told).await.unwrap().unwrap();
    assert!(!told.is_empty(), "it was spoken to");
    assert!(!told.windows(SECRET.len()).any(|text| text == SECRET.as_bytes()), "it was told the password");
    if sslmode != "disable" {
        assert!(!told.windows(4).any(|text| text == b"user"), "a startup followed in clear");
    }
    words
}

#[tokio::test]
async fn an_answer_that_is_no_tls_ends_it() {
    let no = "the target speaks no TLS, which its settings ask for";
    assert_eq!(verdict("require", vec![b"N".to_vec()]).await, no);
    let tampered = "the target's answer to the request for TLS was tampered with";
    assert_eq!(verdict("require", vec![[b"S", OK].concat()]).await, tampered);
    let strange = "the target did not understand the request for TLS";
    assert_eq!(verdict("require", vec![b"E\0\0\0\x08oops".to_vec()]).await, strange);
    let clear = verdict("require", vec![b"S".to_vec(), OK.to_vec()]).await;
    assert!(clear.starts_with("the TLS handshake with the target failed"), "{clear}");
}

#[tokio::test]
async fn a_password_is_not_told_in_clear() {
    let words = verdict("disable", vec![b"R\0\0\0\x08\0\0\0\x03".to_vec()]).await;
    assert_eq!(words, "the target wants the password in clear, which needs sslmode verify-ca or verify-full");
}

#[tokio::test]
async fn scram_cannot_be_cut_short() {
    let ready = b"S\0\0\0\x16server_version\x0015\0\0Z\0\0\0\x05I";
    let cut = [OK, ready.as_slice()].concat();
    assert_eq!(verdict("disable", vec![OFFER.to_vec(), cut]).await, IMPOSTOR);
    let last = b"R\0\0\0\x0c\0\0\0\x0cv=AA".to_vec();
    assert_eq!(verdict("disable", vec![OFFER.to_vec(), last]).await, GARBLED);
    let challenge = |text: &[u8]| {
        let length = u32::try_from(text.len() + 8).unwrap().to_be_bytes();
        [b"R", length.as_slice(), &[0, 0, 0, 11], text].concat()
    };
    let unanswerable = "the target's SCRAM challenge cannot be answered";
    for text in [&b"r=other,s=AAAA,i=4096"[..], b"", b"\xff", b"r=,s=,i=0"] {
        assert_eq!(verdict("disable", vec![OFFER.to_vec(), challenge(text)]).await, unanswerable);
    }
}

/// Hashing cannot be stopped once it began: two thousand million rounds would keep a core for half an hour.
#[tokio::test]
async fn scram_costs_what_we_are_willing_to_pay() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let target_says = tokio::spawn(async move {
        for rounds in
            ["2147483647", "1000001", "4294967296", "99999999999999999999", "-1", "4096,i=2147483647"]
        {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut told = [0; 4096];
            assert!(stream.read(&mut told).await.unwrap() > 0);
            stream.write_all(OFFER).await.unwrap();
            let length = stream.read(&mut told).await.unwrap();
            let first = String::from_utf8_lossy(&told[..length]).into_owned();
            let nonce = first.rsplit_once("r=").unwrap().1;
            let text = format!("r={nonce}more,s=c2FsdHNhbHQ=,i={rounds}");
            let length = u32::try_from(text.len() + 8).unwrap().to_be_bytes();
            let challenge = [b"R", length.as_slice(), &[0, 0, 0, 11], text.as_bytes()].concat();
            stream.write_all(&challenge).await.unwrap();
            assert_eq!(stream.read(&mut told).await.unwrap_or(0), 0, "{rounds}: it was answered");
        }
    });
    let here = target("127.0.0.1", port, "app", &[("sslmode", "disable")]);
    for _ in 0..6 {
        let words = refused(here.clone(), &password(SECRET)).await;
        assert_eq!(words, "the target asks for more than a million rounds of SCRAM");
    }
    tokio::time::timeout(LIMIT, target_says).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_target_that_reads_texts_differently_is_not_used() {
    let start = b"S\0\0\0\x16server_version\x0015\0S\0\0\0\x24standard_conforming_strings\0off\0Z\0\0\0\x05I";
    let words = verdict("disable", vec![[OK, start.as_slice()].concat()]).await;
    assert!(words.starts_with("the target reads backslashes in texts differently"), "{words}");
}

#[tokio::test]
async fn what_does_not_end_is_ended() {
    let long = "the target sent a message too long for the start of a session";
    assert_eq!(verdict("disable", vec![b"S\x7f\xff\xff\xff".to_vec()]).await, long);
    let endless = "the target does not come to an end with the start of a session";
    assert_eq!(verdict("disable", vec![b"N\0\0\0\x05\0".repeat(1000)]).await, endless);
    let parameters = [OK, &b"S\0\0\0\x08a\0b\0".repeat(1000)].concat();
    assert_eq!(verdict("disable", vec![parameters]).await, endless);
}

#[tokio::test]
async fn what_is_no_protocol_is_said_so() {
    for answer in
        [&b"R\0\0\0\x04"[..], b"Z\0\0\0\x05I", b"R\0\0\0\x03", b"R\0\0\0\x0a\0\0\0\x05ab", b"HTTP/1.1"]
    {
        let words = verdict("disable", vec![answer.to_vec()]).await;
        assert!(words == GARBLED || words.contains("too long"), "{answer:?}: {words}");
    }
    let twice = b"K\0\0\0\x0c\0\0\0\x01abcdK\0\0\0\x0c\0\0\0\x02efgh";
    for after in
        [&twice[..], b"K\0\0\0\x09\0\0\0\x01a", b"Z\0\0\0\x05T", b"T\0\0\0\x04", b"R\0\0\0\x08\0\0\0\0"]
    {
        assert_eq!(verdict("disable", vec![[OK, after].concat()]).await, GARBLED, "{after:?}");
    }
    let key = [OK, b"K\0\0\x01\x09\0\0\0\x01", &[7; 257]].concat();
    assert_eq!(verdict("disable", vec![key]).await, GARBLED);
    let nameless = [OK, b"Z\0\0\0\x05I"].concat();
    assert_eq!(verdict("disable", vec![nameless]).await, "the target did not say which version it is");
    let wordless = verdict("disable", vec![b"E\0\0\0\x0eMinside\0\0\0".to_vec()]).await;
    assert_eq!(wordless, "the target refused the connection");
}

#[tokio::test]
async fn a_target_that_does_not_know_the_password_is_not_believed() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let framed = |code: u8, text: &str| {
        let length = u32::try_from(text.len() + 8).unwrap().to_be_bytes();
        [b"R", length.as_slice(), &[0, 0, 0, code], text.as_bytes()].concat()
    };
    let forger = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut told = [0; 4096];
        assert!(stream.read(&mut told).await.unwrap() > 0);
        stream.write_all(OFFER).await.unwrap();
        let length = stream.read(&mut told).await.unwrap();
        let first = String::from_utf8_lossy(&told[..length]).into_owned();
        let nonce = first.rsplit_once("r=").unwrap().1;
        let challenge = framed(11, &format!("r={nonce}more,s=c2FsdHNhbHQ=,i=4096"));
        stream.write_all(&challenge).await.unwrap();
        let length = stream.read(&mut told).await.unwrap();
        assert!(told[..length].windows(3).any(|text| text == b",p="), "a proof was sent");
        let signature = format!("v={}=", "A".repeat(43));
        stream.write_all(&[framed(12, &signature).as_slice(), OK].concat()).await.unwrap();
    });
    let here = target("127.0.0.1", port, "app", &[("sslmode", "disable")]);
    assert_eq!(refused(here, &password(SECRET)).await, IMPOSTOR);
    tokio::time::timeout(LIMIT, forger).await.unwrap().unwrap();
}
