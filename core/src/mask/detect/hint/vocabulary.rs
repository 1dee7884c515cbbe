//! The words that names of columns are made of, and what each says. Not a list of names: any words joined by underscores
//! that stand in a name count.

use std::collections::HashMap;
use std::sync::LazyLock;

/// What words say: a bit for each of the lists below.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Said(u32);

impl Said {
    pub(super) const NOTHING: Said = Said(0);

    pub(super) const fn is_any(self, of: Said) -> bool {
        self.0 & of.0 != 0
    }
    pub(super) const fn and(self, other: Said) -> Said {
        Said(self.0 | other.0)
    }
}

/// No entry has more words.
pub(super) const MOST_WORDS: usize = 4;

/// What these words, joined by underscores, say together.
pub(super) fn said_by(words: &[u8]) -> Said {
    ENTRIES.get(words).copied().unwrap_or(Said::NOTHING)
}

static ENTRIES: LazyLock<HashMap<&'static [u8], Said>> = LazyLock::new(|| {
    let mut entries: HashMap<&'static [u8], Said> = HashMap::new();
    for (said, words) in LISTS {
        for word in words.split_ascii_whitespace() {
            let entry = entries.entry(word.as_bytes()).or_default();
            *entry = entry.and(*said);
        }
    }
    entries
});
/// Days of birth.
pub(super) const BIRTH: Said = Said(1 << 0);
/// What is known of a birth beside its day.
pub(super) const NO_BIRTH: Said = Said(1 << 1);
/// Postal addresses.
pub(super) const PLACE: Said = Said(1 << 2);
/// Addresses of other things.
pub(super) const NO_PLACE: Said = Said(1 << 3);
/// Names of persons, beyond doubt.
pub(super) const NAMES: Said = Said(1 << 4);
/// What is known of a name, and names of other things, beside such a word.
pub(super) const NO_NAMES: Said = Said(1 << 5);
pub(super) const NAME: Said = Said(1 << 6);
/// Who may have a name.
pub(super) const PEOPLE: Said = Said(1 << 7);
/// Words beside those of people that change nothing.
pub(super) const BESIDE: Said = Said(1 << 8);
/// Words of people that say nothing on their own.
pub(super) const NOT_ALONE: Said = Said(1 << 9);
/// Names of other things, and of persons as machines know them.
pub(super) const NO_PERSON: Said = Said(1 << 10);
/// Words that make a name speak of something else than the value itself.
pub(super) const OTHER_THINGS: Said = Said(1 << 11);
pub(super) const NUMBER: Said = Said(1 << 12);
pub(super) const CARD: Said = Said(1 << 13);
/// Cards whose number is meant only where the name says so.
pub(super) const CARD_ITSELF: Said = Said(1 << 14);
pub(super) const SSN: Said = Said(1 << 15);
pub(super) const CPF: Said = Said(1 << 16);
pub(super) const PHONE: Said = Said(1 << 17);
pub(super) const IBAN: Said = Said(1 << 18);
pub(super) const EMAIL: Said = Said(1 << 19);
pub(super) const MAC: Said = Said(1 << 20);
pub(super) const COIN: Said = Said(1 << 21);
pub(super) const AWS: Said = Said(1 << 22);
/// Keys of services.
pub(super) const KEYS: Said = Said(1 << 23);
/// Numbers of goods and devices.
pub(super) const GOODS: Said = Said(1 << 24);
/// Numbers of papers, places, times and prices.
pub(super) const PAPERS: Said = Said(1 << 25);
pub(super) const VERSIONS: Said = Said(1 << 26);

