//! One small JSON document from an issuer: bounded in size and time, never redirected.

use crate::config::{ConfigFault, IssuerConfig};
use crate::keys::KeysUnavailable;
use reqwest::{Certificate, Client, Url, redirect};
use std::time::Duration;

const MAX_DOCUMENT_BYTES: usize = 256 * 1024;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
const FETCH_TIMEOUT: Duration = Duration::from_secs(5);

pub(crate) fn client(config: &IssuerConfig) -> Result<Client, ConfigFault> {
    let mut builder = Client::builder()
        .redirect(redirect::Policy::none())
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(FETCH_TIMEOUT)
        .referer(false)
        .user_agent("sallyport")
        .https_only(!config.on_loopback());
    if config.on_loopback() {
        builder = builder.no_proxy();
    }
    if let Some(path) = &config.ca_file {
        let fault = |reason: String| ConfigFault::Authorities { issuer: config.issuer.clone(), reason };
        let pem = std::fs::read(path).map_err(|error| fault(error.to_string()))?;
        let authorities = Certificate::from_pem_bundle(&pem).map_err(|error| fault(error.to_string()))?;
        if authorities.is_empty() {
            return Err(fault("there is no certificate in the file".to_owned()));
        }
        builder = builder.tls_certs_only(authorities);
    }
    builder
        .build()
        .map_err(|error| ConfigFault::HttpClient { issuer: config.issuer.clone(), reason: error.to_string() })
}

pub(crate) async fn document(client: &Client, url: Url) -> Result<Vec<u8>, KeysUnavailable> {
    let request = client.get(url).header(reqwest::header::ACCEPT, "application/json");
    let mut response = request.send().await.map_err(|error| unavailable(&error))?;
    if response.status().is_redirection() {
        return Err(KeysUnavailable("it redirects, which is not followed"));
    }
    if response.status() != reqwest::StatusCode::OK {
        return Err(KeysUnavailable("it answers with an error"));
    }
    let mut document = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| unavailable(&error))? {
        if document.len() + chunk.len() > MAX_DOCUMENT_BYTES {
            return Err(KeysUnavailable("its answer is too large"));
        }
        document.extend_from_slice(&chunk);
    }
    Ok(document)
}

fn unavailable(error: &reqwest::Error) -> KeysUnavailable {
    if error.is_timeout() {
        KeysUnavailable("it does not answer in time")
    } else {
        KeysUnavailable("it cannot be reached")
    }
}
