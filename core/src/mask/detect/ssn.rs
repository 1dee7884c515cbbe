//! Social security numbers of the United States: three, two, four, with the areas, groups and serials that are never
//! given out left aside. Nine digits without separators are not one; a column's name may say otherwise.

use super::digits::{Gap, Run, Side, right_of};
use super::{label, named};

/// Where the number that starts this run ends.
pub(super) fn end(run: &Run<'_>) -> Option<usize> {
    let [area, group, serial, ..] = run.groups() else { return bare_end(run) };
    if area.len() == 9 {
        return bare_end(run);
    }
    if run.plus || (area.len(), group.len(), serial.len()) != (3, 2, 4) || group.gap != serial.gap {
        return None;
    }
    let right = right_of(run.text, serial.end);
    let alone = match group.gap {
        Gap::Dash => right != Side::Stuck,
        // Spaced groups are common; only a number that stands alone is taken for one.
        Gap::Space | Gap::Wide | Gap::Dot => run.left == Side::Open && right == Side::Open,
        Gap::None | Gap::Slash | Gap::Underscore => false,
    };
    let area = run.text.get(area.start..area.end)?;
    let given = area != b"000" && area != b"666" && area.first() != Some(&b'9');
    let given = given && run.text.get(group.start..group.end)? != b"00";
    let given = given && run.text.get(serial.start..serial.end)? != b"0000";
    (alone && given).then_some(serial.end)
}

/// Nine digits that the text itself calls one.
fn bare_end(run: &Run<'_>) -> Option<usize> {
    let first = run.groups().first().filter(|first| first.len() == 9 && !run.plus)?;
    let digits: &[u8; 9] = run.text.get(first.start..first.end)?.try_into().ok()?;
    let alone = right_of(run.text, first.end) == Side::Open;
    (alone && named::is_given(digits) && label::is_ssn(run.text, first.start)).then_some(first.end)
}
