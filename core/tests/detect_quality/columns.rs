//! Values that only the name of their column tells, and the same shapes under names that say something else.

use super::measure::Sample;
use super::seed::Seed;
use sallyport_core::mask::detect::Class;

#[rustfmt::skip]
const FIRST: &[&str] = &["Anna", "João", "Wei", "Ольга", "Fatima", "Björn", "Kofi", "Mary-Jane", "D'Arcy", "Siobhán", "Nguyễn", "Łukasz", "李", "محمد",
    "Priya", "Hiroshi", "Zoë", "Jean-Luc", "Ángel", "Noor", "Ivan", "Grace", "Mateo", "Aylin", "Sipho", "Ingrid", "Γιώργος", "विजय", "유나"];
#[rustfmt::skip]
const LAST: &[&str] = &["Smith", "Müller", "Ivanova", "Tanaka", "O'Neil", "García Márquez", "van der Berg", "Haddad", "da Silva", "MacDonald", "de la Cruz",
    "Nowak", "王小明", "الأحمد", "Öztürk", "Patel", "Le", "St. John", "von Trapp", "Lindqvist", "Fitz-Gerald", "Παπαδόπουλος", "Nkosi", "Reyes"];
#[rustfmt::skip]
const STREETS: &[&str] = &["%# High Street, Leeds LS1 4AP", "Hauptstraße %#, 101## Berlin", "%#, rue de la Paix, 750## Paris", "Calle Mayor %#, 280## Madrid",
    "%### N Main St Apt %, Springfield, IL 627##", "Via Roma %#, 00### Roma RM", "Rua das Flores, %## - Centro, São Paulo", "P.O. Box %###, Nairobi",
    "Flat %, %# Baker Street", "%-%-% Shibuya, Tokyo 150-00##", "ул. Ленина, д. %#, кв. %", "上海市浦东新区世纪大道%##号", "Storgatan %#\n114 ## Stockholm",
    "%# MG Road, Bengaluru 5600##", "Kerkstraat %#-A, 10## AB Amsterdam", "Unit %, %## Collins St, Melbourne VIC 3000"];
#[rustfmt::skip]
const NAME_COLUMNS: &[&str] = &["full_name", "name", "customer_name", "contact", "employeeName", "patient_name", "cardholder_name", "Contact Person", "recipient", "fullName"];
const PLACE_COLUMNS: &[&str] = &[
    "address",
    "street_address",
    "billing_address",
    "shippingAddress",
    "home_address",
    "Address 1",
    "anschrift",
];
const BIRTH_COLUMNS: &[&str] =
    &["dob", "date_of_birth", "birthDate", "birthday", "patient_dob", "geburtsdatum", "birth_date"];
const PHONE_COLUMNS: &[&str] =
    &["phone", "mobile", "home_phone", "PhoneNumber", "contact_phone", "telefon", "fax", "cell"];
const SSN_COLUMNS: &[&str] = &["ssn", "social_security_number", "employee_ssn", "SSN"];

pub fn value(class: Class, seed: &mut Seed) -> Sample {
    let (columns, text) = match class {
        Class::Person => return person(seed),
        Class::Address => {
            let street = *seed.pick(STREETS);
            (PLACE_COLUMNS, seed.fill(street))
        }
        Class::BirthDate => (BIRTH_COLUMNS, date(seed)),
        Class::Phone => {
            let form = *seed.pick(&[
                "N##N######",
                "0## ######",
                "0##########",
                "1N##N######",
                "N##-####",
                "6########",
                "49##########",
                "N### ####",
            ]);
            (PHONE_COLUMNS, seed.fill(form))
        }
        _ => {
            let number =
                format!("{:03}{:02}{:04}", seed.between(1, 665), seed.between(1, 99), seed.between(1, 9999));
            (SSN_COLUMNS, number)
        }
    };
    Sample::of(class, text).under(seed.pick::<&str>(columns))
}

fn person(seed: &mut Seed) -> Sample {
    let (first, last) = (*seed.pick(FIRST), *seed.pick(LAST));
    let (column, text) = match seed.below(9) {
        0 => ("first_name", first.to_owned()),
        1 => ("last_name", last.to_owned()),
        2 => (*seed.pick(NAME_COLUMNS), format!("{last}, {first}")),
        3 => (*seed.pick(NAME_COLUMNS), format!("Dr. {first} {last}")),
        4 => (*seed.pick(NAME_COLUMNS), format!("{first} J. {last}")),
        5 => ("surname", last.to_uppercase()),
        6 => ("full_name", format!("{first} {last}").to_uppercase()),
        _ => (*seed.pick(NAME_COLUMNS), format!("{first} {last}")),
    };
    Sample::of(Class::Person, text).under(column)
}

fn date(seed: &mut Seed) -> String {
    let (year, month, day) = (seed.between(1930, 2012), seed.between(1, 12), seed.between(1, 28));
    let name =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"][month - 1];
    match seed.below(9) {
        0 => format!("{day:02}/{month:02}/{year}"),
        1 => format!("{month}/{day}/{year}"),
        2 => format!("{day:02}.{month:02}.{year}"),
        3 => format!("{name} {day}, {year}"),
        4 => format!("{day} {name} {year}"),
        5 => format!("{year}{month:02}{day:02}"),
        6 => format!("{year}-{month:02}-{day:02}T00:00:00.000Z"),
        7 => format!("{year}年{month}月{day}日"),
        _ => format!("{year}-{month:02}-{day:02}"),
    }
}

/// Shapes of the above where the column says that they are something else.
pub fn nothing(seed: &mut Seed) -> Sample {
    let (column, text) = match seed.below(22) {
        0 => ("product_name", format!("{} Deluxe", seed.pick(&["Aurora", "Sierra", "Atlas"]))),
        1 => ("file_name", seed.fill("report_####.pdf")),
        2 => ("hostname", seed.fill("web-##.example")),
        3 => ("created_at", date(seed)),
        4 => ("updated_on", date(seed)),
        5 => ("order_id", seed.fill("N##N######")),
        6 => (
            "company_name",
            seed.pick(&["Smith & Sons Ltd", "Müller GmbH", "Garcia Partners LLC"]).to_string(),
        ),
        7 => (
            "name",
            seed.pick(&[
                "Acme Inc.",
                "prod-db-01",
                "Blue Ceramic Mug",
                "invoice.pdf",
                "n/a",
                "Wireless Mouse",
            ])
            .to_string(),
        ),
        8 => ("total", seed.fill("%########")),
        9 => ("city", seed.pick(&["Paris", "San Francisco", "東京", "New York"]).to_string()),
        10 => ("ip_address_id", seed.fill("%######")),
        11 => ("phone_model", seed.pick(&["Pixel 8", "iPhone 15"]).to_string()),
        12 => ("email_address_count", seed.fill("%#")),
        13 => ("zip", seed.fill("%####-####")),
        14 => ("imei", seed.fill("35#############")),
        15 => ("app_version", seed.fill("%.%#.#.##")),
        16 => ("username", seed.fill("______##")),
        17 => ("table_name", seed.fill("______________")),
        18 => ("expires_on", date(seed)),
        19 => ("invoice_number", seed.fill("###-##-####")),
        20 => ("event_name", "Anna Smith Memorial".to_owned()),
        _ => ("status", seed.pick(&["Active", "Pending Review", "Closed"]).to_string()),
    };
    Sample::nothing(text).under(column)
}
