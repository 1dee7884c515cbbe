//! Caller to target.

use super::{Cleared, Gate, InFlight, MAX_IN_FLIGHT, Ruling, not_recorded};
use crate::approvals::{Filed, Hold, HoldRequest, Outcome};
use crate::command::{Command, CommandKind, in_context};
use crate::event::{Ask, Frame};
use crate::fault::Denial;
use crate::ids::{ApprovalId, CommandNo};
use crate::journal::Event;
use crate::judge::{HoldTerms, Obligations, Reason, Verdict};
use crate::mask::detect::Classes;
use crate::mask::forms::REDACTED;
use crate::time::Moment;
use std::borrow::Cow;
use std::sync::Arc;

/// How much of a parameter is kept in a recording or shown to an approver.
const MAX_PARAMETER_TEXT: usize = 4096;

impl Gate {
    /// Decides, records, and only then clears.
    pub fn ask<'a>(&mut self, frame: Frame<'a, Ask<'_>>) -> Ruling<'a> {
        let now = self.clock.now();
        if let Err(denial) = self.stand(now) {
            return Ruling::Deny(denial);
        }
        self.bytes_in += frame.bytes.len() as u64;
        match frame.event {
            Ask::Command(command) => self.ask_command(now, frame.bytes, &command),
            Ask::Input(of) => match self.flight(of) {
                Some(flight) => {
                    flight.bytes_in += frame.bytes.len() as u64;
                    Ruling::Clear(Cleared::new(frame.bytes, self.appended, None))
                }
                None => Ruling::Deny(Denial::of_house(
                    "input-without-command",
                    "No command is waiting for input.",
                )),
            },
            Ask::Housekeeping(_) => Ruling::Clear(Cleared::new(frame.bytes, self.appended, None)),
        }
    }

    fn ask_command<'a>(&mut self, now: Moment, bytes: &'a [u8], command: &Command<'_>) -> Ruling<'a> {
        if self.in_flight.len() >= MAX_IN_FLIGHT {
            let text = format!(
                "More than {MAX_IN_FLIGHT} commands wait for their outcome. Read some answers first."
            );
            return Ruling::Deny(Denial::of_house("too-many-in-flight", text).fatal());
        }
        self.last_no += 1;
        let no = CommandNo(self.last_no);
        let verdict = self.judge.judge(now, command.effects, &[]);
        match &*verdict {
            Verdict::Allow(obligations) => self.clear(now, no, bytes, command, obligations),
            Verdict::Hold(terms) if command.kind == CommandKind::Prepare => {
                // Preparing runs nothing. The hold waits at the moment when the statement would run.
                let obligations = Obligations { rules: terms.reason.rules.clone(), ..Obligations::default() };
                self.clear(now, no, bytes, command, &obligations)
            }
            Verdict::Deny(reason) => self.deny(now, no, command, reason),
            Verdict::Hold(terms) => self.hold(now, no, command, terms),
        }
    }

