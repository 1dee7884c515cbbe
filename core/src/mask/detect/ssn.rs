//! Social security numbers of the United States: three, two, four, with the areas, groups and serials that are never
//! given out left aside. Nine digits without separators are not one; a column's name may say otherwise.

use super::digits::{Gap, Run, Side, right_of};

/// Where the number that starts this run ends.
pub(super) fn end(run: &Run<'_>) -> Option<usize> {
    let [area, group, serial, ..] = run.groups() else { return None };
    if run.plus || (area.len(), group.len(), serial.len()) != (3, 2, 4) || group.gap != serial.gap {
        return None;
    }
    let right = right_of(run.text, serial.end);
    let alone = match group.gap {
        Gap::Dash => right != Side::Stuck,
        // Spaced groups are common; only a number that stands alone is taken for one.
        Gap::Space => run.left == Side::Open && right == Side::Open,
        Gap::None | Gap::Dot | Gap::Slash => false,
    };
    let area = run.text.get(area.start..area.end)?;
    let given = area != b"000" && area != b"666" && area.first() != Some(&b'9');
    let given = given && run.text.get(group.start..group.end)? != b"00";
    let given = given && run.text.get(serial.start..serial.end)? != b"0000";
    (alone && given).then_some(serial.end)
}
