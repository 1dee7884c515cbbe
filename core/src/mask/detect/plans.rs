//! The world's country calling codes (ITU-T E.164) and how many digits a number may have behind each.

/// Shortest and longest national number of each code that is in use.
#[rustfmt::skip]
const PLANS: &[(u8, u8, &[u16])] = &[
    (10, 10, &[1, 58, 225, 229]), (7, 10, &[44, 84, 230, 243, 254, 263, 267, 353, 372, 960]), (10, 11, &[52, 54, 86]),
    (10, 10, &[7]), (10, 13, &[234]), (8, 10, &[20, 60, 378, 506, 850, 855, 856, 964, 970, 976]), (5, 10, &[27, 64, 685]),
    (10, 12, &[30]), (5, 11, &[31, 852]),
    (8, 9, &[32, 36, 51, 213, 224, 233, 237, 250, 258, 264, 268, 377, 382, 387, 591, 962, 963]),
    (9, 9, &[33, 34, 93, 94, 211, 212, 218, 221, 240, 242, 244, 249, 251, 255, 256, 260, 261, 262, 351, 590, 594, 596,
        979, 992, 994, 995, 998]),
    (6, 12, &[39, 46, 359, 381]), (6, 9, &[40, 252, 355, 376, 421, 508, 681, 689]), (9, 12, &[41, 420, 870]),
    (4, 13, &[43, 49, 598]),
    (8, 8, &[45, 216, 222, 223, 226, 227, 228, 232, 235, 236, 253, 257, 266, 350, 356, 357, 370, 371, 373, 374, 389, 505,
        509, 800, 808, 973, 993]),
    (5, 8, &[47, 386, 686]), (6, 10, &[48, 53, 95, 880]), (8, 11, &[55, 57, 65, 502, 504, 593, 977]), (9, 11, &[56]),
    (5, 12, &[61, 358, 971]), (7, 13, &[62, 90]), (6, 13, &[63]), (8, 13, &[66, 81, 91]), (5, 13, &[82]),
    (7, 12, &[882, 972]), (8, 12, &[92, 383, 883]), (4, 10, &[98]), (7, 9, &[220, 231, 245, 265, 354, 385, 423, 967, 968]),
    (7, 7, &[238, 239, 246, 248, 269, 291, 297, 592, 673, 674, 680, 691, 692]),
    (7, 8, &[241, 599, 670, 675, 853, 961, 965, 975]), (5, 6, &[247]), (4, 5, &[290]), (6, 6, &[298, 299, 672, 687]),
    (4, 11, &[352]), (6, 11, &[375, 595]), (9, 10, &[380, 881, 966, 996]), (5, 5, &[500, 682]),
    (7, 11, &[501, 503, 507, 679, 886, 974]), (6, 7, &[597]), (5, 7, &[676, 677, 678, 688]), (4, 7, &[683, 690]),
    (12, 12, &[878]), (11, 11, &[888]),
];

/// The same by code: shortest and longest, or zeros.
static BY_CODE: [(u8, u8); 1000] = {
    let mut table = [(0, 0); 1000];
    let mut plans = PLANS;
    while let [(fewest, most, codes), rest @ ..] = plans {
        let mut codes = *codes;
        while let [code, rest @ ..] = codes {
            if let Some((place, _)) = table.split_at_mut(*code as usize).1.split_first_mut() {
                *place = (*fewest, *most);
            }
            codes = rest;
        }
        plans = rest;
    }
    table
};

/// How long a national number may be behind the country code that these digits begin with, and how long the code is.
pub(super) fn national(
    mut digits: impl Iterator<Item = u8>,
) -> Option<(usize, std::ops::RangeInclusive<usize>)> {
    let mut code = 0usize;
    for len in 1..=3 {
        code = code * 10 + usize::from(digits.next()? - b'0');
        if let Some((fewest, most @ 1..)) = BY_CODE.get(code) {
            let fits = code != 1 || digits.next().is_some_and(|area| area >= b'2');
            return fits.then(|| (len, usize::from(*fewest)..=usize::from(*most)));
        }
    }
    None
}