    fn clear<'a>(
        &mut self,
        now: Moment,
        no: CommandNo,
        bytes: &'a [u8],
        command: &Command<'_>,
        obligations: &Obligations,
    ) -> Ruling<'a> {
        let parameters = self.parameters(command);
        let event = Event::Command {
            no,
            kind: Cow::Borrowed(command.kind.as_str()),
            text: Cow::Borrowed(command.text),
            parameters,
            effects: Cow::Borrowed(command.effects.list()),
            verdict: Cow::Borrowed("allow"),
            rules: Cow::Borrowed(&obligations.rules),
            message: None,
            digest: None,
        };
        if self.append(now, &event).is_err() {
            return Ruling::Deny(not_recorded());
        }
        self.depart(now, no, bytes, command.kind, obligations)
    }

    fn depart<'a>(
        &mut self,
        now: Moment,
        no: CommandNo,
        bytes: &'a [u8],
        kind: CommandKind,
        obligations: &Obligations,
    ) -> Ruling<'a> {
        let flight = InFlight {
            no,
            kind,
            started: now,
            rows: 0,
            bytes_in: bytes.len() as u64,
            bytes_out: 0,
            kept_bytes: 0,
            masked: 0,
            truncated: false,
            max_rows: obligations.max_rows.unwrap_or(u64::MAX),
            max_bytes: obligations.max_bytes.unwrap_or(u64::MAX),
        };
        // Only a command that waited for people can come behind later ones; the order of numbers is kept.
        match self.in_flight.back() {
            Some(last) if last.no > no => {
                let at = self.in_flight.partition_point(|flight| flight.no < no);
                self.in_flight.insert(at, flight);
            }
            _ => self.in_flight.push_back(flight),
        }
        Ruling::Clear(Cleared::new(bytes, self.appended, Some(no)))
    }

    fn deny<'a>(&mut self, now: Moment, no: CommandNo, command: &Command<'_>, reason: &Reason) -> Ruling<'a> {
        let event = self.command_event(no, command, "deny", reason);
        match self.append(now, &event) {
            Ok(()) => Ruling::Deny(Denial::new(reason.clone())),
            Err(_) => Ruling::Deny(not_recorded()),
        }
    }

    fn hold<'a>(
        &mut self,
        now: Moment,
        no: CommandNo,
        command: &Command<'_>,
        terms: &HoldTerms,
    ) -> Ruling<'a> {
        let act = command.act(&self.grant);
        let event = self.command_event(no, command, "hold", &terms.reason);
        if self.append(now, &event).is_err() {
            return Ruling::Deny(not_recorded());
        }
        let parameters =
            self.parameters(command).into_iter().map(|value| value.map(Cow::into_owned)).collect();
        let grant = &self.grant;
        let caller = grant.caller();
        let request = HoldRequest {
            session: grant.session().clone(),
            command: no,
            digest: in_context(act, command.context),
            requester: caller.principal(),
            requester_name: caller.name.clone(),
            chain: caller.chain.clone(),
            owner: caller.owner.clone(),
            attributes: caller.attributes.clone(),
            target: grant.target().name.as_str().to_owned(),
            database: grant.database().to_owned(),
            protocol: command.protocol.to_owned(),
            text: command.text.to_owned(),
            context: command.context.to_owned(),
            parameters,
            effects: command.effects.list().to_vec(),
            rules: terms.reason.rules.iter().map(|rule| rule.as_str().to_owned()).collect(),
            message: terms.reason.message.clone(),
            groups: terms.groups.clone(),
            defer: terms.defer,
            asked: now,
            expires: now.plus_seconds(i64::from(terms.expires_seconds)),
        };
        Ruling::Hold(Box::new(Hold {
            request,
            act,
            terms: terms.clone(),
            approvals: Arc::clone(&self.approvals),
            filed: None,
            outcome: None,
        }))
    }

    /// Records that a hold was filed and with whom. Called once, before the caller is told.
    pub fn held(&mut self, hold: &Hold, filed: &Filed) -> Result<(), Denial> {
        let now = self.clock.now();
        let event = Event::Held {
            no: hold.request.command,
            approval: filed.id.clone(),
            groups: hold.request.groups.clone(),
            expires: hold.request.expires,
            digest: Some(hold.request.digest),
            context: Cow::Borrowed(&hold.request.context),
        };
        self.append(now, &event).map_err(|_| not_recorded())
    }

    /// Goes on with a command that waited. `frame` must be the very command that was held: its digest is compared,
    /// and the rules in force now are asked again with the approval as a fact.
    pub fn resume<'a>(&mut self, mut hold: Box<Hold>, frame: Frame<'a, Ask<'_>>) -> Ruling<'a> {
        let now = self.clock.now();
        if let Err(denial) = self.stand(now) {
            // An approval may have been spent by now: that it came to nothing stands in the record.
            let reason = denial.reason.message.clone();
            return match self.resolved(now, &mut hold, None, Some(&reason), "deny") {
                Ok(_) => Ruling::Deny(denial),
                Err(denial) => Ruling::Deny(denial),
            };
        }
        let Ask::Command(command) = frame.event else {
            return Ruling::Deny(Denial::of_house("approval-of-another", "Only a command can be resumed."));
        };
        let digest = command.digest(&self.grant);
        let asked = &hold.terms.reason;
        let (verdict, word) = match &hold.outcome {
            Some(Outcome::Approved(fact)) if fact.digest == digest && hold.request.digest == digest => {
                (self.judge.judge(now, command.effects, std::slice::from_ref(fact)), None)
            }
            Some(Outcome::Approved(_)) => {
                let text =
                    "The command, or what its names and settings mean, is not what was approved. Ask again.";
                (denied("approval-of-another", text), Some("mismatch"))
            }
            Some(Outcome::Refused { reason, .. }) if reason.is_empty() => {
                (refused(asked, "Refused by an approver.".into()), None)
            }
            Some(Outcome::Refused { reason, .. }) => {
                (refused(asked, format!("Refused by an approver: {reason}")), None)
            }
            Some(Outcome::Expired) => (refused(asked, "Nobody decided in time.".into()), None),
            Some(Outcome::Withdrawn) | None => (refused(asked, "The request was withdrawn.".into()), None),
        };
        let (kind, ruling) = match &*verdict {
            Verdict::Allow(obligations) => ("allow", Ok(obligations.clone())),
            Verdict::Deny(reason) => ("deny", Err(reason.clone())),
            // The rules changed while it waited and now ask somebody else: that is a new question.
            Verdict::Hold(terms) => ("hold", Err(terms.reason.clone())),
        };
        let id = match self.resolved(now, &mut hold, word, None, kind) {
            Ok(id) => id,
            Err(denial) => return Ruling::Deny(denial),
        };
        match ruling {
            Ok(obligations) => {
                self.depart(now, hold.request.command, frame.bytes, command.kind, &obligations)
            }
            Err(reason) => {
                let mut denial = Denial::new(reason);
                denial.approval = id;
                Ruling::Deny(denial)
            }
        }
    }

    /// Records a command that came to nothing while it waited: the caller cancelled or left, or nobody could be asked.
    pub fn abandon(&mut self, mut hold: Box<Hold>, why: &str) -> Result<(), Denial> {
        let now = self.clock.now();
        self.resolved(now, &mut hold, None, Some(why), "deny").map(drop)
    }

    /// Writes how a wait ended: who decided, when, and in which words. What nobody decided is taken back.
    fn resolved(
        &mut self,
        now: Moment,
        hold: &mut Hold,
        word: Option<&'static str>,
        why: Option<&str>,
        verdict: &'static str,
    ) -> Result<Option<ApprovalId>, Denial> {
        let id = hold.filed.take().map(|filed| filed.id);
        if let (Some(id), None) = (&id, &hold.outcome) {
            hold.approvals.withdraw(id, why.unwrap_or("nobody waits for it any more"));
        }
        let outcome = hold.outcome.take().unwrap_or(Outcome::Withdrawn);
        let (by, at, said) = match &outcome {
            Outcome::Approved(fact) => (Some(&fact.approver), Some(fact.at), Some(&fact.reason)),
            Outcome::Refused { by, reason, at } => (Some(by), Some(*at), Some(reason)),
            Outcome::Expired | Outcome::Withdrawn => (None, None, None),
        };
        let said = said.map(String::as_str).filter(|said| !said.is_empty());
        let reason = match (said, why) {
            (Some(said), Some(why)) => Some(Cow::Owned(format!("{said} (but: {why})"))),
            (Some(one), None) | (None, Some(one)) => Some(Cow::Borrowed(one)),
            (None, None) => None,
        };
        let event = Event::Resolved {
            no: hold.request.command,
            approval: id.clone(),
            outcome: Cow::Borrowed(word.unwrap_or(outcome.as_str())),
            by: by.map(|by| Cow::Borrowed(by.as_str())),
            reason,
            verdict: Cow::Borrowed(verdict),
            at,
        };
        self.append(now, &event).map_err(|_| not_recorded())?;
        Ok(id)
    }

    /// A command of which the connector found what no effect says: it stands in the record as any that was denied.
    pub fn refuse_command(&mut self, command: &Command<'_>, reason: &Reason) -> Denial {
        let now = self.clock.now();
        if let Err(denial) = self.stand(now) {
            return denial;
        }
        self.last_no += 1;
        let event = self.command_event(CommandNo(self.last_no), command, "deny", reason);
        match self.append(now, &event) {
            Ok(()) => Denial::new(reason.clone()),
            Err(_) => not_recorded(),
        }
    }

    /// A message that the connector refuses before it is a command: a fast-path call, an unknown type.
    pub fn refuse(&mut self, what: &str, rule: &str, message: &str) -> Denial {
        let now = self.clock.now();
        let denial = Denial::of_house(rule, message);
        let text = format!("refused {what}: {denial}");
        match self.append(now, &Event::Notice { text: Cow::Owned(text) }) {
            Ok(()) => denial,
            Err(_) => not_recorded(),
        }
    }

    fn command_event<'c>(
        &mut self,
        no: CommandNo,
        command: &'c Command<'_>,
        verdict: &'static str,
        reason: &'c Reason,
    ) -> Event<'c> {
        Event::Command {
            no,
            kind: Cow::Borrowed(command.kind.as_str()),
            text: Cow::Borrowed(command.text),
            parameters: self.parameters(command),
            effects: Cow::Borrowed(command.effects.list()),
            verdict: Cow::Borrowed(verdict),
            rules: Cow::Borrowed(&reason.rules),
            message: Some(Cow::Borrowed(&reason.message)),
            digest: None,
        }
    }

    /// Bound values as they are recorded and shown: with every recognisable value masked, whoever looks.
    fn parameters<'c>(&mut self, command: &Command<'c>) -> Vec<Option<Cow<'c, str>>> {
        let mut texts = Vec::with_capacity(command.parameters.cells.len());
        for (index, value) in command.parameters.iter().enumerate() {
            let binary = command.parameters.is_binary(index);
            texts.push(value.map(|bytes| self.parameter(bytes, binary)));
        }
        texts
    }

    fn parameter<'c>(&mut self, bytes: &'c [u8], binary: bool) -> Cow<'c, str> {
        match std::str::from_utf8(bytes) {
            Ok(text) if !binary && text.len() <= MAX_PARAMETER_TEXT => {
                match self.masker.words(text, Classes::all()) {
                    Some(masked) => Cow::Owned(masked),
                    None => Cow::Borrowed(text),
                }
            }
            Ok(text) if self.masker.words(text, Classes::all()).is_some() => Cow::Borrowed(REDACTED),
            _ if binary && self.hides_a_value(bytes) => Cow::Borrowed(REDACTED),
            Ok(text) if !binary => {
                let end = text.floor_char_boundary(MAX_PARAMETER_TEXT);
                Cow::Owned(format!("{}… ({} bytes)", text.get(..end).unwrap_or_default(), bytes.len()))
            }
            _ => {
                let shown = bytes.get(..MAX_PARAMETER_TEXT.min(bytes.len())).unwrap_or_default();
                let mut text = String::with_capacity(2 + 2 * shown.len());
                text.push_str("\\x");
                shown.iter().for_each(|byte| text.push_str(&format!("{byte:02x}")));
                if shown.len() < bytes.len() {
                    text.push_str(&format!("… ({} bytes)", bytes.len()));
                }
                Cow::Owned(text)
            }
        }
    }
}

impl Gate {
    /// A sensitive value within bytes that are not text: between others, or as a number of eight bytes.
    fn hides_a_value(&mut self, bytes: &[u8]) -> bool {
        let number = <[u8; 8]>::try_from(bytes).map(|bytes| i64::from_be_bytes(bytes).to_string());
        let as_number = number.is_ok_and(|text| self.masker.words(&text, Classes::all()).is_some());
        as_number || self.masker.words(&String::from_utf8_lossy(bytes), Classes::all()).is_some()
    }
}

fn denied(rule: &str, text: &str) -> Arc<Verdict> {
    Arc::new(Verdict::Deny(Denial::of_house(rule, text).reason))
}

fn refused(asked: &Reason, text: String) -> Arc<Verdict> {
    Arc::new(Verdict::Deny(Reason { message: text, ..asked.clone() }))
}
