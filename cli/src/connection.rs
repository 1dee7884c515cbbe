//! One gateway over HTTP, and what can go wrong with it.

use crate::Common;
use crate::signin;
use futures_util::StreamExt;
use reqwest::{Method, Response, StatusCode};
use serde::Serialize;
use serde_json::Value;
use std::time::Duration;

const CONNECT_LIMIT: Duration = Duration::from_secs(10);
const ANSWER_LIMIT: Duration = Duration::from_secs(60);
/// A line of a stream longer than this is no line of ours.
const MAX_LINE_BYTES: usize = 64 * 1024 * 1024;
const DEFAULT_URL: &str = "http://127.0.0.1:8480";

#[derive(Debug, thiserror::Error)]
pub enum CliFault {
    /// The user's: a missing sign-in, an argument that cannot be.
    #[error("{0}")]
    Call(String),
    /// The gateway said no.
    #[error("{0}")]
    Refused(String),
    /// The gateway or the way to it.
    #[error("{0}")]
    Gateway(String),
}

impl CliFault {
    pub fn call(text: impl Into<String>) -> Self {
        Self::Call(text.into())
    }
    pub fn exit_code(&self) -> u8 {
        match self {
            CliFault::Gateway(_) => 1,
            CliFault::Call(_) => 2,
            CliFault::Refused(_) => 3,
        }
    }
}

pub struct Connection {
    client: reqwest::Client,
    pub url: String,
    token: Option<String>,
}

impl Connection {
    /// Without a sign-in: for signing in.
    pub fn anonymous(common: &Common) -> Result<Self, CliFault> {
        let url = common.url.clone().unwrap_or_else(|| DEFAULT_URL.to_owned());
        Self::new(url, None)
    }

    pub fn signed_in(common: &Common) -> Result<Self, CliFault> {
        if let Ok(token) = std::env::var("SALLYPORT_TOKEN") {
            let url = common.url.clone().unwrap_or_else(|| DEFAULT_URL.to_owned());
            return Self::new(url, Some(token));
        }
        let Some(signin) = signin::load()? else {
            return Err(CliFault::call("nobody is signed in: run `sallyport login --user NAME` first"));
        };
        let same = common.url.as_deref().is_none_or(|url| url.trim_end_matches('/') == signin.url);
        if !same {
            return Err(CliFault::call(format!(
                "the sign-in is for {}: run `sallyport login --url {}` first",
                signin.url,
                common.url.as_deref().unwrap_or_default()
            )));
        }
        Self::new(signin.url, Some(signin.token))
    }

    fn new(url: String, token: Option<String>) -> Result<Self, CliFault> {
        if !url.starts_with("http://") && !url.starts_with("https://") {
            return Err(CliFault::call(format!(
                "{url}: write the address in full, for example {DEFAULT_URL}"
            )));
        }
        let client = reqwest::Client::builder()
            .connect_timeout(CONNECT_LIMIT)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|fault| CliFault::Gateway(format!("cannot start a client: {fault}")))?;
        Ok(Self { client, url: url.trim_end_matches('/').to_owned(), token })
    }

    pub async fn get(&self, path: &str, query: &[(&str, String)]) -> Result<Value, CliFault> {
        let query: Vec<_> = query.iter().filter(|(_, value)| !value.is_empty()).collect();
        let request = self.request(Method::GET, path).timeout(ANSWER_LIMIT).query(&query);
        json(self.answer(request).await?).await
    }
    pub async fn send(&self, method: Method, path: &str, body: &impl Serialize) -> Result<Value, CliFault> {
        let request = self.request(method, path).timeout(ANSWER_LIMIT).json(body);
        json(self.answer(request).await?).await
    }
    pub async fn delete(&self, path: &str) -> Result<(), CliFault> {
        self.answer(self.request(Method::DELETE, path).timeout(ANSWER_LIMIT)).await.map(|_| ())
    }

    /// Calls `line` for each line of an answer that goes on. False ends it.
    pub async fn lines(
        &self,
        path: &str,
        query: &[(&str, String)],
        mut line: impl FnMut(&str) -> Result<bool, CliFault>,
    ) -> Result<(), CliFault> {
        let response = self.answer(self.request(Method::GET, path).query(query)).await?;
        let mut stream = response.bytes_stream();
        let mut rest: Vec<u8> = Vec::new();
        while let Some(block) = stream.next().await {
            let block = block.map_err(|fault| self.unreachable(&fault))?;
            for byte in block {
                if byte != b'\n' {
                    rest.push(byte);
                    if rest.len() > MAX_LINE_BYTES {
                        return Err(CliFault::Gateway("the gateway's answer has an endless line".into()));
                    }
                    continue;
                }
                let text = String::from_utf8_lossy(&rest).into_owned();
                rest.clear();
                if !text.is_empty() && !line(&text)? {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let request = self.client.request(method, format!("{}{path}", self.url));
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    async fn answer(&self, request: reqwest::RequestBuilder) -> Result<Response, CliFault> {
        let response = request.send().await.map_err(|fault| self.unreachable(&fault))?;
        if response.status().is_success() {
            return Ok(response);
        }
        Err(refusal(response, self.token.is_some()).await)
    }

    fn unreachable(&self, fault: &reqwest::Error) -> CliFault {
        let why = if fault.is_timeout() {
            "it did not answer in time. Is the gateway running there? `sallyport doctor` tells more."
        } else if fault.is_connect() {
            "it cannot be reached. Is the gateway running there? `sallyport doctor` tells more."
        } else {
            "what answers there does not speak HTTP. Name the address of the API, not of a listener for callers."
        };
        CliFault::Gateway(format!("{}: {why}", self.url))
    }
}

async fn json(response: Response) -> Result<Value, CliFault> {
    if response.status() == StatusCode::NO_CONTENT {
        return Ok(Value::Null);
    }
    response
        .json()
        .await
        .map_err(|_| CliFault::Gateway("the gateway's answer is not JSON: is it a Sallyport?".into()))
}

/// A problem document, in words.
async fn refusal(response: Response, signed_in: bool) -> CliFault {
    let status = response.status();
    let problem: Value = response.json().await.unwrap_or(Value::Null);
    let part = |name: &str| problem.get(name).and_then(Value::as_str).unwrap_or_default();
    let mut text = match part("title") {
        "" => format!("the gateway answered {status}"),
        title => title.to_owned(),
    };
    let advice = match status {
        // In the words of this side: the header and the addresses are not what a person types.
        StatusCode::UNAUTHORIZED if signed_in => "Sign in again: `sallyport login --user NAME`.",
        _ => Some(part("advice")).filter(|advice| !advice.contains("/api/")).unwrap_or_default(),
    };
    if !advice.is_empty() {
        text.push_str("\n  ");
        text.push_str(advice);
    }
    let mut told = std::collections::HashSet::new();
    for one in problem.get("problems").and_then(Value::as_array).into_iter().flatten() {
        let of = |name: &str| one.get(name).and_then(Value::as_str).unwrap_or_default();
        // One field may break several checks; the first is the one to mend.
        if told.insert(of("field").to_owned()) {
            text.push_str(&format!("\n  {}: {}", of("field"), of("problem")));
        }
    }
    for one in problem.get("diagnostics").and_then(Value::as_array).into_iter().flatten() {
        let shown =
            one.get("display").and_then(Value::as_str).map(str::to_owned).unwrap_or_else(|| one.to_string());
        text.push_str(&format!("\n{shown}"));
    }
    match status.as_u16() {
        401 | 403 => CliFault::Refused(text),
        400..=499 => CliFault::Call(text),
        _ => CliFault::Gateway(text),
    }
}