const LISTS: &[(Said, &str)] = &[
    (
        BIRTH,
        "dob birthdate birth_date date_of_birth birthday birth_day dateofbirth born born_on birth_dt bday \
         dt_nascimento geburtsdatum geburtstag nacimiento nascimento naissance nascita birth рождения 生年月日 \
         出生日期 geboortedatum fodselsdato urodzenia",
    ),
    (NO_BIRTH, "place city country year month state name weight"),
    (
        PLACE,
        "address addr addresses street streetaddress street_address addressline address_line adresse \
         anschrift strasse straße direccion dirección domicilio endereco endereço logradouro indirizzo adres \
         adress адрес 地址 住所 주소 residence homeaddress shippingaddress billingaddress postaladdress \
         mailingaddress ship_to bill_to shipto rue",
    ),
    (
        NO_PLACE,
        "email mail ip ipv mac wallet btc eth bitcoin crypto web url server host network memory contract id \
         ids type hash remote source src dest dst client peer local listen bind hardware physical ethernet \
         bus token status verified count kind at code name coin ethereum hw ether internet multicast gateway \
         from",
    ),
    (
        NAMES,
        "fullname firstname lastname surname forename givenname familyname middlename maidenname full_name \
         first_name last_name given_name family_name middle_name maiden_name legal_name preferred_name \
         vorname nachname nombre apellido apellidos nombres prenom prénom nom nome sobrenome cognome имя \
         фамилия фио отчество 姓名 名前 氏名 이름 성명 имя_фамилия naam voornaam achternaam imie imię nazwisko \
         cardholder card_holder cardholder_name fname lname mname name_on_card nombre_completo nome_completo \
         nom_complet nom_de_famille förnamn efternamn الاسم",
    ),
    (NO_NAMES, "id ids hash count company file product type"),
    (NAME, "name names"),
    (
        PEOPLE,
        "customer client contact employee patient person member owner holder recipient sender author manager \
         doctor student teacher guest passenger driver tenant beneficiary emergency billing shipping buyer \
         parent mother father spouse child applicant candidate borrower insured lead rep staff worker \
         reviewer assignee physician attendee signatory subscriber payer payee nurse agent mothers fathers \
         consignee caller respondent citizen participant supervisor kin donor representative display \
         instructor landlord resident lawyer signer approver requester reporter technician guardian witness \
         claimant people human",
    ),
    (BESIDE, "primary account sales main assigned case secondary project to next of first"),
    (NOT_ALONE, "display emergency billing shipping next of"),
    (
        NO_PERSON,
        "product file host server domain table column schema db database company org organization \
         organisation business brand store shop event project team group role category city country state \
         region street school university department dept plan package app application service device model \
         item sku user username login nick nickname screen handle bank currency course class type status font \
         color template job queue bucket branch repo path key field tag song movie book game hotel restaurant \
         vendor supplier manufacturer campaign pet id ids email mail phone address method preference count at \
         date number code url notes note comment language title os browser cluster node pod container image \
         label module function variable env hash segment tier level score rating site page no time reason \
         form source channel ip age gender zip locale lang timezone token secret iban account amount total \
         fax mobile legal_entity space workspace version since space_name enum attribute metric",
    ),
    (
        OTHER_THINGS,
        "id ids count type kind verified hash at date length status country code model os brand prefix format \
         label enabled valid confirmed domain provider is has opt optin last4 last expiry expires exp issuer",
    ),
    (NUMBER, "number num no nr"),
    (CARD, "pan cardnumber creditcard ccnumber ccnum credit_card card_number"),
    (CARD_ITSELF, "card cc"),
    (SSN, "ssn social_security socialsecurity social_security_number ssnum ss_number"),
    (CPF, "cpf cpfs"),
    (
        PHONE,
        "phone phonenumber phones mobile tel telephone cell cellphone fax msisdn telefono teléfono telefon \
         telefone handy celular whatsapp gsm mobil portable movil móvil telefonnummer handynummer cellulare \
         телефон 电话 手机 電話 전화번호 contact_number contact_no ph_no landline homephone workphone mobilephone \
         mobileno phoneno phone_num telnr sms",
    ),
    (IBAN, "iban"),
    (EMAIL, "email mail emailaddress correo courriel"),
    (MAC, "mac macaddress hwaddr bssid ether mac_addr macaddr"),
    (COIN, "wallet btc bitcoin eth ethereum crypto solana coin_address"),
    (AWS, "aws_secret_access_key aws_secret secret_access_key aws_secret_key secretaccesskey"),
    (
        KEYS,
        "secret api_key apikey api_token apitoken access_token accesstoken auth_token authtoken secret_key \
         secretkey private_token bearer client_secret token access_key webhook_secret apisecret credential \
         credentials",
    ),
    (GOODS, "imei imeis iccid isbn ean upc gtin barcode tracking awb asin issn meid imsi eid"),
    (
        PAPERS,
        "order invoice sku serial ticket part lot batch po zip postal postcode zipcode epoch timestamp ts \
         created updated deleted at lat lng lon latitude longitude coordinates price amount cost balance \
         population quantity qty hash sha md5 checksum commit uuid guid receipt shipment parcel size bytes \
         duration revision build salary revenue color colour dimensions score coords location geo gps plz cep \
         vin case booking reservation",
    ),
    (VERSIONS, "version ver versions release build semver firmware oid revision agent range driver kernel"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_entry_is_longer_than_what_is_asked_for() {
        for words in ENTRIES.keys() {
            assert!(words.split(|byte| *byte == b'_').count() <= MOST_WORDS, "{words:?}");
        }
    }
}
