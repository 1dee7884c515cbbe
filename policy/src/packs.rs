//! Rules that ship with the program, to be used as they are or copied and changed.

use crate::load::RuleFile;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pack {
    pub name: &'static str,
    pub about: &'static str,
    pub text: &'static str,
}

pub const PACKS: [Pack; 3] = [
    Pack {
        name: "agents-read-only",
        about: "Agents connect and read; personal data is masked; everything else is refused.",
        text: include_str!("../packs/agents-read-only.cedar"),
    },
    Pack {
        name: "agents-write-with-approval",
        about: "Agents read; writes to named rows wait for the group approvers; everything larger is refused.",
        text: include_str!("../packs/agents-write-with-approval.cedar"),
    },
    Pack {
        name: "people-break-glass",
        about: "People of the group break-glass do what an incident needs; the dangerous waits for a second person.",
        text: include_str!("../packs/people-break-glass.cedar"),
    },
];

impl Pack {
    pub fn named(name: &str) -> Option<&'static Pack> {
        PACKS.iter().find(|pack| pack.name == name)
    }
    pub fn file(&self) -> RuleFile {
        RuleFile::new(format!("{}.cedar", self.name), self.text)
    }
}
