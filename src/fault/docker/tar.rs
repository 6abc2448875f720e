//! A folder as a tape archive, the form in which engines take what they build from.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// The size of its blocks.
const BLOCK: usize = 512;

/// An archive in memory.
pub(super) struct Archive(Vec<u8>);

impl Archive {
    /// All of a folder, links as links.
    pub(super) fn of(folder: &Path) -> io::Result<Vec<u8>> {
        let mut archive = Self(Vec::new());
        archive.add_folder(folder, "")?;
        // Two empty blocks are its end.
        archive.0.resize(archive.0.len() + 2 * BLOCK, 0);
        Ok(archive.0)
    }

    fn add_folder(&mut self, folder: &Path, name: &str) -> io::Result<()> {
        let mut entries = fs::read_dir(folder)?.collect::<io::Result<Vec<_>>>()?;
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let file = entry.file_name().to_string_lossy().into_owned();
            let name = match name {
                "" => file,
                above => format!("{above}/{file}"),
            };
            let (path, kind) = (entry.path(), entry.file_type()?);
            let mode = entry.metadata()?.permissions().mode() & 0o7777;
            if kind.is_dir() {
                self.entry(&format!("{name}/"), b'5', mode, "", &[])?;
                self.add_folder(&path, &name)?;
            } else if kind.is_symlink() {
                let to = fs::read_link(&path)?.to_string_lossy().into_owned();
                self.entry(&name, b'2', mode, &to, &[])?;
            } else if kind.is_file() {
                self.entry(&name, b'0', mode, "", &fs::read(&path)?)?;
            }
        }
        Ok(())
    }

    fn entry(
        &mut self,
        name: &str,
        kind: u8,
        mode: u32,
        link: &str,
        data: &[u8],
    ) -> io::Result<()> {
        if name.len() > 100 || link.len() > 100 {
            self.long(b'L', name)?;
            self.long(b'K', link)?;
        }
        self.plain(name, kind, mode, link, data);
        Ok(())
    }

    /// A name that is too long for its field, ahead of its entry: GNU's way, which engines know.
    fn long(&mut self, kind: u8, name: &str) -> io::Result<()> {
        if name.len() <= 100 {
            return Ok(());
        }
        let mut data = name.as_bytes().to_vec();
        data.push(0);
        self.plain("././@LongLink", kind, 0o644, "", &data);
        Ok(())
    }

    fn plain(&mut self, name: &str, kind: u8, mode: u32, link: &str, data: &[u8]) {
        let mut header = [0_u8; BLOCK];
        let mut put = |at: usize, bytes: &[u8], most: usize| {
            let count = bytes.len().min(most);
            header[at..at + count].copy_from_slice(&bytes[..count]);
        };
        put(0, name.as_bytes(), 100);
        put(100, format!("{mode:07o}").as_bytes(), 7);
        put(108, b"0000000", 7);
        put(116, b"0000000", 7);
        put(124, format!("{:011o}", data.len()).as_bytes(), 11);
        put(136, b"00000000000", 11);
        // The checksum counts itself as spaces.
        put(148, b"        ", 8);
        put(156, &[kind], 1);
        put(157, link.as_bytes(), 100);
        put(257, b"ustar\x0000", 8);
        let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
        let text = format!("{sum:06o}\0 ");
        header[148..156].copy_from_slice(text.as_bytes());
        self.0.extend_from_slice(&header);
        self.0.extend_from_slice(data);
        let rest = (BLOCK - data.len() % BLOCK) % BLOCK;
        self.0.resize(self.0.len() + rest, 0);
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn others_read_it() {
        let folder = tempfile::tempdir().unwrap();
        let long = "n".repeat(120);
        fs::create_dir(folder.path().join("sub")).unwrap();
        fs::write(folder.path().join("sub/file"), "text").unwrap();
        fs::write(folder.path().join(&long), vec![b'x'; 513]).unwrap();
        std::os::unix::fs::symlink("sub/file", folder.path().join("link")).unwrap();
        let archive = tempfile::NamedTempFile::new().unwrap();
        fs::write(archive.path(), Archive::of(folder.path()).unwrap()).unwrap();
        let into = tempfile::tempdir().unwrap();
        let read = Command::new("tar")
            .arg("-xf")
            .arg(archive.path())
            .arg("-C")
            .arg(into.path())
            .status();
        assert!(read.unwrap().success());
        let text = fs::read_to_string(into.path().join("link")).unwrap();
        assert_eq!(text, "text");
        assert_eq!(fs::read(into.path().join(long)).unwrap().len(), 513);
    }
}
