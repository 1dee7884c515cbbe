//! A unit of intent that can be judged.

use crate::digest::{Digest, Digester};
use crate::effect::Effects;
use crate::event::Cell;
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CommandKind {
    /// Runs now.
    Run,
    /// Is understood by the target but not run: a statement being prepared. A hold on it waits until it runs.
    Prepare,
    /// Goes on with a command that already ran: the next rows of an open portal. Judged again, recorded briefly.
    Continue,
}

impl CommandKind {
    pub fn as_str(self) -> &'static str {
        match self {
            CommandKind::Run => "run",
            CommandKind::Prepare => "prepare",
            CommandKind::Continue => "continue",
        }
    }
}

/// Bound values: ranges into the bytes of the message that carried them.
#[derive(Clone, Copy, Debug, Default)]
pub struct Parameters<'a> {
    pub bytes: &'a [u8],
    pub cells: &'a [Cell],
    /// For each cell: whether its bytes are text. Shorter than `cells` means text.
    pub binary: &'a [bool],
}

impl<'a> Parameters<'a> {
    pub fn iter(&self) -> impl Iterator<Item = Option<&'a [u8]>> + use<'a> {
        let bytes = self.bytes;
        self.cells.iter().map(move |cell| cell.of(bytes))
    }
    pub fn is_binary(&self, index: usize) -> bool {
        self.binary.get(index).copied().unwrap_or(false)
    }
}

/// What a caller asks a target to do, with what it would do named.
#[derive(Clone, Copy, Debug)]
pub struct Command<'a> {
    pub kind: CommandKind,
    /// The connector that read it.
    pub protocol: &'static str,
    pub text: &'a str,
    pub effects: &'a Effects,
    pub parameters: Parameters<'a>,
    /// What else decides what the text means, as far as it is known by now: names resolved to objects, settings, what
    /// runs before it. Part of the digest. A connector that has to ask for it does so once the command is held.
    pub context: &'a str,
}

impl Command<'_> {
    /// The canonical hash that an approval names. Two commands share it only if they are the same act: the same
    /// protocol, statement, meaning, bound values, effects, caller, chain, target, account, database and context.
    pub fn digest(&self, grant: &crate::access::Grant) -> Digest {
        in_context(self.act(grant), self.context)
    }

    /// All of it but the context.
    pub(crate) fn act(&self, grant: &crate::access::Grant) -> Digest {
        let mut digester = Digester::new("sallyport command v2");
        digester.text(self.protocol).text(self.text);
        digester.count(self.parameters.cells.len());
        for (index, value) in self.parameters.iter().enumerate() {
            digester.flag(self.parameters.is_binary(index)).optional(value);
        }
        digester.bytes(&self.effects.key());
        let caller = grant.caller();
        digester.text(&caller.issuer).text(&caller.subject).count(caller.chain.len());
        for link in &caller.chain {
            digester.text(link);
        }
        let target = grant.target();
        digester.text(target.name.as_str()).text(&target.host).count(usize::from(target.port));
        digester.text(&target.account).text(grant.database());
        // An account made anew under the same name does not inherit what was approved for the one before.
        if let Some(since) = caller.account_since {
            digester.text(&since.0.to_string());
        }
        digester.finish()
    }
}

/// The digest of an act within a context.
pub(crate) fn in_context(act: Digest, context: &str) -> Digest {
    let mut digester = Digester::new("sallyport command in context v1");
    digester.bytes(&act.0).text(context);
    digester.finish()
}
