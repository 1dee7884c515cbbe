//! Keys of services, by the heads that their makers gave them so that they can be found. A head alone is none: what
//! follows must have the letters and the length of the key, and not read like a name.

use super::bytes::at;

/// What a key is made of behind its head.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Body {
    /// Letters and digits.
    Plain,
    /// Hexadecimal digits.
    Hex,
    /// Letters, digits, hyphens and underscores.
    Word,
    /// The same, and dots.
    Dotted,
}

struct Key {
    head: &'static [u8],
    body: Body,
    fewest: usize,
}

const fn key(head: &'static str, body: Body, fewest: usize) -> Key {
    Key { head: head.as_bytes(), body, fewest }
}

use Body::{Dotted, Hex, Plain, Word};

/// By the first letter of the head.
#[rustfmt::skip]
fn keys(first: u8) -> &'static [Key] {
    match first {
        b'A' => const { &[key("AIza", Word, 35), key("ATATT3", Word, 60), key("ATCTT3", Word, 60), key("ATBB", Plain, 24),
            key("AGE-SECRET-KEY-1", Plain, 50), key("AKCp", Plain, 60), key("AQVN", Word, 35), key("APKA_", Word, 20)] },
        b'C' => const { &[key("CFPAT-", Word, 43), key("CCIPAT_", Word, 40), key("CLOJARS_", Plain, 60)] },
        b'E' => const { &[key("EAACEdEose0cBA", Plain, 20), key("EAAA", Word, 56), key("EAA", Plain, 80), key("EZAK", Plain, 54),
            key("EZTK", Plain, 54)] },
        b'F' => const { &[key("FLWSECK_TEST-", Plain, 12), key("FLWSECK-", Word, 32), key("FLWPUBK_TEST-", Plain, 12),
            key("FlyV1", Word, 60)] },
        b'G' => const { &[key("GOCSPX-", Word, 24), key("GR1348941", Word, 20)] },
        b'H' => const { &[key("HRKU-", Word, 30)] },
        b'L' => const { &[key("LTAI", Plain, 16)] },
        b'N' => const { &[key("NRAK-", Plain, 27), key("NRJS-", Hex, 19), key("NRII-", Word, 32), key("NRRA-", Hex, 40)] },
        b'P' => const { &[key("PMAK-", Word, 50), key("PRIVATE-TOKEN-", Word, 20)] },
        b'S' => const { &[key("SG.", Dotted, 40), key("SK", Hex, 32)] },
        b'a' => const { &[key("aio_", Plain, 28), key("api_live_", Word, 16), key("anon_key_", Plain, 20)] },
        b'b' => const { &[key("bkua_", Hex, 40), key("bb_live_", Word, 20)] },
        b'c' => const { &[key("ccpat_", Word, 30), key("csk-", Plain, 40), key("cal_live_", Hex, 32), key("cio_", Word, 30),
            key("clh_", Word, 30)] },
        b'd' => const { &[key("dop_v1_", Hex, 64), key("doo_v1_", Hex, 64), key("dor_v1_", Hex, 64), key("dapi", Hex, 32),
            key("dckr_pat_", Word, 26), key("dckr_oat_", Word, 26), key("dp.pt.", Plain, 40), key("dp.st.", Dotted, 40),
            key("dp.ct.", Plain, 40), key("dt0c01.", Dotted, 60), key("dt0s01.", Dotted, 60), key("duffel_live_", Word, 40),
            key("duffel_test_", Word, 40), key("dckr_", Word, 26)] },
        b'e' => const { &[key("eyJrIjoi", Plain, 60), key("e2b_", Hex, 40)] },
        b'f' => const { &[key("figd_", Word, 36), key("fio-u-", Word, 60), key("fo1_", Word, 40), key("fc-", Hex, 32),
            key("fm2_", Word, 60), key("fw_", Plain, 22)] },
        b'g' => const { &[key("ghp_", Plain, 30), key("gho_", Plain, 30), key("ghu_", Plain, 30), key("ghs_", Plain, 30),
            key("ghr_", Plain, 30), key("github_pat_", Word, 40), key("glpat-", Dotted, 18), key("gldt-", Word, 18),
            key("glrt-", Word, 18), key("glptt-", Word, 30), key("glcbt-", Word, 20), key("glft-", Word, 18),
            key("glsoat-", Word, 18), key("glimt-", Word, 18), key("glagent-", Word, 40), key("glffct-", Word, 18),
            key("gloas-", Word, 50), key("glsa_", Word, 36), key("glc_", Word, 32), key("gsk_", Plain, 40)] },
        b'h' => const { &[key("hf_", Plain, 30), key("hvs.", Word, 24), key("hvb.", Word, 60), key("hvr.", Word, 24)] },
        b'j' => const { &[key("jina_", Word, 40)] },
        b'k' => const { &[key("key-", Hex, 32), key("key_live_", Plain, 20)] },
        b'l' => const { &[key("lin_api_", Plain, 36), key("lin_oauth_", Plain, 36), key("lsv2_pt_", Word, 36), key("lsv2_sk_", Word, 36),
            key("live_", Plain, 32)] },
        b'n' => const { &[key("npm_", Plain, 30), key("ntn_", Plain, 40), key("nfp_", Plain, 32), key("nvapi-", Word, 40),
            key("nfc_", Plain, 32), key("ngrok_", Plain, 40)] },
        b'o' => const { &[key("oauth2_", Plain, 40), key("ops_", Word, 100)] },
        b'p' => const { &[key("pk_live_", Plain, 16), key("pk_test_", Plain, 16), key("pypi-", Word, 50), key("pul-", Hex, 40),
            key("pscale_tkn_", Dotted, 30), key("pscale_pw_", Dotted, 30), key("pscale_oauth_", Dotted, 30), key("pcsk_", Word, 40),
            key("pplx-", Plain, 40), key("phc_", Plain, 40), key("phx_", Plain, 40), key("pat-na1-", Word, 36),
            key("pat-eu1-", Word, 36), key("pat", Dotted, 70), key("pk.eyJ", Dotted, 50), key("pnu_", Plain, 36),
            key("prefect_", Plain, 36), key("pa-", Word, 40), key("p8e-", Word, 32), key("patch_", Hex, 40),
            key("paddle_live_", Word, 30)] },
        b'r' => const { &[key("rk_live_", Plain, 16), key("rk_test_", Plain, 16), key("r8_", Plain, 36), key("rubygems_", Hex, 40),
            key("rzp_live_", Plain, 14), key("rzp_test_", Plain, 14), key("rdme_", Plain, 60), key("re_", Word, 30),
            key("rnd_", Plain, 28)] },
        b's' => const { &[key("sk_live_", Plain, 14), key("sk_test_", Plain, 14), key("sk-proj-", Word, 30), key("sk-ant-", Word, 30),
            key("sk-or-v1-", Hex, 60), key("sk-svcacct-", Word, 30), key("sk-admin-", Word, 30), key("sk-lf-", Word, 36),
            key("sk-None-", Word, 30), key("sk-", Plain, 30), key("sk_", Hex, 40), key("shpat_", Hex, 32), key("shpca_", Hex, 32),
            key("shppa_", Hex, 32), key("shpss_", Hex, 32), key("shptka_", Hex, 32), key("sq0atp-", Word, 22), key("sq0csp-", Word, 40),
            key("sq0idp-", Word, 22), key("sntrys_", Word, 50), key("sntryu_", Hex, 64), key("sqp_", Hex, 40), key("squ_", Hex, 40),
            key("sqa_", Hex, 40), key("sbp_", Hex, 40), key("sb_secret_", Word, 28), key("secret_", Plain, 40),
            key("shippo_live_", Hex, 40), key("shippo_test_", Hex, 40), key("sk.eyJ", Dotted, 50), key("sgp_", Word, 40),
            key("scw_", Plain, 30), key("sdk-", Word, 36), key("sl.", Word, 100)] },
        b't' => const { &[key("tskey-", Word, 20), key("tfp_", Word, 40), key("tvly-", Word, 28), key("tk-us-", Word, 40),
            key("t1.", Dotted, 80), key("tgp_v1_", Word, 40), key("trc_", Plain, 30)] },
        b'v' => const { &[key("vercel_", Plain, 24), key("vcp_", Plain, 40)] },
        b'w' => const { &[key("whsec_", Plain, 24), key("waka_", Word, 36)] },
        b'x' => const { &[key("xoxb-", Word, 20), key("xoxp-", Word, 20), key("xoxa-", Word, 20), key("xoxr-", Word, 20),
            key("xoxs-", Word, 20), key("xoxo-", Word, 20), key("xoxc-", Word, 20), key("xoxd-", Word, 20), key("xoxe-", Word, 20),
            key("xoxe.", Dotted, 20), key("xapp-", Word, 30), key("xkeysib-", Word, 60), key("xsmtpsib-", Word, 60),
            key("xai-", Plain, 60), key("xox", Dotted, 40)] },
        b'y' => const { &[key("ya29.", Dotted, 20), key("y0_", Word, 40)] },
        b'z' => const { &[key("zpka_", Word, 30), key("zrok_", Plain, 30)] },
        _ => &[],
    }
}

