//! Where sealed recordings lie: a local folder or an object store. Appending is not part of it, because only a local
//! disk can append; what is put on a shelf is whole.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Names are relative and use `/`: `2026-11-21/9f3c.rec`.
pub trait Shelf: Send + Sync {
    /// Everything on the shelf, sorted by name.
    fn names(&self) -> io::Result<Vec<String>>;
    fn read(&self, name: &str) -> io::Result<Box<dyn Read + Send>>;
    /// Whole or not at all, durable when it returns, replacing what had the name.
    fn put(&self, name: &str, content: &mut dyn Read) -> io::Result<()>;
}

/// A folder of the local disk, one folder per day in it.
#[derive(Clone, Debug)]
pub struct LocalShelf {
    root: PathBuf,
}

impl LocalShelf {
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }
    pub fn root(&self) -> &Path {
        &self.root
    }
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }
}

impl Shelf for LocalShelf {
    fn names(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for day in folders(&self.root)? {
            for file in fs::read_dir(self.root.join(&day))? {
                if let Ok(name) = file?.file_name().into_string() {
                    names.push(format!("{day}/{name}"));
                }
            }
        }
        names.sort();
        Ok(names)
    }

    fn read(&self, name: &str) -> io::Result<Box<dyn Read + Send>> {
        Ok(Box::new(File::open(self.path(name))?))
    }

    fn put(&self, name: &str, content: &mut dyn Read) -> io::Result<()> {
        let path = self.path(name);
        let folder = path.parent().unwrap_or(&self.root);
        fs::create_dir_all(folder)?;
        let part = path.with_extension("part");
        let put = write_new(&part, content).and_then(|()| fs::rename(&part, &path));
        if put.is_err() {
            // Only the unfinished copy goes; what had the name before is untouched.
            _ = fs::remove_file(&part);
        }
        put?;
        File::open(folder)?.sync_all()
    }
}

fn write_new(path: &Path, content: &mut dyn Read) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    io::copy(content, &mut file)?;
    file.sync_all()
}

fn folders(root: &Path) -> io::Result<Vec<String>> {
    let mut days = Vec::new();
    for item in fs::read_dir(root)? {
        let item = item?;
        if item.file_type()?.is_dir()
            && let Ok(name) = item.file_name().into_string()
        {
            days.push(name);
        }
    }
    Ok(days)
}
