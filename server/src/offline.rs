//! Verbs that need no server: they read lines or files and write an answer.

use anyhow::{Context, Result, bail};
use sallyport_policy::RuleFile;
use std::io::{BufRead, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// A line longer than this is answered with an error, not read into memory.
const MAX_LINE_BYTES: usize = 64 * 1024 * 1024;

/// Answers each line with a line. Bad lines get an answer too, and nothing stops.
pub fn lines(answer: impl Fn(&str, usize) -> String) -> Result<ExitCode> {
    let mut input = std::io::stdin().lock();
    let mut output = std::io::BufWriter::new(std::io::stdout().lock());
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        let read = std::io::Read::take(&mut input, MAX_LINE_BYTES as u64 + 1).read_until(b'\n', &mut line);
        if read.context("read standard input")? == 0 {
            break;
        }
        if line.len() > MAX_LINE_BYTES {
            bail!("line {number} is longer than {MAX_LINE_BYTES} bytes");
        }
        let text = String::from_utf8_lossy(&line);
        let text = text.trim_end_matches(['\n', '\r']);
        if text.is_empty() {
            continue;
        }
        writeln!(output, "{}", answer(text, number)).context("write standard output")?;
    }
    output.flush().context("write standard output")?;
    Ok(ExitCode::SUCCESS)
}

/// The rule files that these paths name: files as they are, folders with every `.cedar` and `.classes` in them.
pub fn rule_files(paths: &[PathBuf]) -> Result<Vec<RuleFile>> {
    let mut files = Vec::new();
    for path in paths {
        if path.is_dir() {
            let mut inside: Vec<PathBuf> = std::fs::read_dir(path)
                .with_context(|| format!("list {}", path.display()))?
                .filter_map(|entry| Some(entry.ok()?.path()))
                .filter(|path| {
                    path.extension().is_some_and(|extension| extension == "cedar" || extension == "classes")
                })
                .collect();
            inside.sort();
            for path in inside {
                files.push(rule_file(&path)?);
            }
        } else {
            files.push(rule_file(path)?);
        }
    }
    if files.is_empty() {
        bail!("no rule file: name .cedar files or a folder that holds some");
    }
    Ok(files)
}

fn rule_file(path: &Path) -> Result<RuleFile> {
    let text = std::fs::read_to_string(path).with_context(|| format!("read {}", path.display()))?;
    let name = path
        .file_name()
        .map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned());
    Ok(RuleFile { name, text })
}

pub fn inspect_sql(dialect: &str) -> Result<ExitCode> {
    match dialect {
        "postgres" => lines(sallyport_sql::inspect::answer),
        other => bail!("unknown dialect {other:?}: write postgres"),
    }
}

pub fn example() -> Result<ExitCode> {
    let mut output = std::io::stdout().lock();
    output.write_all(crate::config::EXAMPLE.as_bytes()).context("write standard output")?;
    Ok(ExitCode::SUCCESS)
}

/// Exit 0: everything is intact. Exit 3: something was changed, and the report names it.
pub fn verify(path: &Path, key: Option<&Path>, checkpoints: &[PathBuf], json: bool) -> Result<ExitCode> {
    let key = match key {
        Some(file) => {
            let text = std::fs::read_to_string(file).with_context(|| format!("read {}", file.display()))?;
            let key = sallyport_record::public_key(&text);
            Some(key.with_context(|| format!("{} holds no public key of a log", file.display()))?)
        }
        None => None,
    };
    let read =
        |file: &PathBuf| std::fs::read_to_string(file).with_context(|| format!("read {}", file.display()));
    let checkpoints = checkpoints.iter().map(read).collect::<Result<Vec<_>>>()?;
    // The data folder is what people have at hand; its recordings are what is meant.
    let inside = path.join("recordings");
    let path = if !path.join("sessions").is_dir() && inside.is_dir() { inside.as_path() } else { path };
    if !path.exists() {
        bail!("there is no {}", path.display());
    }
    let known = sallyport_record::Known { key, checkpoints };
    let report =
        sallyport_record::verify(path, &known).with_context(|| format!("verify {}", path.display()))?;
    let mut output = std::io::stdout().lock();
    let text =
        if json { serde_json::to_string_pretty(&report).context("write JSON")? } else { report.to_string() };
    writeln!(output, "{}", text.trim_end()).context("write standard output")?;
    Ok(if report.is_intact() { ExitCode::SUCCESS } else { ExitCode::from(3) })
}