/// Where the key that begins at `start` ends, if one does.
pub(super) fn end(text: &[u8], start: usize) -> Option<usize> {
    let rest = text.get(start..)?;
    keys(at(rest, 0)).iter().filter(|key| rest.starts_with(key.head)).find_map(|key| {
        let body = rest.get(key.head.len()..)?;
        let len = body.iter().take_while(|byte| key.body.has(**byte)).count();
        // A full stop or hyphen at the end is the sentence's.
        let tail = body.get(..len)?.iter().rev().take_while(|byte| matches!(byte, b'.' | b'-')).count();
        let body = body.get(..len - tail)?;
        let cut =
            matches!(key.body, Plain | Hex) && matches!(at(rest, key.head.len() + len), b'_' | b'a'..=b'z');
        (body.len() >= key.fewest && !cut && is_random(body, key.body))
            .then_some(start + key.head.len() + body.len())
    })
}

impl Body {
    fn has(self, byte: u8) -> bool {
        match self {
            Plain => byte.is_ascii_alphanumeric(),
            Hex => byte.is_ascii_hexdigit(),
            Word => byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'),
            Dotted => byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'='),
        }
    }
}

/// Not words: digits among the letters, or capitals within.
fn is_random(body: &[u8], kind: Body) -> bool {
    if matches!(kind, Hex) {
        return true;
    }
    let digits = body.iter().filter(|byte| byte.is_ascii_digit()).count();
    let capitals = body.iter().filter(|byte| byte.is_ascii_uppercase()).count();
    let letters = body.iter().filter(|byte| byte.is_ascii_lowercase()).count();
    digits >= 2 || (capitals >= 3 && letters >= 3)
}
